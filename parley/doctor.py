"""``parley doctor``: look at everything that a server needs here, before a caller does.

Each look has an outcome, what was found, and what to do when it is wrong. Nothing but Python is
taken for installed, so it also runs half-way through an installation: ``python3 -m parley.doctor``.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import socket
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pipeline.config import Settings

INSTALL = "Type `make install`"
CONFIG = Path(__file__).resolve().parent.parent / "configs" / "local.toml"

OLDEST = (3, 11)
"""Python."""

MEMORY_GB = 4.0
"""What a server with everything embedded takes: vLLM 2.5, the server and its models 1."""

DISK_GB = 1.0
"""Weights, database and logs."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One look, and what it found."""

    name: str
    ok: bool
    found: str
    remedy: str = ""
    """What to do; empty when all is well."""

    needed: bool = True
    """Whether a server cannot run while this is wrong."""


def run(config: Path, as_json: bool) -> int:
    """Look at everything and tell. The exit code: 1 when something needed is wrong."""
    findings: list[Finding] = []
    for finding in examine(config):
        findings.append(finding)
        if not as_json:
            mark = "OK   " if finding.ok else ("WRONG" if finding.needed else "note ")
            print(f"{mark} {finding.name}: {finding.found}", flush=True)
            if finding.remedy:
                print(f"      {finding.remedy}")
    well = all(finding.ok or not finding.needed for finding in findings)
    if as_json:
        print(json.dumps({"ok": well, "findings": [asdict(finding) for finding in findings]}))
    return 0 if well else 1


def examine(config: Path) -> Iterator[Finding]:
    """All findings, the machine's first, each as soon as it is known."""
    yield python()
    if sys.version_info[:2] < OLDEST:
        return
    yield cpu()
    yield memory()
    yield disk()
    yield from packages()
    try:
        from pipeline.config import load_settings
        from pipeline.errors import ParleyError
    except ImportError as error:
        yield Finding("settings", False, f"cannot be read yet ({error})", INSTALL)
        return
    try:
        settings = load_settings(config)
    except ParleyError as error:
        yield Finding("settings", False, str(error), "Mend that file, or name another: --config")
        return
    yield Finding("settings", True, str(config))
    yield from ports(settings)
    if settings.engines == "real":
        yield from weights(settings)
        yield asyncio.run(database(settings))
        yield asyncio.run(model_server(settings))


# -- The machine ------------------------------------------------------------------------------


def python() -> Finding:
    """Whether this Python is new enough."""
    found = ".".join(str(part) for part in sys.version_info[:3])
    if sys.version_info[:2] >= OLDEST:
        return Finding("Python", True, f"{found} ({sys.executable})")
    return Finding("Python", False, found, "Install Python 3.11 or newer, then: make install")


def cpu() -> Finding:
    """Cores, and the instructions that quick integer arithmetic wants."""
    from parley.machine import cpu_flags, usable_cpus

    flags = cpu_flags()
    quick = [name for name in ("avx512_vnni", "avx512f", "avx2", "asimd") if name in flags]
    cores = usable_cpus()
    found = f"{cores} usable, {quick[0] if quick else 'no vector instructions known'}"
    if not quick:
        return Finding("CPU", False, found, "vLLM wants AVX2 at least: give it llm.url instead")
    if cores < 2:
        return Finding("CPU", False, found, "Two cores are the least for a call in real time")
    return Finding("CPU", True, found)


def memory() -> Finding:
    """Whether what is embedded fits."""
    from parley.machine import available_gb

    free_gb = available_gb()
    remedy = "" if free_gb >= MEMORY_GB else f"Free some: {MEMORY_GB:.0f} GB are needed"
    return Finding("memory", not remedy, f"{free_gb:.1f} GB available", remedy)


def disk() -> Finding:
    """Whether there is room beside the weights."""
    from pipeline.weights import cache_dir

    folder = cache_dir()
    there = next(path for path in (folder, *folder.parents) if path.exists())
    free_gb = shutil.disk_usage(there).free / 1e9
    found = f"{free_gb:.1f} GB free at {folder}"
    if not os.access(there, os.W_OK):
        return Finding("disk", False, f"{there} cannot be written", "Set PARLEY_CACHE to a folder")
    remedy = "" if free_gb >= DISK_GB else "Make room, or set PARLEY_CACHE to another folder"
    return Finding("disk", not remedy, found, remedy)


