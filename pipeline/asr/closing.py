"""How surely a sentence ends behind the last word, by a Whisper decoder's own odds. Pure.

Behind each word the decoder weighs what comes next: a mark that ends the sentence, another mark, or
one more word. It has read the words and heard how they were said, so these odds know both grammar
and melody; and they were computed anyway.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_STOPS = (".", "?", "!")

_DOUBT = 1e-4
"""Added to both sides. Where neither has any weight, because the model ends its segment without a
mark, the odds are even."""


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


def closing(logits: NDArray[np.float32], signs: Signs) -> float:
    """P(stop) / (P(stop) + P(more)), 0 to 1, from one step's logits, shape (vocabulary,).

    More is every text token but the stops. Timestamps and the end of text say that the sound is
    over, which is as true of a pause: they do not count.
    """
    text = np.exp(logits[: signs.first_special] - logits.max())
    total = float(np.exp(logits - logits.max()).sum())
    stop = float(text[list(signs.stops)].sum()) / total
    more = float(text.sum()) / total - stop
    return (stop + _DOUBT) / (stop + more + 2 * _DOUBT)
