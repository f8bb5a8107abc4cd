"""Whether what was said sounds closed, by what a Whisper model computed anyway. Pure.

Two witnesses, both free. Behind each word the decoder weighs what comes next: a mark that ends the
sentence, another mark, or one more word; it has read the words and heard how they were said. And
the output of the encoder around the last voiced sound tells how it was said: fallen and lengthened,
or hanging. The second is read by one linear function, fitted for each model that we ship.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

POSITION_SAMPLES = 320
"""Samples at 16 kHz of one encoder position: 20 ms."""

_STOPS = (".", "?", "!")

_DOUBT = 1e-4
"""Added to both sides. Where neither has any weight, because the model ends its segment without a
mark, the odds are even."""

_AUDIBLE_DB = 25.0
"""How far under the loudest 20 ms the last sound of speech may lie."""

_SPANS = ((-20, 0), (-8, 0), (0, 5))
"""Positions around the end of speech whose means are read: 400 and 160 ms before, 100 ms behind."""


@dataclass(frozen=True, slots=True)
class Signs:
    """Tokens of a vocabulary that matter here."""

    stops: tuple[int, ...]
    """Marks that end a sentence."""

    first_special: int
    """The end of text; special tokens and timestamps follow it, up to the vocabulary's end."""

    @classmethod
    def of(cls, encode: Callable[[str], list[int]], first_special: int) -> Signs:
        """Of a tokenizer's ``encode``."""
        return cls(tuple(encode(stop)[0] for stop in _STOPS), first_special)


@dataclass(frozen=True, slots=True)
class Closing:
    """The log-odds of both witnesses made one probability; fitted on human and synthetic speech."""

    bias: float
    decoder: float
    encoder: float
    """Weights of the decoder's and the encoder's log-odds."""

    weights: NDArray[np.float32]
    """Of the encoder's means, shape (3 spans, width of the model)."""

    offset: float

    @classmethod
    def load(cls, model_name: str) -> Closing | None:
        """What was fitted for a model of this name or folder; None for models we never saw."""
        name = model_name.replace("\\", "/").rstrip("/").rsplit("/", 1)[-1].lower()
        path = Path(__file__).with_name(f"closing-{name.rsplit('whisper-', 1)[-1]}.npz")
        if not path.is_file():
            return None
        with np.load(path) as stored:
            bias, decoder, encoder, offset = (float(value) for value in stored["scalars"])
            return cls(bias, decoder, encoder, stored["weights"].astype(np.float32), offset)

    def probability(self, stop_odds: float, encoded: NDArray[np.float32], end: int) -> float:
        """How likely the utterance is over, 0 to 1.

        Args:
            stop_odds: of :func:`stop_odds`.
            encoded: the encoder's output, shape (positions, width).
            end: position at which the speech ends, of :func:`end_of_speech`.
        """
        means = np.stack(
            [encoded[max(0, end + a) : max(1, end + b)].mean(axis=0) for a, b in _SPANS]
        )
        melody = float((means * self.weights).sum()) + self.offset
        odds = self.bias + self.decoder * stop_odds + self.encoder * melody
        return 1.0 / (1.0 + math.exp(-min(max(odds, -30.0), 30.0)))


def end_of_speech(samples: NDArray[np.float32]) -> int:
    """The encoder position behind the last voiced sound of ``samples`` at 16 kHz."""
    count = max(1, len(samples) // POSITION_SAMPLES)
    padded = np.pad(samples, (0, max(0, POSITION_SAMPLES - len(samples))))
    power = np.square(padded[: count * POSITION_SAMPLES].reshape(count, POSITION_SAMPLES)).mean(1)
    loud = np.flatnonzero(power >= power.max() * 10.0 ** (-_AUDIBLE_DB / 10.0))
    return int(loud[-1]) + 1


def step_behind_words(tokens: Sequence[str], kept: Sequence[int]) -> int | None:
    """The decoding step that follows the last word; None when there is no word.

    Args:
        tokens: text of each token of ``kept``.
        kept: their steps, as :func:`.windows.without_echo` tells them.
    """
    for text, step in zip(reversed(tokens), reversed(kept), strict=True):
        if any(char.isalnum() for char in text):
            return step + 1
    return None


def stop_odds(logits: NDArray[np.float32], signs: Signs) -> float:
    """Log-odds of a stop against more, from one step's logits, shape (vocabulary,).

    More is every text token but the stops. Timestamps and the end of text say that the sound is
    over, which is as true of a pause: they do not count.
    """
    text = np.exp(logits[: signs.first_special] - logits.max())
    total = float(np.exp(logits - logits.max()).sum())
    stop = float(text[list(signs.stops)].sum()) / total
    more = max(0.0, float(text.sum()) / total - stop)
    return math.log(stop + _DOUBT) - math.log(more + _DOUBT)
