"""Sounds whose beginning and end are known to the sample."""

import numpy as np

from pipeline.audio import LINE_RATE, Pcm


def tone(seconds: float, peak: int = 8000) -> Pcm:
    """A 1 kHz square wave: every sample of it is loud, the first and the last too."""
    samples = round(seconds * LINE_RATE)
    return np.where(np.arange(samples) // 4 % 2 == 0, peak, -peak).astype(np.int16)


def silence(seconds: float) -> Pcm:
    return np.zeros(round(seconds * LINE_RATE), np.int16)
