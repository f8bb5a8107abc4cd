"""How a sound begins, sans-I/O: is it speech that wants the floor, or may it be less than that?

A log-mel picture of the sound's first moments goes through one hidden layer of tanh units. There is
one such net for each age at which the judge asks, because a sound tells more the longer it lasts:
at 140 ms a hum may still become "mine is...", at 300 ms it has become it, or not. The weights are
made by ``python -m pipeline.interruption.train``.

Only the picture's shape counts, not its level: callers hold their telephones as they like.

They know the voices that they were fitted to, and few others. Where Whisper's encoder is loaded,
it is asked instead, with an :class:`Onset`: see ``pipeline/asr/onset.py``.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pipeline.audio import LINE_RATE

Samples = NDArray[np.float32]
"""float32, shape (samples,), on int16's scale."""

WEIGHTS = Path(__file__).with_name("onset.npz")

PRE_MS = 60
"""Sound from before its first voiced frame that belongs to the picture: the voice activity detector
is late on fricatives and on the rise of a hum."""

AGES_MS = (120, 160, 200, 260, 340, 440, 540)
"""Time since the sound's first voiced frame began, its last frame included, at which to ask."""

ASKED_PRE_MS = 100
"""The same for whoever is asked with an :class:`Onset`."""

ASKED_MS = (120, 160, 240, 320, 400, 520, 640)
"""Ages at which it is asked. Most is gained by 240 ms; the later ones are for what began alike."""

BANDS = 20
_LOWEST_HZ, _HIGHEST_HZ = 120.0, 3800.0
_FFT = 256
_WINDOW, _HOP = 200, 80
"""Samples of a window and between windows: 25 and 10 ms."""

_RANGE = 5.0
"""What lies further than this below the loudest band counts as silence, in natural-log units of
power: 22 dB. More would show the line's noise instead of the voice."""


def picture(sound: Samples) -> Samples:
    """Log-mel, float32 (columns, BANDS), of at least 25 ms at 8 kHz: a column every 10 ms.

    Values are from 0, loudest, down to -1, silent. Mel scale after O'Shaughnessy, 2595 log10(1 +
    f/700); triangular bands as in HTK.
    """
    windows = np.lib.stride_tricks.sliding_window_view(sound, _WINDOW)[::_HOP]
    power = np.abs(np.fft.rfft(windows * _HANN, _FFT)).astype(np.float32) ** 2
    log = np.log(power @ _FILTERS + 1.0)
    shown: Samples = np.maximum(log - log.max(), -_RANGE) / np.float32(_RANGE)
    return shown


def expected_samples(age_ms: int) -> int:
    """Samples that show a sound of this age, those before its first voiced frame included."""
    return (PRE_MS + age_ms) * LINE_RATE // 1000


@dataclass(frozen=True, slots=True)
class Onset:
    """How a sound began, for an engine that tells by more than the nets below what it may be."""

    sound: Samples
    """float32 (samples,) on int16's scale, at 8 kHz: ``ASKED_PRE_MS`` before it and ``age_ms`` of
    it."""

    age_ms: int
    """One of ``ASKED_MS``."""

    began: float
    """Seconds since answer at which its first voiced frame began."""


class Onsets:
    """The nets, one for each of ``AGES_MS``. Holds no call's state; one serves a process."""

    def __init__(self, weights: Mapping[str, NDArray[np.generic]]) -> None:
        """``weights``: for each age A the arrays ``A.mean`` and ``A.scale`` (inputs,), ``A.hidden``
        (inputs, units), ``A.hidden_bias`` (units,), ``A.out`` (units,), ``A.out_bias`` () and
        ``A.threshold`` ().

        Raises:
            KeyError: one of them is missing.
        """
        self._nets = {age: _Net(weights, age) for age in AGES_MS}

    @classmethod
    def load(cls, path: Path = WEIGHTS) -> Onsets:
        """The nets that come with the package; blocks for about a millisecond.

        Raises:
            OSError: the file is missing or not a file of weights.
        """
        with np.load(path) as weights:
            return cls({name: weights[name] for name in weights.files})

    def score(self, sound: Samples, age_ms: int) -> float:
        """Log-odds that a sound is real speech; above 0, it is to be taken for that.

        ``sound`` is float32 (:func:`expected_samples` of the age,). The zero is not that of even
        odds: it is set in training so that few backchannels pass it.
        """
        return self._nets[age_ms].score(picture(sound).reshape(-1))


class _Net:
    def __init__(self, weights: Mapping[str, NDArray[np.generic]], age: int) -> None:
        def named(name: str) -> Samples:
            return weights[f"{age}.{name}"].astype(np.float32)

        # Standardising the inputs is folded into the first layer.
        self._hidden = named("hidden") / named("scale")[:, None]
        self._hidden_bias = named("hidden_bias") - named("mean") @ self._hidden
        self._out = named("out")
        self._bias = float(named("out_bias")) - float(named("threshold"))

    def score(self, inputs: Samples) -> float:
        units = np.tanh(inputs @ self._hidden + self._hidden_bias)
        return float(units @ self._out) + self._bias


def _mel(hertz: float) -> float:
    return 2595.0 * math.log10(1.0 + hertz / 700.0)


def _filters() -> Samples:
    """Triangles over the power spectrum, (_FFT // 2 + 1, BANDS), each peaking at 1."""
    edges = np.linspace(_mel(_LOWEST_HZ), _mel(_HIGHEST_HZ), BANDS + 2)
    bins = _mel_bins()
    rise = (bins[:, None] - edges[:-2]) / (edges[1:-1] - edges[:-2])
    fall = (edges[2:] - bins[:, None]) / (edges[2:] - edges[1:-1])
    filters: Samples = np.maximum(0.0, np.minimum(rise, fall)).astype(np.float32)
    return filters


def _mel_bins() -> NDArray[np.float64]:
    return np.array([_mel(index * LINE_RATE / _FFT) for index in range(_FFT // 2 + 1)])


_HANN = np.hanning(_WINDOW).astype(np.float32)
_FILTERS = _filters()
