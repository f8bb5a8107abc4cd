"""The command ``parley``. Thin: each command imports what it needs and hands over.

What we raise on purpose becomes one line on standard error and exit code 2.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from pipeline.errors import ParleyError

CONFIGS = Path(__file__).resolve().parent.parent / "configs"

app = typer.Typer(
    help="A self-hosted phone agent: server, caller, text chat and what belongs to them.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
models = typer.Typer(help="Model weights: fetched once, checked by sha256.", no_args_is_help=True)
app.add_typer(models, name="models")

Config = Annotated[Path, typer.Option(help="Settings, a TOML file.")]
Json = Annotated[bool, typer.Option("--json", help="Only JSON on standard output.")]
DEFAULT_CONFIG = CONFIGS / "local.toml"


@app.command()
def serve(config: Config = DEFAULT_CONFIG) -> None:
    """Run the server until SIGTERM, which lets live calls end first."""
    from parley.serve import run
    from pipeline.config import load_settings

    run(load_settings(config))


@app.command()
def call(  # noqa: PLR0917  the option's names are what a user types, not their order
    url: Annotated[str, typer.Argument(help="ws://host:8765/twilio")],
    wav: Annotated[list[Path], typer.Option(help="What the caller says; one --wav a turn.")],
    record: Annotated[
        Path | None, typer.Option(help="Write the call: caller left, agent right.")
    ] = None,
    phone: Annotated[str | None, typer.Option(help="The number to call from, E.164.")] = None,
    control: Annotated[
        str | None, typer.Option(help="http:// of the control plane, for the ledger.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Phone a server with recordings, on Twilio's wire, in real time.

    Exit code 0 only if every recording was answered.
    """
    from bench.phone import PhoneCall, run_call

    order = PhoneCall(url, wav, record=record, control=control, phone=phone)
    raise typer.Exit(run_call(order, as_json))


@app.command()
def chat(config: Config = DEFAULT_CONFIG, as_json: Json = False) -> None:
    """Talk to the same brain in text. With --json: dialogues on standard input, one a line."""
    from parley.chat import run
    from pipeline.config import load_settings

    run(load_settings(config), as_json=as_json)


@app.command()
def doctor(config: Config = DEFAULT_CONFIG, as_json: Json = False) -> None:
    """Look at everything that a server needs here, and say what is wrong and how to mend it.

    Exit code 1 when something needed is wrong.
    """
    from parley.doctor import run

    raise typer.Exit(run(config, as_json))


# -- parley models ----------------------------------------------------------------------------

Names = Annotated[
    list[str] | None, typer.Argument(help="Names of the list; absent: what the settings name.")
]


@models.command("fetch")
def models_fetch(names: Names = None, config: Config = DEFAULT_CONFIG) -> None:
    """Fetch and check weights that are not there yet; at once where all are."""
    from parley.weights import fetch_all

    fetch_all(_chosen(names, config), _report)


@models.command("verify")
def models_verify(
    names: Names = None, config: Config = DEFAULT_CONFIG, as_json: Json = False
) -> None:
    """Read every byte of the weights and compare it with what was pinned. Exit code 1 if wrong."""
    from pipeline.errors import WeightsError
    from pipeline.weights import locate, verify

    results: list[dict[str, Any]] = []
    for name, kind in _chosen(names, config):
        try:
            read = verify(name, kind)
            results.append(
                {"name": name, "ok": True, "bytes": read, "folder": str(locate(name, kind))}
            )
        except WeightsError as error:
            results.append(
                {"name": name, "ok": False, "problem": error.problem, "remedy": error.remedy}
            )
    if as_json:
        print(json.dumps(results))
    for result in [] if as_json else results:
        if result["ok"]:
            said = (
                f"{result['bytes'] / 1e6:.0f} MB as pinned"
                if result["bytes"]
                else "your own folder"
            )
        else:
            said = f"{result['problem']}. {result['remedy']}"
        print(f"{'OK   ' if result['ok'] else 'WRONG'} {result['name']}: {said}")
    if not all(result["ok"] for result in results):
        raise typer.Exit(1)


@models.command("list")
def models_list(as_json: Json = False) -> None:
    """The names that settings may use, and whether their weights are here."""
    from pipeline.weights import load_catalogue

    entries = [
        {
            "name": entry.name,
            "kind": entry.kind,
            "about": entry.about,
            "licence": entry.licence,
            "origin": entry.origin,
            "fetched": entry.folder.is_dir(),
        }
        for entry in load_catalogue().values()
    ]
    if as_json:
        print(json.dumps(entries))
        return
    for entry in entries:
        here = "fetched" if entry["fetched"] else "not fetched"
        print(
            f"{entry['name']:24} {entry['kind']:8} {here:12} {entry['about']}. {entry['licence']}"
        )


def _chosen(names: list[str] | None, config: Path) -> list[tuple[str, Any]]:
    """The weights meant by names on the command line, or by the settings."""
    from parley.weights import wanted
    from pipeline.config import load_settings
    from pipeline.errors import WeightsError
    from pipeline.weights import load_catalogue

    if not names:
        return [*wanted(load_settings(config))]
    known = load_catalogue()
    for name in names:
        if name not in known:
            raise WeightsError(name, "is not a name we know", f"Known: {', '.join(known)}")
    return [(name, known[name].kind) for name in names]


def _report(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def main() -> None:
    """The console script."""
    try:
        app(prog_name="parley")
    except ParleyError as error:
        print(f"parley: {error}", file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        sys.exit(130)
