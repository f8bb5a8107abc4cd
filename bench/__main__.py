"""``python -m bench``: the harness. Each bench ends stdout with one JSON document."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from bench.alone import EngineName
from bench.bare import bare_server
from bench.corpus import wer_clips
from bench.exchange import Manners
from bench.frames import FrameLoad, measure_steps, run_frames
from bench.frames import report_of as frames_report
from bench.latency import LatencyPlan, run_latency, server_for
from bench.latency_report import report_of as latency_report
from bench.latency_report import results_of
from bench.machine import ask_for_punctuality
from bench.options import CHANGED, CONFIG, CONTROL, FOLDER, URL, run_to_exit
from bench.overrides import room_for, with_changes
from bench.report import publish
from bench.stages import report_of as stages_report
from bench.stages import run_stages
from bench.turn_commands import barge, finish, turns
from bench.under_test import ServerUnderTest
from bench.wer import FULL_S, run_window
from bench.wer import report_of as wer_report
from pipeline.config import load_settings

app = typer.Typer(
    help="Measure Parley. A table for people, a picture, and one JSON document as the last line.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

for command in (turns, barge, finish):
    app.command()(command)


@app.command()
def latency(
    *,
    calls: Annotated[int, typer.Option(help="Calls in all.", min=1)] = 1,
    rate: Annotated[float, typer.Option(help="Calls that arrive per second, on average.")] = 0.5,
    turns: Annotated[int, typer.Option(help="Turns of each call.", min=1)] = 12,
    seed: Annotated[int, typer.Option(help="Of arrivals and of the order of clips.")] = 1,
    barge_in: Annotated[
        float | None, typer.Option(help="Interrupt each answer after this many seconds.")
    ] = None,
    pauses: Annotated[
        bool, typer.Option(help="Callers stop for 200 to 700 ms inside their sentences.")
    ] = True,
    url: Annotated[str | None, URL] = None,
    control: Annotated[str | None, CONTROL] = None,
    config: Annotated[Path, CONFIG] = Path("configs/local.toml"),
    warm_up: Annotated[bool, typer.Option(help="One call of one turn before, uncounted.")] = True,
    record_dir: Annotated[
        Path | None, typer.Option(help="Write each call as a stereo WAV file here.")
    ] = None,
    folder: Annotated[Path, FOLDER] = Path("runs"),
) -> None:
    """Voice-to-voice latency of real-time callers, read from the audio itself.

    Why: it is what the caller feels, and all else only explains it. From the last audible sample
    that a caller speaks to the first audible sample heard of the answer, as played out by the
    carrier; beside it the server's own ledger, and the share of the callers' pauses that the agent
    took for an end: neither figure means anything without the other. Unanswered turns, false
    starts and gaps are counted. Void if the callers themselves were late.
    """
    console = Console(stderr=True, highlight=False)
    manners = Manners(barge_in_s=barge_in)
    plan = LatencyPlan(calls, rate, turns, seed, manners, pauses, warm_up, record_dir)

    async def run() -> bool:
        used = config if url else with_changes(config, room_for(calls, config), folder / CHANGED)
        async with server_for(url, control, used, folder, console) as server:
            console.print(f"callers' priority: {ask_for_punctuality()}")
            results = results_of(await run_latency(server, plan, console))
        publish(latency_report(results, plan, None if url else load_settings(used)), folder)
        return not results["void"] and results["turns"]["answered"] > 0

    run_to_exit(run())


@app.command()
def stages(
    *,
    engine: Annotated[
        list[EngineName] | None, typer.Option(help="May be given again; all of them by default.")
    ] = None,
    config: Annotated[Path, CONFIG] = Path("configs/local.toml"),
    folder: Annotated[Path, FOLDER] = Path("runs"),
) -> None:
    """Each engine alone: first result and total, under 1, 4 and 16 callers at once.

    Why: a turn's latency is a sum, and this says of what; and under load one engine gives way
    first, which this finds. The engines are those of the settings, opened as the server opens them.
    """
    console = Console(stderr=True, highlight=False)

    async def run() -> bool:
        settings = load_settings(config)
        names = engine or list(EngineName)
        loads = await run_stages(settings, config, folder, names, console)
        publish(stages_report(loads, settings), folder)
        return True

    run_to_exit(run())


@app.command()
def wer(
    *,
    model: Annotated[str | None, typer.Option(help="Instead of the one in the settings.")] = None,
    pad: Annotated[
        list[float] | None, typer.Option(help="Also this many seconds of padding; again for more.")
    ] = None,
    root: Annotated[Path, typer.Option(help="Where the Debian packages are unpacked.")] = Path("/"),
    config: Annotated[Path, CONFIG] = Path("configs/local.toml"),
    folder: Annotated[Path, FOLDER] = Path("runs"),
) -> None:
    """Words heard wrong with short windows and with the full 30 s, and the time of each.

    Why: encoding 30 s for a sentence of 3 is the largest waste in such a pipeline, and this says
    what not doing it costs. 65 human sentences of 2 to 9 s at 8 kHz, after mu-law; case,
    punctuation and the spelling of numbers do not count.
    """
    console = Console(stderr=True, highlight=False)

    async def run() -> bool:
        settings = load_settings(config)
        if model is not None:
            asr = settings.asr.model_copy(update={"model": model})
            settings = settings.model_copy(update={"asr": asr})
        clips = wer_clips(root)
        pads = [None, *sorted(pad or ()), FULL_S]
        runs = [await run_window(settings.asr, pad_s, clips, console) for pad_s in pads]
        publish(wer_report(runs, clips, settings), folder)
        return True

    run_to_exit(run())


@app.command()
def frames(
    *,
    calls: Annotated[
        list[int] | None, typer.Option(help="Calls at once; again for more. 50 and 200 by default.")
    ] = None,
    seconds: Annotated[float, typer.Option(help="How long each load is measured.")] = 20.0,
    url: Annotated[str | None, URL] = None,
    control: Annotated[str | None, CONTROL] = None,
    config: Annotated[Path, CONFIG] = Path("configs/fakes.toml"),
    folder: Annotated[Path, FOLDER] = Path("runs"),
) -> None:
    """CPU of the server per 20 ms frame of one call, without models; silent and talking calls.

    Why: every call costs this fifty times a second, so it bounds how many calls a core holds,
    whatever the models do. Target: at most 60 microseconds. The steps of a frame are also done
    alone, and a bare server that reads every message and forgets it shows the floor.
    """
    console = Console(stderr=True, highlight=False)

    async def run() -> bool:
        loads: list[FrameLoad] = []
        settings = load_settings(config)
        counts = calls or [50, 200]
        console.print(f"callers' priority: {ask_for_punctuality()}")

        async def measure(server: ServerUnderTest, name: str, count: int) -> None:
            load = await run_frames(server, name, count, seconds)
            console.print(f"{count} {name}: {load.us_per_frame} us")
            loads.append(load)

        async with server_for(url, control, config, folder, console) as server:
            for count in counts:
                await measure(server, "silent", count)
                await measure(server, "talking", count)
        async with bare_server() as server:
            for count in counts:
                await measure(server, "bare", count)
        report = frames_report(loads, measure_steps(settings.turns), None if url else settings)
        publish(report, folder)
        return not report.results["void"]

    run_to_exit(run())


if __name__ == "__main__":
    app(prog_name="python -m bench")
