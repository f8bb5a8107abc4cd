"""Sounds that are no speech, and hums that ask for nothing, made from numbers; for training only.

Coughs follow the usual description of three phases: a burst as the glottis opens, turbulent flow
that fades, and often a voiced end (Korpas et al., "Analysis of the cough sound", 1996). Hums are a
glottal pulse train through a nasal murmur: one strong formant near 250 Hz and weak ones above
(Fujimura, 1962). They stand in for recordings, of which there are none that may be passed on.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from pipeline.audio import LINE_RATE

Samples = NDArray[np.float32]
"""float32, shape (samples,)."""

Rng = np.random.Generator


def formants(source: Samples, peaks: list[tuple[float, float, float]]) -> Samples:
    """``source`` through resonances of (centre in Hz, bandwidth in Hz, gain), in parallel."""
    spectrum = np.fft.rfft(source)
    hertz = np.fft.rfftfreq(len(source), 1 / LINE_RATE)
    shape = sum(gain / (1 + ((hertz - centre) / (width / 2)) ** 2) for centre, width, gain in peaks)
    return np.fft.irfft(spectrum * shape, len(source)).astype(np.float32)


def envelope(count: int, rise_s: float, fall_s: float) -> Samples:
    """From 0 to 1 within ``rise_s``, and decaying with the time constant ``fall_s`` after that."""
    time = np.arange(count) / LINE_RATE
    rise = np.minimum(1.0, time / max(rise_s, 1e-3))
    shape: Samples = (rise * np.exp(-np.maximum(0.0, time - rise_s) / fall_s)).astype(np.float32)
    return shape


def pulses(pitch: Samples, rng: Rng) -> Samples:
    """A glottal source: an impulse a period, at ``pitch`` Hz (samples,), jittered by about 1 %."""
    phase = np.cumsum(pitch * (1 + 0.01 * rng.standard_normal(len(pitch))) / LINE_RATE)
    source = np.diff(np.floor(phase), prepend=0.0).astype(np.float32)
    return formants(source, [(100.0, 500.0, 1.0)])  # the fall of its spectrum


def white(count: int, rng: Rng) -> Samples:
    return rng.standard_normal(count, np.float32)


def seconds(low: float, high: float, rng: Rng) -> int:
    """A random length between two times, in samples."""
    return int(rng.uniform(low, high) * LINE_RATE)


def cough(rng: Rng) -> Samples:
    """One to three coughs."""
    parts = []
    throat = [
        (c * rng.uniform(0.8, 1.25), 250.0, g) for c, g in ((600, 1), (1400, 0.9), (2600, 0.6))
    ]
    for _ in range(rng.integers(1, 4)):
        count = seconds(0.15, 0.4, rng)
        flow = white(count, rng) * envelope(
            count, rng.uniform(0.003, 0.02), rng.uniform(0.04, 0.12)
        )
        if rng.random() < 0.5:
            pitch = np.linspace(rng.uniform(150, 350), rng.uniform(90, 200), count)
            late = np.linspace(0, 1, count) > rng.uniform(0.3, 0.7)
            flow += pulses(pitch.astype(np.float32), rng) * late * rng.uniform(0.5, 3)
        parts += [formants(flow, throat), np.zeros(seconds(0.05, 0.3, rng), np.float32)]
    return np.concatenate(parts)


def hum(rng: Rng) -> Samples:
    """ "Mm", "hm" or "mm-hm": a nasal murmur in one or two parts, maybe with breath between."""
    parts: list[Samples] = []
    base = float(np.exp(rng.uniform(np.log(80), np.log(280))))
    nose = [(rng.uniform(200, 320), 100.0, 1.0), (rng.uniform(900, 1300), 250.0, 0.12),
            (rng.uniform(1900, 2600), 350.0, 0.05)]  # fmt: skip
    for part in range(rng.integers(1, 3)):
        if part or rng.random() < 0.4:
            breath = white(seconds(0.03, 0.1, rng), rng)
            parts.append(formants(breath, [(1000.0, 1500.0, 0.03)]))
        count = seconds(0.12, 0.3, rng)
        turn = np.linspace(rng.uniform(0.85, 1.1), rng.uniform(0.85, 1.3), count)
        tone = pulses((base * turn).astype(np.float32), rng)
        edge = np.minimum(
            1, np.minimum(np.arange(count), np.arange(count)[::-1]) / (0.04 * LINE_RATE)
        )
        parts.append(formants(tone, nose) * edge.astype(np.float32) * 20)
    return np.concatenate(parts)


def click(rng: Rng) -> Samples:
    """Up to six clicks as of a key, a switch or a mouse."""
    sound = np.zeros(LINE_RATE, np.float32)
    for _ in range(rng.integers(1, 7)):
        at, count = seconds(0.0, 0.8, rng), seconds(0.004, 0.04, rng)
        burst = white(count, rng) * envelope(count, 0.001, rng.uniform(0.001, 0.015))
        sound[at : at + count] += burst * rng.uniform(0.3, 1)
    return formants(sound, [(rng.uniform(500, 3000), rng.uniform(500, 3000), 1.0)])


def knock(rng: Rng) -> Samples:
    """A thump: something is put down, a door, the receiver is moved."""
    count = seconds(0.1, 0.4, rng)
    thump = white(count, rng) * envelope(count, 0.004, rng.uniform(0.02, 0.08))
    return formants(thump, [(rng.uniform(150, 600), rng.uniform(100, 400), 1.0)])


def breath(rng: Rng) -> Samples:
    """Breath on the microphone: noise that swells and fades."""
    count = seconds(0.3, 1.0, rng)
    swell = np.sin(np.linspace(0, np.pi, count)) ** rng.uniform(0.5, 2)
    peaks = [(rng.uniform(300, 900), 600.0, 1.0), (rng.uniform(1500, 2500), 900.0, 0.5)]
    return formants(white(count, rng), peaks) * swell.astype(np.float32)


def crackle(rng: Rng) -> Samples:
    """A burst of line noise, steady or broken."""
    count = seconds(0.05, 0.5, rng)
    held = np.repeat(rng.random(count // 40 + 1) < rng.uniform(0.3, 1), 40)[:count]
    return formants(white(count, rng), [(rng.uniform(300, 3000), 4000.0, 1.0)]) * held


def tone(rng: Rng) -> Samples:
    """A beep of one or two tones."""
    count = seconds(0.06, 0.5, rng)
    time = np.arange(count) / LINE_RATE
    pair = rng.uniform(300, 1700, size=rng.integers(1, 3))
    wave = np.sum([np.sin(2 * np.pi * hertz * time) for hertz in pair], axis=0)
    return np.asarray(wave, np.float32)


def mains(rng: Rng) -> Samples:
    """Mains hum that comes and goes."""
    count = seconds(0.3, 1.5, rng)
    time = np.arange(count) / LINE_RATE
    base = rng.choice([50.0, 60.0])
    wave = sum(
        np.sin(2 * np.pi * base * n * time + n) * rng.uniform(0, 1) / n for n in range(1, 12)
    )
    return np.asarray(wave, np.float32)


KINDS: dict[str, Callable[[Rng], Samples]] = {
    "hum": hum,
    "cough": cough,
    "click": click,
    "knock": knock,
    "breath": breath,
    "crackle": crackle,
    "tone": tone,
    "mains": mains,
}
