"""The account of answers begun too early."""

from __future__ import annotations

from pipeline.config_timing import TurnSettings
from pipeline.speculation import Speculation, SpeculationCounts

SETTINGS = TurnSettings(speculation_s=2.0, speculation_refill_s=20.0)


def test_a_call_that_wastes_nothing_may_always_speculate() -> None:
    account = Speculation(SETTINGS)
    for now in range(100):
        assert account.allowed(float(now))
        account.started()
        account.committed()
    assert account.counts == SpeculationCounts(started=100, committed=100)


def test_a_call_that_keeps_going_on_is_stopped_for_a_while_and_not_for_ever() -> None:
    account = Speculation(SETTINGS)
    for _ in range(3):
        account.discarded(0.8, now=0.0)
    assert not account.allowed(0.0)
    # The debt of 2.4 s has to fall to half the allowance, at a tenth of a second a second.
    assert not account.allowed(13.9)
    assert account.allowed(14.1)


def test_once_allowed_again_it_has_half_its_allowance() -> None:
    account = Speculation(SETTINGS)
    account.discarded(2.4, now=0.0)
    assert not account.allowed(0.0)
    assert account.allowed(15.0)
    account.discarded(0.9, now=15.0)
    assert account.allowed(15.0)
    account.discarded(0.5, now=15.0)
    assert not account.allowed(15.0)


def test_counts_can_be_told_in_parts() -> None:
    account = Speculation(SETTINGS)
    account.started()
    account.discarded(0.25, now=0.0)
    first = account.counts
    account.started()
    account.committed()
    assert first == SpeculationCounts(1, 0, 1, 0.25)
    assert account.counts.since(first) == SpeculationCounts(1, 1, 0, 0.0)
