"""How often the agent took a pause for the end: one figure that stands beside every latency. Pure.

Whoever answers sooner answers into more pauses, so neither figure means anything alone. The rate
is of pauses that were cut into among pauses that were offered; pauses inside sentences and between
two sentences are told apart, because a good agent may well answer after a whole sentence.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, get_args

from rich.table import Table

from bench.corpus import PauseKind
from bench.exchange import Exchange
from bench.report import table
from bench.stats import milliseconds, shown, summary

NO_PAUSES = "no pauses were offered"


def cut_ins_of(exchanges: Sequence[Exchange]) -> dict[str, Any]:
    """By kind of pause: ``pauses``, ``cut_ins``, ``cut_in_rate`` (None without pauses), lengths.

    ``elsewhere`` counts cut-ins that no known pause invited, and those after a pause's first.
    """
    found: dict[str, Any] = {}
    explained = 0
    for kind in get_args(PauseKind):
        pauses = [pause for one in exchanges for pause in one.pauses if pause.kind == kind]
        cut = [pause for pause in pauses if pause.cut_in_s is not None]
        explained += len(cut)
        found[kind] = {
            "pauses": len(pauses),
            "cut_ins": len(cut),
            "cut_in_rate": round(len(cut) / len(pauses), 4) if pauses else None,
            "pause_ms": summary(milliseconds(pause.lasted_s for pause in pauses)),
            "cut_in_ms": summary(milliseconds(pause.cut_in_s for pause in cut)),
        }
    return {**found, "elsewhere": sum(one.cut_ins for one in exchanges) - explained}


def rate_shown(figures: dict[str, Any]) -> str:
    """One kind's rate in words: the number and what it is of."""
    if figures["cut_in_rate"] is None:
        return NO_PAUSES
    return f"{figures['cut_in_rate'] * 100:.1f} % ({figures['cut_ins']} of {figures['pauses']})"


def cut_in_table(cut_ins: dict[str, Any], v2v_ms: dict[str, float]) -> Table:
    """Latency and rate side by side."""
    rows: list[tuple[str, ...]] = [
        (
            f"{kind} {'a sentence' if kind == 'inside' else 'sentences'}",
            rate_shown(cut_ins[kind]),
            *shown(cut_ins[kind]["pause_ms"], "p50", "max"),
            *shown(v2v_ms, "p50", "p95"),
        )
        for kind in get_args(PauseKind)
    ]
    rows.append(("in no known pause", str(cut_ins["elsewhere"]), "-", "-", "-", "-"))
    columns = ("pauses", "cut in", "pause p50", "longest", "voice to voice p50", "p95")
    return table("Latency, and cut-ins at that latency; ms", columns, rows)
