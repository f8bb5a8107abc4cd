"""One utterance's parts of a time, sorted by kind, with a changed mind taken into account."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from pipeline.tools.time_parts import (
    After,
    Clock,
    Correction,
    DayPart,
    DaysAhead,
    Exact,
    Loose,
    MonthDay,
    Open,
    Part,
    Parts,
    SameTime,
    Unknown,
    Week,
    Weekday,
    Zone,
)


@dataclass(slots=True)
class Said:
    """The parts of one stretch of speech, sorted."""

    days: list[DaysAhead | Weekday | MonthDay] = field(default_factory=list)
    clocks: list[Clock | SameTime] = field(default_factory=list)
    day_parts: list[str] = field(default_factory=list)
    weeks: list[int] = field(default_factory=list)
    afters: list[float] = field(default_factory=list)
    zones: list[str] = field(default_factory=list)
    exact: list[str] = field(default_factory=list)
    open: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    loose: bool = False

    def add(self, part: Part) -> None:
        match part:
            case DaysAhead() | Weekday() | MonthDay():
                self.days.append(part)
            case Clock() | SameTime():
                self.clocks.append(part)
            case DayPart(name):
                self.day_parts.append(name)
            case Week(ahead):
                self.weeks.append(ahead)
            case After(minutes):
                self.afters.append(minutes)
            case Zone(key):
                self.zones.append(key)
            case Exact(iso):
                self.exact.append(iso)
            case Open(words):
                self.open.append(words)
            case Unknown(word):
                self.unknown.append(word)
            case Loose():
                self.loose = True
            case Correction():
                raise ValueError("a correction separates stretches; it belongs to none")

    def over(self, earlier: Said) -> Said:
        """This stretch as the correction of an earlier one: what it leaves unsaid still holds."""
        kept = replace(self, open=earlier.open + self.open, unknown=earlier.unknown + self.unknown)
        if self.afters or self.exact:
            return kept
        if self.clocks:
            if earlier.afters and not self.days:
                kept.open.append("hours or o'clock")  # "in an hour, no, two"
            # "Tonight at eight, no, nine" stays in the evening. Business hours see to the rest.
            inherited = [part for part in earlier.day_parts if part in ("evening", "night")]
        elif self.loose:
            inherited = []
        else:
            kept.clocks, inherited = earlier.clocks, earlier.day_parts
            kept.afters = [] if self.days or self.day_parts else earlier.afters
        kept.day_parts = self.day_parts or inherited
        if not self.days:
            kept.days, kept.weeks = earlier.days, self.weeks or earlier.weeks
        kept.zones = self.zones or earlier.zones
        return kept

    def answering(self, earlier: Said) -> Said:
        """This stretch as the answer to a question about an earlier one, which it completes."""
        if self.afters or self.exact:
            return self
        whole = replace(self, zones=self.zones or earlier.zones)
        if not self.days:
            whole.days = earlier.days
        if not self.weeks and all(isinstance(day, Weekday) for day in self.days):
            whole.weeks = earlier.weeks  # "next week", "which day?", "Tuesday at two"
        if not self.clocks:
            whole.clocks = earlier.clocks
        if not self.day_parts:
            whole.day_parts = earlier.day_parts
            early = [clock for clock in self.clocks if isinstance(clock, Clock) and clock.hour < 6]
            if "morning" in whole.day_parts and any(clock.half == "" for clock in early):
                whole.open.append("two in the morning")  # nobody means that by "two"
        return whole


def sort(parts: Parts) -> Said:
    """What was said at last: later stretches correct earlier ones."""
    stretches = [Said()]
    for part in parts:
        if isinstance(part, Correction):
            stretches.append(Said())
        else:
            stretches[-1].add(part)
    understood = stretches[0]
    for later in stretches[1:]:
        understood = later.over(understood)
    return understood
