"""What a spoken time is made of: the nouns between the grammar and the calendar."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Clock:
    """A time of day."""

    hour: int
    minute: int
    half: Literal["", "am", "pm", "24", "zero"] = ""
    """Which half of the day was said: none, a mark, the 24-hour clock, or a leading zero."""


@dataclass(frozen=True, slots=True)
class SameTime:
    """The time of day that it is now."""


@dataclass(frozen=True, slots=True)
class DayPart:
    """Morning, afternoon, evening or night."""

    name: str


@dataclass(frozen=True, slots=True)
class DaysAhead:
    """So many days after today; negative is the past."""

    days: int


@dataclass(frozen=True, slots=True)
class Weekday:
    """A day of the week."""

    weekday: int
    """0 is Monday."""

    which: Literal["coming", "this", "next"] = "coming"
    weeks: int = 0
    """Whole weeks after it."""


@dataclass(frozen=True, slots=True)
class MonthDay:
    """A day of a month."""

    day: int
    month: int | None = None
    year: int | None = None
    months_ahead: int | None = None
    """0 for "of this month", 1 for "of next month"."""


@dataclass(frozen=True, slots=True)
class Week:
    """Some day of this calendar week (0) or the next (1); weeks begin on Monday."""

    ahead: int


@dataclass(frozen=True, slots=True)
class After:
    """So many minutes from now."""

    minutes: float


@dataclass(frozen=True, slots=True)
class Zone:
    """A clock that the speaker named."""

    key: str
    """IANA name."""


@dataclass(frozen=True, slots=True)
class Exact:
    """A written-out moment with its offset from UTC."""

    iso: str


@dataclass(frozen=True, slots=True)
class Loose:
    """Words that name no time but go with one: "later today at four"."""


@dataclass(frozen=True, slots=True)
class Open:
    """Words that leave the time open, whatever else is said: "or", "after", "midnight"."""

    words: str


@dataclass(frozen=True, slots=True)
class Correction:
    """What follows replaces what was said before: "no, wait"."""


@dataclass(frozen=True, slots=True)
class Unknown:
    """A word that has no place in a time."""

    word: str


Part = (
    Clock | SameTime | DayPart | DaysAhead | Weekday | MonthDay | Week | After | Zone | Exact
    | Loose | Open | Correction | Unknown
)  # fmt: skip
Parts = tuple[Part, ...]
