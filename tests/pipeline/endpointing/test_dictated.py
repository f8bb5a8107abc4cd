"""How far a dictation has come, digit by digit and letter by letter."""

from __future__ import annotations

import pytest

from pipeline.endpointing.dictated import Dictation, dictation_of, digits_at_end

NUMBER = "3125550142"


@pytest.mark.parametrize("gap", ["", " ", ", ", "-", ". "])
def test_a_telephone_number_is_whole_at_ten_digits_only(gap: str) -> None:
    for count in range(1, 10):
        told = dictation_of(f"My phone number is {gap.join(NUMBER[:count])}")
        assert told is (Dictation.LOCAL if count == 7 else Dictation.OPEN), count
    assert dictation_of(f"My phone number is {gap.join(NUMBER)}.") is Dictation.WHOLE


def test_the_country_code_makes_it_eleven() -> None:
    assert dictation_of(f"It's 1-{NUMBER}") is Dictation.WHOLE
    assert dictation_of("It's plus 1 312 555 014") is Dictation.OPEN
    assert dictation_of(f"My number is 2 {NUMBER}") is Dictation.OPEN


@pytest.mark.parametrize(
    ("said", "count"),
    [
        ("three one two", 3),
        ("double five", 2),
        ("triple zero one", 4),
        ("eight hundred five", 4),
        ("fifty five oh one", 4),
        ("nineteen ninety", 4),
        ("312-555", 6),
        ("five, um, six", 2),
        ("call me at 555", 3),
        ("five and", 0),
        ("nothing here", 0),
        ("", 0),
    ],
)
def test_digits_are_counted_however_they_are_said(said: str, count: int) -> None:
    assert digits_at_end(said).count == count


@pytest.mark.parametrize(
    "said",
    [
        "S-M-I",
        "it's J, O, H, N",
        "that's spelled with a K",
        "B as in boy",
        "my email is jane",
        "jane dot doe at acme dot",
        "jane underscore",
        "jane@",
        "My order number is 4471",
        "555, 01",
        "one two three",
    ],
)
def test_what_may_go_on_is_open(said: str) -> None:
    assert dictation_of(said) is Dictation.OPEN


@pytest.mark.parametrize(
    "said", ["jane dot doe at acme dot com", "It's jane@acme.com.", "info at my shop dot co dot uk"]
)
def test_an_address_is_whole_with_its_ending(said: str) -> None:
    assert dictation_of(said) is Dictation.WHOLE


@pytest.mark.parametrize(
    "said",
    [
        "Tuesday at three",
        "at 3:30",
        "it was $500",
        "about 40%",
        "on May 5, 2026",
        "a table for four",
        "two or three",
        "twenty five",
        "I have a question",
        "the wrong number",
        "I sent you an email",
        "How are you",
        "That's a plan",
    ],
)
def test_ordinary_talk_is_no_dictation(said: str) -> None:
    assert dictation_of(said) is Dictation.NONE
