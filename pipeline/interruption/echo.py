"""The agent's own echo, sans-I/O: what is left of the caller's sound when it is taken away.

The reference is what was sent to the line, each sample at the time when it leaves for the caller's
ear. An echo is that reference again, later (by the way there and back), weaker, and filtered by a
few milliseconds of line or handset. So the delay is found by cross-correlation, a short filter is
fitted at that delay by least squares (the Wiener solution; Haykin, *Adaptive Filter Theory*).
What the filter does not explain is the caller's.

A search costs about half a millisecond, but an echo path changes rarely: while the filter found
before still explains what comes back, it is only applied, which costs a tenth of that. A canceller
that adapts at every frame would cost all calls all the time, and would be no surer in the first
200 ms of double talk, which is where the decision falls.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pipeline.audio import FRAME_SAMPLES, LINE_RATE, Pcm

Samples = NDArray[np.float32]
"""float32, shape (samples,), on int16's scale."""

SHORTEST_S = 0.0
LONGEST_S = 0.7
"""Delays searched, in seconds. A telephone echo comes 80 to 500 ms late; the rest is for a
reference whose place in time was only estimated."""

_EARLY_S = 0.12
"""By how much a reference may lie too late: then its echo seems to come before it. What the carrier
has still to play is an estimate, and half a line's delay is in it."""

_TAPS = 32
_LEAD_TAPS = 8
"""Length of the fitted filter, and how much of it lies before the delay found: 4 ms and 1 ms."""

_PRE_EMPHASIS = 0.9
"""Vowels have most of their energy in a few low harmonics, by which any two voices correlate."""

_EXPLAINED = 0.6
"""Share of the sound's energy that a filter must explain to be believed. Over 200 ms the best of
5,600 delays explains about a third of another voice by chance."""

_STILL_EXPLAINED = 0.75
"""A known filter that explains this much of the newest frame saves the search."""

_HISTORY = 4 * LINE_RATE
"""Samples of reference kept: 1.5 s are sent ahead of the ear, and 0.7 s late is the latest echo."""

_SEAM = LINE_RATE * 60 // 1000
"""The carrier plays what it has without a pause, so sound said to begin within 60 ms of the end of
what was sent before follows it directly. The difference is only jitter in the estimate."""

_AUDIBLE = 30.0
"""Root mean square of the reference below which it can have no echo (-61 dBFS)."""


class Reference:
    """What was sent, by its place in the call: the newest 4 s."""

    def __init__(self) -> None:
        self._ring = np.zeros(_HISTORY, np.float32)
        # Number of the sample behind the last one sent, counted from answer.
        self._end = 0

    def sent(self, pcm: Pcm, at: float) -> None:
        """``pcm``, int16 (samples,), leaves for the caller's ear from ``at`` s since answer on."""
        start = max(0, round(at * LINE_RATE))
        if abs(start - self._end) <= _SEAM:
            start = self._end
        if start > self._end:
            self._fill(np.zeros(min(start - self._end, _HISTORY), np.float32), start)
        self._fill(pcm.astype(np.float32)[-_HISTORY:], start + len(pcm))

    def cleared(self, at: float) -> None:
        """What was to be heard after ``at`` never will be."""
        keep = max(0, round(at * LINE_RATE))
        if keep < self._end:
            self._fill(np.zeros(min(self._end - keep, _HISTORY), np.float32), self._end)
            self._end = keep

    def before(self, end: int, count: int) -> Samples:
        """The ``count`` samples up to number ``end``, silence where nothing was sent."""
        wanted = np.arange(end - count, end)
        known = (wanted >= 0) & (wanted < self._end) & (wanted >= self._end - _HISTORY)
        return np.where(known, self._ring[wanted % _HISTORY], np.float32(0.0))

    def _fill(self, samples: Samples, end: int) -> None:
        self._ring[np.arange(end - len(samples), end) % _HISTORY] = samples
        self._end = end


