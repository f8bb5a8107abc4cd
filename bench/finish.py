"""How well an unfinished utterance is told from a finished one, and at what cost.

Every case of ``finish.tsv`` is transcribed as on a call and judged three ways: by its words, by the
transcriber's odds of a full stop, and by both as
:func:`pipeline.endpointing.finish.sounds_finished` does. The figure that matters: how many real
ends are known as such while at most 4 % of the pauses inside sentences pass for ends.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from matplotlib.figure import Figure
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from bench.finish_cases import Case, finish_cases
from bench.options import CONFIG, FOLDER, run_to_exit
from bench.report import Report, publish, table
from bench.stats import summary
from pipeline.audio import LINE_RATE
from pipeline.build import open_asr
from pipeline.config import Settings, load_settings
from pipeline.endpointing.finish import ending_of, sounds_finished
from pipeline.engine import only
from pipeline.turn import Speech, Transcript

MOST_CUT_IN = 0.04
"""Share of pauses that may pass for ends."""

THRESHOLDS = (0.4, 0.5, 0.6, 0.7, 0.8)

HALVES = ("tune", "held-out", "harness")


@dataclass(frozen=True, slots=True)
class Judged:
    """A case, what was understood of it, and the judgements, each 0 to 1."""

    case: Case
    transcript: Transcript
    words: float
    closing: float
    """The transcriber's odds alone; 0.5 where it gave none."""

    both: float
    judge_us: float
    """Microseconds of one core for the judgement, the transcript being there."""


def finish(
    *,
    root: Annotated[Path, typer.Option(help="Where the Debian packages are unpacked.")] = Path("/"),
    config: Annotated[Path, CONFIG] = Path("configs/local.toml"),
    folder: Annotated[Path, FOLDER] = Path("runs"),
) -> None:
    """Ends of utterances that are known as such, and pauses that pass for ends.

    Why: how long we wait follows from this judgement. 60 human cases in the repository, 608 with
    the packages asterisk-core-sounds-en-wav and pocketsphinx-testdata.
    """
    console = Console(stderr=True, highlight=False)

    async def run() -> bool:
        settings = load_settings(config)
        judged = await run_finish(settings, finish_cases(root), console)
        publish(report_of(judged, settings), folder)
        return True

    run_to_exit(run())


async def run_finish(settings: Settings, cases: Sequence[Case], console: Console) -> list[Judged]:
    """Transcribe and judge every case.

    If cancelled, the transcriber is closed.

    Raises:
        WeightsError: the model's weights are missing.
        EngineFailed: a case could not be transcribed.
    """
    judged: list[Judged] = []
    async with open_asr(settings.asr) as engine:
        for case in cases:
            judged.append(judge(case, await only(engine, Speech(case.pcm, LINE_RATE))))
            if len(judged) % 100 == 0:
                console.print(f"{len(judged)} of {len(cases)}")
    return judged


def judge(case: Case, transcript: Transcript) -> Judged:
    """One case, by its transcript."""
    odds = transcript.closing
    began = time.process_time()
    both = sounds_finished(transcript.text, odds)
    took = time.process_time() - began
    words = sounds_finished(transcript.text)
    return Judged(case, transcript, words, 0.5 if odds is None else odds, both, took * 1e6)


def area(ends: NDArray[np.float64], pauses: NDArray[np.float64]) -> float:
    """Area under the curve: how often a random end is judged likelier than a random pause."""
    higher = (ends[:, None] > pauses[None]).mean()
    return float(higher + 0.5 * (ends[:, None] == pauses[None]).mean())


def ends_known(
    ends: NDArray[np.float64], pauses: NDArray[np.float64], most: float = MOST_CUT_IN
) -> tuple[float, float]:
    """Share of ends above the lowest threshold that at most ``most`` of pauses pass, and it."""
    threshold = float(np.sort(pauses)[::-1][int(most * len(pauses))])
    return float((ends > threshold).mean()), threshold


