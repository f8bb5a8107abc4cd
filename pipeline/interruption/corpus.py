"""The training's sounds: human prompts, synthetic voices and made-up noises, split by voice.

Human speech comes from Debian's packages of telephone prompts and of PocketSphinx's test data, as
``dpkg-deb -x`` unpacks them: a folder for each package, below one root. Their texts are not needed.
Backchannels are spoken by programs only: no free recordings of them are packaged anywhere we found.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pipeline.interruption.noises import KINDS, Rng, Samples
from pipeline.interruption.phrases import BACKCHANNELS, BEGINNING_ALIKE, SOUNDS, SPEECH
from pipeline.interruption.voices import ESPEAK, FESTIVAL, FLITE, Voice, read_wav, say

HUMANS = {
    "asterisk-core-sounds-en-wav": "train",
    "asterisk-core-sounds-es-wav": "train",
    "asterisk-core-sounds-it-wav": "train",
    "asterisk-core-sounds-ru-wav": "train",
    "asterisk-core-sounds-fr-wav": "tune",
    "asterisk-prompt-it-menardi-wav": "train",
    "pocketsphinx-testdata": "test",
}
"""Packages of recordings, and what their voice is for: to fit the weights, to set the thresholds,
or to measure."""

_HARNESS = """
sorry status pls-hold-while-try vm-sorry vm-nobodyavail priv-introsaved privacy-prompt
privacy-unident vm-savefolder vm-nonumber ss-noservice queue-youarenext privacy-incorrect transfer
priv-recordintro
"""

HARNESS_CLIPS = frozenset(_HARNESS.split())
"""Prompts that the harness's callers speak (bench/speech): never trained on."""

CLIPS_PER_HUMAN = 250
NOISES_PER_KIND = 120

BRISK = (1.1, 1.3, 1.5)
"""Paces of backchannels: programs say a lone word slower than people do."""

SPEECH_KIND = "speech"
ALIKE_KIND = "alike"


@dataclass(frozen=True, slots=True)
class Clip:
    """One sound with silence around it."""

    sound: Samples
    """float32 (samples,) at 8 kHz."""

    kind: str
    """``speech``, ``alike`` (speech that begins like a backchannel), or what it is instead."""

    voice: str
    part: str
    """train, tune or test."""

    human: bool = False


def part_of(voice: Voice, index: int) -> str:
    """Of the synthetic voices one in six sets thresholds and one in six measures."""
    if voice.name in {"awb", "cmu_us_slt_arctic_hts"}:
        return "test"
    if voice.name == "slt":
        return "tune"
    return "train" if voice.program != "espeak-ng" else ("tune", "test", *["train"] * 4)[index % 6]


def clips(packages: Path, said: Path, rng: Rng) -> Iterator[Clip]:
    """All of them. ``said`` keeps what the synthetic voices say."""
    yield from _humans(packages, rng)
    yield from _synthetic(said, rng)
    for part, share in (("train", 1.0), ("tune", 0.5), ("test", 0.5)):
        for kind, make in KINDS.items():
            for _ in range(int(share * NOISES_PER_KIND)):
                yield Clip(make(rng), kind, "made", part)


def _humans(packages: Path, rng: Rng) -> Iterator[Clip]:
    for package, part in HUMANS.items():
        paths = sorted(
            path
            for path in (packages / package).rglob("*.wav")
            if path.stem not in HARNESS_CLIPS and not {"silence", "tones"} & set(path.parts)
        )
        for index in rng.permutation(len(paths))[:CLIPS_PER_HUMAN]:
            sound = read_wav(paths[index])[: 6 * 8000]
            yield Clip(sound, SPEECH_KIND, package, part, human=True)


def _synthetic(said: Path, rng: Rng) -> Iterator[Clip]:
    said.mkdir(parents=True, exist_ok=True)
    for voice in [*FLITE, *FESTIVAL, *ESPEAK]:
        # A stable number, so that adding a voice moves no other into another part.
        part = part_of(voice, zlib.crc32(voice.name.encode()))
        rich = voice.program == "flite"
        for kind, texts in BACKCHANNELS.items():
            for text in texts:
                if text in SOUNDS and voice.program == "festival":
                    continue
                for _ in range(4 if rich else 1):
                    brisk = float(rng.choice(BRISK))
                    yield Clip(_said(voice, text, said, rng, brisk), kind, voice.title, part)
        share = SPEECH if rich else rng.choice(SPEECH, 12, replace=False)
        for text in share:
            yield Clip(_said(voice, str(text), said, rng), SPEECH_KIND, voice.title, part)
        for text in BEGINNING_ALIKE if rich else rng.choice(BEGINNING_ALIKE, 2, replace=False):
            yield Clip(_said(voice, str(text), said, rng), ALIKE_KIND, voice.title, part)


def _said(voice: Voice, text: str, folder: Path, rng: Rng, pace: float | None = None) -> Samples:
    pitch = float(rng.choice([0.7, 0.85, 1.0, 1.2, 1.4]))
    return say(voice, text, pitch, pace or float(rng.choice([0.8, 1.0, 1.2])), folder)


def on_a_line(sound: Samples, rng: Rng) -> Samples:
    """The sound as a telephone might bring it: float32 (samples,) on int16's scale, with 0.5 s of
    line before and 0.6 s behind it; level, band, pitch, noise and place in the frame are random."""
    stretch = float(np.exp(rng.uniform(np.log(0.85), np.log(1.18))))
    places = np.arange(0, len(sound) - 1, stretch)
    sound = np.interp(places, np.arange(len(sound)), sound).astype(np.float32)
    lead = 4000 + int(rng.integers(0, 160))
    line = np.concatenate([np.zeros(lead, np.float32), sound, np.zeros(4800, np.float32)])
    line = _banded(line, rng)
    loud = np.sort(np.abs(line))[-max(1, len(sound) // 10) :].mean()
    line *= 32768 * 10 ** (rng.uniform(-30, -6) / 20) / max(float(loud), 1e-6)
    hiss = rng.standard_normal(len(line)).astype(np.float32)
    line += hiss * np.float32(32768 * 10 ** (rng.uniform(-78, -50) / 20))
    return companded(line)


def _banded(line: Samples, rng: Rng) -> Samples:
    """Through a handset: cut below 50 to 300 Hz and above 3.2 to 4 kHz, and tilted."""
    spectrum = np.fft.rfft(line)
    hertz = np.fft.rfftfreq(len(line), 1 / 8000)
    low, high, tilt = rng.uniform(50, 300), rng.uniform(3200, 4000), rng.uniform(-0.4, 0.4)
    shape = 1 / (1 + (low / np.maximum(hertz, 1)) ** 6) / (1 + (hertz / high) ** 20)
    shape *= (np.maximum(hertz, 50) / 1000) ** tilt
    return np.fft.irfft(spectrum * shape, len(line)).astype(np.float32)


def companded(line: Samples) -> Samples:
    """What mu-law's 8 bits leave of samples on int16's scale; the curve of G.711, not its table."""
    shown = np.clip(line / 32768, -1, 1)
    code = np.round(np.sign(shown) * np.log1p(255 * np.abs(shown)) / np.log(256) * 127) / 127
    heard: Samples = np.sign(code) * np.expm1(np.abs(code) * np.log(256)) / 255 * 32767
    return heard.astype(np.float32)
