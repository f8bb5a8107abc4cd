"""Endpointing on plain booleans: no audio, no clock."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from pipeline.config import TurnSettings
from pipeline.endpoint import Endpointer
from pipeline.turn import EndpointEvent, Resumed, SoftEnd, SpeechStarted, TurnEnded

SETTINGS = TurnSettings(
    start_ms=60, barge_in_ms=140, soft_end_ms=120, end_ms=500, max_utterance_s=10
)


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


def test_while_the_agent_is_heard_speech_must_last_longer() -> None:
    assert feed("#####" + "." * 40, guarded=True) == []
    assert isinstance(feed("#" * 7, guarded=True)[0], SpeechStarted)


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
