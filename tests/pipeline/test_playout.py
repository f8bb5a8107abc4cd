"""What was heard, on plain numbers."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from pipeline.playout import Playout

TEXT = "one two three four five six seven eight nine ten"


def say(playout: Playout, text: str, seconds: float, now: float) -> str:
    playout.begin_clause(text, now)
    playout.sent(seconds, now)
    return playout.end_clause()


def test_nothing_is_heard_before_its_sound_begins() -> None:
    playout = Playout()
    say(playout, "Hello there.", 1.0, now=10.0)
    say(playout, "How are you?", 1.0, now=10.0)
    assert playout.heard(10.0) == ""
    assert playout.heard(11.0) == "Hello there."
    assert playout.heard(12.0) == "Hello there. How are you?"


def test_a_broken_clause_is_cut_at_a_word() -> None:
    playout = Playout()
    say(playout, TEXT, 10.0, now=0.0)
    assert playout.heard(2.0) == "one two"
    assert playout.heard(9.9) == TEXT


def test_a_played_mark_outranks_the_clock() -> None:
    playout = Playout()
    mark = say(playout, TEXT, 10.0, now=0.0)
    playout.played(mark, 3.0)
    assert playout.heard(3.0) == TEXT


def test_a_mark_proves_the_clauses_before_it_too() -> None:
    playout = Playout()
    say(playout, "First.", 5.0, now=0.0)
    mark = say(playout, "Second.", 5.0, now=0.0)
    playout.played(mark, 1.0)
    assert playout.heard(1.0) == "First. Second."


def test_the_way_to_the_caller_is_learnt_from_marks() -> None:
    playout = Playout()
    mark = say(playout, "First.", 1.0, now=0.0)
    playout.played(mark, 1.3)
    playout.begin_reply()
    say(playout, TEXT, 10.0, now=2.0)
    assert playout.heard(2.3) == ""
    assert playout.is_heard(12.2)
    assert not playout.is_heard(12.4)


def test_what_was_cleared_is_never_heard_later() -> None:
    playout = Playout()
    say(playout, TEXT, 10.0, now=0.0)
    say(playout, "Never sounded.", 5.0, now=0.0)
    playout.cleared(2.0)
    assert playout.heard(100.0) == "one two"
    assert playout.lead(2.0) == 0.0
    assert not playout.is_heard(2.0)


def test_a_clause_half_sent_is_not_taken_for_heard_whole() -> None:
    playout = Playout()
    playout.begin_clause(TEXT, 0.0)
    playout.sent(0.25, 0.0)
    assert playout.heard(1.0) == "one"


def test_a_new_reply_begins_with_nothing_heard() -> None:
    playout = Playout()
    say(playout, "Before.", 1.0, now=0.0)
    playout.begin_reply()
    assert playout.heard(5.0) == ""


def test_sound_queues_behind_sound_and_starts_anew_after_a_gap() -> None:
    playout = Playout()
    say(playout, "First.", 2.0, now=0.0)
    assert playout.lead(0.5) == 1.5
    say(playout, "Second.", 1.0, now=5.0)
    assert playout.lead(5.0) == 1.0
    assert playout.heard(5.0) == "First."


@given(
    st.lists(st.tuples(st.text("abc ", min_size=1), st.floats(0.02, 5.0)), max_size=5),
    st.lists(st.floats(0.0, 30.0), min_size=2, max_size=6),
)
def test_hearing_only_ever_grows(clauses: list[tuple[str, float]], times: list[float]) -> None:
    playout = Playout()
    for text, seconds in clauses:
        say(playout, text, seconds, now=0.0)
    heard = [playout.heard(now) for now in sorted(times)]
    for before, after in itertools.pairwise(heard):
        assert " ".join(after.split()).startswith(" ".join(before.split()))
