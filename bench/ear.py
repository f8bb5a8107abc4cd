"""The carrier's playout buffer and the ear behind it, sans-I/O.

What the server sends is queued and played in order, as Twilio does it: a chunk starts when the one
before it ends, or when it arrives if nothing was playing. So an agent that sends ahead is heard in
its own time, and latencies are those of the ear, not of the socket. ``now`` is seconds since the
call was answered throughout, on a clock that never stands still.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import numpy as np

from bench.audible import WINDOW_SAMPLES, audible_spans
from pipeline.audio import LINE_RATE, Pcm

_PAUSE_S = 0.3
"""Quiet shorter than this lies inside one sound: the pauses between words."""

_DRY_S = 0.02
"""A buffer that is empty for longer has run dry; one frame is the carrier's own jitter."""


@dataclass(slots=True)
class Sound:
    """A stretch in which the agent was audible, pauses between words included."""

    start: float
    """Seconds since answer of its first audible sample."""

    end: float
    """Seconds since answer of its last audible sample so far."""


class Ear:
    """One caller's end of the line. Call :meth:`hear` often; all else may come at any time."""

    def __init__(self, keep: bool = False) -> None:
        """``keep`` keeps what was heard, for a recording."""
        # What the agent made audible, oldest first.
        self.sounds: list[Sound] = []
        # When the server cleared the buffer, in seconds since answer.
        self.clears: list[float] = []
        # When the buffer was dry, as (from, until) in seconds since answer. A cleared buffer is
        # not dry, and neither is the time before the first chunk.
        self.dries: list[tuple[float, float]] = []
        # Chunks not yet played to their end, with the index of their first sample.
        self._queue: deque[tuple[int, Pcm]] = deque()
        # Sample index behind the last queued sample; None while an empty buffer is no dryness.
        self._until: int | None = None
        # Sample index up to which the sound was judged.
        self._heard = 0
        # Marks that wait for the sample index beside them.
        self._marks: deque[tuple[int, str]] = deque()
        # Whether the next audible window may belong to the last sound.
        self._joins = False
        # What was played, with its place; None unless it is kept.
        self._kept: list[tuple[int, Pcm]] | None = [] if keep else None

    @property
    def last_audible(self) -> float:
        """Seconds since answer of the last audible sample; 0 before the first."""
        return self.sounds[-1].end if self.sounds else 0.0

    def play(self, pcm: Pcm, now: float) -> None:
        """A chunk arrived, int16 (samples,) at 8 kHz."""
        arrived = _sample(now)
        if self._until is not None and arrived - self._until > _DRY_S * LINE_RATE:
            self.dries.append((self._until / LINE_RATE, now))
        start = max(arrived, self._until or 0, self._heard)
        self._queue.append((start, pcm))
        self._until = start + len(pcm)

    def mark(self, name: str, now: float) -> None:
        """A mark arrived: it is due when all that was queued before it has played."""
        self._marks.append((max(_sample(now), self._until or 0), name))

    def clear(self, now: float) -> list[str]:
        """Drop what has not played. Returns the marks that waited, which are due at once."""
        cut = _sample(now)
        names = self.hear(now)
        self._queue = deque(
            (start, pcm[: cut - start]) for start, pcm in self._queue if start < cut
        )
        self._until = None
        # The window that the cut falls into is judged now, the rest of it being silent: what comes
        # next is another sound, and begins behind it.
        self._judge(-(-cut // WINDOW_SAMPLES) * WINDOW_SAMPLES)
        self.clears.append(now)
        self._joins = False
        names += [name for _, name in self._marks]
        self._marks.clear()
        return names

    def hear(self, now: float) -> list[str]:
        """Listen up to ``now``. Returns the names of marks that were reached."""
        self._judge(_sample(now) // WINDOW_SAMPLES * WINDOW_SAMPLES)
        reached: list[str] = []
        while self._marks and self._marks[0][0] <= _sample(now):
            reached.append(self._marks.popleft()[1])
        return reached

    def track(self, samples: int) -> Pcm:
        """The first ``samples`` samples of the call as they were heard, int16 (samples,).

        Silence unless the ear was told to keep what it hears.
        """
        track = np.zeros(samples, np.int16)
        for start, pcm in self._kept or ():
            room = track[start : start + len(pcm)]
            room[:] = pcm[: len(room)]
        return track

    def heard(self, first: int, samples: int) -> Pcm:
        """A stretch of what was heard, int16 (samples,), from sample ``first`` since answer on.

        Silence unless the ear was told to keep what it hears. Quick for what was heard last.
        """
        stretch = np.zeros(samples, np.int16)
        for start, pcm in reversed(self._kept or ()):
            if start + len(pcm) <= first:
                break
            begin, end = max(start, first), min(start + len(pcm), first + samples)
            if begin < end:
                stretch[begin - first : end - first] = pcm[begin - start : end - start]
        return stretch

    def _judge(self, until: int) -> None:
        """Judge the sound from where we stopped to sample ``until``, a multiple of a window."""
        start, self._heard = self._heard, max(until, self._heard)
        if until <= start or not self._queue or self._queue[0][0] >= until:
            return
        block = np.zeros(until - start, np.int16)
        while self._queue and self._queue[0][0] < until:
            at, pcm = self._queue.popleft()
            due = pcm[: until - at]
            block[at - start : at - start + len(due)] = due
            if self._kept is not None:
                self._kept.append((at, due))
            if len(due) < len(pcm):
                self._queue.appendleft((until, pcm[len(due) :]))
        for first, after in audible_spans(block):
            self._note((start + first) / LINE_RATE, (start + after) / LINE_RATE)

    def _note(self, start: float, end: float) -> None:
        if self._joins and start - self.sounds[-1].end < _PAUSE_S:
            self.sounds[-1].end = end
            return
        self.sounds.append(Sound(start, end))
        self._joins = True


def _sample(now: float) -> int:
    """Index of the first sample that is heard at or after ``now``."""
    return int(np.ceil(now * LINE_RATE - 1e-6))
