"""Short windows against the full one: words heard wrong, and how long it took.

Whisper was trained on windows of 30 s, and everybody pads to that. We encode only what was said and
a little silence; this bench is what lets us. Every clip goes through mu-law first, as on a phone.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from rich.console import Console
from rich.table import Table

from bench.corpus import Clip
from bench.plots import draw_wer
from bench.report import Report, table
from bench.stats import Summary, summary
from bench.words import normalised, word_error_rate
from pipeline.audio import LINE_RATE
from pipeline.build import open_asr
from pipeline.config import AsrSettings, Settings
from pipeline.engine import only
from pipeline.turn import Speech, Transcript
from telephony.g711 import ulaw_decode, ulaw_encode

FULL_S = 30.0


@dataclass(frozen=True, slots=True)
class WindowRun:
    """The corpus through one window."""

    pad_s: float | None
    """Silence behind the speech; None: the model's own choice."""

    heard: Sequence[Transcript]
    ms: Sequence[float]
    """Of each transcription."""

    @property
    def name(self) -> str:
        """As tables show it."""
        if self.pad_s is None:
            return "short (default)"
        return "full 30 s" if self.pad_s >= FULL_S else f"+{self.pad_s:g} s"


async def run_window(
    settings: AsrSettings, pad_s: float | None, clips: Sequence[Clip], console: Console
) -> WindowRun:
    """Transcribe every clip with ``pad_s`` of silence behind it.

    If cancelled, the transcriber is closed.

    Raises:
        WeightsError: the model's weights are missing.
        EngineFailed: a clip could not be transcribed.
    """
    heard: list[Transcript] = []
    ms: list[float] = []
    async with open_asr(settings.model_copy(update={"pad_s": pad_s})) as engine:
        for clip in clips:
            phoned = ulaw_decode(ulaw_encode(clip.pcm))
            began = time.monotonic()
            heard.append(await only(engine, Speech(phoned, LINE_RATE)))
            ms.append((time.monotonic() - began) * 1000)
    run = WindowRun(pad_s, heard, ms)
    console.print(
        f"{run.name}: {_rate(run, clips) * 100:.2f} % of words, {_ms(run)['mean']:.0f} ms"
    )
    return run


def report_of(runs: Sequence[WindowRun], clips: Sequence[Clip], settings: Settings) -> Report:
    """Table and picture; the differences from the last run, which is the full window."""
    full = _rate(runs[-1], clips)
    seconds = sum(clip.duration for clip in clips)
    results = {
        "model": settings.asr.model,
        "clips": len(clips),
        "speech_s": round(seconds, 1),
        "words": sum(len(normalised(clip.text).split()) for clip in clips),
        "windows": [_result(run, clips, full) for run in runs],
    }
    rows = [
        (
            run.name,
            f"{_rate(run, clips) * 100:.2f}",
            f"{(_rate(run, clips) - full) * 100:+.2f}",
            f"{_ms(run)['mean']:.0f}",
            f"{_ms(run)['p95']:.0f}",
            sum(transcript.fell_back for transcript in run.heard),
        )
        for run in runs
    ]
    columns = ("window", "WER %", "points from full", "mean ms", "p95 ms", "fell back")
    rates, times = [_rate(run, clips) for run in runs], [_ms(run) for run in runs]
    title = f"{settings.asr.model}: {len(clips)} clips, {seconds:.0f} s of human speech at 8 kHz"
    return Report(
        bench="wer",
        results=results,
        tables=[table(title, columns, rows), _wrong(runs, clips)],
        draw=lambda figure: draw_wer(figure, [run.name for run in runs], rates, times),
        settings=settings,
    )


def _result(run: WindowRun, clips: Sequence[Clip], full: float) -> dict[str, Any]:
    return {
        "window": run.name,
        "pad_s": run.pad_s,
        "wer": round(_rate(run, clips), 5),
        "points_from_full": round((_rate(run, clips) - full) * 100, 3),
        "ms": _ms(run),
        "fell_back": sum(transcript.fell_back for transcript in run.heard),
        "per_clip": [
            {"clip": clip.name, "said": clip.text, "heard": transcript.text, "ms": round(ms, 1)}
            for clip, transcript, ms in zip(clips, run.heard, run.ms, strict=True)
        ],
    }


def _wrong(runs: Sequence[WindowRun], clips: Sequence[Clip]) -> Table:
    """What was heard differently by two windows: the sentences that the difference is made of."""
    rows = []
    for clip, *heard in zip(clips, *(run.heard for run in runs), strict=True):
        if len({normalised(transcript.text) for transcript in heard}) > 1:
            rows.append((clip.name, *(transcript.text for transcript in heard)))
    return table("Heard differently", ("clip", *(run.name for run in runs)), rows)


def _rate(run: WindowRun, clips: Sequence[Clip]) -> float:
    texts = [clip.text for clip in clips]
    return word_error_rate(texts, [transcript.text for transcript in run.heard]) or 0.0


def _ms(run: WindowRun) -> Summary:
    return summary(run.ms)
