"""Whole calls with fake engines on a jumping clock. Each test states a property of a call."""

from __future__ import annotations

import pytest

from pipeline.turn import Say, ToolCall, Transcript
from tests.stage import LONG, SETTINGS, Stage, calls_then_says, tool

TURNS = SETTINGS.turns


def test_the_greeting_sounds_before_the_caller_does() -> None:
    stage = Stage([-0.02]).run()
    assert stage.line.times("play")[0] == 0.0
    assert stage.call.turns[0].said == ["Hi there."]


def test_a_turn_is_transcribed_answered_and_remembered() -> None:
    stage = Stage([-1.5, 1.0, -3.0]).run()
    turn = stage.call.turns[1]
    assert turn.transcript == Transcript("caller 1")
    assert (turn.said, turn.heard, turn.interrupted) == (["Yes."], "Yes.", False)
    assert stage.chat() == [("assistant", "Hi there."), ("user", "caller 1")]


def test_the_speech_that_is_transcribed_begins_before_it_was_believed() -> None:
    stage = Stage([-1.5, 1.0, -3.0]).run()
    assert 1.1 < stage.speeches[0].duration < 1.5


def test_marks_follow_the_ledgers_order_and_count_from_the_last_speech() -> None:
    marks = Stage([-1.5, 1.0, -3.0]).run().call.turns[1].marks
    assert marks["soft_end"] == pytest.approx(TURNS.soft_end_ms / 1000, abs=0.021)
    assert marks["turn_end"] == pytest.approx(TURNS.end_ms / 1000, abs=0.021)
    assert marks["transcript"] == pytest.approx(marks["soft_end"] + 0.1, abs=0.001)
    assert marks["first_token"] <= marks["first_clause"] <= marks["first_audio"] < marks["sent"]
    assert marks["sent"] == pytest.approx(marks["committed"], abs=0.001)


def test_nothing_is_heard_of_a_reply_before_its_turn_has_ended() -> None:
    stage = Stage([-1.5, 1.0, -3.0]).run()
    turn_end = stage.call.turns[1].speech_end + stage.call.turns[1].marks["turn_end"]
    greeting_end = 1.4
    assert stage.plays_between(greeting_end, turn_end) == []
    assert stage.plays_between(turn_end, 10.0) != []


def test_speech_after_a_short_silence_voids_what_was_prepared() -> None:
    stage = Stage([-1.5, 1.0, -0.3, 1.0, -3.0]).run()
    assert len(stage.call.turns) == 2
    assert stage.speeches[-1].duration > 2.2
    assert stage.chat() == [("assistant", "Hi there."), ("user", "caller 2")]


def test_a_caller_who_goes_on_before_the_answer_sounds_gets_one_answer_to_all() -> None:
    # 0.7 s of pause is past the end of the turn, but this transcriber is slower than that.
    stage = Stage([-1.5, 1.0, -0.7, 1.0, -4.0], asr_s=0.8).run()
    assert [turn.index for turn in stage.call.turns] == [0, 1]
    assert stage.speeches[-1].duration > 2.6
    assert stage.line.times("clear") == []


def test_after_a_clear_nothing_is_sent_until_the_next_turn() -> None:
    stage = Stage([-1.5, 1.0, -2.5, 1.0, -3.0], reply=LONG).run()
    (cleared,) = stage.line.times("clear")
    next_reply = stage.call.turns[2].speech_end + stage.call.turns[2].marks["committed"]
    assert stage.plays_between(cleared, next_reply) == []
    assert stage.plays_between(next_reply, 100.0) != []


def test_only_heard_words_are_remembered() -> None:
    stage = Stage([-1.5, 1.0, -2.5, 1.0, -3.0], reply=LONG).run()
    turn = stage.call.turns[1]
    assert turn.interrupted
    assert turn.heard
    assert LONG.startswith(turn.heard)
    assert len(turn.heard) < 50
    assert stage.chat()[2] == ("assistant", turn.heard)


def test_audio_is_sent_ahead_of_the_ear_but_not_far() -> None:
    stage = Stage([-1.5, 1.0, -14.0], reply=LONG).run()
    dry_at = 0.0
    for at, kind, what in stage.line.log:
        if kind == "play":
            assert isinstance(what, float)
            assert dry_at - at <= TURNS.lead_ms / 1000 + 0.001
            dry_at = max(dry_at, at) + what
    sent = [at for at in stage.line.times("play") if at > 2.0]
    assert len(sent) > 10


@pytest.mark.parametrize("hang_up_after", [0.01, 0.13, 0.3, 0.51, 0.6, 1.0, 2.0])
def test_hanging_up_at_any_moment_leaves_no_task_and_no_open_stream(hang_up_after: float) -> None:
    stage = Stage([-1.5, 1.0, -hang_up_after], reply=LONG).run()
    for engine in (stage.asr, stage.llm, stage.tts):
        assert engine.opened == engine.closed


