"""Spoken time to one instant in the contact's zone, or to the question that has to be asked.

No wrong instant leaves here in silence: whatever is past, skipped or repeated by a change of
clocks, contradictory, a range, or said in words that the grammar does not know, becomes a question.
The policies are those of the stock agent: hours without a mark are business hours (7 to 11 before
noon, 12 to 6 after), a bare weekday is the coming one, a time without a day is today's if that is
still to come and else tomorrow's, the last value counts when a mind is changed in mid-sentence.
"Next Tuesday" is the one of the next calendar week; "first thing" is nine o'clock.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from pipeline.tools.say_time import spoken, spoken_clock, spoken_day
from pipeline.tools.time_grammar import read
from pipeline.tools.time_named import Unclear, named_clock, named_day
from pipeline.tools.time_parts import DaysAhead, SameTime
from pipeline.tools.time_said import Said, sort

LONGEST_SPAN = 300
"""Characters. What is longer is no span but a speech, and would hold the event loop up."""

_FARTHEST = timedelta(days=366)


@dataclass(frozen=True, slots=True)
class Instant:
    """One moment, in the contact's zone."""

    at: datetime
    """With zone; whole minutes."""

    @property
    def local(self) -> str:
        """``YYYY-MM-DDTHH:MM`` on the contact's clock."""
        return self.at.strftime("%Y-%m-%dT%H:%M")


@dataclass(frozen=True, slots=True)
class Vague:
    """No one moment was named."""

    question: str
    """What to ask, one short sentence."""


def resolve(
    span: str, now: datetime, zone: ZoneInfo, earlier: Sequence[str] = ()
) -> Instant | Vague:
    """What ``span``, as spoken at ``now`` (any zone), means on the contact's clock.

    ``earlier`` are the spans that were too vague and asked about, oldest first: "tomorrow" makes
    the answer "at three" three o'clock tomorrow.
    Takes about a tenth of a millisecond for a usual span and reads no clock of its own.

    Raises:
        ValueError: ``now`` has no zone.
    """
    if now.tzinfo is None:
        raise ValueError("now has no zone: whose ten o'clock is it?")
    if len(span) > LONGEST_SPAN:
        return Vague("What day and time would suit you?")
    try:
        return Instant(_resolve(_said(span, earlier), now.astimezone(zone), zone))
    except Unclear as unclear:
        return Vague(str(unclear))


def _said(span: str, earlier: Sequence[str]) -> Said:
    if not earlier:
        return sort(read(span))
    before = _said(earlier[-1][:LONGEST_SPAN], earlier[:-1])
    return sort(read(span)).answering(before)


def _resolve(said: Said, now: datetime, zone: ZoneInfo) -> datetime:
    if said.open or said.unknown:
        raise Unclear(_ask_again(said, now))
    if said.exact:
        at = _exactly(said, zone)
    elif said.afters:
        at = _after(said, now)
    else:
        at = _on_the_calendar(said, now, zone)
    at = at.astimezone(zone).replace(second=0, microsecond=0)
    # In seconds: two datetimes of one zone compare by their faces, and a face can come twice.
    ahead_s = at.timestamp() - now.timestamp()
    if ahead_s <= 0:
        raise Unclear(f"{spoken(at)} has already passed. When would suit you?")
    if ahead_s > _FARTHEST.total_seconds():
        raise Unclear("That is more than a year away. Which day do you mean?")
    return at


def _ask_again(said: Said, now: datetime) -> str:
    """A question for words that leave the time open: it builds on what was understood."""
    try:
        day = named_day(said, now)
    except Unclear:
        day = None
    if day is not None:
        return f"What time exactly {spoken_day(day, now.date())}?"
    return "What day and time exactly would suit you?"


def _exactly(said: Said, zone: ZoneInfo) -> datetime:
    if len(said.exact) > 1 or said.days or said.clocks or said.afters:
        raise Unclear("Which of those times do you mean?")
    try:
        at = datetime.fromisoformat(said.exact[0].upper())
    except ValueError as error:
        raise Unclear("What day and time would suit you?") from error
    # Nobody speaks an offset: a model wrote it, and one that is not the contact's was made up.
    if at.utcoffset() != at.astimezone(zone).utcoffset():
        raise Unclear("What day and time would suit you?")
    return at


def _after(said: Said, now: datetime) -> datetime:
    # "An hour later" counts from something else than now.
    other = said.clocks or said.day_parts or said.weeks or said.zones or said.loose
    if other or len(said.afters) > 1 or any(day != DaysAhead(0) for day in said.days):
        raise Unclear("Which of those times do you mean?")
    # In UTC, because an hour from now is an hour also when the clocks change in between.
    return now.astimezone(UTC) + timedelta(minutes=said.afters[0])


def _on_the_calendar(said: Said, now: datetime, zone: ZoneInfo) -> datetime:
    day, clock = named_day(said, now), named_clock(said, now)
    if day is None and said.weeks:
        raise Unclear("Which day would that be, and what time?")
    if clock is None:
        raise Unclear(_ask_clock(said, day, now.date()))
    if day is None and SameTime() in said.clocks:
        raise Unclear("On which day?")
    there = _their_zone(said, zone)
    if day is not None:
        return _at(day, clock, there)
    today = _at(now.date(), clock, there)
    if today.timestamp() > now.timestamp():
        return today
    return _at(now.date() + timedelta(days=1), clock, there)


def _ask_clock(said: Said, day: date | None, today: date) -> str:
    part = said.day_parts[0] if said.day_parts else None
    if day is None:
        return f"What time in the {part}, and which day?" if part else "What day and time suit you?"
    named = spoken_day(day, today)
    if part:
        named = f"this {part}" if day == today else f"{named} {part}"
    return f"What time {named}?"


def _their_zone(said: Said, zone: ZoneInfo) -> ZoneInfo:
    """The zone whose clock was named, the contact's own when none was."""
    if not said.zones:
        return zone
    key = said.zones[0]
    # "Eastern" and "central" are other clocks in Sydney and in Berlin.
    if len(set(said.zones)) > 1 or not (key == "UTC" or zone.key.startswith(("America/", "US/"))):
        raise Unclear("What time would that be on your own clock?")
    return ZoneInfo(key)


def _at(day: date, clock: time, zone: ZoneInfo) -> datetime:
    """That time of that day, unless a change of clocks skips or repeats it."""
    at = datetime.combine(day, clock, zone)
    if at.astimezone(UTC).astimezone(zone).replace(tzinfo=None) != at.replace(tzinfo=None):
        raise Unclear(f"The clocks skip {spoken_clock(clock)} that day. What other time suits?")
    if at.utcoffset() != at.replace(fold=1).utcoffset():
        raise Unclear(f"{spoken_clock(clock)} comes twice that day. What other time suits?")
    return at
