"""What a listener would call sound, sans-I/O: the one threshold that all our latencies rest on.

A 10 ms window is audible when its level is at least -45 dBFS: 25 dB under telephone speech, 20 dB
over the line noise that our callers make. Where audible sound begins and ends is told to the
sample, by the first and last sample of such windows that reach that level themselves, so that the
grid of windows makes nothing earlier or later than it was.
"""

from __future__ import annotations

import numpy as np

from pipeline.audio import LINE_RATE, Pcm

AUDIBLE_DBFS = -45.0
"""Level of the faintest audible window, in dB relative to full scale."""

WINDOW_SAMPLES = 80
"""Samples of one window: 10 ms at the line's rate."""

_FAINTEST = 32768.0 * 10.0 ** (AUDIBLE_DBFS / 20.0)
"""The same level as an int16 magnitude, 184."""


def audible_spans(pcm: Pcm) -> list[tuple[int, int]]:
    """Unbroken audible stretches of whole windows, as (first sample, sample after the last).

    ``pcm`` is int16, shape (samples,), at the line's rate. Samples behind its last whole window are
    not judged.
    """
    windows = len(pcm) // WINDOW_SAMPLES
    samples = pcm[: windows * WINDOW_SAMPLES].astype(np.float32)
    power = np.square(samples).reshape(windows, WINDOW_SAMPLES).mean(axis=1)
    audible = power >= _FAINTEST**2
    if not audible.any():
        return []
    edges = np.flatnonzero(np.diff(audible, prepend=False, append=False)) * WINDOW_SAMPLES
    loud = np.abs(samples) >= _FAINTEST
    return [
        (int(first + loud[first:after].argmax()), int(after - loud[first:after][::-1].argmax()))
        for first, after in zip(edges[::2], edges[1::2], strict=True)
    ]


def speech_bounds(pcm: Pcm) -> tuple[int, int]:
    """First audible sample of a clip and the one after its last, int16 (samples,) at 8 kHz.

    Raises:
        ValueError: nothing in it is audible.
    """
    padded = np.pad(pcm, (0, -len(pcm) % WINDOW_SAMPLES))
    spans = audible_spans(padded)
    if not spans:
        raise ValueError(f"nothing in it is louder than {AUDIBLE_DBFS:.0f} dBFS")
    return spans[0][0], spans[-1][1]


def line_noise(dbfs: float, seconds: float, seed: int) -> Pcm:
    """Hiss of a quiet telephone line: white noise at ``dbfs``, int16 (samples,) at 8 kHz."""
    samples = np.random.default_rng(seed).normal(size=round(seconds * LINE_RATE))
    noise: Pcm = np.rint(samples * 32768.0 * 10.0 ** (dbfs / 20.0)).astype(np.int16)
    return noise
