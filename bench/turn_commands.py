"""The harness' commands about turns: when they end, and what interrupts them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from bench.barge import CHANGES as BARGE_CHANGES
from bench.barge import BargePlan, run_barge
from bench.barge_report import figures_of as barge_figures
from bench.barge_report import report_of as barge_report
from bench.latency import LatencyPlan, server_for
from bench.machine import ask_for_punctuality
from bench.options import CHANGED, CONFIG, CONTROL, FOLDER, URL, run_to_exit
from bench.overrides import with_changes
from bench.report import publish
from bench.turns_run import by_words_and_voice, run_live, run_offline
from pipeline.config import load_settings


def turns(
    *,
    live: Annotated[bool, typer.Option(help="On the wire, with a server of our own.")] = False,
    seeds: Annotated[int, typer.Option(help="Sets of 17 recordings; not live.", min=1)] = 10,
    judge_ms: Annotated[
        int, typer.Option(help="From soft end to judgement, as the ledger has it; not live.")
    ] = 120,
    calls: Annotated[int, typer.Option(help="Calls for each setting; live only.", min=1)] = 1,
    each: Annotated[int, typer.Option(help="Turns of each call; live only.", min=1)] = 17,
    config: Annotated[Path, CONFIG] = Path("configs/local.toml"),
    folder: Annotated[Path, FOLDER] = Path("runs"),
) -> None:
    """How soon a turn is the agent's and how often too soon, setting by setting.

    Why: whoever waits less answers into more pauses, so the default has to be a chosen point of
    this curve. By default recordings with pauses are heard, without any server, by the real
    detector, endpointer and transcriber, and hundreds of settings are applied to what they made of
    them. With --live a few settings are tried by callers on the wire.
    """
    console = Console(stderr=True, highlight=False)

    async def run() -> bool:
        if not live:
            settings = load_settings(config)
            report = await run_offline(settings, seeds, judge_ms, console, by_words_and_voice)
            publish(report, folder)
            return True
        console.print(f"callers' priority: {ask_for_punctuality()}")
        plan = LatencyPlan(calls=calls, turns=each)
        report = await run_live(config, folder, plan, console)
        publish(report, folder)
        return not report.results["void"]

    run_to_exit(run())


def barge(
    *,
    speech: Annotated[int, typer.Option(help="Interruptions by speech.", min=0)] = 34,
    noises: Annotated[int, typer.Option(help="Coughs; as many clicks, and bursts.", min=0)] = 12,
    echoes: Annotated[int, typer.Option(help="Lines that return the agent's voice.", min=0)] = 8,
    seed: Annotated[int, typer.Option(help="Of sounds and of when they are made.")] = 1,
    record_dir: Annotated[
        Path | None, typer.Option(help="Write each call as a stereo WAV file here.")
    ] = None,
    url: Annotated[str | None, URL] = None,
    control: Annotated[str | None, CONTROL] = None,
    config: Annotated[Path, CONFIG] = Path("configs/local.toml"),
    folder: Annotated[Path, FOLDER] = Path("runs"),
) -> None:
    """What stops the agent while it is talking, and how soon.

    Why: an agent that talks over people is rude, and one that falls silent at each "mm-hm" cannot
    finish a sentence. Callers interrupt a long greeting with human speech, with backchannels, with
    coughs, clicks and bursts of noise, and with nothing but the agent's own echo. A server that
    is given by --url must greet as long: see GREETING in bench/barge.py.
    """
    console = Console(stderr=True, highlight=False)
    plan = BargePlan(seed, speech, noises, echoes, record_dir)

    async def run() -> bool:
        used = config if url else with_changes(config, BARGE_CHANGES, folder / CHANGED)
        async with server_for(url, control, used, folder, console) as server:
            console.print(f"callers' priority: {ask_for_punctuality()}")
            results = barge_figures(await run_barge(server, plan, console))
        publish(barge_report(results, None if url else load_settings(used)), folder)
        return not results["void"] and not results["problems"]

    run_to_exit(run())


def finish(
    *,
    root: Annotated[Path, typer.Option(help="Where the Debian packages are unpacked.")] = Path("/"),
    config: Annotated[Path, CONFIG] = Path("configs/local.toml"),
    folder: Annotated[Path, FOLDER] = Path("runs"),
) -> None:
    """How well an unfinished utterance is told from a finished one, and at what cost.

    Why: how much silence is waited for follows from this judgement. Whole sentences and the same
    ones cut between words are transcribed as on a call and judged; what counts is how many ends are
    known as such while hardly a pause passes for one.
    """
    from bench.finish import report_of as finish_report
    from bench.finish import run_finish
    from bench.finish_cases import finish_cases

    console = Console(stderr=True, highlight=False)

    async def run() -> bool:
        settings = load_settings(config)
        judged = await run_finish(settings, finish_cases(root), console)
        publish(finish_report(judged, settings), folder)
        return True

    run_to_exit(run())