# -- What is installed ------------------------------------------------------------------------


def packages() -> Iterator[Finding]:
    """Each package that we ask for: installed, new enough, and importable."""
    from parley.installed import has_gpu_build, installed, problems

    for name, (found, problem) in problems().items():
        if problem:
            yield Finding(name, False, f"{found} {problem}".strip(), INSTALL)
        else:
            yield Finding(name, True, found)
    if not has_gpu_build() and installed("torchvision"):
        remedy = "Type: .venv/bin/python -m pip uninstall torchvision torchaudio"
        yield Finding("torchvision", False, "does not match the CPU torch", remedy, needed=False)


# -- What the settings name -------------------------------------------------------------------


def ports(settings: Settings) -> Iterator[Finding]:
    """Whether the doors can be opened."""
    host = settings.server.host
    for name, port in (
        ("server.media_port", settings.server.media_port),
        ("server.control_port", settings.server.control_port),
    ):
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, port))
                yield Finding(name, True, f"{host}:{port} is free")
            except OSError as error:
                found = f"{host}:{port} cannot be opened ({error.strerror})"
                yield Finding(name, False, found, f"Stop what uses it, or set another {name}")


def weights(settings: Settings) -> Iterator[Finding]:
    """Whether the models' weights are there, every byte of them as pinned."""
    from parley.weights import wanted
    from pipeline.errors import WeightsError
    from pipeline.weights import verify

    for name, kind in wanted(settings):
        try:
            read = verify(name, kind)
        except WeightsError as error:
            yield Finding(f"weights {name}", False, error.problem, error.remedy)
        else:
            found = f"{read / 1e6:.0f} MB as pinned" if read else "your own folder"
            yield Finding(f"weights {name}", True, found)


async def database(settings: Settings) -> Finding:
    """Whether PostgreSQL answers: yours, or ours, which is started for it and stopped again.

    If cancelled, ours has been stopped.
    """
    from parley.child import Child, running
    from parley.local import postgres
    from pipeline.errors import ParleyError

    if (url := settings.database.url) is not None:
        remedy = "Check [database] url, and that PostgreSQL runs and lets this user in"
        return await _ask_database(url, remedy)
    try:
        child = Child(postgres(settings.database), lambda line: None)
        async with running(child):
            return await _ask_database(await child.wait_ready(), "See its log")
    except ParleyError as error:
        return Finding("database", False, str(error), "Mend that, or give a [database] url")


async def _ask_database(url: str, remedy: str) -> Finding:
    import asyncpg

    try:
        connection = await asyncpg.connect(url, timeout=5)
        try:
            found = str(await connection.fetchval("SHOW server_version"))
        finally:
            await connection.close()
    except (OSError, TimeoutError, ValueError, asyncpg.PostgresError) as error:
        return Finding("database", False, f"does not answer ({error})", remedy)
    return Finding("database", True, f"PostgreSQL {found} answers")


async def model_server(settings: Settings) -> Finding:
    """Whether the language model's server answers and has the model; ours is only started by
    ``parley serve``, so of that one the packages and the weights were looked at.

    If cancelled, nothing happened.
    """
    import aiohttp

    if (url := settings.llm.url) is None:
        return Finding("model server", True, "our own vLLM, started with the server")
    key = os.environ.get(settings.llm.api_key_env) if settings.llm.api_key_env else None
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    remedy = "Check [llm] url and api_key_env, and that the server runs"
    patience = aiohttp.ClientTimeout(total=5)
    try:
        async with (
            aiohttp.ClientSession(timeout=patience, headers=headers) as session,
            session.get(f"{url.rstrip('/')}/models") as response,
        ):
            response.raise_for_status()
            names = [entry["id"] for entry in (await response.json())["data"]]
    except (aiohttp.ClientError, TimeoutError, ValueError, KeyError, TypeError) as error:
        return Finding("model server", False, f"{url} does not answer ({error!r})", remedy)
    if settings.llm.model not in names:
        found = f"{url} serves {', '.join(names)}, and not {settings.llm.model}"
        return Finding("model server", False, found, "Set [llm] model to one of those")
    return Finding("model server", True, f"{url} serves {settings.llm.model}")


if __name__ == "__main__":
    sys.exit(run(CONFIG, as_json="--json" in sys.argv))
