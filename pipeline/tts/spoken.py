"""Text as a model writes it to text that is good to say. Pure.

Markup goes, abbreviations become the words that they stand for, figures are put into words by
:mod:`.figures`. A plain sentence stays as it is. Full stops matter beyond their sound: the voice
takes each for a sentence's end, so "Mr. Smith" would be two, with a pause between.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from pipeline.tts.figures import FIGURES, Rule

_TITLES = {
    "Mr": "Mister",
    "Mrs": "Missus",
    "Ms": "Miz",
    "Dr": "Doctor",
    "Prof": "Professor",
    "Jr": "Junior",
    "Sr": "Senior",
    "Inc": "Incorporated",
    "Ltd": "Limited",
    "Corp": "Corporation",
    "Co": "Company",
    "Ave": "Avenue",
    "Blvd": "Boulevard",
    "Rd": "Road",
    "Apt": "Apartment",
    "Ste": "Suite",
    "Jan": "January",
    "Feb": "February",
    "Aug": "August",
    "Sept": "September",
    "Oct": "October",
    "Nov": "November",
    "Dec": "December",
    "Mon": "Monday",
    "Tue": "Tuesday",
    "Tues": "Tuesday",
    "Wed": "Wednesday",
    "Thu": "Thursday",
    "Thurs": "Thursday",
    "Fri": "Friday",
}
"""Said in full where a full stop follows them; some are words without one."""

_WORDS = {
    "e.g.": "for example",
    "i.e.": "that is",
    "approx.": "about",
    "ext.": "extension",
    "dept.": "department",
    "vs.": "versus",
    "Ph.D.": "PhD",
    "and/or": "and or",
    "w/o": "without",
    "w/": "with ",
    "&": "and",
}

_EMOJI = "[\U0001f000-\U0001faff\u2190-\u21ff\u2600-\u27bf\u2b00-\u2bff\ufe0f\u200d\u20e3]"


def spoken(text: str) -> str:
    """``text`` in words, on one line, without markup."""
    for pattern, said in _RULES:
        text = pattern.sub(said, text)
    return text.strip()


def _ends(match: re.Match[str]) -> str:
    """The full stop of an abbreviation that ends the text ends the sentence as well."""
    return "" if match.string[match.end() :].strip() else "."


def _title(match: re.Match[str]) -> str:
    return _TITLES[match.group(1)] + _ends(match)


def _initials(match: re.Match[str]) -> str:
    return match.group().replace(".", "") + _ends(match)


def _rule(pattern: str, said: str | Callable[[re.Match[str]], str], flags: int = 0) -> Rule:
    return re.compile(pattern, flags), said


_MARKUP: tuple[Rule, ...] = (
    _rule(r"!?\[([^\]]*)\]\([^)]*\)", r"\1"),  # a Markdown link is its text
    _rule(r"</?[A-Za-z][^<>]*>", ""),
    _rule(r"^\s*(?:[-*+•>]|\d{1,2}[.)]|#{1,6})\s+", "", re.MULTILINE),
    _rule(r"^[ \t|:-]*[|:-]{3}[ \t|:-]*$", "", re.MULTILINE),  # a rule, or one under a table's head
    _rule(_EMOJI, " "),
    _rule(r"[\"\u201c\u201d\u00ab\u00bb*`~|]|\[|\]|#(?!\d)", ""),  # [[ ]] would be raw phonemes
    _rule(r"\u2019", "'"),
    _rule(r"(?<![^\W_])_+|_+(?![^\W_])", ""),  # emphasis, but not a name_with_parts
    _rule(r"(?<=[^\s.,:;!?])[ \t]*\n\s*(?=\S)", ", "),  # the end of a line is a pause
)

_ABBREVIATIONS: tuple[Rule, ...] = (
    _rule(rf"\b({'|'.join(_TITLES)})\.", _title),
    _rule(r"\b([A-Z]\w+) St\.(?! [A-Z])", r"\1 Street"),
    _rule(r"\bSt\.(?= [A-Z])", "Saint"),
    _rule(r"\betc\.(?=\s+[A-Z]|\s*$)", "and so on."),
    _rule(r"\betc\.", "and so on"),
    *(_rule(rf"(?<!\w){re.escape(short)}", said) for short, said in _WORDS.items()),
    _rule(r"\b(?:[A-Z]\.){2,}", _initials),
    _rule(r"\bA I\b", "AI"),  # espeak-ng would say "uh eye"
)

_TIDY: tuple[Rule, ...] = (
    _rule(r"\s*(?:\.{2,}|\u2026)\s*(?=\w)", ", "),  # espeak-ng joins the words around dots
    _rule(r"\.{2,}|\u2026", "."),
    _rule(r"(?<=\w)(?:\s+[\u2013-]{1,3}\s+|\s*\u2014\s*)(?=\w)", ", "),
    _rule(r"(?<=[A-Za-z])/(?=[A-Za-z])", " or "),
    _rule(r"[_\s]+", " "),
    _rule(r" (?=[.,;:!?])", ""),
)

_RULES = (*_MARKUP, *FIGURES, *_ABBREVIATIONS, *_TIDY)
