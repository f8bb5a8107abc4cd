"""The caller's side of one call, sans-I/O: frames in; what begins, pauses, ends or goes by, out.

Puts together voice activity, endpointing and the judgement of interruptions, and keeps the sound
of the present utterance. While the agent is heard, a sound becomes a turn only if it is judged to
be an interruption; a short one that was not is told as :class:`Passed`, and its words may still
decide.
"""

from __future__ import annotations

from collections import deque

import numpy as np

from pipeline.asr.incremental import Tail, Utterance
from pipeline.audio import FRAME_SAMPLES, LINE_RATE, AudioFrame, Pcm
from pipeline.config_timing import TurnSettings
from pipeline.endpointing.endpoint import Endpointer
from pipeline.endpointing.vad import Vad
from pipeline.interruption.judge import Interruptions, Verdict
from pipeline.interruption.onset import Onset, Onsets
from pipeline.turn import EndpointEvent, Passed, Speech, SpeechStarted

_FRAME_S = FRAME_SAMPLES / LINE_RATE

_WANTED_S = 0.2
"""Seconds after the last voiced frame at which its words are wanted."""

_PRE_ROLL_FRAMES = 15
"""Frames taken from before speech is said to have begun."""

_NEWEST_FRAMES = 100
"""Frames kept: a sound is judged for less than a second before it is an utterance or went by, and
what went by is transcribed in less than another."""


class Hearing:
    """Follows one caller. ``feed`` it every frame, in order."""

    def __init__(self, settings: TurnSettings, onsets: Onsets | None) -> None:
        """Without ``onsets``, :attr:`question` must be answered."""
        self._vad = Vad(settings.vad_mode, settings.floor_dbfs)
        self._endpointer = Endpointer(settings)
        self._interruptions = Interruptions(onsets)
        # The newest frames of 20 ms, whatever they are.
        self._newest: deque[Pcm] = deque(maxlen=_NEWEST_FRAMES)
        # The present utterance, pre-roll included, and how long it has become, in seconds.
        self._utterance: Utterance | None = None
        self._duration = 0.0
        # When what went by began, if its words made it a turn and no frame has said so yet.
        self._was_speech: float | None = None
        # What is to be known of the sound that the newest frame belongs to.
        self._question: Onset | None = None
        # Seconds since answer at which the newest frame ended.
        self._now = 0.0
        # Clock reading at which the newest voiced frame arrived.
        self.voiced_at = 0.0

    @property
    def pause_ms(self) -> int:
        """Length of the present silence while a turn may end; else 0."""
        return self._endpointer.pause_ms

    @property
    def utterance(self) -> Utterance | None:
        """What the caller is saying, or has said and is being answered."""
        return self._utterance

    @property
    def duration(self) -> float:
        """Seconds of the utterance so far; 0 without one."""
        return self._duration

    def feed(self, frame: AudioFrame, now: float, *, guarded: bool) -> EndpointEvent | None:
        """Judge one frame. ``now`` is the clock reading of its arrival; ``guarded`` says that the
        caller is hearing the agent."""
        self._now = frame.at + frame.duration
        self._newest.append(frame.pcm)
        if self._utterance is not None:
            self._utterance.add(frame.pcm)
            self._duration += frame.duration
        voiced = self._vad.is_speech(frame)
        if voiced:
            self.voiced_at = now
        event = self._endpointer.feed(voiced, frame.at, guarded)
        self._question = None
        if not (guarded and self._endpointer.is_quiet):
            self._interruptions.overhear(frame.pcm, voiced, frame.at)
        else:
            event = self._over_the_agent(self._interruptions.feed(frame.pcm, voiced, frame.at))
        if not self._endpointer.is_quiet:
            self._was_speech = None
        elif self._was_speech is not None:
            return self._endpointer.interrupted(self._was_speech)
        return event

    def _over_the_agent(self, verdict: Verdict) -> SpeechStarted | Passed | None:
        match verdict:
            case Verdict.ASK:
                self._question = self._interruptions.question
            case Verdict.INTERRUPTS:
                return self._endpointer.interrupted(self._interruptions.began)
            case Verdict.PASSED:
                return Passed(self._interruptions.began)
        return None

    @property
    def question(self) -> Onset | None:
        """The sound over the agent's words that the newest frame made worth asking about."""
        return self._question

    def answer(self, onset: Onset, score: float) -> SpeechStarted | None:
        """``onset`` was :attr:`question`, no frame was fed since, and ``score`` is the log-odds
        that it is speech. Says whether a turn began with it."""
        if not self._interruptions.answer(onset, score):
            return None
        return self._endpointer.interrupted(onset.began)

    def was_speech(self, began: float) -> None:
        """What was told as :class:`Passed` is a turn after all: the next frame will say so."""
        self._was_speech = began

    def wait(self, silence_ms: int) -> None:
        """End the turn after this much silence: see :meth:`Endpointer.wait`."""
        self._endpointer.wait(silence_ms)

    def since(self, moment: float) -> float:
        """Seconds of sound since ``moment``, which is counted from answer."""
        return self._now - moment

    def begin(self, began: float) -> None:
        """An utterance is under way, since ``began`` seconds after answer."""
        self._utterance = Utterance(LINE_RATE)
        sound = self._since(began)
        self._utterance.add(sound)
        self._duration = len(sound) / LINE_RATE

    def tail(self) -> Tail:
        """What of the utterance is not in words yet. It is wanted in words the sooner, the longer
        its end is past."""
        assert self._utterance is not None
        return self._utterance.tail(due=self.voiced_at + _WANTED_S)

    def passed(self, began: float) -> Speech:
        """What went by since ``began`` seconds after answer, while the agent was heard."""
        return Speech(self._since(began), LINE_RATE, due=self.voiced_at + _WANTED_S)

    def forget(self) -> None:
        """No utterance is under way any more: what comes next is another one."""
        if self._endpointer.is_quiet:
            self._utterance = None
            self._duration = 0.0

    def agent_sounds(self, pcm: Pcm, ahead_s: float) -> None:
        """The agent's sound, int16 (samples,), leaves for the caller's ear in ``ahead_s`` seconds.
        Its echo must be known when it comes back."""
        self._interruptions.sent(pcm, self._now + ahead_s)

    def agent_hushed(self) -> None:
        """The line dropped what the agent had still to say."""
        self._interruptions.cleared()

    def _since(self, began: float) -> Pcm:
        """The sound since then and the moment before, so that the first consonant is in it."""
        frames = round((self._now - began) / _FRAME_S) + _PRE_ROLL_FRAMES
        return np.concatenate(list(self._newest)[-frames:])
