"""Synthetic voices that speak a text, for training only: flite, espeak-ng and festival.

They are Debian's programs of those names (and festvox-kallpc16k, festvox-kdlpc16k,
festvox-us-slt-hts for festival). What they say is kept in a folder, so a second training is quick.
"""

from __future__ import annotations

import hashlib
import subprocess
import wave
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soxr

from pipeline.audio import LINE_RATE
from pipeline.interruption.noises import Samples
from pipeline.interruption.phrases import SOUNDS


@dataclass(frozen=True, slots=True)
class Voice:
    """A synthetic speaker."""

    program: str
    """flite, espeak-ng or festival."""

    name: str
    """As the program calls it."""

    @property
    def title(self) -> str:
        return f"{self.program}:{self.name}"


FLITE = [Voice("flite", name) for name in ("kal16", "awb", "rms", "slt")]
FESTIVAL = [Voice("festival", name) for name in ("ked_diphone", "cmu_us_slt_arctic_hts")]
_VARIANTS = """
f1 f2 f3 f4 f5 m1 m2 m3 m4 m5 m6 m7 m8 adam Alex Alicia Andrea Andy Annie anika belinda benjamin
boris caleb david Denis ed edward Gene Henrique Hugo iven Jacky john klatt klatt2 klatt3 klatt4 Lee
linda Marco max Michael michel norbert pablo paul pedro quincy rob robert sandro shelby steph travis
victor zac aunty grandpa grandma
"""
_ACCENTS = ("en-us", "en-gb", "en-gb-x-rp", "en-029", "en-us")

ESPEAK = [
    Voice("espeak-ng", f"{_ACCENTS[index % 5]}+{variant}")
    for index, variant in enumerate(_VARIANTS.split())
]


def say(voice: Voice, text: str, pitch: float, pace: float, folder: Path) -> Samples:
    """``text``, float32 (samples,) at 8 kHz. ``pitch`` and ``pace`` are about 1; both multiply.

    Raises:
        subprocess.CalledProcessError: the program does not know the voice.
        FileNotFoundError: it is not installed.
    """
    key = hashlib.sha256(f"{voice.title}|{text}|{pitch:.2f}|{pace:.2f}".encode()).hexdigest()[:24]
    path = folder / f"{key}.wav"
    if not path.exists():
        command, script = _command(voice, text, pitch, pace, path)
        subprocess.run(command, input=script.encode(), check=True, capture_output=True, timeout=30)
    return read_wav(path)


def _command(
    voice: Voice, text: str, pitch: float, pace: float, path: Path
) -> tuple[list[str], str]:
    """The program with its arguments, and what it reads."""
    match voice.program:
        case "flite":
            stretch = f"duration_stretch={1 / pace:.2f}"
            mean = f"int_f0_target_mean={(170 if voice.name == 'slt' else 105) * pitch:.0f}"
            options = ["--setf", stretch, "--setf", mean]
            what = ["-p", f"pau {SOUNDS[text][0]} pau"] if text in SOUNDS else ["-t", text]
            return ["flite", "-voice", voice.name, *options, *what, "-o", str(path)], ""
        case "espeak-ng":
            options = ["-p", f"{50 * pitch:.0f}", "-s", f"{165 * pace:.0f}", "-w", str(path)]
            text = SOUNDS[text][1] if text in SOUNDS else text
            return ["espeak-ng", "-v", voice.name, *options, text], ""
        case _:
            script = f"(voice_{voice.name})(Parameter.set 'Duration_Stretch {1 / pace:.2f})"
            return ["text2wave", "-eval", script, "-o", str(path)], text


def read_wav(path: Path) -> Samples:
    """A mono 16-bit file at any rate as float32 (samples,) at 8 kHz, in [-1, 1)."""
    with wave.open(str(path), "rb") as file:
        rate, data = file.getframerate(), file.readframes(file.getnframes())
    samples = np.frombuffer(data, "<i2").astype(np.float32) / 32768
    resampled: Samples = soxr.resample(samples, rate, LINE_RATE)
    return resampled
