"""What the harness' commands share: options that mean the same everywhere, and how they end."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

import typer
import uvloop
from rich.console import Console

from pipeline.errors import ParleyError

CHANGED = "server.toml"
"""Settings that a bench has changed for its run, in the folder of its results."""

FOLDER = typer.Option(help="Where pictures, documents and logs go.")
CONFIG = typer.Option(help="Settings of the server that is started for this run.")
URL = typer.Option(help="ws:// address of a server that runs already; none is started then.")
CONTROL = typer.Option(help="http:// address of its control plane, if not port 8080 there.")


def run_to_exit(bench: Coroutine[Any, Any, bool]) -> None:
    """Run a bench; exit code 0 only if its figures may be believed."""
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            believable = runner.run(bench)
    except ParleyError as error:
        Console(stderr=True).print(f"[red]{error}[/]")
        raise typer.Exit(2) from error
    raise typer.Exit(0 if believable else 1)
