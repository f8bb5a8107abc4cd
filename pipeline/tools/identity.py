"""Spoken addresses to canonical ones: e-mail to lower case with an @, phone numbers to E.164."""

from __future__ import annotations

import re

import phonenumbers

from pipeline.tools.number_words import level

_EMAIL = re.compile(r"[a-z0-9._%+-]+@[a-z0-9-]+(?:\.[a-z0-9-]+)+")
_SPOKEN = (
    (re.compile(r"\s+at\s+"), "@"),
    (re.compile(r"\s+(?:dot|point)\s+"), "."),
    (re.compile(r"\s+underscore\s+"), "_"),
    (re.compile(r"\s+(?:dash|hyphen|minus)\s+"), "-"),
    (re.compile(r"\s+plus\s+"), "+"),
    (re.compile(r"\s+"), ""),
)


def spoken_email(text: str) -> str | None:
    """The address in "jane dot doe at acme dot co", or None when there is none."""
    text = text.lower().strip(" .,!?")
    for pattern, sign in _SPOKEN:
        text = pattern.sub(sign, text)
    return text if _EMAIL.fullmatch(text) else None


def spoken_phone(text: str, beside: str) -> str | None:
    """The number in "312 555 oh one four two" in E.164, or None when there is none.

    A number without a country is one of the country of ``beside`` (E.164).
    """
    digits = level(text.replace("+", " plus ").replace("-", " ")).replace("plus", "+")
    digits = re.sub(r"\boh?\b", "0", digits)
    if re.search(r"[^\d\s+().-]", digits):
        return None
    try:
        country = phonenumbers.region_code_for_number(phonenumbers.parse(beside))
        number = phonenumbers.parse(re.sub(r"[^\d+]", "", digits), country)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_possible_number(number):
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
