"""What comes from a caller's side and is no word: coughs, clicks, bursts on the line, seeded. Pure.

Made and not recorded, so that there are as many as wanted and the same ones in every run. Levels
are those of a telephone: a cough is as loud as speech, a click louder and a thousandth as long.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from bench.corpus import Clip
from pipeline.audio import LINE_RATE, Pcm

_Samples = NDArray[np.float64]

_MARGIN_S = 0.05
"""Silence before and behind each."""


def cough(seed: int) -> Clip:
    """One to three bursts of breath through a throat, 0.1 to 0.3 s each, falling in level."""
    chance = np.random.default_rng([1, seed])
    bursts: list[_Samples] = []
    for number in range(chance.integers(1, 4)):
        samples = round(chance.uniform(0.1, 0.3) * LINE_RATE)
        decay = np.exp(-np.linspace(0.0, chance.uniform(3.0, 5.0), samples))
        decay[:40] *= np.linspace(0.0, 1.0, 40)
        throat = _resonant(chance, samples, [chance.uniform(500, 900), chance.uniform(1100, 1800)])
        bursts += [throat * decay * 0.7**number, np.zeros(round(chance.uniform(0.05, 0.15) * 8000))]
    return Clip(f"cough-{seed}", _levelled(np.concatenate(bursts), -20.0))


def click(seed: int) -> Clip:
    """One to four clicks of 1 to 6 ms: a key, a switch, a bad contact."""
    chance = np.random.default_rng([2, seed])
    sound = np.zeros(round(0.6 * LINE_RATE))
    for at in chance.uniform(0.0, 0.55, chance.integers(1, 5)):
        samples = round(chance.uniform(0.001, 0.006) * LINE_RATE)
        first = round(at * LINE_RATE)
        sound[first : first + samples] += chance.normal(size=samples)
    peak = 32768 * 10 ** (chance.uniform(-16.0, -6.0) / 20)
    return Clip(f"click-{seed}", _framed(sound * peak / np.abs(sound).max()))


def burst(seed: int) -> Clip:
    """0.1 to 0.5 s of noise as a line or a passing car makes it, flat or low."""
    chance = np.random.default_rng([3, seed])
    samples = round(chance.uniform(0.1, 0.5) * LINE_RATE)
    flat = chance.random() < 0.5
    noise = (
        chance.normal(size=samples)
        if flat
        else _resonant(chance, samples, [chance.uniform(120, 400)])
    )
    edges = np.minimum(1.0, np.minimum(np.arange(samples), np.arange(samples)[::-1]) / 80)
    return Clip(f"burst-{seed}", _levelled(noise * edges, chance.uniform(-32.0, -22.0)))


NOISES: dict[str, Callable[[int], Clip]] = {"cough": cough, "click": click, "burst": burst}
"""Kind to what makes one from a seed."""


def _resonant(chance: np.random.Generator, samples: int, formants: list[float]) -> _Samples:
    """White noise, shape (samples,), through two-pole resonances at these frequencies in Hz."""
    spectrum = np.fft.rfft(chance.normal(size=samples))
    frequencies = np.fft.rfftfreq(samples, 1 / LINE_RATE)
    gain = sum(1.0 / (1.0 + ((frequencies - centre) / 150.0) ** 2) for centre in formants)
    shaped: _Samples = np.fft.irfft(spectrum * (np.sqrt(gain) + 0.02), samples)
    return shaped


def _levelled(sound: _Samples, dbfs: float) -> Pcm:
    level = np.sqrt(np.mean(sound[np.abs(sound) > 0.05 * np.abs(sound).max()] ** 2))
    return _framed(sound * (32768 * 10 ** (dbfs / 20) / level))


def _framed(sound: _Samples) -> Pcm:
    margin = round(_MARGIN_S * LINE_RATE)
    pcm: Pcm = np.clip(np.rint(np.pad(sound, (margin, margin))), -32768, 32767).astype(np.int16)
    return pcm
