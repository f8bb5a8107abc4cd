"""Voice activity: is this 20 ms frame speech? One cheap state per call, a plain function per frame.

webrtcvad's Gaussian mixture costs about a microsecond a frame; a neural detector costs fifty times
that for every call, speaking or not, and would be the largest part of a quiet call's cost. What the
mixture gets wrong on telephone lines is steady noise, so a level gate above the line's own noise
floor stands before it.
"""

from __future__ import annotations

import webrtcvad

from pipeline.audio import AudioFrame, level_dbfs

_MARGIN_DB = 6.0
"""Speech stands at least this far above the line's noise."""

_FALL_DB = 0.5
"""The floor follows a quieter frame by this much a frame: 25 dB a second."""

_RISE_DB = 0.02
"""And a louder one by this much: 1 dB a second, so that a sentence does not become the floor."""

_HIGHEST_FLOOR_DBFS = -38.0
"""A floor above this would swallow soft speakers; such a line is left to the mixture alone."""


class Vad:
    """Judges the frames of one call, in order."""

    def __init__(self, mode: int, floor_dbfs: float) -> None:
        """``mode`` is webrtcvad's aggressiveness, 0 to 3; frames below ``floor_dbfs`` are never
        speech."""
        self._mixture = webrtcvad.Vad(mode)
        self._lowest = floor_dbfs
        # Estimate of the line's noise level, in dBFS.
        self._noise = floor_dbfs - _MARGIN_DB

    def is_speech(self, frame: AudioFrame) -> bool:
        """Whether a frame of 10, 20 or 30 ms holds speech."""
        level = level_dbfs(frame.pcm)
        if level < self._noise:
            self._noise = max(level, self._noise - _FALL_DB)
        else:
            self._noise = min(level, self._noise + _RISE_DB, _HIGHEST_FLOOR_DBFS)
        if level < self._lowest or level < self._noise + _MARGIN_DB:
            return False
        return bool(self._mixture.is_speech(frame.pcm.tobytes(), frame.rate))
