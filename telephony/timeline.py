"""Where received sound belongs in time, and whole 20 ms frames cut from it. Sans-I/O.

A carrier numbers its chunks and stamps them with its own clock. Our time is counted in samples, so
what the carrier lost must be put back as silence, or every later moment of the call would seem to
be earlier than it was.
"""

from __future__ import annotations

from collections.abc import Sequence

from pipeline.audio import FRAME_SAMPLES, LINE_RATE, AudioFrame
from telephony.g711 import ulaw_decode

_SAMPLES_PER_MS = LINE_RATE // 1000


class Timeline:
    """One direction of one call: mu-law chunks in, :class:`AudioFrame` out, in order."""

    def __init__(self) -> None:
        # Samples taken so far, and those of them, as mu-law, that make no whole frame yet.
        self._samples = 0
        self._rest = bytearray()
        # Numbers of the last chunk; -1 before the first.
        self._chunk = -1
        self._stamp_ms = -1
        # Where, in samples of the carrier's clock, our sample 0 is; None before the first stamp.
        self._origin: int | None = None

    def is_repeated(self, chunk: int, stamp_ms: int | None) -> bool:
        """Whether this chunk came before, or is so late that its place is taken; else note it.

        Number and stamp must agree: a peer with a stuck counter is still worth hearing.
        """
        if chunk <= self._chunk and (stamp_ms is None or stamp_ms <= self._stamp_ms):
            return True
        self._chunk = chunk
        return False

    def hole_before(self, stamp_ms: int) -> int:
        """Samples, in whole frames, that are missing before a stamp; negative when it is past.

        Less than a frame is no hole yet, so that jitter never splits a frame. The first stamp
        defines the carrier's zero.
        """
        self._stamp_ms = stamp_ms
        place = stamp_ms * _SAMPLES_PER_MS
        if self._origin is None:
            self._origin = place - self._samples
        hole = place - self._origin - self._samples
        return hole // FRAME_SAMPLES * FRAME_SAMPLES if hole > 0 else hole

    def shift(self, samples: int) -> None:
        """The carrier's clock was set by this much; from here its stamps mean something new."""
        if self._origin is not None:
            self._origin += samples

    def take(self, payload: bytes) -> Sequence[AudioFrame]:
        """Sound, mu-law at 8 kHz, that follows what was taken; as many whole frames as it makes."""
        if not self._rest and len(payload) == FRAME_SAMPLES:  # What Twilio sends, always.
            frame = AudioFrame(ulaw_decode(payload), LINE_RATE, self._samples / LINE_RATE)
            self._samples += FRAME_SAMPLES
            return (frame,)
        at = self._samples - len(self._rest)
        self._rest += payload
        self._samples += len(payload)
        whole = len(self._rest) // FRAME_SAMPLES * FRAME_SAMPLES
        pcm = ulaw_decode(bytes(self._rest[:whole]))
        del self._rest[:whole]
        return [
            AudioFrame(pcm[start : start + FRAME_SAMPLES], LINE_RATE, (at + start) / LINE_RATE)
            for start in range(0, whole, FRAME_SAMPLES)
        ]
