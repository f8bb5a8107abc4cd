"""Transcribing a long utterance while it goes on, so that only its tail is left at the end. Pure.

Pieces are cut where the speaker pauses, or at the quietest place there is, and are transcribed
ahead with time to spare. What an end is then waited for is the same for a minute as for six seconds
of speech.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from pipeline.asr.windows import quietest
from pipeline.audio import Pcm, level_dbfs
from pipeline.turn import Speech, Transcript

PIECE_S = 7.0
"""Seconds of sound not yet transcribed that are worth cutting."""

_LEAST_S = 3.5
"""A piece is at least this long: Whisper hears worse without context, and each piece costs two
seconds of silence behind it."""

LONGEST_S = 12.0
"""Seconds of sound that are cut even where there is no pause in them."""

_PAUSE_S = 0.2
_PAUSE_DB = 30.0
"""A pause is so long, and so far below the level of the whole: the closed mouth of a "p" inside a
word is shorter. Words on both sides of a cut that is not one are heard worse."""

_LOOK_S = 0.2
"""How much more sound makes it worth looking for a pause again."""

_LATEST_S = 0.5
"""The newest sound is left to the tail: a word may be in the middle of it."""


@dataclass(frozen=True, slots=True)
class Tail:
    """What is left of an utterance, behind the pieces that were transcribed ahead."""

    speech: Speech
    before: tuple[Transcript, ...]
    """Of the pieces, in order."""

    def joined(self, words: Transcript) -> Transcript:
        """The whole utterance's words, given the tail's.

        The confidence is the mean of the parts, by their length in letters; what else a transcript
        tells is about the utterance's end, so it is the tail's.
        """
        parts = [part for part in (*self.before, words) if part.text]
        if not self.before or not parts:
            return words
        return replace(
            words,
            text=" ".join(part.text for part in parts),
            confidence=float(
                np.average(
                    [part.confidence for part in parts], weights=[len(part.text) for part in parts]
                )
            ),
            fell_back=any(part.fell_back for part in parts),
        )


class Utterance:
    """One utterance that is still being spoken. Add its sound, and ask for what is worth doing."""

    def __init__(self, rate: int) -> None:
        """``rate`` of its sound, in Hz."""
        self._rate = rate
        # Sound not yet transcribed, in frames, and how many samples that is.
        self._frames: list[Pcm] = []
        self._samples = 0
        # From how many samples on it is worth looking for a place to cut.
        self._look_at = int(PIECE_S * rate)
        # Length in samples of the piece that is being transcribed; 0 when none is.
        self._asked = 0
        self._done: tuple[Transcript, ...] = ()

    def add(self, pcm: Pcm) -> None:
        """The next sound of it, int16 (samples,)."""
        self._frames.append(pcm)
        self._samples += len(pcm)

    def piece(self, due: float | None = None) -> Speech | None:
        """A piece to transcribe ahead, wanted at event loop time ``due``; None while there is none,
        or one is under way. Follow with :meth:`done` or :meth:`failed`."""
        if self._asked or self._samples < self._look_at:
            return None
        pcm = self._joined()
        latest = len(pcm) - int(_LATEST_S * self._rate)
        cut = quietest(pcm, self._rate, int(_LEAST_S * self._rate), latest, _PAUSE_S)
        if not self._is_pause(pcm, cut) and self._samples < LONGEST_S * self._rate:
            self._look_at = self._samples + int(_LOOK_S * self._rate)
            return None
        self._asked = cut
        return Speech(pcm[:cut], self._rate, due)

    def done(self, words: Transcript) -> None:
        """The words of the piece that was asked for."""
        pcm = self._joined()[self._asked :]
        self._frames, self._samples, self._asked = [pcm], len(pcm), 0
        self._look_at = int(PIECE_S * self._rate)
        self._done = (*self._done, words)

    def failed(self) -> None:
        """The piece that was asked for was not transcribed: it stays part of the tail."""
        self._asked = 0

    def tail(self, due: float | None = None) -> Tail:
        """What is left, wanted at event loop time ``due``; a piece under way is still part of it.

        It stands for itself: the utterance may go on, and pieces be done, while it is transcribed.
        """
        return Tail(Speech(self._joined(), self._rate, due), self._done)

    def _is_pause(self, pcm: Pcm, cut: int) -> bool:
        half = int(_PAUSE_S * self._rate) // 2
        return level_dbfs(pcm[cut - half : cut + half]) < level_dbfs(pcm) - _PAUSE_DB

    def _joined(self) -> Pcm:
        """The frames as one, and kept as one: joining is then linear in what is new."""
        if len(self._frames) != 1:
            self._frames = [np.concatenate(self._frames) if self._frames else np.zeros(0, np.int16)]
        return self._frames[0]
