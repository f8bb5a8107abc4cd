"""Spoken time: a table of phrases, and properties that hold for any words at all."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.tools.when import LONGEST_SPAN, Instant, Vague, resolve

DATA = Path(__file__).parents[2] / "data"
NOW = datetime.fromisoformat("2026-03-02T10:00:00-06:00")  # a Monday
CHICAGO = ZoneInfo("America/Chicago")

WORDS = """
at in on the a after before next this tomorrow today monday thursday sunday morning afternoon
evening night tonight half past quarter to of three four ten twelve twenty thirty pm am o'clock
week weeks hour hours minutes and no wait sorry actually or day first second same time
fourteenth march noon midnight later eastern not from now one 3:30 15:00 3/4 3/14 2026-03-05
2026-03-08T02:30 99 0 oh
"""


def phrases(name: str) -> list[tuple[str, str, datetime, ZoneInfo]]:
    cases = []
    for line in (DATA / name).read_text(encoding="utf-8").splitlines():
        if line.startswith("#"):
            continue
        span, expected, *rest = line.split("\t")
        now = datetime.fromisoformat(rest[0]) if rest else NOW
        cases.append((span, expected, now, ZoneInfo(rest[1]) if len(rest) > 1 else CHICAGO))
    return cases


def answer(span: str, now: datetime, zone: ZoneInfo) -> str:
    """A local minute, or ``?`` for a question."""
    found = resolve(span, now, zone)
    return found.local if isinstance(found, Instant) else "?"


@pytest.mark.parametrize(("span", "expected", "now", "zone"), phrases("when.tsv"))
def test_a_phrase_means_one_instant_or_asks(
    span: str, expected: str, now: datetime, zone: ZoneInfo
) -> None:
    assert answer(span, now, zone) == expected


def test_phrases_that_the_grammar_was_not_made_from_are_right_and_never_silently_wrong() -> None:
    cases = phrases("when_heldout.tsv")
    answers = [(case, answer(case[0], case[2], case[3])) for case in cases]
    wrong = [(case[0], got) for case, got in answers if got not in (case[1], "?")]
    right = sum(case[1] == got for case, got in answers)
    assert wrong == []
    assert right >= 0.95 * len(cases)


@settings(deadline=None)  # other work may share the machine
@given(st.lists(st.sampled_from(WORDS.split()), max_size=9).map(" ".join))
def test_any_jumble_of_time_words_is_asked_about_or_lies_ahead_within_a_year(span: str) -> None:
    found = resolve(span, NOW, CHICAGO)
    if isinstance(found, Instant):
        assert found.at > NOW
        assert (found.at - NOW).days <= 366
        assert found.at.tzinfo == CHICAGO
        assert (found.at.second, found.at.microsecond) == (0, 0)
    else:
        assert found.question.endswith("?")


@settings(deadline=None)  # other work may share the machine
@given(st.text(max_size=LONGEST_SPAN + 20))
def test_any_text_at_all_gets_an_answer(span: str) -> None:
    assert isinstance(resolve(span, NOW, CHICAGO), Instant | Vague)


@settings(deadline=None)  # other work may share the machine
@given(st.sampled_from([case[0] for case in phrases("when.tsv") if len(case[0]) > 4]), st.data())
def test_an_unknown_word_inside_turns_an_answer_into_a_question(
    span: str, data: st.DataObject
) -> None:
    words = span.split()
    words.insert(data.draw(st.integers(0, len(words))), "zebra")
    assert isinstance(resolve(" ".join(words), NOW, CHICAGO), Vague)


def test_what_is_understood_does_not_depend_on_the_zone_in_which_now_is_told() -> None:
    for span, expected, now, zone in phrases("when.tsv"):
        assert answer(span, now.astimezone(UTC), zone) == expected, span


def test_a_clock_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="no zone"):
        resolve("at three", NOW.replace(tzinfo=None), CHICAGO)


def test_the_longest_span_holds_the_event_loop_up_for_less_than_five_milliseconds() -> None:
    span = ("about " * LONGEST_SPAN)[:LONGEST_SPAN]
    resolve(span, NOW, CHICAGO)
    began = time.process_time()
    for _ in range(20):
        resolve(span, NOW, CHICAGO)
    assert (time.process_time() - began) / 20 < 0.005


@pytest.mark.parametrize(
    ("span", "question"),
    [
        ("thursday", "What time on Thursday?"),
        ("tomorrow morning", "What time tomorrow morning?"),
        ("this evening", "What time this evening?"),
        ("the fourteenth", "What time on Saturday, March 14th?"),
        ("2:30 am on sunday", "The clocks skip 2:30 AM that day. What other time suits?"),
        ("today at nine", "Monday, March 2nd, at 9 AM has already passed. When would suit you?"),
        ("tuesday the fourteenth at ten", "March 14th is a Saturday. Which day do you mean?"),
        ("03:30", "Do you mean 3:30 in the morning or in the afternoon?"),
        ("tomorrow after three", "What time exactly tomorrow?"),
    ],
)
def test_a_question_builds_on_what_was_understood(span: str, question: str) -> None:
    assert resolve(span, NOW, CHICAGO) == Vague(question)
