"""``python -m bench``: the harness. Each bench ends stdout with one JSON document."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from pathlib import Path
from typing import Annotated, Any

import typer
import uvloop
from rich.console import Console

from bench.conversation import Manners
from bench.latency import LatencyPlan, run_latency, server_for
from bench.latency_report import report_of, results_of
from bench.machine import ask_for_punctuality
from bench.report import publish
from pipeline.config import load_settings
from pipeline.errors import ParleyError

app = typer.Typer(
    help="Measure Parley. A table for people, a picture, and one JSON document as the last line.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

_FOLDER = typer.Option(help="Where pictures, documents and logs go.")
_CONFIG = typer.Option(help="Settings of the server that is started for this run.")
_URL = typer.Option(help="ws:// address of a server that runs already; none is started then.")
_CONTROL = typer.Option(help="http:// address of its control plane, if not port 8080 there.")


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
    url: Annotated[str | None, _URL] = None,
    control: Annotated[str | None, _CONTROL] = None,
    config: Annotated[Path, _CONFIG] = Path("configs/local.toml"),
    warm_up: Annotated[bool, typer.Option(help="One call of one turn before, uncounted.")] = True,
    record_dir: Annotated[
        Path | None, typer.Option(help="Write each call as a stereo WAV file here.")
    ] = None,
    folder: Annotated[Path, _FOLDER] = Path("runs"),
) -> None:
    """Voice-to-voice latency of real-time callers, read from the audio itself.

    Why: it is what the caller feels, and all else only explains it. From the last audible sample
    that a caller speaks to the first audible sample heard of the answer, as played out by the
    carrier; beside it the server's own ledger. Unanswered turns, false starts, cut-ins and gaps
    are counted. Void if the callers themselves were late.
    """
    console = Console(stderr=True, highlight=False)
    manners = Manners(barge_in_s=barge_in)
    plan = LatencyPlan(calls, rate, turns, seed, manners, warm_up, record_dir)

    async def run() -> bool:
        async with server_for(url, control, config, folder, console) as server:
            console.print(f"callers' priority: {ask_for_punctuality()}")
            results = results_of(await run_latency(server, plan, console))
        publish(report_of(results, plan, None if url else load_settings(config)), folder)
        return not results["void"] and results["turns"]["answered"] > 0

    _run_to_exit(run())


def _run_to_exit(bench: Coroutine[Any, Any, bool]) -> None:
    """Run a bench; exit code 0 only if its figures may be believed."""
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            believable = runner.run(bench)
    except ParleyError as error:
        Console(stderr=True).print(f"[red]{error}[/]")
        raise typer.Exit(2) from error
    raise typer.Exit(0 if believable else 1)


if __name__ == "__main__":
    app(prog_name="python -m bench")
