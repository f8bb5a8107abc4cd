"""Clauses, with text in whatever pieces it comes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.llm.sentences import ClauseCutter, is_speakable


def cut(pieces: list[str]) -> list[str]:
    cutter = ClauseCutter()
    return [clause for piece in pieces for clause in cutter.feed(piece)] + cutter.finish()


@pytest.mark.parametrize(
    ("text", "clauses"),
    [
        ("Sure. I can do that.", ["Sure.", "I can do that."]),
        ("Thanks for asking, we do coffee.", ["Thanks for asking,", "we do coffee."]),
        ("Well, we do coffee for offices.", ["Well, we do coffee for offices."]),
        ("It costs $3.50 a day. Okay?", ["It costs $3.50 a day.", "Okay?"]),
        ("Ask Mr. Smith or J. Doe about it.", ["Ask Mr. Smith or J. Doe", "about it."]),
        ("Write to jane.doe@acme.co today.", ["Write to jane.doe@acme.co today."]),
        ("No. Not I. Never!", ["No.", "Not I.", "Never!"]),
        ("Great!\n\nNext line", ["Great!", "Next line"]),
        ("...", []),
        ("", []),
    ],
)
def test_clauses(text: str, clauses: list[str]) -> None:
    assert cut([text]) == clauses
    assert cut(list(text)) == clauses


def test_the_first_clause_is_out_before_the_sentence_ends() -> None:
    assert ClauseCutter().feed("Thanks for calling us, ") == ["Thanks for calling us,"]


def test_a_plain_first_sentence_does_not_wait_for_what_follows_it() -> None:
    assert ClauseCutter().feed("I'm sorry.") == ["I'm sorry."]
    assert ClauseCutter().feed("Who is it?") == ["Who is it?"]
    for doubtful in ("No.", "Ask Mr.", "It is approx.", "It is $3.", "Write to jane.doe@acme."):
        assert ClauseCutter().feed(doubtful) == []


def test_a_hurried_first_clause_is_what_words_are_there() -> None:
    cutter = ClauseCutter()
    assert cutter.feed("We bring", hurried=True) == []
    assert cutter.feed(" fresh cof", hurried=True) == ["We bring fresh"]
    assert cutter.feed("fee to", hurried=True) == []
    assert cutter.finish() == ["coffee to"]


def test_a_long_first_clause_is_cut_where_a_speaker_could_breathe() -> None:
    text = "We bring fresh coffee and machines to offices and to shops that want them. Yes."
    clauses = ["We bring fresh coffee", "and machines to offices and to shops that want them."]
    assert cut([text]) == cut(list(text)) == [*clauses, "Yes."]


def test_later_clauses_wait_for_a_longer_breath() -> None:
    cutter = ClauseCutter()
    cutter.feed("Sure thing there. ")
    assert cutter.feed("We bring coffee, tea, and milk ") == []


def test_text_without_punctuation_is_still_said_in_time() -> None:
    clauses = ClauseCutter().feed("word " * 100)
    assert clauses
    assert all(len(clause) <= 200 for clause in clauses)


@given(st.text(alphabet="ab .,!?\n-3", max_size=500), st.randoms())
def test_no_speakable_word_is_lost_or_doubled(text: str, random: object) -> None:
    whole = " ".join(cut([text])).split()
    assert [w for w in whole if is_speakable(w)] == [w for w in text.split() if is_speakable(w)]
