"""Whole calls in which the agent is spoken over: by somebody, and by nothing."""

from __future__ import annotations

import pytest

from pipeline.errors import EngineFailed
from pipeline.fakes import Scripted
from pipeline.interruption.onset import ASKED_MS, Onset
from tests.stage import LONG, AllSpeech, Stage

TWICE = ["tell me more", "", "thanks", "thanks"]


def test_after_a_noise_the_agent_goes_on_with_what_was_left_unsaid() -> None:
    stage = Stage([-1.5, 1.0, -2.5, 0.8, -14.0], reply=LONG, texts=TWICE).run()
    turn = stage.call.turns[1]
    assert len(stage.line.times("clear")) == 1
    assert len(stage.call.turns) == 2
    assert not turn.interrupted
    assert turn.heard == LONG.strip()
    assert len(stage.prompts) == 1


def test_going_on_begins_again_with_the_clause_that_was_broken() -> None:
    stage = Stage([-1.5, 1.0, -2.5, 0.8, -14.0], reply=LONG, texts=TWICE).run()
    assert " ".join(stage.spoken[:3]) == LONG.strip()
    assert stage.spoken[3:] == stage.spoken[1:3]


def test_what_was_heard_whole_is_not_said_again() -> None:
    stage = Stage([-1.5, 1.0, -7.5, 0.8, -14.0], reply=LONG, texts=TWICE).run()
    assert stage.spoken[3:] == stage.spoken[2:3]
    assert stage.call.turns[1].heard == LONG.strip()


def test_who_speaks_after_the_noise_interrupts_for_good() -> None:
    texts = ["tell me more", "", "no thanks", "no thanks"]
    stage = Stage([-1.5, 1.0, -2.5, 0.8, -2.5, 1.0, -3.0], reply=LONG, texts=texts).run()
    turn = stage.call.turns[1]
    assert turn.interrupted
    assert turn.heard
    assert LONG.startswith(turn.heard)
    assert stage.call.turns[2].transcript is not None
    assert stage.call.turns[2].transcript.text == "no thanks"


def test_a_turn_is_reported_once_and_only_when_it_can_grow_no_more() -> None:
    stage = Stage([-1.5, 1.0, -2.5, 0.8, -14.0, 1.0, -3.0], reply=LONG, texts=TWICE).run()
    assert [turn.index for turn in stage.settled] == [0, 1, 2]
    assert stage.settled[1].heard == LONG.strip()


def test_noise_over_silence_repeats_nothing() -> None:
    stage = Stage([-1.5, 1.0, -4.0, 0.8, -4.0], texts=["hello", ""]).run()
    assert stage.spoken == ["Yes."]


# -- Sounds that may be backchannels ------------------------------------------------------------

DOUBTFUL = AllSpeech(speech=False)
"""The beginning of no sound is taken for speech's."""


def test_a_backchannel_does_not_stop_the_agent() -> None:
    texts = ["tell me more", "Mm-hmm."]
    script: list[float | str] = [-1.5, 1.0, -2.0, 0.3, -12.0]
    stage = Stage(script, reply=LONG, texts=texts, onsets=DOUBTFUL).run()
    assert stage.line.times("clear") == []
    assert len(stage.call.turns) == 2
    assert stage.call.turns[1].heard == LONG.strip()
    assert stage.call.talked_over == 1


def test_a_short_word_that_matters_stops_it_once_it_is_understood() -> None:
    texts = ["tell me more", "No, stop."]
    script: list[float | str] = [-1.5, 1.0, -2.0, 0.3, -12.0]
    stage = Stage(script, reply=LONG, texts=[*texts, *texts[1:]], onsets=DOUBTFUL).run()
    assert len(stage.line.times("clear")) == 1
    assert stage.call.turns[1].interrupted
    turn = stage.call.turns[2]
    assert turn.transcript is not None
    assert turn.transcript.text == "No, stop."
    # The whole word was transcribed, and what came before it with it.
    assert 0.5 < stage.speeches[-1].duration < 1.5
    assert turn.heard


