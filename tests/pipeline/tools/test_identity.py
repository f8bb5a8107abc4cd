"""Spoken addresses become canonical ones, or none."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.tools.identity import spoken_email, spoken_phone

OWN = "+13125550142"


@pytest.mark.parametrize(
    ("said", "address"),
    [
        ("jane dot doe at acme dot co", "jane.doe@acme.co"),
        ("Jane.Doe@Acme.co.", "jane.doe@acme.co"),
        ("j underscore doe at acme dot co dot uk", "j_doe@acme.co.uk"),
        ("jane at acme", None),
        ("my email", None),
        ("jane at doe at acme dot co", None),
        ("", None),
    ],
)
def test_an_email_address_as_spoken(said: str, address: str | None) -> None:
    assert spoken_email(said) == address


@pytest.mark.parametrize(
    ("said", "number"),
    [
        ("+1 312 555 0199", "+13125550199"),
        ("(312) 555-0199", "+13125550199"),
        ("three one two five five five oh one nine nine", "+13125550199"),
        ("312 555 01 ninety nine", "+13125550199"),
        ("plus four four two oh seven nine four six oh oh one eight", "+442079460018"),
        ("my number", None),
        ("12", None),
        ("", None),
    ],
)
def test_a_phone_number_as_spoken(said: str, number: str | None) -> None:
    assert spoken_phone(said, OWN) == number


@settings(deadline=None)  # other work may share the machine
@given(st.text())
def test_any_text_gives_an_address_or_none(text: str) -> None:
    spoken_email(text)
    spoken_phone(text, OWN)
