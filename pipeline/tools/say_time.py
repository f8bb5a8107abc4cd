"""Days and times in words to be spoken; the inverse of ``when.py``."""

from __future__ import annotations

from datetime import date, datetime, time

from pipeline.tools.number_words import ordinal


def spoken(at: datetime) -> str:
    """A moment in words to be spoken: "Tuesday, March 3rd, at 3:30 PM"."""
    return f"{at:%A}, {spoken_date(at.date())}, at {spoken_clock(at.time())}"


def spoken_clock(clock: time) -> str:
    """A time of day in words to be spoken: "3:30 PM", "noon"."""
    if clock == time(12):
        return "noon"
    minutes = f":{clock.minute:02}" if clock.minute else ""
    return f"{clock.hour % 12 or 12}{minutes} {'AM' if clock.hour < 12 else 'PM'}"


def spoken_date(day: date) -> str:
    return f"{day:%B} {ordinal(day.day)}"


def spoken_day(day: date, today: date) -> str:
    ahead = (day - today).days
    if ahead in (0, 1):
        return ("today", "tomorrow")[ahead]
    return f"on {day:%A}" if 1 < ahead < 7 else f"on {day:%A}, {spoken_date(day)}"
