"""A caller's manners and what they measure, sans-I/O.

::

    greeting --quiet, or none came--> speaking clip k --its last word--> listening
    listening --answered, then quiet--> speaking clip k+1            (or, interrupting, sooner)
    listening --no answer--> speaking clip k+1                       unanswered

All times are seconds since answer. The caller's mouth runs one frame ahead of the wire: a frame's
sound is spoken during the 20 ms before it is sent, as on any telephone, so a voice-to-voice time
holds everything between the last audible sample spoken and the first audible sample heard.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, auto
from itertools import zip_longest
from typing import Protocol

import numpy as np

from bench.audible import speech_bounds
from bench.corpus import Clip
from bench.ear import Ear, Sound
from bench.exchange import Exchange, Manners, PauseOffered
from pipeline.audio import FRAME_SAMPLES, LINE_RATE, Pcm

FRAME_S = FRAME_SAMPLES / LINE_RATE
"""Seconds of one frame on the wire."""

_STILL_SPEAKING_S = 0.3
"""An agent that was audible this recently is speaking: words have pauses between them."""

_STILL_TAKEN_S = 0.5
"""An agent that becomes audible this soon after a pause had taken the pause for the end: its answer
was on its way when the caller went on."""


@dataclass(frozen=True, slots=True)
class Greeted:
    """The agent's greeting is over."""

    after_s: float | None
    """Seconds from answer to its first audible sample; None when it never came."""


@dataclass(frozen=True, slots=True)
class Speaking:
    """We began to speak a clip."""

    index: int
    clip: Clip


@dataclass(frozen=True, slots=True)
class Settled:
    """What came of a clip is known."""

    exchange: Exchange


ConversationEvent = Greeted | Speaking | Settled


class Script(Protocol):
    """What a caller does, sans-I/O. For every frame: :meth:`follow`, then :meth:`next_frame`."""

    @property
    def exchanges(self) -> Sequence[Exchange]:
        """What was said and answered so far."""

    @property
    def is_done(self) -> bool:
        """Whether the caller has nothing more to do and hangs up."""

    @property
    def unasked(self) -> int:
        """How many things are still to be said."""

    def follow(self, now: float) -> list[ConversationEvent]:
        """Decide what to do, knowing what the ear has heard up to ``now``."""

    def next_frame(self) -> Pcm | None:
        """The next 20 ms of the caller's voice, int16 (160,); None while the caller is silent."""

    def hang_up(self) -> list[ConversationEvent]:
        """The call is over."""


class _State(Enum):
    GREETING = auto()
    SPEAKING = auto()
    LISTENING = auto()
    DONE = auto()


