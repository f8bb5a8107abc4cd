"""What a model quotes is held against what the caller said."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from pipeline.tools.quoted_time import Unsettled, understand
from pipeline.tools.tool import ToolContext
from pipeline.tools.when import Instant
from pipeline.turn import ToolCall, ToolResult

NOW = datetime.fromisoformat("2026-03-02T10:00:00-06:00")  # a Monday
CHICAGO = ZoneInfo("America/Chicago")


def understood(span: str, said: str = "", so_far: tuple[str, ...] = ()) -> str | Unsettled:
    asked = None
    if so_far:
        asked = ToolResult(ToolCall("t", {}), {"question": "?", "so_far": list(so_far)})
    found = understand(span, ToolContext("c", 1, None, NOW, said, asked), CHICAGO, "t")
    return found.local if isinstance(found, Instant) else found


@pytest.mark.parametrize(
    ("said", "quoted", "instant"),
    [
        ("call me tomorrow at three", "tomorrow at three", "2026-03-03T15:00"),
        ("call me tomorrow at three", "tomorrow at 3", "2026-03-03T15:00"),
        ("call me tomorrow at three", "3 pm tomorrow", "2026-03-03T15:00"),
        ("call me tomorrow at three", "at three", "2026-03-03T15:00"),
        ("call me tomorrow at three", "tomorrow", "2026-03-03T15:00"),
        ("call me tomorrow at three", "the caller's number", "2026-03-03T15:00"),
        ("I am with a client, ring me at half four please", "half four", "2026-03-02T16:30"),
        ("tomorrow at three, no, four", "tomorrow at four", "2026-03-03T16:00"),
        ("I have three kids, so call me tomorrow at ten", "tomorrow at ten", "2026-03-03T10:00"),
    ],
)
def test_the_callers_own_words_decide(said: str, quoted: str, instant: str) -> None:
    assert understood(quoted, said) == instant


def test_a_time_that_was_never_spoken_is_asked_about() -> None:
    assert understood("tomorrow at ten", "call me back please") == Unsettled(
        "What day and time suit you?", ()
    )
    assert understood("tomorrow at ten", "yes let us do that, wonderful") == Unsettled(
        "Do you mean Tuesday, March 3rd, at 10 AM?", ("tomorrow at ten",)
    )


def test_two_readings_that_differ_are_asked_about() -> None:
    found = understood("tomorrow at two", "tomorrow at three")
    assert isinstance(found, Unsettled)
    assert found.question == (
        "Do you mean Tuesday, March 3rd, at 3 PM, or Tuesday, March 3rd, at 2 PM?"
    )


@pytest.mark.parametrize("said", ["in a bit", "later", "sometime next week", "after three"])
def test_a_vague_time_stays_vague_whatever_the_model_makes_of_it(said: str) -> None:
    assert isinstance(understood("tomorrow at ten", f"call me {said}"), Unsettled)


@pytest.mark.parametrize(
    ("so_far", "said", "instant"),
    [
        (("tomorrow",), "at three", "2026-03-03T15:00"),
        (("tomorrow evening",), "eight", "2026-03-03T20:00"),
        (("tomorrow morning",), "half eight would be fine", "2026-03-03T08:30"),
        (("next week",), "tuesday at two", "2026-03-10T14:00"),
        (("next week", "tuesday"), "two o'clock", "2026-03-10T14:00"),
        (("at three",), "thursday", "2026-03-05T15:00"),
        (("sometime next week",), "actually in twenty minutes", "2026-03-02T10:20"),
        (("tomorrow",), "no, friday at ten", "2026-03-06T10:00"),
        (("after three tomorrow",), "four", "2026-03-03T16:00"),
        (("tomorrow at three",), "yes", "2026-03-03T15:00"),
    ],
)
def test_an_answer_completes_what_was_asked_about(
    so_far: tuple[str, ...], said: str, instant: str
) -> None:
    assert understood(said, said, so_far) == instant


def test_an_answer_that_is_still_vague_is_kept_for_the_next() -> None:
    assert understood("tuesday", "tuesday", ("next week",)) == Unsettled(
        "What time on Tuesday, March 10th?", ("next week", "tuesday")
    )


def test_two_in_a_morning_is_asked_about() -> None:
    assert isinstance(understood("two", "two", ("tomorrow morning",)), Unsettled)


def test_the_question_of_another_tool_completes_nothing() -> None:
    asked = ToolResult(ToolCall("other", {}), {"question": "?", "so_far": ["tomorrow"]})
    context = ToolContext("c", 1, None, NOW, "at three", asked)
    found = understand("at three", context, CHICAGO, "t")
    assert isinstance(found, Instant)
    assert found.local == "2026-03-02T15:00"
