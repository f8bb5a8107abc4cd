"""Endpointing, sans-I/O: voiced frames in; where a turn begins, may end, and ends, out.

::

    quiet --start_ms voiced within 200 ms--> speaking          SpeechStarted
    quiet --interrupted()--> speaking                          SpeechStarted, while guarded
    speaking --soft_end_ms of silence--> pausing               SoftEnd
    pausing --40 ms voiced--> speaking                         Resumed
    pausing --as much silence as is waited for--> quiet        TurnEnded

How much silence that is follows from what the pause sounds like (:meth:`Endpointer.wait`); until
somebody has judged that, it is ``unsure_ms``. Time is counted in frames, so a test may feed an hour
in a second.
"""

from __future__ import annotations

from collections import deque
from enum import Enum, auto

from pipeline.config_timing import TurnSettings
from pipeline.turn import EndpointEvent, Resumed, SoftEnd, SpeechStarted, TurnEnded

_WINDOW_MS = 200
"""Voiced frames are counted over this much past: speech has gaps between its syllables."""

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
        self._recent: deque[bool] = deque(maxlen=_WINDOW_MS // frame_ms)
        # Length of the present pause, and of the unbroken voiced run, in ms.
        self._silence_ms = 0
        self._voiced_ms = 0
        # Length of the utterance so far, in ms; meaningless while quiet.
        self._utterance_ms = 0
        # Silence that ends the present pause's turn.
        self._wait_ms = settings.unsure_ms
        # Ends of the newest frame and of the last voiced one, in seconds since answer.
        self._now = 0.0
        self._voiced_until = 0.0

    @property
    def is_quiet(self) -> bool:
        """Whether no turn of the caller's is under way."""
        return self._state is _State.QUIET

    @property
    def pause_ms(self) -> int:
        """Length of the silence since the newest voiced frame, while a turn may end; else 0."""
        return self._silence_ms if self._state is _State.PAUSING else 0

    def wait(self, silence_ms: int) -> None:
        """End the turn after this much silence, if the present pause lasts that long.

        Forgotten with the pause. In a pause that is longer already, the next frame ends the turn.
        """
        self._wait_ms = silence_ms

    def feed(self, voiced: bool, at: float, guarded: bool = False) -> EndpointEvent | None:
        """Judge one frame.

        ``at`` is the frame's start in seconds since answer. ``guarded`` says that the agent is
        being heard: then no turn begins here, because a cough must not stop the agent; whoever
        judges interruptions calls :meth:`interrupted`.
        """
        self._recent.append(voiced)
        self._voiced_ms = self._voiced_ms + self._frame_ms if voiced else 0
        self._utterance_ms += self._frame_ms
        self._now = ends_at = at + self._frame_ms / 1000
        match self._state:
            case _State.QUIET:
                if voiced:  # most frames of most calls are not
                    self._voiced_until = ends_at
                    return None if guarded else self._while_quiet(ends_at)
                return None
            case _State.SPEAKING:
                return self._while_speaking(voiced, ends_at)
            case _State.PAUSING:
                return self._while_pausing(ends_at)

    def interrupted(self, began: float) -> SpeechStarted:
        """A turn began ``began`` seconds since answer, says whoever judged it while we spoke.

        It may be over already: the silence since its last voiced frame counts.
        """
        self._state = _State.SPEAKING
        self._silence_ms = round((self._now - self._voiced_until) * 1000)
        self._utterance_ms = round((self._now - began) * 1000)
        return SpeechStarted(began)

    def _while_quiet(self, ends_at: float) -> EndpointEvent | None:
        recent = list(self._recent)
        if sum(recent) * self._frame_ms < self._settings.start_ms:
            return None
        self._state = _State.SPEAKING
        self._silence_ms = 0
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
            self._wait_ms = self._settings.unsure_ms
            return SoftEnd(self._voiced_until)
        return None

    def _while_pausing(self, ends_at: float) -> EndpointEvent | None:
        if self._voiced_ms >= _RESUME_MS:
            # The first voiced frame of the two was taken for a click, and counted as silence.
            pause_ms = self._silence_ms + self._frame_ms - self._voiced_ms
            self._state = _State.SPEAKING
            self._silence_ms = 0
            self._voiced_until = ends_at
            return Resumed(ends_at - self._voiced_ms / 1000, pause_ms)
        # A lone voiced frame is a click until a second one follows it: it does not delay the end.
        self._silence_ms += self._frame_ms
        if self._silence_ms >= self._wait_ms:
            return self._end()
        return None

    def _end(self) -> TurnEnded:
        self._state = _State.QUIET
        # What was said belongs to the turn that ended: it must not begin the next one.
        self._recent.clear()
        return TurnEnded(self._voiced_until)
