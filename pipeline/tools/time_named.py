"""Which day and which time of day were named: parts of a time against the calendar."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

from pipeline.tools.say_time import spoken_date
from pipeline.tools.time_parts import Clock, DaysAhead, MonthDay, SameTime, Weekday
from pipeline.tools.time_said import Said

# A date without a year that is nearly a year away was more likely meant for the one just past.
_DOUBTFUL = timedelta(days=300)

_PART_HOURS = {
    "morning": range(0, 12),
    "afternoon": range(12, 19),
    "evening": range(16, 24),
    "night": range(18, 24),
}
# The hours on a twelve-hour dial that each part of the day can mean.
_PART_DIAL = {
    "morning": range(1, 12),
    "afternoon": (12, 1, 2, 3, 4, 5, 6),
    "evening": range(4, 12),
    "night": range(6, 12),
}


class Unclear(Exception):
    """No one day or time was named; carries the question to ask. Never leaves ``when.resolve``."""


# -- Days -------------------------------------------------------------------------------------


def named_day(said: Said, now: datetime) -> date | None:
    """The one day that was named, or None when none was."""
    if not said.days:
        return None
    today = now.date()
    # A weekday beside a date ("Friday the thirteenth") only has to agree with it.
    dates = [day for day in said.days if isinstance(day, DaysAhead | MonthDay)]
    weekdays = [day for day in said.days if isinstance(day, Weekday)]
    found = {_date_of(day, said, now) for day in dates} or {
        _weekday_date(day, said.weeks, today) for day in weekdays
    }
    if len(found) > 1:
        raise Unclear("Which of those days do you mean?")
    day = found.pop()
    if any(named.weekday != day.weekday() for named in weekdays):
        raise Unclear(f"{spoken_date(day)} is a {day:%A}. Which day do you mean?")
    monday = today - timedelta(days=today.weekday())
    if any((day - monday).days // 7 != ahead for ahead in said.weeks):
        raise Unclear("Which day exactly do you mean?")
    return day


def _weekday_date(named: Weekday, weeks: list[int], today: date) -> date:
    ahead = (named.weekday - today.weekday() - 1) % 7 + 1
    if named.which == "next" or (named.which == "coming" and 1 in weeks):
        ahead = named.weekday - today.weekday() + 7
    elif named.which == "this" and ahead == 7:
        raise Unclear(f"Do you mean today, or {today:%A} next week?")
    return today + timedelta(days=ahead, weeks=named.weeks)


def _date_of(named: DaysAhead | MonthDay, said: Said, now: datetime) -> date:
    today = now.date()
    match named:
        case DaysAhead(days):
            return today + timedelta(days=days)
        case MonthDay(day, None, _, months_ahead):
            return _day_of_month(day, months_ahead, said, now)
        case MonthDay(day, int(month), year):
            found = _valid(year or today.year, month, day)
            if year is None and found < today:
                found = _valid(today.year + 1, month, day)
                if found - today > _DOUBTFUL:
                    raise Unclear(f"Do you mean {spoken_date(found)} next year?")
            return found
    raise ValueError(f"no date can be made of {named}")


def _day_of_month(day: int, months_ahead: int | None, said: Said, now: datetime) -> date:
    """This month's day of that number if it is still to come, else the next month's."""
    first = now.date().replace(day=1)
    following = (first + timedelta(days=31)).replace(day=1)
    if months_ahead is None:
        months_ahead = int(day < now.day)
        if day == now.day:
            clock = named_clock(said, now)
            months_ahead = int(clock is not None and clock <= now.time())
    month = following if months_ahead else first
    return _valid(month.year, month.month, day)


def _valid(year: int, month: int, day: int) -> date:
    try:
        return date(year, month, day)
    except ValueError as error:
        raise Unclear("There is no such date. Which day do you mean?") from error


# -- Clocks -----------------------------------------------------------------------------------


def named_clock(said: Said, now: datetime) -> time | None:
    """The one time of day that was named, or None when none was."""
    parts = set(said.day_parts)
    if len(parts) > 1:
        raise Unclear("Which part of the day do you mean?")
    part = parts.pop() if parts else None
    found = {_time_of(clock, part, now) for clock in said.clocks}
    if len(found) > 1:
        raise Unclear("Which of those times do you mean?")
    return found.pop() if found else None


def _time_of(clock: Clock | SameTime, part: str | None, now: datetime) -> time:
    if isinstance(clock, SameTime):
        return time(now.hour, now.minute)
    hour, dial = clock.hour, clock.hour % 12
    if clock.half in ("am", "pm"):
        hour = dial + (12 if clock.half == "pm" else 0)
    elif clock.half == "" or (clock.half == "zero" and part):
        if part is not None and hour not in _PART_DIAL[part]:
            raise Unclear(f"What time in the {part} do you mean?")
        afternoon = part != "morning" if part else dial < 7
        hour = dial + (12 if afternoon else 0)
    elif clock.half == "zero" and dial < 7:
        said = f"{dial}:{clock.minute:02}"
        raise Unclear(f"Do you mean {said} in the morning or in the afternoon?")
    if part is not None and hour not in _PART_HOURS[part]:
        raise Unclear(f"What time in the {part} do you mean?")
    return time(hour, clock.minute)