class Conversation:
    """One call's script. For every frame: :meth:`follow`, then :meth:`next_frame`."""

    def __init__(self, clips: Sequence[Clip], ear: Ear, manners: Manners) -> None:
        self.exchanges: list[Exchange] = []
        self._clips = clips
        self._ear = ear
        self._manners = manners
        self._state = _State.GREETING
        # Frames given out so far; the next one's sound begins at this many frames since answer.
        self._frames = 0
        # Index of the clip that is spoken or answered, and the frame with which it began.
        self._index = -1
        self._began = 0
        # When that clip is first and last audible.
        self._spoke = (0.0, 0.0)
        # Where in the ear's lists this exchange begins: what was noted before belongs to earlier.
        self._first_sound = 0

    @property
    def is_done(self) -> bool:
        """Whether every clip was spoken and listened for."""
        return self._state is _State.DONE

    @property
    def unasked(self) -> int:
        """Clips that were not spoken, or whose exchange is still open."""
        return len(self._clips) - len(self.exchanges)

    def follow(self, now: float) -> list[ConversationEvent]:
        """Decide what to do, knowing what the ear has heard up to ``now``."""
        if self._manners.hang_up_s is not None and now >= self._manners.hang_up_s:
            return self.hang_up()
        match self._state:
            case _State.GREETING if self._greeting_is_over(now):
                sounds = self._ear.sounds
                greeted = Greeted(sounds[0].start if sounds else None)
                return [greeted, *self._speak_next()]
            case _State.SPEAKING if self._frames * FRAME_S >= self._spoke[1]:
                self._state = _State.LISTENING
            case _State.LISTENING if self._answer_is_over(now):
                return [self._settle(), *self._speak_next()]
            case _:
                pass
        return []

    def next_frame(self) -> Pcm | None:
        """The next 20 ms of the caller's voice, int16 (160,); None while the caller is silent."""
        at = (self._frames - self._began) * FRAME_SAMPLES
        self._frames += 1
        if self._index < 0 or self._state is _State.DONE:
            return None
        pcm = self._clips[self._index].pcm[at : at + FRAME_SAMPLES]
        return np.pad(pcm, (0, FRAME_SAMPLES - len(pcm))) if len(pcm) else None

    def hang_up(self) -> list[ConversationEvent]:
        """The call is over: judge what was asked as it stands, and ask no more."""
        asked = self._state in (_State.SPEAKING, _State.LISTENING)
        self._state = _State.DONE
        return [self._settle()] if asked else []

    # -- Turning from one to the next ---------------------------------------------------------

    def _greeting_is_over(self, now: float) -> bool:
        if not self._ear.sounds:
            return now >= self._manners.greeting_s
        return self._is_quiet(now) or now >= self._manners.greeting_s + self._manners.longest_s

    def _answer_is_over(self, now: float) -> bool:
        waited = now - self._spoke[1]
        answer = self._answer()
        if answer is None:
            return waited >= self._manners.patience_s
        return (
            self._is_quiet(now) or waited >= self._manners.longest_s or self._cuts_in(answer, now)
        )

    def _cuts_in(self, answer: Sound, now: float) -> bool:
        after = self._manners.barge_in_s
        if after is None or self._index == len(self._clips) - 1:
            return False
        speaking = now - self._ear.last_audible < _STILL_SPEAKING_S
        return speaking and now >= answer.start + after

    def _is_quiet(self, now: float) -> bool:
        return now - self._ear.last_audible >= self._manners.quiet_s

    def _speak_next(self) -> list[ConversationEvent]:
        self._index += 1
        if self._index == len(self._clips):
            self._state = _State.DONE
            return []
        clip = self._clips[self._index]
        first, after = speech_bounds(clip.pcm)
        starts = self._frames * FRAME_S
        self._began = self._frames
        self._spoke = (starts + first / LINE_RATE, starts + after / LINE_RATE)
        # The sound that is still being heard is the one that we are interrupting.
        self._first_sound = len(self._ear.sounds)
        self._state = _State.SPEAKING
        return [Speaking(self._index, clip)]

    # -- Judging ------------------------------------------------------------------------------

    def _settle(self) -> Settled:
        exchange = self._judge()
        self.exchanges.append(exchange)
        return Settled(exchange)

    def _judge(self) -> Exchange:
        spoke_from, spoke_until = self._spoke
        ours = self._ear.sounds[self._first_sound :]
        answer = self._answer()
        premature = answer is not None and answer.start < spoke_until
        ends = self._ear.last_audible
        hushed_s = self._hushed()
        withdrawn = {self._withdrawn(sound) for sound in ours if sound.start >= spoke_until}
        return Exchange(
            index=self._index,
            clip=self._clips[self._index].name,
            spoke_from=spoke_from,
            spoke_until=spoke_until,
            answered=answer is not None,
            v2v_s=answer.start - spoke_until if answer and not premature else None,
            premature=premature,
            false_starts=len(withdrawn - {None}),
            cut_ins=sum(sound.start < spoke_until for sound in ours),
            gaps_s=tuple(
                until - dry
                for dry, until in self._ear.dries
                if answer and answer.start <= dry and until <= ends
            ),
            answer_s=ends - answer.start if answer else 0.0,
            hushed_s=hushed_s,
            hushed_by_clear=hushed_s is not None
            and any(0.0 <= clear - spoke_from <= hushed_s + FRAME_S for clear in self._ear.clears),
            pauses=self._pauses([sound.start for sound in ours if sound.start < spoke_until]),
        )

    def _pauses(self, cut_ins: Sequence[float]) -> tuple[PauseOffered, ...]:
        """The pauses that were spoken, each with the first cut-in that it invited."""
        began = self._began * FRAME_S
        spoken = [
            pause
            for pause in self._clips[self._index].pauses
            if began + pause.start < self._frames * FRAME_S
        ]
        offered: list[PauseOffered] = []
        for pause, following in zip_longest(spoken, spoken[1:]):
            at = began + pause.start
            until = began + pause.end + _STILL_TAKEN_S
            if following is not None:
                until = min(until, began + following.start)
            invited = [cut_in - at for cut_in in cut_ins if at <= cut_in < until]
            lasted_s = pause.end - pause.start
            offered.append(PauseOffered(pause.kind, at, lasted_s, min(invited, default=None)))
        return tuple(offered)

    def _answer(self) -> Sound | None:
        """The first sound of the answer that stands so far."""
        for sound in self._ear.sounds[self._first_sound :]:
            if sound.end > self._spoke[1] and self._withdrawn(sound) is None:
                return sound
        return None

    def _withdrawn(self, sound: Sound) -> float | None:
        """When a sound's answer was taken back by a clear, if that makes it no answer.

        One that began before we had finished is no answer however late it is withdrawn: the agent
        found out that we were still speaking. Any other is, unless it is withdrawn at once.
        """
        premature = sound.start < self._spoke[1]
        within = float("inf") if premature else self._manners.false_start_s
        for clear in self._ear.clears:
            if sound.start <= clear < sound.start + within:
                return clear
        return None

    def _hushed(self) -> float | None:
        """How long the agent went on after we had audibly interrupted it."""
        if self._first_sound == 0:
            return None
        interrupted = self._ear.sounds[self._first_sound - 1]
        lasted = interrupted.end - self._spoke[0]
        return lasted if lasted > 0 else None
