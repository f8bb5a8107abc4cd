"""What the judge says to sounds made of numbers, with an opinion on onsets that each test picks."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from pipeline.audio import FRAME_SAMPLES, LINE_RATE, Pcm
from pipeline.interruption.judge import (
    GAP_MS,
    LONGEST_ASKED_MS,
    LONGEST_HELD_MS,
    SHORTEST_MS,
    Interruptions,
    Verdict,
)
from pipeline.interruption.onset import (
    AGES_MS,
    ASKED_MS,
    ASKED_PRE_MS,
    Onset,
    Onsets,
    expected_samples,
)

FRAME_S = FRAME_SAMPLES / LINE_RATE
NOISE = (np.random.default_rng(3).standard_normal(400 * FRAME_SAMPLES) * 2000).astype(np.int16)


class Opinion(Onsets):
    """Says the same of every onset that is old enough, and counts how often it was asked."""

    def __init__(self, speech_from_ms: int | None) -> None:
        self._from_ms = speech_from_ms
        self.asked: list[tuple[int, int]] = []

    def score(self, sound: NDArray[np.float32], age_ms: int) -> float:
        self.asked.append((age_ms, len(sound)))
        return 1.0 if self._from_ms is not None and age_ms >= self._from_ms else -1.0


NEVER, AT_ONCE = None, AGES_MS[0]


def verdicts(
    judge: Interruptions, voiced: Iterable[bool], pcm: Pcm = NOISE, begin: int = 0
) -> list[Verdict]:
    return [
        judge.feed(pcm[n * FRAME_SAMPLES : (n + 1) * FRAME_SAMPLES], is_voiced, n * FRAME_S)
        for n, is_voiced in enumerate(voiced, begin)
    ]


def pattern(text: str) -> list[bool]:
    """``#`` is a voiced frame of 20 ms, ``.`` an unvoiced one."""
    return [char == "#" for char in text]


def test_silence_is_nothing_and_costs_no_opinion() -> None:
    opinion = Opinion(AT_ONCE)
    assert set(verdicts(Interruptions(opinion), [False] * 300)) == {Verdict.NOTHING}
    assert opinion.asked == []


