"""Human speech for callers and for word error rates, and how any sound file becomes a clip.

Two sets. :func:`speech_clips` is in the repository: 17 sentences of 2 to 6 seconds, two voices,
levelled to -20 dBFS, for calls. :func:`wer_clips` is larger, 65 sentences of 2 to 9 seconds, read
from two Debian packages where they are installed; only its transcripts are kept here.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import av
import numpy as np

from bench.audible import speech_bounds
from pipeline.audio import LINE_RATE, Pcm, resample
from pipeline.errors import SettingsError

SPEECH = Path(__file__).parent / "speech"

_PACKAGES = {
    "asterisk-core-sounds-en-wav": "usr/share/asterisk/sounds/en_US_f_Allison",
    "pocketsphinx-testdata": "usr/share/pocketsphinx/test/data",
}
"""Debian package to the folder of its recordings."""


PauseKind = Literal["inside", "between"]
"""Inside a sentence, or between two."""


@dataclass(frozen=True, slots=True)
class Pause:
    """A silence that a speaker makes before going on. Seconds since the clip's first sample."""

    start: float
    """Behind the last audible sample before it."""

    end: float
    """The first audible sample after it."""

    kind: PauseKind


@dataclass(frozen=True, slots=True)
class Clip:
    """One thing that a caller says."""

    name: str
    pcm: Pcm
    """int16 samples, shape (samples,), at 8 kHz."""

    text: str = ""
    """Its words; empty when nobody wrote them down."""

    pauses: tuple[Pause, ...] = ()
    """Where its speaker only pauses, as far as that is known; in order."""

    @property
    def duration(self) -> float:
        """Seconds of sound."""
        return len(self.pcm) / LINE_RATE


def read_sound(path: Path) -> Pcm:
    """A sound file of any usual kind, rate and width, as int16 (samples,) mono at 8 kHz.

    Raises:
        SettingsError: it is missing or holds no sound that FFmpeg can read.
    """
    try:
        with av.open(str(path)) as container:
            resampler = av.AudioResampler(format="s16", layout="mono")
            frames = [
                mono for frame in container.decode(audio=0) for mono in resampler.resample(frame)
            ]
            rate = container.streams.audio[0].rate
    except (av.FFmpegError, IndexError, OSError) as error:
        raise SettingsError(
            str(path), f"cannot be read as sound ({error})", "Give a WAV file"
        ) from error
    if not frames:
        raise SettingsError(str(path), "holds no samples", "Give a WAV file with speech in it")
    return resample(
        np.concatenate([frame.to_ndarray().reshape(-1) for frame in frames]), rate, LINE_RATE
    )


def read_clip(path: Path, text: str = "") -> Clip:
    """A sound file as something to say, named as the file is.

    Raises:
        SettingsError: as :func:`read_sound`, or because nothing in it can be heard.
    """
    pcm = read_sound(path)
    try:
        speech_bounds(pcm)
    except ValueError as error:
        raise SettingsError(str(path), str(error), "Give a recording of speech") from error
    return Clip(path.stem, pcm, text)


def speech_clips() -> list[Clip]:
    """The clips of ``bench/speech``, in the order of its ``transcripts.tsv``."""
    return [
        read_clip(SPEECH / f"{row['clip']}.wav", row["transcript"])
        for row in _rows(SPEECH / "transcripts.tsv")
    ]


def wer_clips(root: Path = Path("/")) -> list[Clip]:
    """The corpus for word error rates; ``root`` is where the Debian packages are unpacked.

    Raises:
        SettingsError: one of the packages is not there.
    """
    clips: list[Clip] = []
    for row in _rows(SPEECH / "wer.tsv"):
        package, _, name = row["source"].partition(": ")
        folder = root / _PACKAGES[package]
        if not folder.is_dir():
            raise SettingsError(
                str(folder),
                "the recordings for word error rates are not installed",
                f"On Debian or Ubuntu: apt-get install {' '.join(_PACKAGES)}. Elsewhere unpack "
                "those packages into a folder and name it with --root",
            )
        clips.append(read_clip(folder / name, row["transcript"]))
    return clips


def chosen(clips: Sequence[Clip], count: int, first: int = 0) -> list[Clip]:
    """``count`` clips from number ``first`` on, round and round."""
    return [clips[(first + index) % len(clips)] for index in range(count)]


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as table:
        return list(csv.DictReader(table, delimiter="\t", quoting=csv.QUOTE_NONE))
