"""What stops the agent and what does not, sans-I/O: each frame of the caller's in, a verdict out.

::

    quiet ---a frame that is voiced and not our echo----> judged       HOLD
    judged --it sounds like speech (asked at 120-640 ms)-> believed    INTERRUPTS
    judged --640-800 ms old, going on, whatever it is----> believed    INTERRUPTS
    judged --160 ms without it---------------------------> quiet       PASSED; NOTHING if very short
    believed --160 ms without it-------------------------> quiet       NOTHING

A backchannel is short, so a sound that may be one is held until it is too long to be one. What was
held and passed may still have been a short word that matters ("no", "stop"): the transcript tells,
see ``words.py``.

Who is asked what a sound is like? The nets of ``onset.py``, here and now; or, where there are none,
the call: it is told ASK, has :attr:`Interruptions.question` answered by an engine of its own, and
comes back with :meth:`Interruptions.answer`. Frames may be fed in between.

Time is counted in frames, and nothing here knows a clock.
"""

from __future__ import annotations

from collections import deque
from enum import Enum, auto

import numpy as np

from pipeline.audio import FRAME_SAMPLES, LINE_RATE, Pcm, level_dbfs
from pipeline.interruption.echo import Echo
from pipeline.interruption.onset import (
    AGES_MS,
    ASKED_MS,
    ASKED_PRE_MS,
    Onset,
    Onsets,
    Samples,
    expected_samples,
)

FRAME_MS = 20

LONGEST_HELD_MS = 640
"""A sound that still goes on at this age interrupts whatever it sounds like. "Mm-hm" and "okay"
last 300 to 500 ms, and the voice activity detector adds 60 to 100."""

LONGEST_ASKED_MS = 800
"""The same where somebody else is asked, who can still tell a slow "okay" at 640 ms."""

LEAST_OWN_MS = 400
"""It must consist of this much sound, or it was a row of clicks."""

GAP_MS = 160
"""Silence that ends a sound. The /h/ of "uh-huh" is a gap of up to 100 ms."""

SHORTEST_MS = 80
"""What ended with less voiced sound than this was a click, and is not worth a transcription."""

DENSEST = 0.6
"""Share of a sound's frames that must be voiced for its onset to be judged as speech's."""

_OWN_SHARE = 0.4
"""Share of a frame's energy that must be left when the echo is taken away, for the frame to be the
caller's. Of an echo alone, 2 to 20 % is left."""

_OWN_DBFS = -50.0
"""And what is left must be this loud, or it is the echo path's own noise."""

_DEEPEST = 10**-2.5
"""Share of the loudest frame's energy (-25 dB) that a frame must have to be more than the tail that
the voice activity detector leaves behind every sound."""

_ECHO_MS = 200
"""Sound that an echo's filter is fitted to."""

_KEPT_FRAMES = (ASKED_PRE_MS + LONGEST_ASKED_MS + _ECHO_MS) // FRAME_MS


class Verdict(Enum):
    """What to do about the caller's newest frame."""

    NOTHING = auto()
    """Silence, our own echo, or the rest of what was already decided."""

    HOLD = auto()
    """A sound that is not decided yet."""

    ASK = auto()
    """HOLD, and here is a question: what is this sound like?"""

    INTERRUPTS = auto()
    """Hush now. Said once for a sound."""

    PASSED = auto()
    """A short sound ended: a backchannel or a cough, or a word too short to tell."""


