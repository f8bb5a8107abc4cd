"""Text as a model writes it to text that is good to say. Pure.

espeak-ng reads plain numbers, ordinals and common abbreviations well. What it spells out or
swallows is put into words here: markup, money, clock times, dates, telephone numbers, addresses.
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Callable

_MONTHS = tuple(calendar.month_name)[1:]

_CURRENCIES = {"$": ("dollar", "cent"), "€": ("euro", "cent"), "£": ("pound", "penny")}

_PLURALS = {"penny": "pence"}

_WORDS = {
    "e.g.": "for example",
    "i.e.": "that is",
    "etc.": "and so on",
    "approx.": "about",
    "vs.": "versus",
    "&": "and",
    "%": " percent",
    "w/": "with",
}


def spoken(text: str) -> str:
    """``text`` in words, without markup. Plain sentences stay as they are."""
    for pattern, replacement in _RULES:
        text = pattern.sub(replacement, text)
    return re.sub(r"\s+", " ", text).strip()


def _address(match: re.Match[str]) -> str:
    name, domain = match.group(1), match.group(2)
    return f"{_letters(name)} at {_letters(domain)}"


def _link(match: re.Match[str]) -> str:
    return _letters(match.group(1).rstrip("/")).replace("/", " slash ")


def _letters(text: str) -> str:
    named = {".": " dot ", "_": " underscore ", "-": " dash ", "+": " plus "}
    return "".join(named.get(char, char) for char in text)


def _money(match: re.Match[str]) -> str:
    sign, whole, cents, scale = match.groups()
    unit, small = _CURRENCIES[sign]
    number = whole.replace(",", "")
    if scale:
        return f"{number}{f'.{cents}' if cents else ''} {scale} {unit}s"
    said = f"{number} {unit}{'' if number == '1' else 's'}" if int(number) or not cents else ""
    if cents and int(cents.ljust(2, "0")):
        count = int(cents.ljust(2, "0")[:2])
        many = _PLURALS.get(small, f"{small}s")
        said += f"{' and ' if said else ''}{count} {small if count == 1 else many}"
    return said


def _clock(match: re.Match[str]) -> str:
    hour, minute, half = int(match.group(1)), match.group(2), match.group(3)
    suffix = f" {half[0].lower()} m" if half else ""
    if minute == "00":
        return (
            f"{hour}{suffix}" if suffix else f"{hour} o'clock" if hour <= 12 else f"{hour} hundred"
        )
    return f"{hour} {f'oh {minute[1]}' if minute[0] == '0' else minute}{suffix}"


def _hour(match: re.Match[str]) -> str:
    return f"{match.group(1)} {match.group(2)[0].lower()} m"


def _date(match: re.Match[str]) -> str:
    year, month, day = (int(group) for group in match.groups())
    if not (1 <= month <= 12 and 1 <= day <= 31):
        return match.group()
    return f"{_MONTHS[month - 1]} {day}{_ordinal(day)}, {year}"


def _ordinal(day: int) -> str:
    if 10 <= day % 100 <= 20:
        return "th"
    return {1: "st", 2: "nd", 3: "rd"}.get(day % 10, "th")


def _phone(match: re.Match[str]) -> str:
    """Digit by digit in groups, as people read numbers to each other."""
    digits = re.sub(r"\D", "", match.group())
    if len(digits) == 11 and digits[0] == "1":
        digits = digits[1:]
    groups = [digits[:-7], digits[-7:-4], digits[-4:]] if len(digits) >= 10 else [digits]
    return ", ".join(" ".join(group) for group in groups if group)


_RULES: tuple[tuple[re.Pattern[str], str | Callable[[re.Match[str]], str]], ...] = (
    (re.compile(r"\[([^\]]+)\]\([^)]*\)"), r"\1"),  # a Markdown link is its text
    (re.compile(r"^\s*(?:[-*•]|\d+\.)\s+", re.MULTILINE), ""),  # bullets
    (re.compile(r"[*_`#~]{1,3}(?=\S)|(?<=\S)[*`#~]{1,3}"), ""),
    (re.compile(r"[\U0001F000-\U0001FAFF\u2600-\u27BF\uFE0F]"), ""),
    (re.compile(r"[\"“”«»]"), ""),
    (re.compile(r"([\w.+-]+)@([\w-]+(?:\.[\w-]+)+)"), _address),
    (re.compile(r"https?://(?:www\.)?([\w./-]*\w)"), _link),
    (re.compile(r"\bwww\.([\w./-]*\w)"), _link),
    (
        re.compile(r"([$€£])\s?(\d{1,3}(?:,\d{3})+|\d+)(?:\.(\d{1,2}))?(?:\s?(million|billion))?"),
        _money,
    ),
    (re.compile(r"(?<=\d)T(?=\d{1,2}:\d{2})"), " "),
    (re.compile(r"\b(\d{4})-(\d{2})-(\d{2})\b"), _date),
    (
        re.compile(r"(?<![\d-])(?:\+?\d[ .-]?)?\(?\d{3}\)?[ .-]\d{3}[ .-]\d{4}\b|\+\d{10,14}\b"),
        _phone,
    ),
    (re.compile(r"\b(\d{1,2}):([0-5]\d)(?::\d{2})?\s?([ap]\.?m\b\.?)?", re.IGNORECASE), _clock),
    (re.compile(r"\b(\d{1,2})\s?([ap]\.m\.|[ap]m\b)", re.IGNORECASE), _hour),
    (re.compile(r"(?<=\d)\s?[\u2013-]\s?(?=\d)"), " to "),
    *(
        (re.compile(rf"(?<!\w){re.escape(short)}"), said)
        for short, said in _WORDS.items()
        if short != "%"
    ),
    (re.compile(r"(?<=\d)\s?%"), " percent"),
)
