"""What a model writes, and how it is said."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.tts.spoken import spoken

PLAIN = [
    "Hello, how are you?",
    "a well-known firm",
    "It's ours; isn't it?",
    "We open at 9 AM on the 2nd.",
    "We had 1,200 of them in 2026, or 12.5 each.",
    "In May I will, and no, I won't.",
]

MARKUP = [
    ("**Great!** See [our page](http://x.y).", "Great! See our page."),
    ("# Plans\n- one\n- two", "Plans, one, two"),
    ("1. first\n2. second", "first, second"),
    ("| Plan | Price |\n|---|---|\n| Big | $5 |", "Plan Price, Big 5 dollars"),
    ('Say "yes" 😀', "Say yes"),
    ("a _really_ good file_name", "a really good file name"),
    ("<b>Hello</b> [[x]] there", "Hello x there"),
    ("Let me check... one moment", "Let me check, one moment"),
    ("Well…", "Well."),
    ("It is — I think - fine", "It is, I think, fine"),
    ("and/or, yes/no", "and or, yes or no"),
]

MONEY = [
    ("It is $49.99.", "It is 49 dollars and 99 cents."),
    ("€1, $0.50 or £1,200", "1 euro, 50 cents or 1,200 pounds"),
    ("$2.5 million, $10k", "2.5 million dollars, 10 thousand dollars"),
    ("$5-10 or $5\u2013$10", "5 to 10 dollars or 5 dollars to 10 dollars"),
    ("$5/month, $1/cup", "5 dollars per month, 1 dollar per cup"),
    ("20% off, 10% - 15%", "20 percent off, 10 percent to 15 percent"),
    ("10k users, 3x", "10 thousand users, 3 times"),
]

TIMES = [
    ("3:30 pm", "3 30 PM"),
    ("9:05 am or 3pm", "9 oh 5 AM or 3 PM"),
    ("at 10:00 it opens", "at 10 o'clock it opens"),
    ("from 9:00 to 17:30", "from 9 o'clock to 5 30 PM"),
    ("9am-5pm, Mon-Fri", "9 AM to 5 PM, Monday to Friday"),
    ("at 3 p.m. or 5:15p.m.", "at 3 PM or 5 15 PM"),
    ("2026-03-02T15:30", "March 2nd, 2026, 3 30 PM"),
    ("on 2026-11-11 or 3/23/2026", "on November 11th, 2026 or March 23rd, 2026"),
    ("24/7, 1/2 price", "24 7, one half price"),
]

ADDRESSES = [
    ("Write to jane.doe@acme.co.", "Write to jane dot doe at acme dot co."),
    ("j_d-x+1@acme.com", "j underscore d dash x plus 1 at acme dot com"),
    ("https://www.acme.com/shop?x=1", "acme dot com slash shop"),
    ("Call +1 312-555-0142.", "Call 3 1 2, 5 5 5, 0 1 4 2."),
    ("(312) 555-0142, ext. 7", "3 1 2, 5 5 5, 0 1 4 2, extension 7"),
    ("555-0142", "5 5 5, 0 1 4 2"),
    ("3125550142", "3 1 2, 5 5 5, 0 1 4 2"),
    ("+44 20 7946 0958", "4 4, 2 0, 7 9 4 6, 0 9 5 8"),
]

ABBREVIATIONS = [
    ("Mr. Smith and Dr. Lee", "Mister Smith and Doctor Lee"),
    ("5-10 days, e.g. Monday & Tuesday", "5 to 10 days, for example Monday and Tuesday"),
    ("at 5 Main St. near St. Louis", "at 5 Main Street near Saint Louis"),
    ("Jan. 5th, Thurs. at 3", "January 5th, Thursday at 3"),
    ("No. 5, #1", "number 5, number 1"),
    ("tea, etc. Fine, etc.", "tea, and so on. Fine, and so on."),
    ("in the U.S. we are Acme Inc.", "in the US we are Acme Incorporated."),
    ("the A I assistant", "the AI assistant"),
]


@pytest.mark.parametrize("text", PLAIN)
def test_a_plain_sentence_stays_as_it_is(text: str) -> None:
    assert spoken(text) == text


@pytest.mark.parametrize(("written", "said"), [*MARKUP, *MONEY, *TIMES, *ADDRESSES, *ABBREVIATIONS])
def test_written_and_said(written: str, said: str) -> None:
    assert spoken(written) == said
    assert spoken(said) == said


@given(st.text(max_size=200))
def test_any_text_can_be_said_on_one_line_without_markup(text: str) -> None:
    said = spoken(text)
    assert not set("\n*`[]|") & set(said)
    assert said == said.strip()
