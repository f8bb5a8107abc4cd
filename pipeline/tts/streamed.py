"""A voice's waveform, piece by piece, to frames at the line's rate. Pure.

One clause is one resampler: what goes in as pieces comes out sample for sample as it would whole,
so no border between pieces can be heard. The silence at the clause's edges is cut on the way.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
import soxr
from numpy.typing import NDArray

from pipeline.audio import LINE_RATE, AudioFrame, Pcm, to_int16

FRAME_S = 0.2
"""Longest frame handed out."""

_QUIET = 0.004
"""Amplitude, of 1, below which a voice's edges count as silence: -48 dBFS."""

_KEEP_BEFORE_S = 0.01
"""Silence left before the first sound; the caller has waited long enough. Piper voices give up to
0.05 s."""

_KEEP_AFTER_S = 0.12
"""Silence left behind the last sound: the breath before the next clause. Piper voices give 0.15 to
0.27 s."""


def to_line(pieces: Iterable[NDArray[np.float32]], rate: int) -> Iterator[AudioFrame]:
    """A clause's samples, each piece float32 (samples,) in [-1, 1] at ``rate`` Hz, as frames.

    Frames are at most 200 ms; ``at`` counts from the clause's start. A clause of silence is none.
    """
    resampler = soxr.ResampleStream(rate, LINE_RATE, 1, dtype="float32")
    position = 0
    for piece in trimmed(pieces, rate):
        pcm = to_int16(resampler.resample_chunk(piece))
        yield from in_frames(pcm, position)
        position += len(pcm)
    # What the filter still holds.
    yield from in_frames(
        to_int16(resampler.resample_chunk(np.zeros(0, np.float32), last=True)), position
    )


def in_frames(pcm: Pcm, position: int = 0) -> Iterator[AudioFrame]:
    """Sound at the line's rate cut to frames, the first of which begins at sample ``position``."""
    step = int(FRAME_S * LINE_RATE)
    for start in range(0, len(pcm), step):
        yield AudioFrame(pcm[start : start + step], LINE_RATE, (position + start) / LINE_RATE)


def trimmed(pieces: Iterable[NDArray[np.float32]], rate: int) -> Iterator[NDArray[np.float32]]:
    """The same sound with the silence at its two ends cut down, and sample for sample the same
    between.

    Silence is held back until sound follows it; what is still held at the end was the end's.
    """
    held = np.zeros(0, np.float32)
    begun = False
    for piece in pieces:
        held = np.concatenate((held, piece))
        loud = np.flatnonzero(np.abs(held) > _QUIET)
        if len(loud) == 0:
            continue
        first = 0 if begun else max(0, int(loud[0]) - int(_KEEP_BEFORE_S * rate))
        last = int(loud[-1]) + 1
        begun = True
        yield held[first:last]
        held = held[last:]
    if begun:
        yield held[: int(_KEEP_AFTER_S * rate)]
