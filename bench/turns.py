"""The latency / cut-in curve: how soon a turn is given to the agent, and how often too soon.

Both figures follow from the same dials, so the default must be a chosen point. Recordings with
pauses are heard once by the real detector, endpointer and transcriber and judged once for how
finished they sound (:mod:`bench.silences`); each setting is then applied to what was heard, with
the real :class:`~pipeline.endpointing.patience.Patience`, seventeen turns to a caller.

What is told is when the turn is the agent's, not when the agent is heard: an answer that is not
ready by then comes later, and a caller who goes on before it sounds is not cut off. So the times
are a lower bound of voice to voice, and the rates an upper bound of cut-ins. ``--live`` tells both
as callers hear them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any, get_args

from bench.corpus import PauseKind
from bench.plots import CurvePoint, draw_curve
from bench.report import Report, table
from bench.silences import FRAME_MS, Hearing, Silence, pauses_of
from bench.stats import Summary, shown, summary
from pipeline.config import Settings
from pipeline.config_timing import TurnSettings
from pipeline.endpointing.patience import Patience

SHORT_MS = (200, 240, 260, 280, 300, 320, 340, 380, 440, 500)
LONG_MS = (600, 660, 700, 720, 780)
LONGEST_MS = (720, 960, 1200)
FINISHED_AT = (0.3, 0.5, 0.6, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95)
SILENCE_ALONE_MS = (200, 300, 400, 500, 600, 700, 800)
SOFT_END_MS = (60, 80, 100, 120, 160)

TARGET_RATE = 0.03
"""Pauses inside sentences that may be cut into; only settings that keep to it are shown."""

SHORTEST_MS = min(SHORT_MS)
"""No setting of the sweep ends a turn after less silence."""


@dataclass(frozen=True, slots=True)
class TurnPoint:
    """What came of one setting."""

    name: str
    turns: TurnSettings
    wait_ms: Summary
    """From the caller's last audible sample until the turn was the agent's."""

    given: dict[str, int]
    """Pauses that were taken for the end, by kind."""

    offered: dict[str, int]

    def rate(self, kind: str = "inside") -> float | None:
        """Share of the pauses of a kind that were taken for the end; None without any."""
        return self.given[kind] / self.offered[kind] if self.offered[kind] else None

    def as_json(self) -> dict[str, Any]:
        """For the report."""
        dials = ("end_ms", "unsure_ms", "unfinished_ms", "finished_at", "unfinished_at")
        rates = {kind: self.rate(kind) for kind in self.offered}
        return {
            "name": self.name,
            **{dial: getattr(self.turns, dial) for dial in dials},
            "wait_ms": self.wait_ms,
            "given_too_early": self.given,
            "pauses": self.offered,
            "rate": {kind: None if r is None else round(r, 4) for kind, r in rates.items()},
        }


def swept(base: TurnSettings) -> Iterator[tuple[str, TurnSettings]]:
    """Every setting of the curve: the present one first, then silence alone, then the dials."""
    yield "default", base
    for ms in SILENCE_ALONE_MS:
        waits = {"end_ms": ms, "unsure_ms": ms, "unfinished_ms": ms}
        yield "silence alone", base.model_copy(update=waits)
    for short, long, longest, threshold in product(SHORT_MS, LONG_MS, LONGEST_MS, FINISHED_AT):
        if short <= long <= longest:
            dials = {
                "end_ms": short,
                "unsure_ms": long,
                "unfinished_ms": longest,
                "finished_at": threshold,
            }
            yield "judged", base.model_copy(update=dials)


def apply(
    name: str, turns: TurnSettings, callers: Sequence[Sequence[Hearing]], judge_ms: int
) -> TurnPoint:
    """What a setting makes of what was heard.

    Args:
        name: of the setting.
        turns: the setting.
        callers: recordings, caller by caller; each is a call with patience of its own.
        judge_ms: from the soft end until it is known how finished the words sound.
    """
    waits: list[float] = []
    given = dict.fromkeys(get_args(PauseKind), 0)
    known_ms = turns.soft_end_ms + judge_ms
    for hearings in callers:
        patience = Patience(turns)
        for hearing in hearings:
            for silence in hearing.silences:
                at_ms = _given_at_ms(silence, patience, turns, known_ms)
                if silence.is_end:
                    waits.append(at_ms + silence.late_ms)
                    patience.settled()
                    continue
                if silence.pause is not None and at_ms <= silence.lasted_ms:
                    given[silence.pause.kind] += 1
                if silence.lasted_ms >= known_ms:
                    patience.went_on(silence.lasted_ms)
    offered = dict.fromkeys(given, 0)
    for pause in pauses_of([hearing for hearings in callers for hearing in hearings]):
        offered[pause.kind] += 1
    return TurnPoint(name, turns, summary(waits), given, offered)


def _given_at_ms(silence: Silence, patience: Patience, turns: TurnSettings, known_ms: int) -> float:
    """After how much silence the turn would be the agent's."""
    if silence.lasted_ms < known_ms or known_ms >= turns.unsure_ms:
        return turns.unsure_ms
    # Judged when the wait is over already, the turn ends with the next frame.
    return max(patience.wait_ms(silence.finished), known_ms + FRAME_MS)


