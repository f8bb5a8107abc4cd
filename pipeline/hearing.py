"""The caller's side of one call, sans-I/O: frames in; what begins, pauses, ends or goes by, out.

Puts together voice activity, endpointing and the judgement of interruptions, and keeps the sound
of the present utterance. While the agent is heard, a sound becomes a turn only if it is judged to
be an interruption; a short one that was not is told as :class:`Passed`, and its words may still
decide.
"""

from __future__ import annotations

import numpy as np

from pipeline.audio import FRAME_SAMPLES, LINE_RATE, AudioFrame, Pcm
from pipeline.config_timing import TurnSettings
from pipeline.endpoint import Endpointer
from pipeline.interruption.judge import Interruptions, Verdict
from pipeline.interruption.onset import Onsets
from pipeline.turn import EndpointEvent, Passed, Speech, SpeechStarted
from pipeline.vad import Vad

_FRAME_S = FRAME_SAMPLES / LINE_RATE

_WANTED_S = 0.2
"""Seconds after the last voiced frame at which its words are wanted."""

_PRE_ROLL_FRAMES = 15
"""Frames kept from before speech was believed, so that its first consonant is transcribed too."""


class Hearing:
    """Follows one caller. ``feed`` it every frame, in order."""

    def __init__(self, settings: TurnSettings, onsets: Onsets) -> None:
        self._vad = Vad(settings.vad_mode, settings.floor_dbfs)
        self._endpointer = Endpointer(settings)
        self._interruptions = Interruptions(onsets)
        # The caller's present utterance, pre-roll included; frames of 20 ms.
        self._heard: list[Pcm] = []
        # Whether a sound over our speech is being judged.
        self._holding = False
        # Seconds since answer at which the newest frame ended.
        self._now = 0.0
        # Clock reading at which the newest voiced frame arrived.
        self.voiced_at = 0.0

    @property
    def pause_ms(self) -> int:
        """Length of the present silence while a turn may end; else 0."""
        return self._endpointer.pause_ms

    @property
    def duration(self) -> float:
        """Seconds of sound that are kept."""
        return len(self._heard) * _FRAME_S

    def feed(self, frame: AudioFrame, now: float, *, guarded: bool) -> EndpointEvent | None:
        """Judge one frame. ``now`` is the clock reading of its arrival; ``guarded`` says that the
        caller is hearing the agent."""
        self._now = frame.at + frame.duration
        self._heard.append(frame.pcm)
        voiced = self._vad.is_speech(frame)
        if voiced:
            self.voiced_at = now
        event = self._endpointer.feed(voiced, frame.at, guarded)
        verdict = self._interruptions.feed(frame.pcm, voiced, frame.at)
        self._holding = guarded and verdict is Verdict.HOLD
        if guarded and self._endpointer.is_quiet:
            if verdict is Verdict.INTERRUPTS:
                return self.interrupted(self._interruptions.began)
            if verdict is Verdict.PASSED:
                return Passed(self._interruptions.began)
        return event

    def interrupted(self, began: float) -> SpeechStarted:
        """What began ``began`` seconds since answer is a turn after all."""
        return self._endpointer.interrupted(began)

    def wait(self, silence_ms: int) -> None:
        """End the turn after this much silence: see :meth:`Endpointer.wait`."""
        self._endpointer.wait(silence_ms)

    def speech(self) -> Speech:
        """The sound that is kept: the utterance so far, or what went by. It is wanted in words
        the sooner, the longer its end is past."""
        return Speech(np.concatenate(self._heard), LINE_RATE, due=self.voiced_at + _WANTED_S)

    def keep_from(self, began: float) -> None:
        """Forget what was heard before an utterance that began ``began`` s since answer."""
        frames = round((self._now - began) / _FRAME_S) + _PRE_ROLL_FRAMES
        del self._heard[:-frames]

    def forget(self) -> None:
        """No utterance is under way: keep only what one to come may begin with."""
        if not self._holding and self._endpointer.is_quiet:
            del self._heard[:-_PRE_ROLL_FRAMES]

    def agent_sounds(self, pcm: Pcm, ahead_s: float) -> None:
        """The agent's sound, int16 (samples,), leaves for the caller's ear in ``ahead_s`` seconds.
        Its echo must be known when it comes back."""
        self._interruptions.sent(pcm, self._now + ahead_s)

    def agent_hushed(self) -> None:
        """The line dropped what the agent had still to say."""
        self._holding = False
        self._interruptions.cleared()
