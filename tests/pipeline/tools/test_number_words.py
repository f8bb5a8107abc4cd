"""Number words become digits, and speech is levelled, without losing a word."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.tools.number_words import level, ordinal


@pytest.mark.parametrize(
    ("said", "levelled"),
    [
        ("Half past Three, p.m.", "half past 3 pm"),
        ("3P.M.", "3 pm"),
        ("the twenty-first", "the 21st"),
        ("three thirty", "3 30"),
        ("three thirty-five", "3 35"),
        ("three oh five", "3 0 5"),
        ("oh, tomorrow", "oh tomorrow"),
        ("three o'clock", "3 oclock"),
        ("three o\u2019clock", "3 oclock"),
        ("3-4", "3 to 4"),
        ("fourish", "4"),
        ("finish", "finish"),
        ("3.30.", "3.30"),
        ("2026-03-14T15:30:00Z", "2026-03-14t15:30:00z"),
        ("on 2026-03-14, at three", "on 2026-03-14 at 3"),
        ("five five five one two", "5 5 5 1 2"),
        ("", ""),
    ],
)
def test_speech_is_levelled(said: str, levelled: str) -> None:
    assert level(said) == levelled


@settings(deadline=None)  # other work may share the machine
@given(st.text())
def test_any_text_comes_out_in_lower_case_with_single_spaces(text: str) -> None:
    levelled = level(text)
    assert levelled == " ".join(levelled.split())
    assert not any(letter.isascii() and letter.isupper() for letter in levelled)


@pytest.mark.parametrize(
    "word", ["1st", "2nd", "3rd", "4th", "11th", "12th", "13th", "21st", "22nd", "23rd", "30th"]
)
def test_ordinals_have_their_endings(word: str) -> None:
    assert ordinal(int(word[:-2])) == word
