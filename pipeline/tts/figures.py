"""Figures in words: money, times, dates, telephone numbers, addresses. Pure.

espeak-ng reads whole numbers, decimals, ordinals and "9 AM" well, so only what it spells out,
swallows or takes for something else is put into words here. American English: $ before the figure,
month before day, twelve hours.
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Callable

Rule = tuple[re.Pattern[str], str | Callable[[re.Match[str]], str]]

_MONTHS = tuple(calendar.month_name)
_DAYS = {name[:3]: name for name in calendar.day_name}
_CURRENCIES = {
    "$": ("dollar", "dollars", "cent", "cents"),
    "€": ("euro", "euros", "cent", "cents"),
    "£": ("pound", "pounds", "penny", "pence"),
}
_SCALES = {"k": "thousand", "m": "million", "b": "billion", "bn": "billion", "mn": "million"}
_FRACTIONS = {
    "1/2": "one half",
    "1/3": "one third",
    "2/3": "two thirds",
    "1/4": "one quarter",
    "3/4": "three quarters",
}
_PER = {"mo": "month", "yr": "year", "wk": "week", "hr": "hour"}
_SIGNS = {".": " dot ", "_": " underscore ", "-": " dash ", "+": " plus ", "/": " slash "}


def _signs(text: str) -> str:
    return "".join(_SIGNS.get(char, char) for char in text)


def _email(match: re.Match[str]) -> str:
    return f"{_signs(match.group(1))} at {_signs(match.group(2))}"


def _link(match: re.Match[str]) -> str:
    # What follows a ? or # is for machines.
    return _signs(re.split(r"[?#]", match.group(1))[0].rstrip("/"))


def _money(match: re.Match[str]) -> str:
    sign, whole, cents, scale = match.groups()
    one, many, small, smalls = _CURRENCIES[sign]
    if scale:
        decimals = f".{cents}" if cents else ""
        return f"{whole}{decimals} {_SCALES.get(scale.lower(), scale)} {many}"
    count = int(cents.ljust(2, "0")) if cents else 0
    parts = []
    if whole != "0" or not count:
        parts.append(f"{whole} {one if whole == '1' else many}")
    if count:
        parts.append(f"{count} {small if count == 1 else smalls}")
    return " and ".join(parts)


def _scaled(match: re.Match[str]) -> str:
    return f"{match.group(1)} {_SCALES[match.group(2).lower()]}"


def _clock(match: re.Match[str]) -> str:
    hour, minute, half = int(match.group(1)), match.group(2), match.group(3)
    suffix = f" {half.upper()}M" if half else ""
    if not half and (hour > 12 or hour == 0):
        suffix = " PM" if 12 < hour < 24 else " AM"
        hour = hour % 12 or 12
    if minute == "00":
        return f"{hour}{suffix}" if suffix else f"{hour} o'clock"
    return f"{hour} {f'oh {minute[1]}' if minute[0] == '0' else minute}{suffix}"


def _half_day(match: re.Match[str]) -> str:
    return f"{match.group(1)} {match.group(2).upper()}M"


def _date(year: str, month: str, day: str) -> str | None:
    if not (1 <= int(month) <= 12 and 1 <= int(day) <= 31):
        return None
    return f"{_MONTHS[int(month)]} {int(day)}{_ordinal(int(day))}, {year}"


def _iso_date(match: re.Match[str]) -> str:
    said = _date(match.group(1), match.group(2), match.group(3))
    return match.group() if said is None else said + (", " if match.group(4) else "")


def _american_date(match: re.Match[str]) -> str:
    return _date(match.group(3), match.group(1), match.group(2)) or match.group()


def _ordinal(day: int) -> str:
    if 10 <= day % 100 <= 20:
        return "th"
    return {1: "st", 2: "nd", 3: "rd"}.get(day % 10, "th")


def _phone(match: re.Match[str]) -> str:
    """Digit by digit in groups, as people read numbers to each other."""
    written = match.group()
    digits = re.sub(r"\D", "", written)
    if len(digits) == 11 and digits[0] == "1":
        digits = digits[1:]
    if len(digits) == 10 and not (written.startswith("+") and not written.startswith("+1")):
        groups = [digits[:3], digits[3:6], digits[6:]]
    elif len(groups := re.findall(r"\d+", written)) == 1:
        groups = [digits[i : i + 3] for i in range(0, len(digits), 3)]
    return ", ".join(" ".join(group) for group in groups)


def _days(match: re.Match[str]) -> str:
    return f"{_DAYS[match.group(1)[:3]]} to {_DAYS[match.group(2)[:3]]}"


_NUMBER = r"(\d{1,3}(?:,\d{3})+|\d+)(?:\.(\d{1,2}))?"
_HALF = r"(?:\s?([ap])\.?m\b\.?)"
_DAY = r"(Mon|Tue|Wed|Thu|Fri|Sat|Sun)(?:s|r|rs|day|sday|nesday|rsday|urday)?\.?"


def _rule(pattern: str, said: str | Callable[[re.Match[str]], str], flags: int = 0) -> Rule:
    return re.compile(pattern, flags), said


FIGURES: tuple[Rule, ...] = (
    _rule(r"([\w.+-]+)@([\w-]+(?:\.[\w-]+)+)", _email),
    _rule(r"(?:https?://(?:www\.)?|\bwww\.)([^\s()]*[\w/])", _link),
    # Money, and what it is paid for.
    _rule(r"([$€£])\s?(\d[\d,.]*)\s?[\u2013-]\s?(?=\d)", r"\2 to \1"),
    _rule(r"(?<=\d)\s?[\u2013-]\s?(?=[$€£])", " to "),
    _rule(rf"([$€£])\s?{_NUMBER}(?:\s?(k|K|M|B|bn|mn|thousand|million|billion)\b)?", _money),
    _rule(
        r"\s?/\s?(month|mo|year|yr|week|wk|day|hour|hr|user|person|seat|unit|call|cup|pound)\b\.?",
        lambda match: f" per {_PER.get(match.group(1), match.group(1))}",
    ),
    # Dates before ranges, and ranges before the times that are their ends.
    _rule(r"\b(\d{4})-(\d{2})-(\d{2})(?!\d)(T| (?=\d{1,2}:))?", _iso_date),
    _rule(r"\b(\d{1,2})/(\d{1,2})/(\d{4})\b", _american_date),
    _rule(
        rf"(?<![\d/])(?:{'|'.join(_FRACTIONS)})(?![\d/])", lambda match: _FRACTIONS[match.group()]
    ),
    _rule(r"\b24/7\b", "24 7"),
    _rule(r"\+\d[\d ().-]{6,17}\d\b", _phone),
    _rule(r"(?<![\d-])(?:1[ .-]?)?\(?\d{3}\)?[ .-]\d{3}[ .-]\d{4}\b", _phone),
    _rule(r"(?<![\d-])\d{3}-\d{4}\b|(?<![\d.,$])\d{7,15}\b(?![.,]\d)", _phone),
    _rule(rf"\b{_DAY}\s?[\u2013-]\s?{_DAY}(?!\w)", _days),
    _rule(r"(\d(?:\s?[ap]\.?m\b\.?|\s?%)?)\s?[\u2013-]\s?(?=\d)", r"\1 to ", re.IGNORECASE),
    _rule(rf"\b([01]?\d|2[0-3]):([0-5]\d)(?::[0-5]\d)?{_HALF}?", _clock, re.IGNORECASE),
    _rule(rf"\b(\d{{1,2}}){_HALF}", _half_day, re.IGNORECASE),
    # What stands at a number.
    _rule(r"(\d)(k|K|M|bn|mn)\b", _scaled),
    _rule(r"(?<=\d)\s?%", " percent"),
    _rule(r"\b(\d+)x\b", r"\1 times"),
    _rule(r"#(?=\d)", "number "),
    _rule(r"\bno\.(?=\s?\d)", "number", re.IGNORECASE),
)
"""Patterns and what is said instead, in order: an earlier one may make what a later one reads."""
