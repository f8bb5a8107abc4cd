"""A bench's result: tables for people, a picture, and one JSON document as the last line."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import matplotlib as mpl
import orjson
from matplotlib.figure import Figure
from rich.console import Console
from rich.table import Table

from bench.machine import machine_facts, run_facts
from pipeline.config import Settings

_WIDTH = 120
"""Columns of a table that nobody watches."""

Draw = Callable[[Figure], None]


@dataclass(frozen=True, slots=True)
class Report:
    """What a bench found."""

    bench: str
    results: dict[str, Any]
    tables: Sequence[Table]
    draw: Draw
    settings: Settings | None = None
    size: tuple[float, float] = (10.0, 4.5)
    """Inches of the picture."""

    notes: Sequence[str] = ()
    """What a reader must know before believing the figures."""


def table(title: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> Table:
    """A table whose first column is text and whose others are figures."""
    made = Table(title=title, title_justify="left")
    for index, column in enumerate(columns):
        made.add_column(column, justify="left" if index == 0 else "right")
    for row in rows:
        made.add_row(*(str(cell) for cell in row))
    return made


def publish(report: Report, folder: Path) -> None:
    """Show the tables, save picture and document under ``folder``, and end stdout with the JSON."""
    stamp = datetime.now(UTC).strftime("%Y%m%d-%H%M%S")
    folder.mkdir(parents=True, exist_ok=True)
    picture = folder / f"{stamp}-{report.bench}.png"
    save_picture(report, picture)
    document = {
        "bench": report.bench,
        **run_facts(report.settings),
        "machine": machine_facts(),
        "notes": list(report.notes),
        "results": report.results,
        "picture": str(picture),
    }
    line = orjson.dumps(document, option=orjson.OPT_SERIALIZE_NUMPY)
    saved = picture.with_suffix(".json")
    saved.write_bytes(line + b"\n")
    # Into a file or pipe a table may be as wide as it is; rich would assume 80 columns.
    console = Console(highlight=False, width=None if sys.stdout.isatty() else _WIDTH)
    for made in report.tables:
        console.print(made)
    for note in report.notes:
        console.print(f"[yellow]{note}[/]")
    console.print(f"[dim]{picture}  {saved}[/]", soft_wrap=True)
    sys.stdout.write(line.decode() + "\n")
    sys.stdout.flush()


def save_picture(report: Report, path: Path) -> None:
    """Draw the report's picture into a PNG file."""
    mpl.use("Agg")
    figure = Figure(figsize=report.size, dpi=120, layout="constrained")
    report.draw(figure)
    figure.savefig(path)
