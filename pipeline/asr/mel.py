"""Log-mel spectrogram as Whisper wants it, of speech and of the silence padded behind it. Pure.

faster_whisper's own gives the same numbers through one large matrix product, for which OpenBLAS
wakes its threads; they then spin, and burn 60 ms of a core per utterance that the models need. Mel
bands are narrow, so band by band is less work than the product, and needs no thread. The silence is
not computed at all: its every frame is the floor.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

HOP = 160
"""Samples of one frame: 10 ms."""

_FFT = 400
"""Samples of one window: 25 ms."""

_FLOOR = 8.0
"""Decades below the loudest band at which everything quieter is cut off."""


class MelBands:
    """The filters of one model."""

    def __init__(self, filters: NDArray[np.float32]) -> None:
        """``filters`` are float32 (bands, 201), as the model's feature extractor has them."""
        self._bands: list[tuple[int, NDArray[np.float32]]] = []
        for row in filters:
            used = np.flatnonzero(row)
            first, last = (int(used[0]), int(used[-1]) + 1) if len(used) else (0, 1)
            self._bands.append((first, row[first:last]))
        self._window = np.hanning(_FFT + 1)[:-1].astype(np.float32)

    def log_mel(self, samples: NDArray[np.float32], frames: int) -> NDArray[np.float32]:
        """Features, float32 (bands, frames), of ``samples`` at 16 kHz and silence up to ``frames``.

        Samples beyond the frames do not count.
        """
        samples = samples[: frames * HOP]
        # Each frame is centred on its first sample: half a window is mirrored before the start.
        # The two frames behind the end still see some of the speech.
        heard = min(frames, -(-len(samples) // HOP) + 2)
        padded = np.zeros(heard * HOP + _FFT, np.float32)
        padded[_FFT // 2 : _FFT // 2 + len(samples)] = samples
        padded[: _FFT // 2] = padded[_FFT : _FFT // 2 : -1]
        windows = np.lib.stride_tricks.sliding_window_view(padded, _FFT)[: heard * HOP : HOP]
        power = np.abs(np.fft.rfft(windows * self._window)).astype(np.float32) ** 2
        mel = np.full((len(self._bands), frames), 1e-10, np.float32)
        for band, (first, weights) in zip(mel, self._bands, strict=True):
            columns = power[:, first : first + len(weights)]
            band[:heard] = np.maximum((columns * weights).sum(axis=1), 1e-10)
        log = np.log10(mel)
        clamped: NDArray[np.float32] = (np.maximum(log, log.max() - _FLOOR) + 4.0) / 4.0
        return clamped
