"""Where received sound belongs in time, and whole 20 ms frames cut from it. Sans-I/O.

A carrier numbers its chunks and stamps them with its own clock. Our time is counted in samples, so
what the carrier lost must be put back as silence, or every later moment of the call would seem to
be earlier than it was.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from pipeline.audio import FRAME_SAMPLES, LINE_RATE, AudioFrame
from telephony.g711 import ulaw_decode

FILL_LIMIT_S = 5
"""Longest hole in the sound that is filled. A stamp further off is a clock that was set."""

Misplacement = tuple[Literal["late chunk", "gap", "leap"], str]
"""What was wrong with a chunk's place, and by how much."""

_SAMPLES_PER_MS = LINE_RATE // 1000
_FRAME_MS = FRAME_SAMPLES // _SAMPLES_PER_MS
_FILL_LIMIT = FILL_LIMIT_S * LINE_RATE
_SILENCE = b"\xff"  # mu-law's positive zero


class Timeline:
    """One direction of one call: mu-law chunks in, :class:`AudioFrame` out, in order."""

    def __init__(self) -> None:
        # Samples taken so far, and those of them, as mu-law, that make no whole frame yet.
        self._samples = 0
        self._rest = bytearray()
        # Numbers of the last chunk; -1 before the first.
        self._chunk = -1
        self._stamp_ms = -1
        self._last_was_frame = False
        # Where, in samples of the carrier's clock, our sample 0 is; None before the first stamp.
        self._origin: int | None = None

    def place(
        self, payload: bytes, chunk: int | None, stamp_ms: int | None
    ) -> tuple[Sequence[AudioFrame], Misplacement | None]:
        """Put sound, mu-law at 8 kHz, where its numbers say, as far as it has any.

        Gives as many whole frames as there are now, filled holes included.
        """
        is_frame = len(payload) == FRAME_SAMPLES
        if (
            is_frame
            and self._last_was_frame
            and chunk == self._chunk + 1
            and stamp_ms == self._stamp_ms + _FRAME_MS
            and not self._rest
        ):
            # In step, as all of Twilio's are: it lies where the last one did, 20 ms later.
            self._chunk = chunk
            self._stamp_ms = stamp_ms
            return (self._take_frame(payload),), None
        self._last_was_frame = is_frame
        if chunk is not None:
            # Both numbers must agree: a peer with a stuck counter is still worth hearing.
            if chunk <= self._chunk and (stamp_ms is None or stamp_ms <= self._stamp_ms):
                return (), ("late chunk", f"chunk {chunk}, after {self._chunk}")
            self._chunk = chunk
        if stamp_ms is None:
            return self._take(payload), None
        return self._align(payload, stamp_ms)

    def _align(
        self, payload: bytes, stamp_ms: int
    ) -> tuple[Sequence[AudioFrame], Misplacement | None]:
        self._stamp_ms = stamp_ms
        place = stamp_ms * _SAMPLES_PER_MS
        if self._origin is None:
            self._origin = place - self._samples
        hole = place - self._origin - self._samples
        if abs(hole) > _FILL_LIMIT:
            self._origin += hole
            return self._take(payload), ("leap", f"timestamp off by {hole / LINE_RATE:.1f} s")
        if hole < FRAME_SAMPLES:
            # Too short to be a lost frame, or in the past: a jittery clock, which catches up.
            return self._take(payload), None
        # Whole frames only, so that the frames after it are still the carrier's.
        hole -= hole % FRAME_SAMPLES
        filled = self._take(_SILENCE * hole + payload)
        return filled, ("gap", f"{hole / LINE_RATE:.2f} s filled with silence")

    def _take(self, payload: bytes) -> Sequence[AudioFrame]:
        """Sound that follows what was taken, in whole frames; the rest waits for more."""
        if not self._rest and len(payload) == FRAME_SAMPLES:
            return (self._take_frame(payload),)
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

    def _take_frame(self, payload: bytes) -> AudioFrame:
        at = self._samples
        self._samples = at + FRAME_SAMPLES
        return AudioFrame(ulaw_decode(payload), LINE_RATE, at / LINE_RATE)