class Echo:
    """The echo path of one call, as far as it is known."""

    def __init__(self) -> None:
        self._reference = Reference()
        # Samples from _EARLY_S before the sound to the filter's first tap; the filter itself,
        # newest sample first.
        self._delay = 0
        self._filter: Samples | None = None

    @property
    def delay_s(self) -> float | None:
        """Seconds by which the echo last found comes late; None before the first."""
        if self._filter is None:
            return None
        return (self._delay + _LEAD_TAPS) / LINE_RATE - _EARLY_S

    def sent(self, pcm: Pcm, at: float) -> None:
        """See :meth:`Reference.sent`."""
        self._reference.sent(pcm, at)

    def cleared(self, at: float) -> None:
        """See :meth:`Reference.cleared`."""
        self._reference.cleared(at)

    def without(self, heard: Samples, end_s: float) -> Samples:
        """What of the caller's sound, float32 (samples,), is not the agent's.

        ``end_s`` is the end of the sound in seconds since answer. The result has the same shape;
        it is ``heard`` itself where no echo is believed.
        """
        count = len(heard)
        reach = round((LONGEST_S + _EARLY_S) * LINE_RATE) + _TAPS
        sent = self._reference.before(round((end_s + _EARLY_S) * LINE_RATE), count + reach)
        if float(np.dot(sent, sent)) < _AUDIBLE**2 * FRAME_SAMPLES:
            return heard
        left = heard
        if self._filter is not None:
            left = heard - _past(sent, count, self._delay) @ self._filter
            newest = slice(-FRAME_SAMPLES, None)
            if _energy(left[newest]) < (1 - _STILL_EXPLAINED) * _energy(heard[newest]):
                return left
        delay = max(0, _delay_of(heard, sent) - _LEAD_TAPS)
        past = _past(sent, count, delay)
        fitted = _fit(past, heard)
        refitted = heard - past @ fitted
        if _energy(refitted) < (1 - _EXPLAINED) * _energy(heard):
            self._delay, self._filter = delay, fitted
            return refitted
        return left if _energy(left) < _energy(heard) else heard


def _past(sent: Samples, count: int, delay: int) -> Samples:
    """The reference as the filter sees it, (count, _TAPS): column k is ``delay + k`` late."""
    first = len(sent) - count - delay - (_TAPS - 1)
    windows = np.lib.stride_tricks.sliding_window_view(
        sent[first : first + count + _TAPS - 1], _TAPS
    )
    return windows[:, ::-1]


def _fit(past: Samples, heard: Samples) -> Samples:
    """Taps (_TAPS,) by which ``past`` comes nearest to ``heard``, in least squares."""
    past = np.ascontiguousarray(past)
    covariance = past.T @ past
    # Keeps the solution tame where the reference excites only part of the band.
    covariance[np.diag_indices(_TAPS)] += 1e-3 * np.trace(covariance) / _TAPS + 1.0
    taps: Samples = np.linalg.solve(covariance, past.T @ heard).astype(np.float32)
    return taps


def _delay_of(heard: Samples, sent: Samples) -> int:
    """Samples by which ``sent`` must be delayed to be most like ``heard``.

    Normalised cross-correlation: each delay's product over the reference's energy there.
    """
    heard, sent = _emphasised(heard), _emphasised(sent)
    length = len(sent)
    spectrum = np.fft.rfft(sent) * np.conj(np.fft.rfft(heard, length))
    # Entry p: the reference from sample p on against the sound, so a delay of length - count - p.
    products = np.fft.irfft(spectrum, length)[: length - len(heard) + 1]
    total = np.concatenate([[0.0], np.cumsum(sent.astype(np.float64) ** 2)])
    energy = total[len(heard) :] - total[: -len(heard)]
    likeness = products**2 / (energy + _AUDIBLE**2 * FRAME_SAMPLES)
    return length - len(heard) - int(np.argmax(likeness[_TAPS:])) - _TAPS


def _emphasised(samples: Samples) -> Samples:
    emphasised = samples.copy()
    emphasised[1:] -= np.float32(_PRE_EMPHASIS) * samples[:-1]
    return emphasised


def _energy(samples: Samples) -> float:
    return float(np.dot(samples, samples)) + 1.0
