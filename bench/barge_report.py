"""The figures of a barge run: how soon speech stopped the agent, and what else did."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bench.barge import BargeRun
from bench.interjection import IntrusionHeard
from bench.noises import NOISES
from bench.pacing import Pacing
from bench.plots import draw_barge
from bench.report import Report, table
from bench.stats import milliseconds, shown, summary
from pipeline.config import Settings

_SPEECH = ("speech", "speech over echo")
_LINES = (*NOISES, "echo")


def figures_of(run: BargeRun) -> dict[str, Any]:
    """All figures of a run, and each sound of it."""
    kinds = list(dict.fromkeys(one.kind for one in run.heard))
    words = [kind for kind in kinds if kind not in (*_SPEECH, *_LINES)]
    by_kind = {kind: [one for one in run.heard if one.kind == kind] for kind in kinds}
    pacing = Pacing()
    for call in run.calls:
        pacing.include(call.pacing)
    return {
        "void": pacing.is_void,
        "pacing": pacing.as_json(),
        "calls": len(run.calls),
        "problems": [call.problem for call in run.calls if call.problem],
        "untried": run.untried,
        "turns_taken": run.turns_taken,
        "speech": {kind: _stops(by_kind[kind]) for kind in _SPEECH if kind in by_kind},
        "backchannels": _share([one for word in words for one in by_kind[word]]),
        "others": {kind: _share(by_kind[kind]) for kind in (*words, *_LINES) if kind in by_kind},
        "voices": _voices([one for word in words for one in by_kind[word]]),
        "per_sound": [_as_json(one) for one in run.heard],
    }


def _stops(heard: Sequence[IntrusionHeard]) -> dict[str, Any]:
    stopped = [one for one in heard if one.stopped]
    return {
        "tried": len(heard),
        "stopped": len(stopped),
        "clear_ms": summary(milliseconds(one.clear_s for one in stopped)),
        "silent_ms": summary(milliseconds(one.silent_s for one in stopped)),
        "leaked": sum(one.leaked_s > 0.02 for one in stopped),
    }


def _share(heard: Sequence[IntrusionHeard]) -> dict[str, Any]:
    stopped = [one for one in heard if one.stopped]
    return {
        "tried": len(heard),
        "stopped": len(stopped),
        "share": round(len(stopped) / len(heard), 4) if heard else None,
        "went_on": sum(one.went_on_s is not None for one in stopped),
        "went_on_ms": summary(milliseconds(one.went_on_s for one in stopped)),
    }


def _voices(heard: Sequence[IntrusionHeard]) -> dict[str, dict[str, Any]]:
    """By voice: a clip is named after its words, its program and its voice."""
    voices: dict[str, list[IntrusionHeard]] = {}
    for one in heard:
        voices.setdefault("-".join(one.name.split("-")[-2:]), []).append(one)
    return {voice: _share(said) for voice, said in sorted(voices.items())}


def _as_json(one: IntrusionHeard) -> dict[str, Any]:
    return {
        "name": one.name,
        "kind": one.kind,
        "lasted_s": round(one.lasted_s, 3),
        "stopped": one.stopped,
        "clear_ms": None if one.clear_s is None else round(one.clear_s * 1000, 1),
        "went_on_s": None if one.went_on_s is None else round(one.went_on_s, 3),
    }


def report_of(results: dict[str, Any], settings: Settings | None) -> Report:
    """Tables and picture of a run's figures."""
    stops = [
        (
            kind,
            f"{figures['stopped']} of {figures['tried']}",
            *shown(figures["clear_ms"], "p50", "p95", "max"),
            *shown(figures["silent_ms"], "p95"),
            figures["leaked"],
        )
        for kind, figures in results["speech"].items()
    ]
    shares = [("all backchannels", *_share_row(results["backchannels"]))]
    shares += [(kind, *_share_row(figures)) for kind, figures in results["others"].items()]
    notes = list(dict.fromkeys(results["problems"]))
    if results["untried"]:
        notes.append(f"{results['untried']} sounds could not be tried: the agent did not talk.")
    if results["turns_taken"]:
        notes.append(f"{results['turns_taken']} of these sounds were answered as if turns.")
    if results["void"]:
        notes.append("VOID: the callers themselves were late. Repeat this run.")
    others = {kind: figures["share"] for kind, figures in results["others"].items()}
    speech = [
        one["clear_ms"]
        for one in results["per_sound"]
        if one["kind"] in _SPEECH and one["clear_ms"] is not None
    ]
    return Report(
        bench="barge",
        results=results,
        tables=[
            table("Speech, ms from its first audible sample to the clear", _STOPS, stops),
            table("What should not stop the agent", _SHARES, shares),
        ],
        draw=lambda figure: draw_barge(figure, speech, others),
        settings=settings,
        notes=notes,
    )


_STOPS = ("", "stopped", "p50", "p95", "max", "silent p95", "audible after it")
_SHARES = ("", "stopped it", "share", "went on", "ms after the sound, p50")


def _share_row(figures: dict[str, Any]) -> tuple[object, ...]:
    share = "-" if figures["share"] is None else f"{figures['share'] * 100:.0f} %"
    went_on = f"{figures['went_on']} of {figures['stopped']}" if figures["stopped"] else "-"
    return (
        f"{figures['stopped']} of {figures['tried']}",
        share,
        went_on,
        *shown(figures["went_on_ms"], "p50"),
    )
