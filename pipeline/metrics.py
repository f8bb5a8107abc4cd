"""Every metric's name, and the one place where a turn's ledger becomes numbers for Prometheus.

Labels are few and bounded: no call id, no number, no text ever becomes one.
"""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from pipeline.speculation import SpeculationCounts
from pipeline.turn import MARKS, Turn

_SECONDS = (0.05, 0.1, 0.2, 0.3, 0.45, 0.6, 0.8, 1.0, 1.25, 1.5, 2.0, 3.0, 5.0, 10.0)


class Metrics:
    """One process's metrics, in a registry of their own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.calls_live = Gauge(
            "parley_calls_live", "Calls being carried now.", registry=self.registry
        )
        self.calls = Counter(
            "parley_calls", "Calls that ended, by who ended them.", ["by"], registry=self.registry
        )
        self.refused = Gauge(
            "parley_calls_refused", "Calls refused at the door so far.", registry=self.registry
        )
        self.turns = Counter(
            "parley_turns",
            "Turns of callers, by outcome: answered, interrupted, failed, unanswered.",
            ["outcome"],
            registry=self.registry,
        )
        self.marks = Histogram(
            "parley_turn_mark_seconds",
            "Seconds from the caller's last speech sample to each mark of the turn's ledger.",
            ["mark"],
            buckets=_SECONDS,
            registry=self.registry,
        )
        self.tools = Histogram(
            "parley_tool_seconds",
            "Seconds from a tool call to its result.",
            ["tool"],
            buckets=_SECONDS,
            registry=self.registry,
        )
        self.rungs = Counter(
            "parley_turn_rungs",
            "Turns that ran late, by the lowest rung of the budget's ladder that they took.",
            ["rung"],
            registry=self.registry,
        )
        self.speculations = Counter(
            "parley_speculations",
            "Answers begun before their turn was over: started, and then committed or discarded.",
            ["outcome"],
            registry=self.registry,
        )
        self.wasted = Counter(
            "parley_speculation_wasted_seconds",
            "Model time spent on answers that were discarded.",
            registry=self.registry,
        )
        self.restarts = Gauge(
            "parley_child_restarts",
            "How often an embedded server died and was started again.",
            ["child"],
            registry=self.registry,
        )

    def record_turn(self, turn: Turn) -> None:
        """Count a settled turn. The greeting answers nobody and is not counted."""
        if turn.transcript is None and not turn.failures:
            return
        self.turns.labels(outcome_of(turn)).inc()
        if turn.rung is not None:
            self.rungs.labels(turn.rung).inc()
        marks = turn.marks
        for name in MARKS:
            if name in marks:
                self.marks.labels(name).observe(max(0.0, marks[name]))
        for result in turn.tools:
            self.tools.labels(result.call.name).observe(result.ms / 1000)

    def record_speculation(self, counts: SpeculationCounts) -> None:
        """Add what a call's answering ahead came to, when it has ended."""
        self.speculations.labels("started").inc(counts.started)
        self.speculations.labels("committed").inc(counts.committed)
        self.speculations.labels("discarded").inc(counts.discarded)
        self.wasted.inc(counts.wasted_s)


def outcome_of(turn: Turn) -> str:
    """``failed`` when an engine did, ``interrupted``, ``unanswered``, else ``answered``."""
    if turn.failures:
        return "failed"
    if "sent" not in turn.marks:
        return "unanswered"
    return "interrupted" if turn.interrupted else "answered"
