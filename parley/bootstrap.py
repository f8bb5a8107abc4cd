"""Install everything into ``.venv``: what ``make install`` runs, under the system's own Python.

Only the standard library is at hand here, and only syntax that an old Python can read, so that it
can say in a sentence what is missing instead of failing at its first line. Four steps: a virtual
environment, torch, the pinned packages of ``configs/cpu.lock``, and Parley itself. A stamp in the
environment names what was installed; while it still fits, nothing is done and no network is asked.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import re
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
OLDEST = (3, 11)
TORCH_INDEX = "https://download.pytorch.org/whl/cpu"

NEEDED_GB = 6
"""Free disk that an installation takes at its widest: 3 GB installed, and what pip unpacks."""

PATIENCE = ["--timeout", "20", "--retries", "1", "--disable-pip-version-check", "--no-input"]
"""An index that cannot be reached is told within a minute; nobody waits for the fifth attempt."""


DOINGS = ("Collecting", "Downloading", "Installing", "Building", "Get:", "Unpacking", "Setting up")
"""Beginnings of the lines of pip and apt that tell what is going on."""


class CannotInstall(Exception):
    """One sentence for the user: what is wrong, and what to do about it."""


def say(text: str) -> None:
    """A line on the terminal, at once."""
    print(text, file=sys.stderr, flush=True)


def find_python() -> str:
    """A Python that is new enough: the one that runs us, else a newer one beside it.

    Raises:
        CannotInstall: there is none.
    """
    if sys.version_info[:2] >= OLDEST:
        return sys.executable
    for minor in (13, 12, 11):
        found = shutil.which(f"python3.{minor}")
        if found:
            return found
    raise CannotInstall(
        "Parley needs Python 3.11 or newer and this is "
        f"{sys.version_info[0]}.{sys.version_info[1]}. "
        "Install one (Debian 12 and Ubuntu 24.04 have it: apt install python3 python3-venv) "
        "or name it: make install PYTHON=/path/to/python3.11"
    )


def stamp_for(extra: str) -> str:
    """What an installation is made from, as one line: when it changes, we install again."""
    digest = hashlib.sha256()
    for part in ("configs/cpu.lock", "pyproject.toml", "parley/bootstrap.py"):
        digest.update((ROOT / part).read_bytes())
    # The folder counts too: a virtual environment that was moved does not work.
    digest.update(f"{extra} {ROOT}".encode())
    return digest.hexdigest()


def run(command: list[str], log: Path, what: str) -> None:
    """Run a command, its output to ``log``, and say now and then what it is doing.

    Raises:
        CannotInstall: it failed; with its last lines and the log's path.
    """
    began = time.monotonic()
    start = log.stat().st_size if log.exists() else 0
    with log.open("ab") as output:
        output.write(("\n$ " + " ".join(command) + "\n").encode())
        output.flush()
        child = subprocess.Popen(command, cwd=str(ROOT), stdout=output, stderr=subprocess.STDOUT)
        while True:
            try:
                code = child.wait(timeout=10)
                break
            except subprocess.TimeoutExpired:
                lines = lines_from(log, start)
                doing = [line.strip() for line in lines if line.lstrip().startswith(DOINGS)]
                say(f"      {time.monotonic() - began:4.0f} s  {doing[-1][:80] if doing else ''}")
    if code != 0:
        last = "\n    ".join(lines_from(log, start)[1:][-6:])
        raise CannotInstall(
            f"{what} failed. Its last lines:\n    {last}\nThe whole output is in {log}"
        )


def lines_from(log: Path, start: int) -> list[str]:
    """What was written to a log behind its byte ``start``, without empty lines and warnings."""
    text = log.read_bytes()[start:].decode("utf-8", "replace")
    return [line for line in text.splitlines() if line.strip() and line[:7] != "WARNING"]


def make_environment(python: str, venv: Path, log: Path) -> None:
    """A virtual environment with pip in it.

    Debian's Python comes without ``ensurepip``, which is in the package python3-venv. As root we
    install that; else we borrow a pip that is there; else we say what to type.

    Raises:
        CannotInstall: there is no way to get a pip into it.
    """
    if has_module(python, "ensurepip"):
        run([python, "-m", "venv", str(venv)], log, "Making the environment")
        return
    if has_module(python, "pip"):
        run([python, "-m", "venv", "--without-pip", str(venv)], log, "Making the environment")
        target = str(venv / "bin" / "python")
        run([python, "-m", "pip", "--python", target, "install", *PATIENCE, "pip"], log, "pip")
        return
    package = f"python3.{python_minor(python)}-venv"
    apt = shutil.which("apt-get")
    if apt is None or os.geteuid() != 0:
        raise CannotInstall(
            "This Python has neither ensurepip nor pip, so no virtual environment can be made. "
            f"Type: sudo apt install {package}   and then the same command again"
        )
    say(f"      this Python has no ensurepip: installing {package} with apt-get")
    run([apt, "update"], log, "apt-get update")
    run([apt, "install", "-y", "--no-install-recommends", package], log, f"Installing {package}")
    run([python, "-m", "venv", str(venv)], log, "Making the environment")


def has_module(python: str, name: str) -> bool:
    """Whether ``python`` is there, runs, and can find a module."""
    if shutil.which(python) is None:
        return False
    code = f"import importlib.util, sys; sys.exit(importlib.util.find_spec({name!r}) is None)"
    return subprocess.run([python, "-c", code], check=False).returncode == 0


def python_minor(python: str) -> str:
    """The 11 of Python 3.11."""
    code = "import sys; print(sys.version_info[1])"
    return subprocess.run(
        [python, "-c", code], check=True, capture_output=True, text=True
    ).stdout.strip()


def reachable(url: str) -> bool:
    """Whether an index answers within a few seconds."""
    try:
        with urllib.request.urlopen(url + "/torch/", timeout=6):
            return True
    except (urllib.error.URLError, OSError, ValueError):
        return False


def torch_pin() -> str:
    """The line of the pinned list that names torch."""
    text = (ROOT / "configs" / "cpu.lock").read_text(encoding="utf-8")
    found = re.search(r"^torch==\S+", text, re.MULTILINE)
    if found is None:
        raise CannotInstall("configs/cpu.lock pins no torch. Restore it from git")
    return found.group()


def install_torch(pip: list[str], log: Path, index: str = TORCH_INDEX) -> None:
    """The CPU build of torch: from wherever pip is set up to look, else from PyTorch's index.

    Raises:
        CannotInstall: neither has it; says how to bring it along.
    """
    pin = torch_pin()
    command = [*pip, "install", *PATIENCE, "--no-deps", pin]
    try:
        run(command, log, "torch from pip's own configuration")
        return
    except CannotInstall:
        say(f"      not where pip looks; asking {index}")
    if not reachable(index):
        raise CannotInstall(
            f"{pin} is not where pip looks (PyPI does not carry it) and {index} cannot be "
            "reached. Fetch the wheel for this Python from there on another machine, put it into "
            "a folder and type: PIP_FIND_LINKS=/that/folder make install"
        )
    run([*command, "--index-url", index], log, f"torch from {index}")


def install_cpu(pip: list[str], log: Path) -> None:
    """What ``configs/cpu.lock`` pins, and nothing else."""
    lock = ROOT / "configs" / "cpu.lock"
    pins = [line for line in lock.read_text().splitlines() if "==" in line and line[0] != "#"]
    say("[2/4] torch for the CPU (0.2 GB)")
    install_torch(pip, log)
    say(f"[3/4] {len(pins)} pinned packages (1 GB to fetch)")
    run([*pip, "install", *PATIENCE, "--no-deps", "-r", str(lock)], log, "Installing packages")
    say("[4/4] Parley itself, editable")
    # The build backend is pinned with the rest, so nothing has to be fetched for the build.
    editable = [*pip, "install", *PATIENCE, "--no-deps", "--no-build-isolation", "-e", str(ROOT)]
    run(editable, log, "Installing Parley")


def install_gpu(pip: list[str], log: Path) -> None:
    """What pyproject.toml asks for on a machine with a GPU, as pip resolves it there."""
    say("[2/4] Parley, vLLM and the rest for a GPU (6 GB)")
    run([*pip, "install", *PATIENCE, "-e", f"{ROOT}[gpu,dev]"], log, "Installing packages")
    say("[3/4] onnxruntime for the GPU")
    # Both builds bring the same module and the last one written wins.
    again = ["--no-deps", "--force-reinstall", "onnxruntime-gpu"]
    run([*pip, "install", *PATIENCE, *again], log, "Installing onnxruntime-gpu")
    say("[4/4] done")


def install(extra: str, venv: Path) -> None:
    """Bring ``venv`` to what the pinned list says; at once when it is there already.

    Raises:
        CannotInstall: a step failed.
    """
    python = find_python()
    stamp = stamp_for(extra)
    mark = venv / "parley.stamp"
    if mark.is_file() and mark.read_text() == stamp and (venv / "bin" / "python").exists():
        return
    free_gb = shutil.disk_usage(ROOT).free / 1e9
    if free_gb < NEEDED_GB:
        raise CannotInstall(
            f"{free_gb:.1f} GB are free beside {ROOT}, and {NEEDED_GB} are needed. Make room"
        )
    began = time.monotonic()
    venv.mkdir(parents=True, exist_ok=True)
    log = venv / "install.log"
    log.write_text("")
    say(f"Installing into {venv}. The first time takes some minutes; log: {log}")
    say("[1/4] a virtual environment")
    mark.unlink(missing_ok=True)
    if not has_module(str(venv / "bin" / "python"), "pip"):
        make_environment(python, venv, log)
    pip = [str(venv / "bin" / "python"), "-m", "pip"]
    (install_gpu if extra == "gpu" else install_cpu)(pip, log)
    mark.write_text(stamp)
    say(f"Installed in {time.monotonic() - began:.0f} s")


def main() -> int:
    """The command. Exit code 1 when something is missing that only the user can bring."""
    parser = argparse.ArgumentParser(description="Install Parley and all it needs into .venv")
    parser.add_argument("--extra", choices=("cpu", "gpu"), default="cpu", help="default: cpu")
    parser.add_argument("--venv", type=Path, default=ROOT / ".venv", help="default: .venv")
    arguments = parser.parse_args()
    try:
        install(arguments.extra, arguments.venv)
    except CannotInstall as problem:
        say(f"\nNot installed: {problem}")
        return 1
    except KeyboardInterrupt:
        say("\nStopped. The same command goes on where this ended.")
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
