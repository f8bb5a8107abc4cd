"""Sound as the pipeline sees it: int16 mono PCM, and the rate conversions between stages.

The line speaks 8 kHz, Whisper wants 16 kHz, Piper voices speak 22.05 kHz. Conversion is soxr's: a
windowed-sinc resampler with a known delay, and several times faster than real time needs.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import soxr
from numpy.typing import NDArray

Pcm = NDArray[np.int16]
"""Mono samples, shape (samples,)."""

LINE_RATE = 8_000
"""Hz. Telephony's rate: G.711, and so every line we have."""

FRAME_SAMPLES = 160
"""Samples of one 20 ms frame at the line's rate."""


@dataclass(frozen=True, slots=True)
class AudioFrame:
    """A stretch of sound with its place in the call."""

    pcm: Pcm
    """int16 samples, shape (samples,)."""

    rate: int
    """Hz."""

    at: float
    """Seconds since answer at which the first sample was heard, counted in samples.

    The wall clock has no part in it, so a test may run faster than life. Frames that were
    synthesised, not heard, have the time since the start of their phrase here.
    """

    @property
    def duration(self) -> float:
        """Seconds of sound."""
        return len(self.pcm) / self.rate


def to_float(pcm: Pcm) -> NDArray[np.float32]:
    """int16 (samples,) to float32 (samples,) in [-1, 1)."""
    return pcm.astype(np.float32) / 32768.0


def to_int16(samples: NDArray[np.float32]) -> Pcm:
    """float32 (samples,) in [-1, 1] to int16 (samples,); what is louder is clipped."""
    return np.clip(samples * 32767.0, -32768, 32767).astype(np.int16)


def resample(pcm: Pcm, rate: int, to_rate: int) -> Pcm:
    """A whole utterance, int16 (samples,) at ``rate`` Hz, converted to ``to_rate`` Hz."""
    if rate == to_rate:
        return pcm
    converted: Pcm = soxr.resample(pcm, rate, to_rate)
    return converted


def level_dbfs(pcm: Pcm) -> float:
    """Root-mean-square level in dB relative to full scale; -120 for digital silence."""
    if len(pcm) == 0:
        return -120.0
    samples = pcm.astype(np.float32)
    power = float(np.dot(samples, samples)) / len(samples)
    return 10.0 * math.log10(max(power, 1e-3)) - 90.309  # 20*log10(32768)
