"""A caller who makes a sound while the agent is talking, and notes what it does to it, sans-I/O.

::

    waiting --the agent has talked for a while--> sounding --the sound is over--> watching
    watching --the agent talks on, or its silence has lasted--> waiting, with the next sound

Times are seconds since answer, on the caller's own clocks: see :mod:`.conversation`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, auto

import numpy as np

from bench.audible import speech_bounds
from bench.conversation import FRAME_S, ConversationEvent
from bench.corpus import Clip
from bench.ear import Ear
from bench.exchange import Exchange
from pipeline.audio import FRAME_SAMPLES, LINE_RATE, Pcm

_TALKING_S = 0.3
"""An agent that was audible this recently is talking: words have pauses between them."""


@dataclass(frozen=True, slots=True)
class Intrusion:
    """A sound made into the agent's words, and how patient its maker is."""

    clip: Clip
    kind: str
    after_s: float = 1.2
    """The agent has talked for this long before it."""

    watch_s: float = 1.2
    """The agent that still talks this long after it was not stopped."""

    go_on_s: float = 4.0
    """A stopped agent is waited for so long; 0 asks no more once it was stopped."""


@dataclass(frozen=True, slots=True)
class IntrusionHeard:
    """What came of it."""

    name: str
    kind: str
    at: float
    """When its first audible sample was made."""

    lasted_s: float
    clear_s: float | None
    """From there to the server's ``clear``; None if none came while it was watched."""

    silent_s: float | None
    """From there to the agent's last audible sample, if a clear came."""

    leaked_s: float
    """How long the agent was audible after the clear, in the half second that followed it."""

    went_on_s: float | None
    """From the end of the sound until a stopped agent was audible again; None if it was not. From
    the clear on, where the sound still lasted."""

    @property
    def stopped(self) -> bool:
        """Whether it stopped the agent."""
        return self.clear_s is not None


class _State(Enum):
    WAITING = auto()
    SOUNDING = auto()
    WATCHING = auto()
    DONE = auto()


class Interjecting:
    """One call's script. For every frame: :meth:`follow`, then :meth:`next_frame`."""

    def __init__(
        self,
        intrusions: Sequence[Intrusion],
        ear: Ear,
        told: list[IntrusionHeard],
        patience_s: float = 6.0,
    ) -> None:
        """``told`` is given what came of each; an agent silent for ``patience_s`` ends the call."""
        self.exchanges: list[Exchange] = []
        self._intrusions = intrusions
        self._ear = ear
        self._told = told
        self._patience_s = patience_s
        self._state = _State.WAITING
        self._frames = 0
        # Index of the sound that is made, watched or next, and the frame with which it began.
        self._index = 0
        self._began = 0
        # When it is first and last audible; before the first one, when the call was answered.
        self._spoke = (0.0, 0.0)
        # Since when the agent is talked over no more: its talking counts from here.
        self._since = 0.0

    @property
    def is_done(self) -> bool:
        """Whether every sound was made, or the agent has no more to say."""
        return self._state is _State.DONE

    @property
    def unasked(self) -> int:
        """Sounds that were not made."""
        return len(self._intrusions) - self._index

    def follow(self, now: float) -> list[ConversationEvent]:
        """Decide what to do, knowing what the ear has heard up to ``now``. Tells nothing."""
        match self._state:
            case _State.WAITING:
                self._wait(now)
            case _State.SOUNDING if self._is_cut_short(now):
                self._settle(now)
            case _State.SOUNDING if self._frames * FRAME_S >= self._spoke[1]:
                self._state = _State.WATCHING
            case _State.WATCHING if self._is_clear_what_came(now):
                self._settle(now)
            case _:
                pass
        return []

    def next_frame(self) -> Pcm | None:
        """The next 20 ms of the caller's side, int16 (160,); None while there is none."""
        at = (self._frames - self._began) * FRAME_SAMPLES
        self._frames += 1
        if self._state not in (_State.SOUNDING, _State.WATCHING):
            return None
        pcm = self._intrusions[self._index].clip.pcm[at : at + FRAME_SAMPLES]
        return np.pad(pcm, (0, FRAME_SAMPLES - len(pcm))) if len(pcm) else None

    def hang_up(self) -> list[ConversationEvent]:
        """The call is over; a sound under way stays untold."""
        self._state = _State.DONE
        return []

    def _wait(self, now: float) -> None:
        if self._index == len(self._intrusions):
            self._state = _State.DONE
        elif not self._talks(now):
            if now - max(self._ear.last_audible, self._since) >= self._patience_s:
                self._state = _State.DONE
        elif now - self._talks_since() >= self._intrusions[self._index].after_s:
            self._begin()

    def _talks(self, now: float) -> bool:
        return bool(self._ear.sounds) and now - self._ear.last_audible < _TALKING_S

    def _talks_since(self) -> float:
        return max(self._since, self._ear.sounds[-1].start)

    def _begin(self) -> None:
        pcm = self._intrusions[self._index].clip.pcm
        starts = self._frames * FRAME_S
        try:
            first, after = speech_bounds(pcm)
        except ValueError:  # silence: the line itself is what is tried
            first, after = 0, len(pcm)
        self._began = self._frames
        self._spoke = (starts + first / LINE_RATE, starts + after / LINE_RATE)
        self._state = _State.SOUNDING

    def _cleared(self) -> float | None:
        """When the server first cleared the line after the sound had begun."""
        return next((clear for clear in self._ear.clears if clear >= self._spoke[0]), None)

    def _is_cut_short(self, now: float) -> bool:
        """Whether the agent was stopped and no more is asked: the rest need not be said."""
        clear = self._cleared()
        patient = self._intrusions[self._index].go_on_s > 0
        return not patient and clear is not None and now - clear >= 0.6

    def _is_clear_what_came(self, now: float) -> bool:
        intrusion = self._intrusions[self._index]
        waited = now - self._spoke[1]
        if self._cleared() is None:
            return waited >= intrusion.watch_s
        return waited >= intrusion.go_on_s or (self._went_on() is not None and waited >= 1.0)

    def _went_on(self) -> float | None:
        """When a stopped agent was heard again, after the sound."""
        clear = self._cleared()
        later = [sound.start for sound in self._ear.sounds if clear and sound.start > clear + 0.1]
        return later[0] if later else None

    def _settle(self, now: float) -> None:
        intrusion = self._intrusions[self._index]
        at, until = self._spoke
        clear, went_on = self._cleared(), self._went_on()
        silent_s, leaked_s = None, 0.0
        if clear is not None:
            ends = [sound.end for sound in self._ear.sounds if sound.start < clear + 0.5]
            last = max(ends, default=at)
            leaked_s = min(max(0.0, last - clear), 0.5)
            silent_s = max(0.0, last - at)
        self._told.append(
            IntrusionHeard(
                intrusion.clip.name,
                intrusion.kind,
                at,
                until - at,
                None if clear is None else clear - at,
                silent_s,
                leaked_s,
                None if went_on is None else went_on - (until if went_on > until else clear or at),
            )
        )
        self._index += 1
        self._since = now
        self._state = _State.WAITING
        if clear is not None and intrusion.go_on_s == 0:
            self._state = _State.DONE