@given(st.lists(st.integers(1, SHORTEST_MS // 20 - 1), max_size=5))
def test_clicks_never_interrupt_and_are_not_worth_a_transcription(clicks: list[int]) -> None:
    voiced = [flag for n in clicks for flag in [True] * n + [False] * (GAP_MS // 20)]
    said = verdicts(Interruptions(Opinion(AT_ONCE)), voiced)
    assert not {Verdict.INTERRUPTS, Verdict.PASSED} & set(said)


def test_what_sounds_like_speech_interrupts_at_the_first_age_that_is_asked_about() -> None:
    said = verdicts(Interruptions(Opinion(AT_ONCE)), pattern("..." + "#" * 30))
    assert (said.index(Verdict.INTERRUPTS) - 3 + 1) * 20 == AGES_MS[0]


@pytest.mark.parametrize("age_ms", AGES_MS)
def test_an_opinion_may_ripen(age_ms: int) -> None:
    said = verdicts(Interruptions(Opinion(age_ms)), pattern("." * 3 + "#" * 30))
    assert (said.index(Verdict.INTERRUPTS) - 3 + 1) * 20 == age_ms


@given(st.lists(st.booleans(), min_size=10, max_size=100))
@settings(max_examples=60)
def test_whatever_goes_on_long_enough_interrupts(start: list[bool]) -> None:
    said = verdicts(Interruptions(Opinion(NEVER)), [*start, *[True] * (LONGEST_HELD_MS // 20 + 1)])
    assert Verdict.INTERRUPTS in said


@given(st.lists(st.booleans(), max_size=150))
@settings(max_examples=60)
def test_nothing_interrupts_on_less_voiced_sound_than_the_first_age_wants(
    voiced: list[bool],
) -> None:
    said = verdicts(Interruptions(Opinion(AT_ONCE)), voiced)
    for index, verdict in enumerate(said):
        if verdict is Verdict.INTERRUPTS:
            recent = voiced[: index + 1][-AGES_MS[-1] // 20 :]
            assert sum(recent) * 20 >= 0.5 * AGES_MS[0]


def test_a_backchannel_is_held_then_passed() -> None:
    judge = Interruptions(Opinion(NEVER))
    said = verdicts(judge, pattern("....." + "#" * 15 + "." * 20))
    held = 15 + GAP_MS // 20 - 1
    assert said[5 : 5 + held] == [Verdict.HOLD] * held
    assert said[5 + held] is Verdict.PASSED
    assert set(said[6 + held :]) == {Verdict.NOTHING}
    assert judge.began == pytest.approx(0.1)


def test_a_short_gap_belongs_to_the_sound() -> None:
    said = verdicts(Interruptions(Opinion(NEVER)), pattern("#######.....########" + "." * 20))
    assert said.count(Verdict.PASSED) == 1
    assert Verdict.INTERRUPTS not in said


def test_a_sound_interrupts_once() -> None:
    said = verdicts(Interruptions(Opinion(AT_ONCE)), pattern("#" * 100))
    assert said.count(Verdict.INTERRUPTS) == 1


def test_each_sound_is_judged_afresh() -> None:
    once = "#" * 12 + "." * (GAP_MS // 20)
    said = verdicts(Interruptions(Opinion(AT_ONCE)), pattern(once * 3))
    assert said.count(Verdict.INTERRUPTS) == 3


def test_reset_forgets_the_sound() -> None:
    judge = Interruptions(Opinion(NEVER))
    before = verdicts(judge, [True] * 20)
    judge.reset()
    after = verdicts(judge, [True] * 20, begin=20)
    assert Verdict.INTERRUPTS not in before + after


def test_an_onset_is_shown_from_before_its_first_voiced_frame() -> None:
    opinion = Opinion(NEVER)
    verdicts(Interruptions(opinion), pattern("." * 5 + "#" * 30))
    assert opinion.asked == [(age_ms, expected_samples(age_ms)) for age_ms in AGES_MS]


def test_a_sound_at_the_very_start_of_a_call_is_judged_too() -> None:
    opinion = Opinion(AT_ONCE)
    assert Verdict.INTERRUPTS in verdicts(Interruptions(opinion), [True] * 20)


def test_a_sparse_sound_is_not_taken_for_speech_by_its_onset() -> None:
    opinion = Opinion(AT_ONCE)
    verdicts(Interruptions(opinion), pattern("#..#..#..#..#..#..#.."))
    assert opinion.asked == []


# -- Where somebody else is asked ---------------------------------------------------------------


def asked_of(judge: Interruptions, voiced: list[bool]) -> list[Onset]:
    """Feeds the frames and answers nothing; what was asked."""
    asked: list[Onset] = []
    for n, is_voiced in enumerate(voiced):
        if verdicts(judge, [is_voiced], begin=n) == [Verdict.ASK]:
            assert judge.question is not None
            asked.append(judge.question)
    return asked


def test_without_nets_it_asks_at_each_age_and_shows_the_sound_and_what_was_before_it() -> None:
    asked = asked_of(Interruptions(None), pattern("." * 10 + "#" * 35 + "." * 20))
    assert [onset.age_ms for onset in asked] == list(ASKED_MS)
    for onset in asked:
        first = 10 * FRAME_SAMPLES - ASKED_PRE_MS * LINE_RATE // 1000
        count = (ASKED_PRE_MS + onset.age_ms) * LINE_RATE // 1000
        assert onset.sound.astype(np.int16).tolist() == NOISE[first : first + count].tolist()
        assert onset.began == pytest.approx(10 * FRAME_S)


def test_a_good_answer_interrupts_once_and_nothing_is_asked_after_it() -> None:
    judge = Interruptions(None)
    (onset,) = asked_of(judge, pattern("#" * (ASKED_MS[0] // 20)))
    assert judge.answer(onset, 1.0)
    assert not judge.answer(onset, 1.0)
    assert set(verdicts(judge, [True] * 100, begin=6)) == {Verdict.NOTHING}


def test_a_bad_answer_changes_nothing() -> None:
    judge = Interruptions(None)
    (onset,) = asked_of(judge, pattern("#" * (ASKED_MS[0] // 20)))
    assert not judge.answer(onset, -1.0)
    assert Verdict.ASK in verdicts(judge, [True] * 10, begin=6)


def test_an_answer_about_a_sound_that_is_over_is_too_late() -> None:
    judge = Interruptions(None)
    onset = asked_of(judge, pattern("#" * 8 + "." * (GAP_MS // 20)))[-1]
    assert not judge.answer(onset, 1.0)
    verdicts(judge, [True] * 4, begin=20)
    assert not judge.answer(onset, 1.0)


def test_a_sound_that_nobody_answers_for_interrupts_when_it_is_too_long_for_a_murmur() -> None:
    said = verdicts(Interruptions(None), [True] * 60)
    assert (said.index(Verdict.INTERRUPTS) + 1) * 20 == LONGEST_ASKED_MS


@pytest.mark.parametrize(("lean", "interrupts"), [(0.0, False), (2.0, True)])
def test_a_lean_is_added_to_an_answer(lean: float, interrupts: bool) -> None:
    judge = Interruptions(None, lean)
    (onset,) = asked_of(judge, pattern("#" * (ASKED_MS[0] // 20)))
    assert judge.answer(onset, -1.0) is interrupts
