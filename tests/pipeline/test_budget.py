"""The ladder itself; whole calls that climb down it are in test_call_budget.py."""

from __future__ import annotations

import itertools

import pytest
from pydantic import ValidationError

from pipeline import budget
from pipeline.budget import Rung
from pipeline.config import AgentSettings
from pipeline.config_timing import BudgetSettings

BUDGET = BudgetSettings()
AGENT = AgentSettings()


def test_rungs_are_taken_in_order_of_time_and_cost() -> None:
    steps = budget.steps(BUDGET)
    assert [step.rung for step in steps] == list(Rung)
    assert all(a.after_s < b.after_s for a, b in itertools.pairwise(steps))


def test_only_what_can_be_heard_waits_for_the_turns_end() -> None:
    assert [step.audible for step in budget.steps(BUDGET)] == [False, True, True, True]


def test_the_late_stage_is_the_first_that_is_not_done() -> None:
    assert budget.overrun(BUDGET, [], 0.2) is None
    assert budget.overrun(BUDGET, [], 0.4) == "transcript"
    assert budget.overrun(BUDGET, ["transcript"], 2.0) == "first_token"
    assert budget.overrun(BUDGET, ["transcript", "first_token", "first_clause"], 2.0) == (
        "first_audio"
    )


def test_the_filler_fits_the_moment() -> None:
    assert budget.filler_for(AGENT, 2, "When are you free?", True) == (
        AGENT.checking[0],
        Rung.FILLER,
    )
    assert budget.filler_for(AGENT, 2, "How much is it?", False)[0] in AGENT.thinking
    text, rung = budget.filler_for(AGENT, 2, "I see.", False)
    assert (text in AGENT.waiting, rung) == (True, Rung.CLIP)
    assert budget.filler_for(AGENT, 2, None, False)[1] is Rung.CLIP


def test_no_filler_is_said_twice_running() -> None:
    for tool in (True, False):
        for caller in ("Why?", "Well."):
            said = [budget.filler_for(AGENT, turn, caller, tool)[0] for turn in range(6)]
            assert all(a != b for a, b in itertools.pairwise(said))


def test_a_budget_out_of_order_is_refused_by_name() -> None:
    with pytest.raises(ValidationError, match="first_token_ms must not be more than"):
        BudgetSettings(first_token_ms=900)
    with pytest.raises(ValidationError, match="give_up_ms"):
        BudgetSettings(give_up_ms=2000)
