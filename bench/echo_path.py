"""The way back: a caller's line that returns what the caller hears, later and fainter. Sans-I/O.

A loudspeaker in a room or a bad hybrid does this to a real call. Callers of the harness have no
room, so it is made from what their ear was played: delayed, lower, and duller, because such a path
carries little above 2 kHz.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bench.ear import Ear
from pipeline.audio import FRAME_SAMPLES, LINE_RATE, Pcm

_DULL = np.array([0.25, 0.5, 0.25])
"""Two samples' mean, twice: 6 dB down at 2 kHz."""


@dataclass(frozen=True, slots=True)
class EchoPath:
    """How a line returns sound."""

    delay_s: float
    """From the ear back to the mouth: at least one frame, because a frame is sent as it ends."""

    down_db: float
    """By how much it is fainter."""

    def __post_init__(self) -> None:
        if self.delay_s < FRAME_SAMPLES / LINE_RATE:
            raise ValueError(f"an echo after {self.delay_s} s is quicker than a frame")

    def returned(self, ear: Ear, first: int) -> Pcm:
        """What comes back during the frame whose first sample is ``first`` since answer.

        int16 (160,). The ear must keep what it hears, and have heard up to then.
        """
        delayed = first - round(self.delay_s * LINE_RATE)
        heard = ear.heard(delayed - 1, FRAME_SAMPLES + 2).astype(np.float64)
        fainter = np.convolve(heard, _DULL, "valid") * 10.0 ** (-self.down_db / 20.0)
        echo: Pcm = np.rint(fainter).astype(np.int16)
        return echo
