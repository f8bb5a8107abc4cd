"""Endpointing, sans-I/O: voiced frames in; where a turn begins, may end, and ends, out.

::

    quiet --start_ms voiced within 200 ms--> speaking          SpeechStarted
    speaking --soft_end_ms of silence--> pausing               SoftEnd
    pausing --40 ms voiced--> speaking                         Resumed
    pausing --end_ms of silence--> quiet                       TurnEnded

Time is counted in frames, so a test may feed an hour in a second.
"""

from __future__ import annotations

from collections import deque
from enum import Enum, auto

from pipeline.config import TurnSettings
from pipeline.turn import EndpointEvent, Resumed, SoftEnd, SpeechStarted, TurnEnded

_WINDOW_MS = 200
"""Voiced frames are counted over this much past: speech has gaps between its syllables."""

_BARGE_IN_WINDOW_MS = 300

_RESUME_MS = 40
"""Voiced sound that takes a pause back. One frame alone is more often a click than a word."""


class _State(Enum):
    QUIET = auto()
    SPEAKING = auto()
    PAUSING = auto()


class Endpointer:
    """Follows one caller. Feed it every frame, in order."""

    def __init__(self, settings: TurnSettings, frame_ms: int = 20) -> None:
        self._settings = settings
        self._frame_ms = frame_ms
        self._state = _State.QUIET
        # Voiced or not, newest last: the past that the start of speech is judged on.
        self._recent: deque[bool] = deque(maxlen=_BARGE_IN_WINDOW_MS // frame_ms)
        # Length of the present pause, and of the unbroken voiced run, in ms.
        self._silence_ms = 0
        self._voiced_ms = 0
        # Length of the utterance so far, in ms; meaningless while quiet.
        self._utterance_ms = 0
        # End of the last voiced frame, in seconds since answer.
        self._voiced_until = 0.0

    @property
    def voiced_until(self) -> float:
        """Seconds since answer at which the newest voiced frame ended; 0 before the first."""
        return self._voiced_until

    def feed(self, voiced: bool, at: float, guarded: bool = False) -> EndpointEvent | None:
        """Judge one frame.

        ``at`` is the frame's start in seconds since answer. ``guarded`` says that the agent is
        being heard: speech must then last longer to be believed, because a cough must not stop it.
        """
        self._recent.append(voiced)
        self._voiced_ms = self._voiced_ms + self._frame_ms if voiced else 0
        self._utterance_ms += self._frame_ms
        ends_at = at + self._frame_ms / 1000
        match self._state:
            case _State.QUIET:
                return self._while_quiet(voiced, ends_at, guarded)
            case _State.SPEAKING:
                return self._while_speaking(voiced, ends_at)
            case _State.PAUSING:
                return self._while_pausing(ends_at)

    def _while_quiet(self, voiced: bool, ends_at: float, guarded: bool) -> EndpointEvent | None:
        if not voiced:  # most frames of most calls
            return None
        window = _BARGE_IN_WINDOW_MS if guarded else _WINDOW_MS
        needed = self._settings.barge_in_ms if guarded else self._settings.start_ms
        recent = list(self._recent)[-(window // self._frame_ms) :]
        if sum(recent) * self._frame_ms < needed:
            return None
        self._state = _State.SPEAKING
        self._silence_ms = 0
        self._voiced_until = ends_at
        self._utterance_ms = (len(recent) - recent.index(True)) * self._frame_ms
        return SpeechStarted(max(0.0, ends_at - self._utterance_ms / 1000))

    def _while_speaking(self, voiced: bool, ends_at: float) -> EndpointEvent | None:
        if voiced:
            self._silence_ms = 0
            self._voiced_until = ends_at
        else:
            self._silence_ms += self._frame_ms
        if self._utterance_ms >= self._settings.max_utterance_s * 1000:
            return self._end()
        if self._silence_ms >= self._settings.soft_end_ms:
            self._state = _State.PAUSING
            return SoftEnd(self._voiced_until)
        return None

    def _while_pausing(self, ends_at: float) -> EndpointEvent | None:
        if self._voiced_ms >= _RESUME_MS:
            self._state = _State.SPEAKING
            self._silence_ms = 0
            self._voiced_until = ends_at
            return Resumed(ends_at - self._voiced_ms / 1000)
        # A lone voiced frame is a click until a second one follows it: it does not delay the end.
        self._silence_ms += self._frame_ms
        if self._silence_ms >= self._settings.end_ms:
            return self._end()
        return None

    def _end(self) -> TurnEnded:
        self._state = _State.QUIET
        # What was said belongs to the turn that ended: it must not begin the next one.
        self._recent.clear()
        return TurnEnded(self._voiced_until)
