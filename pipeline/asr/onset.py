"""What a sound over the agent's words is like, by Whisper's encoder and one linear function.

The encoder was trained on more voices than we shall ever have, and what it makes of the first
moments of a sound tells speech from "mm-hm" in voices that nothing here was fitted to. It runs on a
window no longer than it needs: 0.4 s for a sound of 160 ms, which costs 5 ms of one core, where the
full 30 s would cost more than a second.

The weights are made by ``python -m pipeline.asr.onset_training``, for each model that we ship.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass
from pathlib import Path

import ctranslate2
import numpy as np
import soxr
from numpy.typing import NDArray

from pipeline.asr.mel import HOP, MelBands
from pipeline.asr.windows import WHISPER_RATE
from pipeline.audio import LINE_RATE
from pipeline.interruption.onset import ASKED_MS, ASKED_PRE_MS, Onset
from pipeline.threaded import Threaded

Samples = NDArray[np.float32]

PAD_MS = 160
"""Silence behind the sound: the encoder then hears that it is cut off, and not that it ends."""

_POSITION_MS = 20
_NEWEST = 4
"""Positions at the end of the sound that are read by themselves, besides the mean of all."""

_TIMEOUT_S = 0.08
"""An answer later than this is worth little, and the next frames of the call wait for it."""


@dataclass(frozen=True, slots=True)
class Head:
    """What reads the encoder at one age."""

    weights: Samples
    """Shape (2 * width of the model,): of the mean position and of the newest ones' mean."""

    offset: float
    """Set so that few backchannels come out above 0."""


class OnsetEar:
    """Scores onsets. Blocks; holds no call's state."""

    def __init__(
        self,
        encode: Callable[[ctranslate2.StorageView], ctranslate2.StorageView],
        mel: MelBands,
        heads: Mapping[int, Head],
    ) -> None:
        """``encode``: float32 (sounds, bands, frames) to (sounds, frames / 2, width). ``heads``
        has one for each of ``ASKED_MS``."""
        self._encode = encode
        self._mel = mel
        self._heads = heads

    def warm_up(self) -> None:
        """Score silence once: the first answer allocates, and is slower than a call can wait."""
        silence = np.zeros((ASKED_PRE_MS + ASKED_MS[-1]) * LINE_RATE // 1000, np.float32)
        self.score(Onset(silence, ASKED_MS[-1], 0.0))

    def score(self, onset: Onset) -> float:
        """Log-odds that it is the beginning of speech; above 0, it is to be taken for that.

        Raises:
            RuntimeError: the encoder failed.
        """
        head = self._heads[onset.age_ms]
        (read,) = self.read([onset.sound])
        return float(read @ head.weights) + head.offset

    def read(self, sounds: list[Samples]) -> Samples:
        """What heads read: (sounds, 2 * width) of sounds of one length, float32 at 8 kHz."""
        features = np.stack([self._features(sound) for sound in sounds])
        encoded = self._encode(ctranslate2.StorageView.from_array(features))
        length_ms = len(sounds[0]) * 1000 // LINE_RATE
        # The window of the position behind the end reaches back into the sound.
        positions = -(-length_ms // _POSITION_MS) + 1
        seen = np.asarray(encoded.to_device(ctranslate2.Device.cpu), np.float32)[:, :positions]
        return np.concatenate([seen.mean(axis=1), seen[:, -_NEWEST:].mean(axis=1)], axis=1)

    def _features(self, sound: Samples) -> Samples:
        # Whisper's features keep the level, of which telephones have any. The loudest twentieth is
        # more robust than the peak, which a click may have set.
        loud = float(np.quantile(np.abs(sound), 0.95))
        samples = soxr.resample(sound / np.float32(4 * loud + 1e-6), LINE_RATE, WHISPER_RATE)
        frames = (len(sound) * 1000 // LINE_RATE + PAD_MS) * WHISPER_RATE // 1000 // HOP
        return self._mel.log_mel(samples.astype(np.float32), frames + frames % 2)


def weights_path(model_name: str) -> Path:
    """Where the heads of a model of this name or folder are, if it has any."""
    name = model_name.replace("\\", "/").rstrip("/").rsplit("/", 1)[-1].lower()
    return Path(__file__).with_name(f"onset-{name.rsplit('whisper-', 1)[-1]}.npz")


def load_heads(model_name: str) -> dict[int, Head] | None:
    """What was fitted for a model of this name or folder; None for models we never saw."""
    path = weights_path(model_name)
    if not path.is_file():
        return None
    with np.load(path) as stored:
        return {
            age_ms: Head(
                stored[f"{age_ms}.weights"].astype(np.float32), float(stored[f"{age_ms}.offset"])
            )
            for age_ms in ASKED_MS
        }


def onset_engine(ear: OnsetEar) -> Threaded[Onset, float]:
    """An ``Engine[Onset, float]`` of one score an onset, on one thread; a context manager."""

    def work(onset: Onset) -> Generator[float, None, None]:
        yield ear.score(onset)

    return Threaded(
        "onsets",
        work,
        threads=1,
        timeout_s=_TIMEOUT_S,
        failures=(RuntimeError, ValueError, MemoryError),
    )