class Interruptions:
    """Judges one call. It gets every frame, in order: :meth:`feed` while the agent is heard, and
    :meth:`overhear` else. One caller at a time: it is not for several threads."""

    def __init__(self, onsets: Onsets | None, lean: float = 0.0) -> None:
        """Without ``onsets``, whoever feeds this is asked. ``lean``, in log-odds, is added to every
        score: above 0, more speech stops the agent at once and more backchannels with it.
        ``docs/interruptions.md`` has the curve."""
        self._onsets = onsets
        self._ages_ms = ASKED_MS if onsets is None else AGES_MS
        self._longest_ms = LONGEST_ASKED_MS if onsets is None else LONGEST_HELD_MS
        self._lean = lean
        self._echo = Echo()
        # The newest frames as heard, and the voice activity detector's word on them.
        self._frames: deque[Pcm] = deque(maxlen=_KEPT_FRAMES)
        self._voiced: deque[bool] = deque(maxlen=_KEPT_FRAMES)
        # Seconds since answer at which the newest frame ended, and the newest sound began.
        self._now = 0.0
        self._began = 0.0
        # The sound under judgement, all in ms; an age of 0 means that there is none.
        self._age_ms = 0
        self._own_ms = 0
        self._silence_ms = 0
        # Energy of its loudest frame so far.
        self._loudest = 0.0
        # Whether it has interrupted already.
        self._believed = False
        # What was asked at the newest ASK.
        self._question: Onset | None = None

    @property
    def question(self) -> Onset | None:
        """What the newest ASK asks; None before the first."""
        return self._question

    def answer(self, onset: Onset, score: float) -> bool:
        """``onset`` was asked about; ``score`` is the log-odds that it is speech, above 0 when it
        is to be taken for that. Whether it interrupts now: said once for a sound, and of a sound
        that is not over."""
        if not self._age_ms or self._believed or onset.began != self._began:
            return False
        self._believed = score + self._lean > 0
        return self._believed

    @property
    def began(self) -> float:
        """Seconds since answer at which the newest sound began, decided or not; 0 before any."""
        return self._began

    def sent(self, pcm: Pcm, at: float) -> None:
        """The agent's sound, int16 (samples,), which leaves for the caller's ear ``at`` seconds
        since answer: on the clock of the frames, their newest end plus what the carrier still has
        to play. Up to 1.5 s ahead."""
        self._echo.sent(pcm, at)

    def cleared(self) -> None:
        """The line dropped what it had not played. What goes on will be judged afresh."""
        self._echo.cleared(self._now)

    def reset(self) -> None:
        """Forget the sound under judgement, for instance because the agent fell silent."""
        self._age_ms = self._own_ms = self._silence_ms = 0
        self._loudest = 0.0
        self._believed = False

    def overhear(self, pcm: Pcm, voiced: bool, at: float) -> None:
        """Note a frame that can interrupt nobody: it may be the moment before one that can."""
        self._frames.append(pcm)
        self._voiced.append(voiced)
        self._now = at + FRAME_MS / 1000
        if self._age_ms:
            self.reset()

    def feed(self, pcm: Pcm, voiced: bool, at: float) -> Verdict:
        """Judge one frame, int16 (160,), whose first sample was heard ``at`` s since answer."""
        self._frames.append(pcm)
        self._voiced.append(voiced)
        self._now = at + FRAME_MS / 1000
        if not voiced and not self._age_ms:  # most frames of most calls
            return Verdict.NOTHING
        left = self._without_echo() if voiced else None
        own = left is not None and self._is_own(left)
        if not self._age_ms:
            if not own:
                return Verdict.NOTHING
            self._began = at
        self._age_ms += FRAME_MS
        self._own_ms += FRAME_MS * own
        self._silence_ms = 0 if own else self._silence_ms + FRAME_MS
        if self._silence_ms >= GAP_MS:
            return self._end()
        if self._believed:
            return Verdict.NOTHING
        return self._weigh(left) if own and left is not None else Verdict.HOLD

    def _weigh(self, left: Samples) -> Verdict:
        """What the newest frame, which is the caller's, makes of the sound."""
        long = self._age_ms >= self._longest_ms and self._own_ms >= LEAST_OWN_MS
        dense = self._own_ms >= DENSEST * self._age_ms
        asked = dense and self._age_ms in self._ages_ms
        if asked and not long and self._onsets is None:
            self._question = Onset(
                _newest(left, (ASKED_PRE_MS + self._age_ms) * LINE_RATE // 1000),
                self._age_ms,
                self._began,
            )
            return Verdict.ASK
        speaks = long
        if asked and not long and self._onsets is not None:
            sound = _newest(left, expected_samples(self._age_ms))
            speaks = self._onsets.score(sound, self._age_ms) + self._lean > 0
        self._believed = speaks
        return Verdict.INTERRUPTS if speaks else Verdict.HOLD

    def _end(self) -> Verdict:
        passed = not self._believed and self._own_ms >= SHORTEST_MS
        self.reset()
        return Verdict.PASSED if passed else Verdict.NOTHING

    def _without_echo(self) -> Samples:
        """The sound from before its onset until now, float32 (samples,), without our echo."""
        frames = max(_ECHO_MS, ASKED_PRE_MS + self._age_ms + FRAME_MS) // FRAME_MS
        heard = np.concatenate(list(self._frames)[-frames:]).astype(np.float32)
        return self._echo.without(heard, self._now)

    def _is_own(self, left: Samples) -> bool:
        newest = left[-FRAME_SAMPLES:]
        heard = self._frames[-1].astype(np.float32)
        energy = float(np.dot(newest, newest))
        own = (
            energy >= _OWN_SHARE * float(np.dot(heard, heard))
            and energy >= _DEEPEST * self._loudest
            and level_dbfs(newest.astype(np.int16)) >= _OWN_DBFS
        )
        self._loudest = max(self._loudest, energy) if own else self._loudest
        return own


def _newest(sound: Samples, count: int) -> Samples:
    """The last ``count`` samples; silence before them where the call is younger than that."""
    return np.pad(sound, (max(0, count - len(sound)), 0))[-count:]


assert FRAME_MS * LINE_RATE == FRAME_SAMPLES * 1000