def report_of(judged: Sequence[Judged], settings: Settings) -> Report:
    """Tables and picture."""
    by_half = {half: [j for j in judged if j.case.half == half] for half in HALVES}
    by_half = {half: found for half, found in by_half.items() if found}
    results: dict[str, Any] = {
        "model": settings.asr.model,
        "judge_us": summary([j.judge_us for j in judged]),
        "halves": {half: _measured(found) for half, found in by_half.items()},
    }
    notes = []
    if all(j.closing == 0.5 for j in judged):
        notes.append("The transcriber tells no odds of a full stop: words judged alone.")
    if "tune" not in by_half:
        notes.append("Only the repository's clips: install asterisk-core-sounds-en-wav for more.")
    return Report(
        bench="finish",
        results=results,
        tables=[_judges(results["halves"]), _thresholds(by_half), _kinds(judged)],
        draw=lambda figure: _draw(figure, by_half),
        settings=settings,
        notes=notes,
    )


def _scores(
    judged: Sequence[Judged], judge_name: str
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Of ends and of all that is none, float64 each."""
    ends = [getattr(j, judge_name) for j in judged if j.case.kind == "end"]
    pauses = [getattr(j, judge_name) for j in judged if j.case.kind != "end"]
    return np.array(ends, np.float64), np.array(pauses, np.float64)


def _measured(judged: Sequence[Judged]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name in ("words", "closing", "both"):
        ends, pauses = _scores(judged, name)
        known, threshold = ends_known(ends, pauses)
        found[name] = {
            "ends": len(ends),
            "pauses": len(pauses),
            "auc": round(area(ends, pauses), 4),
            "ends_known": round(known, 4),
            "at_threshold": round(threshold, 4),
        }
    return found


def _judges(halves: Mapping[str, Any]) -> Table:
    rows = [
        (
            f"{half}, {name}",
            figures["ends"],
            figures["pauses"],
            f"{figures['auc']:.3f}",
            f"{figures['ends_known'] * 100:.0f}",
            f"{figures['at_threshold']:.3f}",
        )
        for half, by_name in halves.items()
        for name, figures in by_name.items()
    ]
    columns = ("half, judge", "ends", "pauses", "AUC", "ends known at 4 %", "threshold")
    return table("Who knows the ends", columns, rows)


def _thresholds(by_half: Mapping[str, Sequence[Judged]]) -> Table:
    def share(judged: Sequence[Judged], kind: str, threshold: float) -> str:
        passed = [j.both >= threshold for j in judged if j.case.kind == kind]
        return f"{np.mean(passed) * 100:.1f}" if passed else "-"

    rows = [
        (
            f"{half}, {threshold}",
            *(share(found, kind, threshold) for kind in ("end", "pause", "open")),
        )
        for half, found in by_half.items()
        for threshold in THRESHOLDS
    ]
    columns = ("half, threshold", "ends known %", "pauses passed %", "open ones passed %")
    return table("What a threshold on sounds_finished does", columns, rows)


def _kinds(judged: Sequence[Judged]) -> Table:
    kinds = sorted({ending_of(j.transcript.text) for j in judged}, key=lambda kind: kind.value)
    rows = []
    for kind in kinds:
        of_kind = [j for j in judged if ending_of(j.transcript.text) is kind]
        counts = [sum(j.case.kind == name for j in of_kind) for name in ("end", "pause", "open")]
        rows.append((kind.name.lower(), *counts))
    return table("Endings, by the words", ("ending", "ends", "pauses", "open"), rows)


def _draw(figure: Figure, by_half: Mapping[str, Sequence[Judged]]) -> None:
    """One panel per half: ends known over pauses passed, a line per judge."""
    for axes, (half, judged) in zip(
        np.atleast_1d(figure.subplots(1, len(by_half))), by_half.items(), strict=True
    ):
        for name in ("words", "closing", "both"):
            ends, pauses = _scores(judged, name)
            steps = np.unique(np.concatenate((ends, pauses, [-1.0, 2.0])))[::-1]
            passed = [(pauses >= step).mean() * 100 for step in steps]
            axes.plot(passed, [(ends >= step).mean() * 100 for step in steps], label=name)
        axes.axvline(MOST_CUT_IN * 100, color="grey", linewidth=0.8)
        axes.set(title=half, xlabel="pauses passed, %", ylabel="ends known, %", xlim=(0, 40))
        axes.grid(alpha=0.3)
        axes.legend(frameon=False, loc="lower right")
