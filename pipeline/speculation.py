"""What answering before the turn is over costs, and when to stop doing it, sans-I/O.

An answer that is begun in a pause and thrown away has cost model time that other calls wanted.
Each call has an allowance of wasted seconds that refills slowly; a caller who keeps stopping and
going on uses it up, and is then answered only after the end of the turn, until it has refilled by
half.
"""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.config_timing import TurnSettings


@dataclass(frozen=True, slots=True)
class SpeculationCounts:
    """What became of answers that were begun before their turn had ended.

    One that was committed and then taken back, because the caller went on after all, counts as
    both committed and discarded.
    """

    started: int = 0
    committed: int = 0
    discarded: int = 0
    wasted_s: float = 0.0
    """Seconds of model time spent on those that were discarded."""

    def since(self, earlier: SpeculationCounts) -> SpeculationCounts:
        """The difference."""
        return SpeculationCounts(
            self.started - earlier.started,
            self.committed - earlier.committed,
            self.discarded - earlier.discarded,
            self.wasted_s - earlier.wasted_s,
        )


class Speculation:
    """One call's account. ``now`` is a clock reading in seconds throughout."""

    def __init__(self, settings: TurnSettings) -> None:
        self._most_s = settings.speculation_s
        self._refill = settings.speculation_s / settings.speculation_refill_s
        # Wasted seconds that are not refilled yet, as of ``_as_of``.
        self._debt_s = 0.0
        self._as_of = 0.0
        self._suspended = False
        self._counts = SpeculationCounts()

    @property
    def counts(self) -> SpeculationCounts:
        """Since the call began."""
        return self._counts

    def allowed(self, now: float) -> bool:
        """Whether an answer may be begun before its turn has ended."""
        self._let_refill(now)
        limit = self._most_s / 2 if self._suspended else self._most_s
        self._suspended = self._debt_s > limit
        return not self._suspended

    def started(self) -> None:
        """An answer was begun."""
        self._counts = _plus(self._counts, started=1)

    def committed(self) -> None:
        """The turn ended with it."""
        self._counts = _plus(self._counts, committed=1)

    def discarded(self, wasted_s: float, now: float) -> None:
        """It was thrown away, after ``wasted_s`` seconds of model time."""
        self._let_refill(now)
        self._debt_s += wasted_s
        self._counts = _plus(self._counts, discarded=1, wasted_s=wasted_s)

    def _let_refill(self, now: float) -> None:
        self._debt_s = max(0.0, self._debt_s - (now - self._as_of) * self._refill)
        self._as_of = now


def _plus(
    counts: SpeculationCounts,
    *,
    started: int = 0,
    committed: int = 0,
    discarded: int = 0,
    wasted_s: float = 0.0,
) -> SpeculationCounts:
    return SpeculationCounts(
        counts.started + started,
        counts.committed + committed,
        counts.discarded + discarded,
        counts.wasted_s + wasted_s,
    )