def test_every_opened_stream_is_closed_whatever_the_caller_does() -> None:
    script = [-0.3, 0.4, -0.15, 0.5, -0.9, 0.3, -0.2, 0.6, -2.0, 0.4, -0.7, 0.5, -0.05, 0.4, -1.0]
    stage = Stage(script, reply=LONG).run()
    for engine in (stage.asr, stage.llm, stage.tts):
        assert engine.opened == engine.closed > 0


@pytest.mark.parametrize("engine", ["asr", "llm", "tts"])
def test_a_failing_engine_costs_a_turn_not_the_call(engine: str) -> None:
    stage = Stage([-1.5, 1.0, -4.0, 1.0, -3.0], broken={engine: {0}}).run()
    first, second = stage.call.turns[1:]
    assert first.failures == [f"{engine} broke"]
    assert first.heard == "Sorry, say again?"
    assert (second.failures, second.heard) == ([], "Yes.")


def test_an_empty_reply_is_apologised_for() -> None:
    stage = Stage([-1.5, 1.0, -4.0], llm_script=lambda prompt: [(0.1, Say(" ... "))]).run()
    assert stage.call.turns[1].heard == "Sorry, say again?"


def test_noise_without_words_is_no_turn() -> None:
    stage = Stage([-1.5, 1.0, -3.0, 1.0, -3.0], texts=["", "", "hello", "hello"]).run()
    assert [turn.index for turn in stage.call.turns] == [0]
    assert stage.prompts == []


def test_keys_are_noted() -> None:
    assert Stage([-0.5, "12#", -0.5]).run().call.keys == "12#"


# -- Tools ------------------------------------------------------------------------------------


def test_a_tools_result_goes_back_to_the_model() -> None:
    log: list[str] = []
    stage = Stage(
        [-1.5, 1.0, -4.0],
        tools=[tool(log, "look", writes=False, takes_s=0.1)],
        llm_script=calls_then_says("look"),
    ).run()
    turn = stage.call.turns[1]
    assert turn.heard == "It is done."
    assert [result.call.name for result in turn.tools] == ["look"]
    assert stage.chat()[-1][1] == '<tool_response>{"ok": true}</tool_response>'


def test_a_tool_that_can_speak_for_itself_needs_no_second_round() -> None:
    log: list[str] = []
    look = tool(log, "look", writes=False, takes_s=0.1, speak=lambda outcome: "Found it.")
    stage = Stage([-1.5, 1.0, -4.0], tools=[look], llm_script=calls_then_says("look")).run()
    assert stage.call.turns[1].heard == "Found it."
    assert len(stage.prompts) == 1


def test_a_write_waits_for_the_turns_end_and_a_read_does_not() -> None:
    # The caller resumes after 0.34 s of silence: time enough to prepare, not to commit.
    for writes, begun in ((False, ["t began", "t done"]), (True, [])):
        log: list[str] = []
        Stage(
            [-1.5, 1.0, -0.34, 0.5],
            tools=[tool(log, "t", writes=writes, takes_s=0.05)],
            llm_script=calls_then_says("t"),
        ).run()
        assert log == begun


@pytest.mark.parametrize("writes", [True, False])
def test_interruption_ends_a_read_but_not_a_write(writes: bool) -> None:
    log: list[str] = []
    stage = Stage(
        [-1.5, 1.0, -1.0, 1.0, -4.0],
        tools=[tool(log, "t", writes=writes, takes_s=2.0)],
        llm_script=lambda prompt: (
            [(0.05, ToolCall("t", {}))] if len(stage.prompts) == 1 else [(0.05, Say("Yes."))]
        ),
    )
    stage.run()
    assert log == ["t began", "t done" if writes else "t cancelled"]
    if writes:
        assert [result.call.name for result in stage.call.turns[1].tools] == ["t"]
        assert len(stage.call.turns) == 3


def test_hanging_up_lets_a_begun_write_finish() -> None:
    log: list[str] = []
    stage = Stage(
        [-1.5, 1.0, -0.8],
        tools=[tool(log, "t", writes=True, takes_s=2.0)],
        llm_script=calls_then_says("t"),
    ).run()
    assert log == ["t began", "t done"]
    assert stage.call.turns[1].tools[0].committed


def test_of_a_long_utterance_only_the_tail_is_left_at_its_end() -> None:
    # Half a minute, with pauses that are too short to end it.
    script: list[float | str] = [-1.5, *(2.2, -0.3) * 12, 1.0, -3.0]
    texts = [f"part {n}" for n in range(1, 60)]
    stage = Stage(script, texts=texts).run()
    (turn,) = stage.call.turns[1:]
    assert turn.transcript is not None
    assert stage.speeches[-1].duration < 12.5
    # The pieces' words and the tail's, in order.
    parts = turn.transcript.text.split("part ")[1:]
    assert len(parts) >= 3
    assert [int(part) for part in parts] == sorted(int(part) for part in parts)
    assert turn.marks["transcript"] < 0.3
