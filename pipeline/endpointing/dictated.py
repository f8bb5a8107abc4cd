"""Whether a caller is in the middle of dictating, sans-I/O: numbers, spelled words, addresses.

A telephone number is spoken in groups with pauses between them, as long as those at the end of a
turn, and every group sounds as good an end as the last. Only counting tells them apart.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum, auto


class Dictation(Enum):
    """How far a dictation has come."""

    NONE = auto()
    """Nothing is being dictated."""

    OPEN = auto()
    """There is more to come, or nobody can know."""

    LOCAL = auto()
    """Seven digits: a number without its area code, or as often the first seven of ten."""

    WHOLE = auto()
    """It is as long as such things are."""


@dataclass(frozen=True, slots=True)
class Digits:
    """A run of digits at a text's end."""

    before: str
    """What was said before it."""

    groups: tuple[int, ...]
    """How many digits each of its words or figures has, in order."""

    begins_with_one: bool
    """Whether its first digit may be the country code 1."""

    @property
    def count(self) -> int:
        """Digits in all."""
        return sum(self.groups)


def dictation_of(text: str) -> Dictation:
    """Whether the end of ``text``, in any case and punctuation, is being dictated.

    Numbers are counted against the lengths of the North American plan. What is spelled, and a
    number of any other kind, never counts as whole: nobody knows how long it is.
    """
    said = text.lower().replace("\u2019", "'").strip()
    if (address := _address(said)) is not Dictation.NONE:
        return address
    if _SPELLED.search(said) or (_SPELLING_TOPIC.search(said) and _LETTER.search(said)):
        return Dictation.OPEN
    return Dictation.NONE if _MEASURED.search(said) else _number(digits_at_end(said))


def digits_at_end(said: str) -> Digits:
    """The run of digits, as figures or words, that a lower-case text ends with."""
    groups: list[int] = []
    begins, first, behind = len(said), "", ""
    for match in reversed(list(_TOKEN.finditer(said))):
        word = match.group()
        if word in _REPEATS:
            if not groups:
                break
            groups[0] *= _REPEATS[word]
        elif word.isdigit() or word in _UNITS:
            groups.insert(0, len(word) if word.isdigit() else 1)
        elif word in _TENS:
            # "sixty-seven": the seven is counted already, and stands for the second figure.
            groups.insert(0, 1 if behind in _UNITS else 2)
        elif word in _TEENS:
            groups.insert(0, 2)
        elif word not in _BETWEEN or not groups:
            break
        begins, first, behind = match.start(), word, word
    return Digits(said[:begins], tuple(groups), first.startswith("1") or first in ("one", "plus"))


def _address(said: str) -> Dictation:
    """Of an e-mail address."""
    if not _ADDRESS_TOPIC.search(said):
        return Dictation.NONE
    if _ADDRESS.search(said):
        return Dictation.WHOLE
    return Dictation.OPEN if _ADDRESS_BEGUN.search(said) else Dictation.NONE


def _number(digits: Digits) -> Dictation:
    if not digits.groups:
        return Dictation.NONE
    near = digits.before[-_TOPIC_REACH:]
    # No area code begins with 1, so that eleven digits and not ten are whole behind one.
    if digits.count == (11 if digits.begins_with_one else 10):
        return Dictation.WHOLE
    if "zip" in near and digits.count in (5, 9):
        return Dictation.WHOLE
    named = bool(_NUMBER_TOPIC.search(near))
    reached = bool(_REACH_TOPIC.search(near)) and digits.count >= 3
    # Without a word for what it is: figures one by one, or two groups as of a telephone number.
    by_itself = len(digits.groups) >= 3 or (len(digits.groups) == 2 and digits.groups[0] >= 3)
    alone = not digits.before.strip() and digits.count == 3
    if not (named or reached or by_itself or alone):
        return Dictation.NONE
    return Dictation.LOCAL if digits.count == 7 else Dictation.OPEN


# -- The lists --------------------------------------------------------------------------------

_TOKEN = re.compile(r"[a-z']+|\d+|[^\sa-z\d'.,;!?()+-]")


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_UNITS = _words("zero oh o nought one two three four five six seven eight nine")
_TENS = _words("twenty thirty forty fifty sixty seventy eighty ninety")
_TEENS = _words("ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen")
_REPEATS = {"double": 2, "triple": 3, "hundred": 3}
_BETWEEN = _words("um uh er dash hyphen plus and then")
"""What may be said within a run of digits."""

_TOPIC_REACH = 45
"""Characters before the digits in which a word says what they are."""

_NUMBER_TOPIC = re.compile(
    r"\b(?:number|phone|cell|mobile|landline|area code|fax|extension|account|card|code|order"
    r"|reference|zip|postcode|social|policy|serial)\b"
)
_REACH_TOPIC = re.compile(r"\b(?:reach|call|text|ring) (?:me|us|him|her|them)\b")

_MEASURED = re.compile(
    r"(?:[$:]\s?\d[\d,.]*|\d\s?%|\b(?:january|february|march|april|may|june|july|august|september"
    r"|october|november|december)\b[\w ,]*)\W*$"
)
"""Prices, times of day, shares and dates are numbers that nobody dictates."""

_SPELLING_TOPIC = re.compile(r"\b(?:spell|spelled|spelt|spelling|letters?)\b")
_LETTER = re.compile(r"\b[b-hj-z]\W*$")
_SPELLED = re.compile(
    r"(?:\b[a-z](?:-|[ ,.]+)){2,}[a-z]\W*$|\b[b-z]-[a-z]\W*$|\b[a-z] (?:as in|for) [a-z]+\W*$"
)

_ADDRESS_TOPIC = re.compile(r"\b(?:e-?mail|gmail|hotmail|yahoo|outlook|dot|underscore)\b|@")
_ADDRESS_BEGUN = re.compile(
    r"@|\bdot\b|\bunderscore\b|\be-?mail(?: address)? is\b(?! (?:not|wrong|fine|best|better))"
)
_ADDRESS = re.compile(
    r"(?:\bat\b|@)\W*[\w -]+?(?:\s*\bdot\b\s*|\s*\bpoint\b\s*|\s*\.\s*)"
    r"(?:com|org|net|edu|gov|io|biz|info|us|uk|de|ca|fr|eu|au|me|ai|dev|app)\W*$"
)
