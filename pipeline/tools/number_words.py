"""Number words to digits, and the spelling of speech levelled: the first step of reading a span.

"Half past Three, p.m." becomes ``half past 3 pm``; "the twenty-first" becomes ``the 21st``. Clock
minutes stay apart from their hours ("three thirty" is ``3 30``), because only the grammar that
reads the result knows whether two numbers are a time, a date or a telephone number.
"""

from __future__ import annotations

import re

# fmt: off
_UNITS = {
    "zero": 0, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7,
    "eight": 8, "nine": 9, "ten": 10, "eleven": 11, "twelve": 12, "thirteen": 13, "fourteen": 14,
    "fifteen": 15, "sixteen": 16, "seventeen": 17, "eighteen": 18, "nineteen": 19,
}
_TENS = {
    "twenty": 20, "thirty": 30, "forty": 40, "fifty": 50, "sixty": 60, "seventy": 70,
    "eighty": 80, "ninety": 90,
}
_ORDINALS = {
    "first": 1, "second": 2, "third": 3, "fourth": 4, "fifth": 5, "sixth": 6, "seventh": 7,
    "eighth": 8, "ninth": 9, "tenth": 10, "eleventh": 11, "twelfth": 12, "thirteenth": 13,
    "fourteenth": 14, "fifteenth": 15, "sixteenth": 16, "seventeenth": 17, "eighteenth": 18,
    "nineteenth": 19, "twentieth": 20, "thirtieth": 30,
}
# fmt: on
_NOUGHT = {"oh", "o", "nought", "zero"}

_ISO = re.compile(
    r"(\b\d{4}-\d\d-\d\d(?:[t ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:z|[+-]\d\d:?\d\d)?)?(?![\w-]))"
)
_LEVELLING = (
    (re.compile("[\u2018\u2019]"), "'"),
    (re.compile(r"(?<![a-z])([ap])\.\s?m\b\.?"), r"\1m"),
    (re.compile(r"(?<=\d)([ap]m)\b"), r" \1"),
    (re.compile(r"\bo'? ?clock\b"), "oclock"),
    (re.compile(r"-ish\b"), "ish"),
    (re.compile(r"@"), " at "),
    # A dash between letters joins a word; beside a digit it is a range ("3-4").
    (re.compile(r"(?<=[a-z])-(?=[a-z])"), " "),
    (re.compile(r"(?<=[a-z0-9])\s*[-\u2013\u2014]\s*(?=[a-z0-9])"), " to "),
    # Full stops end a clause, but not inside "3.30".
    (re.compile(r"(?<!\d)\.|\.(?!\d)|[,;!?\"()\u2026]|'(?=\s|$)"), " "),
)


def ordinal(number: int) -> str:
    """1 to "1st", 12 to "12th", 23 to "23rd"."""
    if number % 100 in (11, 12, 13):
        return f"{number}th"
    return f"{number}{ {1: 'st', 2: 'nd', 3: 'rd'}.get(number % 10, 'th') }"


def level(text: str) -> str:
    """Lower case, digits for number words, one space between words, no punctuation but in numbers.

    ISO dates keep their dashes. Anything else is kept as it is, word by word.
    """
    pieces = _ISO.split(text.lower())
    # re.split with one group alternates: speech, date, speech, date, ..., speech.
    pieces[::2] = [_level_speech(piece) for piece in pieces[::2]]
    return " ".join(piece for piece in pieces if piece)


def _level_speech(text: str) -> str:
    for pattern, replacement in _LEVELLING:
        text = pattern.sub(replacement, text)
    return " ".join(_with_digits(text.split()))


def _with_digits(words: list[str]) -> list[str]:
    result: list[str] = []
    at = 0
    while at < len(words):
        word, following = words[at], words[at + 1] if at + 1 < len(words) else ""
        at += 1
        if word.endswith("ish") and _is_number(word[:-3]):  # "fourish" is an hour, "finish" none
            word = word[:-3]
        if word in _TENS and following in _UNITS and 1 <= _UNITS[following] <= 9:
            result.append(str(_TENS[word] + _UNITS[following]))
            at += 1
        elif word in _TENS and _ORDINALS.get(following, 10) <= 9:
            result.append(ordinal(_TENS[word] + _ORDINALS[following]))
            at += 1
        elif word in _NOUGHT and following and _is_number(following):
            result.append("0")
        elif word in _UNITS or word in _TENS:
            result.append(str(_UNITS.get(word, _TENS.get(word))))
        elif word in _ORDINALS:
            result.append(ordinal(_ORDINALS[word]))
        else:
            result.append(word)
    return result


def _is_number(word: str) -> bool:
    return word.isdigit() or word in _UNITS or word in _TENS or word in _NOUGHT
