"""What a model writes, and how it is said."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.tts.spoken import spoken


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("Hello, how are you?", "Hello, how are you?"),
        ("**Great!** See [our page](http://x.y).", "Great! See our page."),
        ("- one\n- two", "one two"),
        ('Say "yes" 😀', "Say yes"),
        ("It is $49.99.", "It is 49 dollars and 99 cents."),
        ("€1, $0.50 or £1,200", "1 euro, 50 cents or 1200 pounds"),
        ("$2.5 million", "2.5 million dollars"),
        ("20% off", "20 percent off"),
        ("3:30 pm", "3 30 p m"),
        ("9:05 am or 3pm", "9 oh 5 a m or 3 p m"),
        ("at 10:00", "at 10 o'clock"),
        ("2026-03-02T15:30", "March 2nd, 2026 15 30"),
        ("Write to jane.doe@acme.co.", "Write to jane dot doe at acme dot co."),
        ("https://www.acme.com/shop", "acme dot com slash shop"),
        ("Call +1 312-555-0142.", "Call 3 1 2, 5 5 5, 0 1 4 2."),
        ("(312) 555-0142", "3 1 2, 5 5 5, 0 1 4 2"),
        ("5-10 days, e.g. Monday & Tuesday", "5 to 10 days, for example Monday and Tuesday"),
        ("a well-known firm", "a well-known firm"),
    ],
)
def test_written_and_said(written: str, said: str) -> None:
    assert spoken(written) == said
    assert spoken(said) == said


@given(st.text(max_size=200))
def test_any_text_can_be_said_and_has_no_markup(text: str) -> None:
    assert not set("\n*`#") & set(spoken("word" + text + "word")) - set(text)