def test_who_goes_on_speaking_stops_it_whatever_it_sounds_like() -> None:
    texts = ["tell me more", "Yeah but I have one."]
    script: list[float | str] = [-1.5, 1.0, -2.0, 1.5, -4.0]
    stage = Stage(script, reply=LONG, texts=texts, onsets=DOUBTFUL).run()
    (cleared,) = stage.line.times("clear")
    assert 0.55 < cleared - 4.5 < 0.7
    assert stage.speeches[-1].duration > 1.5


def test_yeah_over_the_last_word_is_an_answer() -> None:
    texts = ["tell me more", "Yeah.", "Yeah."]
    # The reply is said from 2.9 to 3.3; the caller speaks from 3.1 to 3.5.
    script: list[float | str] = [-1.5, 1.0, -0.6, 0.4, -4.0]
    stage = Stage(script, reply="Agreed?", texts=texts, onsets=DOUBTFUL).run()
    assert [turn.transcript.text for turn in stage.call.turns if turn.transcript] == texts[:2]


def test_a_short_sound_that_is_not_understood_is_let_go() -> None:
    script: list[float | str] = [-1.5, 1.0, -2.0, 0.3, -12.0]
    stage = Stage(script, reply=LONG, broken={"asr": {1}}, onsets=DOUBTFUL).run()
    assert stage.line.times("clear") == []
    assert stage.call.talked_over == 1


def test_mm_hm_that_silenced_the_agent_after_all_lets_it_go_on() -> None:
    texts = ["tell me more", "Mm-hmm."]
    stage = Stage([-1.5, 1.0, -2.5, 0.8, -14.0], reply=LONG, texts=texts).run()
    assert len(stage.line.times("clear")) == 1
    assert len(stage.call.turns) == 2
    assert stage.call.turns[1].heard == LONG.strip()


# -- An engine that is asked how a sound began ----------------------------------------------------


def heard_from(age_ms: int, delay_s: float = 0.01) -> Scripted[Onset, float]:
    """Takes every sound for speech, once it is that old."""
    return Scripted(lambda onset: [(delay_s, 1.0 if onset.age_ms >= age_ms else -1.0)])


SPOKEN_OVER: list[float | str] = [-1.5, 1.0, -2.0, 1.5, -4.0]


@pytest.mark.parametrize("age_ms", ASKED_MS[:3])
def test_who_is_heard_to_speak_stops_the_agent_as_soon_as_the_answer_is_there(age_ms: int) -> None:
    stage = Stage(SPOKEN_OVER, reply=LONG, onsets=DOUBTFUL, ear=heard_from(age_ms)).run()
    (cleared,) = stage.line.times("clear")
    assert 0.0 <= cleared - 4.5 - age_ms / 1000 < 0.05
    assert stage.speeches[-1].duration > 1.5


def test_a_murmur_by_that_engine_does_not_stop_the_agent() -> None:
    texts = ["tell me more", "Mm-hmm."]
    script: list[float | str] = [-1.5, 1.0, -2.0, 0.3, -12.0]
    stage = Stage(script, reply=LONG, texts=texts, ear=heard_from(10_000)).run()
    assert stage.line.times("clear") == []
    assert stage.call.talked_over == 1


def test_where_that_engine_fails_length_decides() -> None:
    ear: Scripted[Onset, float] = Scripted(lambda onset: [(0.01, EngineFailed("ear", "broke"))])
    stage = Stage(SPOKEN_OVER, reply=LONG, ear=ear).run()
    (cleared,) = stage.line.times("clear")
    assert 0.7 < cleared - 4.5 < 0.9


def test_nothing_is_asked_while_the_agent_is_silent() -> None:
    ear = heard_from(0)
    Stage([-4.0, 1.0, -0.3], ear=ear).run()
    assert ear.opened == 0
