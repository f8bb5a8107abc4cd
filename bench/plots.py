"""The pictures: latency over turns and along the ledger, engines under load, cost of a frame, and
the curve between answering soon and answering too soon."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bench.stats import Summary

_INK = "#22313f"
_MAIN = "#2a6f97"
_SOFT = "#a9c9dc"
_WARN = "#d1495b"


def draw_latency(
    figure: Figure, v2v_ms: Sequence[float], ledger_ms: Mapping[str, Summary], title: str
) -> None:
    """Left: share of turns answered within a time. Right: when each mark of the ledger fell."""
    shares, marks = figure.subplots(1, 2, width_ratios=(1, 1.15))
    figure.suptitle(title, color=_INK, fontsize=11)
    _draw_shares(shares, v2v_ms)
    _draw_marks(marks, ledger_ms)


def _draw_shares(axes: Axes, v2v_ms: Sequence[float]) -> None:
    axes.set_title("Voice to voice, heard by the caller", fontsize=10)
    axes.set_xlabel("ms from last audible sample said to first heard")
    axes.set_ylabel("share of turns answered by then")
    axes.set_ylim(0, 1.03)
    axes.grid(alpha=0.3)
    if not v2v_ms:
        axes.text(0.5, 0.5, "no turn was timed", transform=axes.transAxes, ha="center")
        return
    ordered = np.sort(np.asarray(v2v_ms))
    axes.step(
        np.concatenate([[0.0], ordered]),
        np.arange(len(ordered) + 1) / len(ordered),
        where="post",
        color=_MAIN,
        linewidth=2,
    )
    axes.set_xlim(0, max(1500.0, ordered[-1] * 1.1))
    for percent, style in ((50, "--"), (95, ":")):
        value = float(np.percentile(ordered, percent, method="inverted_cdf"))
        axes.axvline(value, color=_WARN, linestyle=style, label=f"p{percent} {value:,.0f} ms")
    axes.legend(loc="upper left", frameon=False)


def _draw_marks(axes: Axes, ledger_ms: Mapping[str, Summary]) -> None:
    axes.set_title("The server's ledger", fontsize=10)
    axes.set_xlabel("ms after the last speech sample: p50 (dot) to p95")
    known = [name for name, figures in ledger_ms.items() if figures["n"]]
    names = sorted(known, key=lambda name: ledger_ms[name]["p50"])
    for row, name in enumerate(names):
        figures = ledger_ms[name]
        axes.barh(
            row, figures["p95"] - figures["p50"], left=figures["p50"], color=_SOFT, height=0.5
        )
        axes.plot(figures["p50"], row, "o", color=_MAIN)
        axes.annotate(
            f"{figures['p50']:,.0f}",
            (figures["p50"], row),
            xytext=(0, 8),
            textcoords="offset points",
            ha="center",
            fontsize=8,
            color=_INK,
        )
    axes.set_yticks(range(len(names)), [name.replace("_", " ") for name in names])
    axes.invert_yaxis()
    axes.set_xlim(left=min(0.0, *axes.get_xlim()))
    axes.grid(axis="x", alpha=0.3)
    if not names:
        axes.text(0.5, 0.5, "no ledger could be fetched", transform=axes.transAxes, ha="center")


def draw_stages(figure: Figure, stages: Mapping[str, Mapping[int, Mapping[str, Summary]]]) -> None:
    """One panel per engine: first result and total, p50 with a line up to p95, by load."""
    panels = np.atleast_1d(figure.subplots(1, max(1, len(stages))))
    figure.suptitle("Each engine alone", color=_INK, fontsize=11)
    for axes, (engine, loads) in zip(panels, stages.items(), strict=True):
        places = np.arange(len(loads))
        for shift, (kind, colour) in enumerate((("first_ms", _MAIN), ("total_ms", _SOFT))):
            medians = [figures[kind]["p50"] for figures in loads.values()]
            tails = [figures[kind]["p95"] - figures[kind]["p50"] for figures in loads.values()]
            axes.bar(
                places + (shift - 0.5) * 0.38,
                medians,
                0.36,
                yerr=[np.zeros(len(tails)), tails],
                capsize=3,
                color=colour,
                ecolor=_INK,
                label=("first result", "total")[shift],
            )
        axes.set_title(engine, fontsize=10)
        axes.set_xticks(places, [str(callers) for callers in loads])
        axes.set_xlabel("callers at once")
        axes.grid(axis="y", alpha=0.3)
    panels[0].set_ylabel("ms, p50 and up to p95")
    panels[0].legend(frameon=False)


def draw_wer(
    figure: Figure, windows: Sequence[str], rates: Sequence[float], ms: Sequence[Summary]
) -> None:
    """Word error rate and time side by side, one bar per window."""
    left, right = figure.subplots(1, 2)
    places = np.arange(len(windows))
    bars = left.bar(places, [rate * 100 for rate in rates], 0.55, color=_MAIN)
    left.bar_label(bars, fmt="%.2f", fontsize=9)
    left.set_title("Words heard wrong, %", fontsize=10)
    times = right.bar(places, [figures["mean"] for figures in ms], 0.55, color=_SOFT)
    right.bar_label(times, fmt="%.0f", fontsize=9)
    tails = [figures["p95"] for figures in ms]
    right.plot(places, tails, "_", color=_WARN, markersize=26, label="p95")
    right.set_title("Time of a transcription, ms (mean; p95)", fontsize=10)
    right.set_ylim(0, max(tails) * 1.2)
    right.legend(frameon=False, loc="upper left")
    for axes in (left, right):
        axes.set_xticks(places, windows)
        axes.grid(axis="y", alpha=0.3)
        axes.set_axisbelow(True)


def draw_frames(
    figure: Figure, cost_us: Mapping[str, float], steps_us: Mapping[str, float], target_us: float
) -> None:
    """Left: CPU of the server per frame and call, by run. Right: the steps done alone."""
    left, right = figure.subplots(1, 2)
    bars = left.bar(list(cost_us), list(cost_us.values()), 0.55, color=_MAIN)
    left.bar_label(bars, fmt="%.0f", fontsize=9)
    left.axhline(target_us, color=_WARN, linestyle="--", label=f"target {target_us:.0f} us")
    left.set_title("CPU of the server, us per 20 ms frame and call", fontsize=10)
    left.legend(frameon=False)
    bars = right.barh(list(steps_us), list(steps_us.values()), 0.55, color=_SOFT)
    right.bar_label(bars, fmt="%.1f", fontsize=9)
    right.invert_yaxis()
    right.set_title("Its steps done alone, us", fontsize=10)
    for axes in (left, right):
        axes.grid(alpha=0.25)
        axes.set_axisbelow(True)


@dataclass(frozen=True, slots=True)
class CurvePoint:
    """One setting on the curve between waiting and cutting in."""

    name: str
    """``default`` is marked; points of another name each have a colour of theirs."""

    p50_ms: float
    p95_ms: float
    cut_in_percent: float


def draw_curve(figure: Figure, points: Sequence[CurvePoint], target_percent: float = 3.0) -> None:
    """Left: median wait against the share of pauses cut into. Right: the 95th percentile."""
    figure.suptitle("Answering soon, and answering too soon", color=_INK, fontsize=11)
    colours = {"silence alone": _WARN, "default": _INK}
    for axes, percent in zip(figure.subplots(1, 2, sharey=True), (50, 95), strict=True):
        for name in dict.fromkeys(point.name for point in points):
            chosen = [point for point in points if point.name == name]
            axes.plot(
                [point.p50_ms if percent == 50 else point.p95_ms for point in chosen],
                [point.cut_in_percent for point in chosen],
                {"default": "*", "silence alone": "o-"}.get(name, "o"),
                color=colours.get(name, _SOFT),
                markersize=16 if name == "default" else 4,
                zorder=3 if name == "default" else 2,
                label=name,
            )
        axes.axhline(target_percent, color=_INK, linestyle=":", linewidth=1)
        axes.set_xlabel(f"ms after the last audible sample, p{percent}")
        axes.grid(alpha=0.3)
        axes.legend(frameon=False)
    figure.axes[0].set_ylabel("pauses inside sentences cut into, %")


def draw_barge(figure: Figure, clear_ms: Sequence[float], others: Mapping[str, float]) -> None:
    """Left: share of interruptions that stopped the agent by then. Right: what else stopped it."""
    left, right = figure.subplots(1, 2)
    left.set_title("Speech: first audible sample to clear", fontsize=10)
    left.set_xlabel("ms")
    left.set_ylabel("share of interruptions that stopped it by then")
    ordered = np.sort(np.asarray(clear_ms, np.float64))
    if len(ordered):
        shares = np.arange(1, len(ordered) + 1) / len(ordered)
        left.step(ordered, shares, where="post", color=_MAIN, linewidth=2)
    left.axvline(200, color=_WARN, linestyle="--", label="target for p95: 200 ms")
    left.set_xlim(left=0)
    left.legend(frameon=False, loc="lower right")
    bars = right.barh(list(others), [share * 100 for share in others.values()], color=_SOFT)
    right.bar_label(bars, fmt="%.0f", fontsize=9)
    right.axvline(5, color=_WARN, linestyle="--", label="target: 5 %")
    right.invert_yaxis()
    right.set_title("What should not stop the agent: share that did, %", fontsize=10)
    right.legend(frameon=False)
    for axes in (left, right):
        axes.grid(alpha=0.3)
        axes.set_axisbelow(True)
