"""The two ways in which ``python -m bench turns`` is run: over recordings, and over the wire."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console

from bench.alone import alone_asr
from bench.corpus import speech_clips
from bench.cut_ins import rate_shown
from bench.latency import LatencyPlan, run_latency, server_for
from bench.latency_report import results_of
from bench.overrides import Changes, room_for, with_changes
from bench.pauses import paused_clips
from bench.plots import CurvePoint, draw_curve
from bench.report import Report, table
from bench.silences import Hearing, Judge, hear, judged
from bench.stats import shown
from bench.turns import (
    SHORTEST_MS,
    SOFT_END_MS,
    apply,
    report_of,
    sounding_of,
    speculation_of,
    swept,
)
from pipeline.config import Settings, load_settings
from pipeline.endpointing.finish import sounds_finished
from pipeline.turn import Transcript

LIVE: tuple[tuple[str, dict[str, object]], ...] = (
    ("default", {}),
    ("quicker", {"end_ms": 300, "unsure_ms": 600}),
    ("silence alone", {"end_ms": 500, "unsure_ms": 500, "unfinished_ms": 500}),
)
"""Settings of ``[turns]`` that are tried on the wire, by name."""


def by_words_and_voice(transcript: Transcript) -> float:
    """The judgement that a call makes: see :func:`pipeline.endpointing.finish.sounds_finished`."""
    return sounds_finished(transcript.text, transcript.closing)


async def run_offline(
    settings: Settings, seeds: int, judge_ms: int, console: Console, judge: Judge
) -> Report:
    """Hear ``seeds`` sets of recordings once and apply every setting to what was heard.

    If cancelled, the transcriber is closed.

    Raises:
        WeightsError: the transcriber's weights are missing.
        EngineFailed: it could not answer.
    """
    sets = [paused_clips(speech_clips(), seed) for seed in range(1, seeds + 1)]
    callers: list[list[Hearing]] = []
    async with alone_asr(settings) as asr:
        for number, clips in enumerate(sets, 1):
            heard = [hear(clip, settings.turns) for clip in clips]
            callers.append([await judged(one, asr, judge, SHORTEST_MS) for one in heard])
            console.print(f"heard and judged: {number} of {seeds} sets of {len(clips)} turns")
    points = [
        apply(name, turns, callers, judge_ms=judge_ms) for name, turns in swept(settings.turns)
    ]
    soft = {
        ms: [
            hear(clip, settings.turns.model_copy(update={"soft_end_ms": ms}))
            for clips in sets
            for clip in clips
        ]
        for ms in SOFT_END_MS
    }
    sounding = sounding_of([hearing for hearings in callers for hearing in hearings])
    return report_of(
        points,
        settings,
        judge_ms,
        speculation=speculation_of(soft),
        sounding=sounding,
        silences=_told(callers),
    )


def _told(callers: Sequence[Sequence[Hearing]]) -> list[dict[str, Any]]:
    """Every silence that was judged, for whoever wants to know why."""
    return [
        {
            "clip": hearing.clip.name,
            "pause": silence.pause.kind if silence.pause else None,
            "end": silence.is_end,
            "lasted_ms": None if silence.is_end else silence.lasted_ms,
            "late_ms": round(silence.late_ms, 1),
            "text": silence.text,
            "finished": round(silence.finished, 3),
        }
        for hearings in callers
        for hearing in hearings
        for silence in hearing.silences
        if silence.lasted_ms >= SHORTEST_MS
    ]


async def run_live(config: Path, folder: Path, plan: LatencyPlan, console: Console) -> Report:
    """Run the real server once for each of :data:`LIVE` and let callers tell what they hear.

    If cancelled, the server is stopped.

    Raises:
        SettingsError: the settings are wrong, or their ports are taken.
        ServerFailed: a server did not come up.
    """
    told: list[dict[str, Any]] = []
    for name, dials in LIVE:
        changes: Changes = {**room_for(plan.calls, config), "turns": dials}
        used = with_changes(config, changes, folder / f"server-{name.replace(' ', '-')}.toml")
        console.print(f"{name}: {dials or 'as configured'}")
        async with server_for(None, None, used, folder, console) as server:
            results = results_of(await run_latency(server, plan, console))
        told.append({"name": name, "changed": dials, **results})
    rows = [
        (
            one["name"],
            f"{one['turns']['answered']} of {one['turns']['asked']}",
            *shown(one["v2v_ms"], "p50", "p95"),
            rate_shown(one["cut_ins"]["inside"]),
            rate_shown(one["cut_ins"]["between"]),
        )
        for one in told
    ]
    columns = ("setting", "answered", "p50", "p95", "cut in inside", "between sentences")
    curve = [
        CurvePoint(
            one["name"],
            one["v2v_ms"]["p50"],
            one["v2v_ms"]["p95"],
            (one["cut_ins"]["inside"]["cut_in_rate"] or 0.0) * 100,
        )
        for one in told
        if one["v2v_ms"]["n"]
    ]
    return Report(
        bench="turns-live",
        results={"void": any(one["void"] for one in told), "settings": told},
        tables=[table("Voice to voice on the wire, ms, and cut-ins", columns, rows)],
        draw=lambda figure: draw_curve(figure, curve),
        settings=load_settings(config),
    )
