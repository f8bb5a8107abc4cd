"""Endpointing on plain booleans: no audio, no clock."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from pipeline.config_timing import TurnSettings
from pipeline.endpointing.endpoint import Endpointer
from pipeline.turn import EndpointEvent, Resumed, SoftEnd, SpeechStarted, TurnEnded

SETTINGS = TurnSettings(start_ms=60, soft_end_ms=120, unsure_ms=500, max_utterance_s=10)


def feed(pattern: str, guarded: bool = False) -> list[EndpointEvent]:
    """``#`` is a voiced frame of 20 ms, ``.`` an unvoiced one."""
    endpointer = Endpointer(SETTINGS)
    events = (
        endpointer.feed(char == "#", index * 0.02, guarded) for index, char in enumerate(pattern)
    )
    return [event for event in events if event is not None]


def rounded(events: list[EndpointEvent]) -> list[tuple[str, float]]:
    return [(type(event).__name__, round(event.at, 3)) for event in events]


def test_a_turn_begins_at_its_first_voiced_frame_and_ends_at_its_last() -> None:
    events = feed("." * 5 + "#" * 50 + "." * 30)
    assert rounded(events) == [("SpeechStarted", 0.1), ("SoftEnd", 1.1), ("TurnEnded", 1.1)]


def test_a_click_is_no_turn() -> None:
    assert feed("." * 5 + "##" + "." * 60) == []


def test_speech_after_a_soft_end_takes_it_back() -> None:
    events = feed("#" * 20 + "." * 10 + "#" * 20 + "." * 30)
    assert rounded(events) == [
        ("SpeechStarted", 0.0),
        ("SoftEnd", 0.4),
        ("Resumed", 0.6),
        ("SoftEnd", 1.0),
        ("TurnEnded", 1.0),
    ]


def test_a_lone_click_in_a_pause_does_not_delay_the_end() -> None:
    quiet = feed("#" * 20 + "." * 25)
    clicked = feed("#" * 20 + "." * 12 + "#" + "." * 12)
    assert rounded(quiet) == rounded(clicked)
    assert isinstance(quiet[-1], TurnEnded)


def test_the_pause_lasts_as_long_as_it_is_told_to() -> None:
    for wait_ms in (200, 380, 720, 1200):
        endpointer = Endpointer(SETTINGS)
        ended_ms = None
        for index in range(100):
            event = endpointer.feed(index < 20, index * 0.02)
            if isinstance(event, SoftEnd):
                endpointer.wait(wait_ms)
            if isinstance(event, TurnEnded):
                ended_ms = (index + 1 - 20) * 20
        assert ended_ms == wait_ms


def test_a_wait_that_is_over_already_ends_the_turn_at_the_next_frame() -> None:
    endpointer = Endpointer(SETTINGS)
    for index in range(40):
        endpointer.feed(index < 20, index * 0.02)
    assert endpointer.pause_ms == 400
    endpointer.wait(300)
    assert isinstance(endpointer.feed(False, 0.8), TurnEnded)
    assert endpointer.pause_ms == 0


def test_what_one_pause_was_told_does_not_hold_for_the_next() -> None:
    endpointer = Endpointer(SETTINGS)
    events = []
    for index, char in enumerate("#" * 20 + "." * 8 + "#" * 20 + "." * 26):
        event = endpointer.feed(char == "#", index * 0.02)
        if isinstance(event, SoftEnd) and not events:
            endpointer.wait(200)
        events += [event] if event else []
    assert isinstance(events[-1], TurnEnded)
    assert endpointer.pause_ms == 0


def test_while_the_agent_is_heard_no_turn_begins_by_itself() -> None:
    assert feed("#" * 50 + "." * 40, guarded=True) == []


def test_an_interruption_is_a_turn_from_its_first_sound_on() -> None:
    endpointer = Endpointer(SETTINGS)
    for index in range(10):
        endpointer.feed(index >= 3, index * 0.02, guarded=True)
    assert endpointer.interrupted(0.06) == SpeechStarted(0.06)
    events = [endpointer.feed(False, (10 + n) * 0.02) for n in range(25)]
    assert [type(event) for event in events if event] == [SoftEnd, TurnEnded]


def test_what_is_found_to_have_been_a_turn_after_its_end_has_waited_already() -> None:
    endpointer = Endpointer(SETTINGS)
    for index in range(30):
        endpointer.feed(index < 10, index * 0.02, guarded=True)
    endpointer.interrupted(0.0)
    assert isinstance(endpointer.feed(False, 0.6), SoftEnd)
    assert endpointer.pause_ms == 420


def test_an_endless_utterance_is_ended() -> None:
    events = feed("#" * 600)
    assert isinstance(events[0], SpeechStarted)
    assert isinstance(events[1], TurnEnded)


def test_what_ended_a_turn_does_not_begin_the_next() -> None:
    events = feed("#" * 500 + "." * 40)
    assert [type(event) for event in events] == [SpeechStarted, TurnEnded]


@given(st.text(alphabet="#.", max_size=400), st.booleans())
def test_events_alternate_as_the_diagram_says(pattern: str, guarded: bool) -> None:
    allowed = {
        type(None): {SpeechStarted},
        SpeechStarted: {SoftEnd, TurnEnded},
        SoftEnd: {Resumed, TurnEnded},
        Resumed: {SoftEnd, TurnEnded},
        TurnEnded: {SpeechStarted},
    }
    events = feed(pattern, guarded)
    for before, after in itertools.pairwise([None, *events]):
        assert type(after) in allowed[type(before)]
    assert all(event.at >= 0 for event in events)
