"""Two ways of writing the same words made one, so that a word error rate counts only mishearing.

Case, punctuation, digits or number words, contractions, and a few words that are written together
as often as apart. What was said differently stays different.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

import jiwer

_SMALL = [
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
]
_TENS = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]

_SIGNS = {
    "#": " pound ",
    "*": " star ",
    "%": " percent ",
    "&": " and ",
    "+": " plus ",
    "$": " dollars ",
}

_CONTRACTIONS = (
    (r"\bcan't\b", "can not"),
    (r"\bcannot\b", "can not"),
    (r"\bwon't\b", "will not"),
    (r"n't\b", " not"),
    (r"'re\b", " are"),
    (r"'ll\b", " will"),
    (r"'ve\b", " have"),
    (r"'m\b", " am"),
)

_TOGETHER = (
    (r"\bmail box", "mailbox"),
    (r"\bvoice mail", "voicemail"),
    (r"\bblack list", "blacklist"),
    (r"\bre (?=enter|record)", "re"),
    (r"\bmr\b", "mister"),
    (r"\bmrs\b", "missus"),
    (r"\bok\b", "okay"),
    (r"\bdialled\b", "dialed"),
)


def normalised(text: str) -> str:
    """Lower-case words with single spaces between them; numbers as words."""
    text = text.lower().replace("\u2019", "'")
    for sign, word in _SIGNS.items():
        text = text.replace(sign, word)
    for pattern, plain in _CONTRACTIONS:
        text = re.sub(pattern, plain, text)
    text = re.sub(r"(?<=\d),(?=\d{3}\b)", "", text)
    text = re.sub(r"\d+", lambda digits: f" {number_words(digits.group())} ", text)
    text = " ".join(re.sub(r"[^a-z']+", " ", text).split())
    text = re.sub(r"(?<!\w)'+|'+(?!\w)", "", text)
    for pattern, joined in _TOGETHER:
        text = re.sub(pattern, joined, text)
    return " ".join(text.split())


def number_words(digits: str) -> str:
    """How a number is most often said: up to 999 and whole hundreds as a number, else by digits."""
    value = int(digits)
    by_digit = digits.startswith("0") and len(digits) > 1
    if by_digit or value > 9999 or (value > 999 and value % 100):
        return " ".join(_SMALL[int(digit)] for digit in digits)
    if value < 20:
        return _SMALL[value]
    if value < 100:
        tens, ones = divmod(value, 10)
        return _TENS[tens - 2] + (f" {_SMALL[ones]}" if ones else "")
    if value % 1000 == 0:
        return f"{_SMALL[value // 1000]} thousand"
    hundreds, rest = divmod(value, 100)
    said = f"{number_words(str(hundreds))} hundred"
    return f"{said} {number_words(str(rest))}" if rest else said


def word_error_rate(references: Sequence[str], heard: Iterable[str]) -> float | None:
    """Share of words heard wrong, 0 to 1 and more; None when there are no words to hear.

    Errors and words are summed over all pairs: a long sentence weighs more than a short one.
    """
    pairs = [(normalised(r), normalised(h)) for r, h in zip(references, heard, strict=True)]
    pairs = [(reference, hypothesis) for reference, hypothesis in pairs if reference]
    if not pairs:
        return None
    return float(jiwer.wer([reference for reference, _ in pairs], [heard for _, heard in pairs]))