def best_of(points: Sequence[TurnPoint]) -> list[TurnPoint]:
    """Those that no other point beats in median wait, p95 and rate at once; the quickest first."""
    figures = {
        (point.wait_ms["p50"], point.wait_ms["p95"], point.rate() or 0.0): point
        for point in reversed(points)  # of equals the first one is kept
    }
    return [
        figures[mine]
        for mine in sorted(figures)
        if not any(
            other != mine and all(o <= m for o, m in zip(other, mine, strict=True))
            for other in figures
        )
    ]


def speculation_of(hearings: Mapping[int, Sequence[Hearing]]) -> list[dict[str, Any]]:
    """By ``soft_end_ms``: answers begun for each turn, and how many of them in vain."""
    told = []
    for soft_end_ms, heard in hearings.items():
        begun = sum(len(hearing.silences) for hearing in heard)
        vain = begun - sum(hearing.silences[-1].is_end for hearing in heard)
        told.append(
            {
                "soft_end_ms": soft_end_ms,
                "turns": len(heard),
                "begun_per_turn": round(begun / len(heard), 2),
                "resumed_per_turn": round(vain / len(heard), 2),
            }
        )
    return told


def sounding_of(hearings: Sequence[Hearing]) -> dict[str, dict[str, float]]:
    """By threshold: share of ends, and of the judged pauses of each kind, that sound finished."""
    odds: dict[str, list[float]] = {"end": [], **{kind: [] for kind in get_args(PauseKind)}}
    for hearing in hearings:
        for silence in hearing.silences:
            if silence.is_end:
                odds["end"].append(silence.finished)
            elif silence.pause is not None and silence.lasted_ms >= SHORTEST_MS:
                odds[silence.pause.kind].append(silence.finished)
    return {
        str(threshold): {
            what: round(sum(one >= threshold for one in found) / len(found), 4)
            for what, found in odds.items()
            if found
        }
        for threshold in FINISHED_AT
    }


def report_of(
    points: Sequence[TurnPoint],
    settings: Settings,
    judge_ms: int,
    *,
    speculation: Sequence[dict[str, Any]],
    sounding: dict[str, dict[str, float]],
    silences: Sequence[dict[str, Any]],
) -> Report:
    """Tables and picture of a sweep whose first point is the present setting."""
    default = points[0]
    results = {
        "judge_ms": judge_ms,
        "default": default.as_json(),
        "best": [point.as_json() for point in best_of(points)],
        "points": [point.as_json() for point in points],
        "speculation": speculation,
        "sounds_finished": sounding,
        "silences": silences,
    }
    inside = default.offered["inside"]
    return Report(
        bench="turns",
        results=results,
        tables=[
            table(_TITLE.format(inside), _COLUMNS, [_row(point) for point in _told(points)]),
            table("Sound finished, %", _SOUNDING, [_sounding_row(*s) for s in sounding.items()]),
            table("Answers begun before the end", _BEGUN, [list(s.values()) for s in speculation]),
        ],
        draw=lambda figure: draw_curve(figure, [_curve(point) for point in points]),
        settings=settings,
        notes=["Times end when the turn is the agent's; rates are an upper bound of cut-ins."],
    )


_TITLE = "When the turn is the agent's, ms after the last audible sample ({} pauses inside)"
_COLUMNS = (
    "setting",
    *("finished", "unsure", "unfinished", "finished at"),
    *("p50", "p95", "inside %", "between %"),
)
_SOUNDING = ("from this probability on", "ends", "pauses inside", "pauses between")
_BEGUN = ("soft end ms", "turns", "begun a turn", "in vain a turn")


def _told(points: Sequence[TurnPoint]) -> list[TurnPoint]:
    """The default, silence alone, and those of the best that meet the target for cut-ins."""
    best = [point for point in best_of(points) if point.name == "judged"]
    meeting = [point for point in best if (point.rate() or 0.0) <= TARGET_RATE]
    return [points[0], *(point for point in points if point.name == "silence alone"), *meeting]


def _row(point: TurnPoint) -> tuple[object, ...]:
    rates = [point.rate("inside"), point.rate("between")]
    return (
        point.name,
        *(point.turns.end_ms, point.turns.unsure_ms, point.turns.unfinished_ms),
        point.turns.finished_at,
        *shown(point.wait_ms, "p50", "p95"),
        *("-" if rate is None else f"{rate * 100:.1f}" for rate in rates),
    )


def _sounding_row(threshold: str, shares: dict[str, float]) -> tuple[str, ...]:
    kinds = ("end", *get_args(PauseKind))
    return threshold, *(f"{shares[kind] * 100:.1f}" if kind in shares else "-" for kind in kinds)


def _curve(point: TurnPoint) -> CurvePoint:
    return CurvePoint(
        point.name, point.wait_ms["p50"], point.wait_ms["p95"], (point.rate() or 0.0) * 100
    )
