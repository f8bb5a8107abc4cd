"""The nouns of a turn, and Turn itself with its time ledger.

Everything here is a frozen fact that one stage tells the next, except :class:`Turn`: the one
mutable record of what was said, heard and done between two silences, and when.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Literal

from pipeline.audio import AudioFrame, Pcm

# -- What the line tells us -------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class MarkPlayed:
    """All audio sent before the mark of this name was played to the caller, and not cleared."""

    name: str


@dataclass(frozen=True, slots=True)
class KeyPressed:
    """The caller pressed a key."""

    digit: str
    """One of 0-9, *, #, A-D."""


LineEvent = AudioFrame | MarkPlayed | KeyPressed

# -- What the endpointer tells us -------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class SpeechStarted:
    """The caller began to speak."""

    at: float
    """Seconds since answer at which the speech began (before it was believed)."""


@dataclass(frozen=True, slots=True)
class SoftEnd:
    """A short silence: the turn may be over. Work may start, nothing may be heard or written."""

    at: float
    """Seconds since answer of the last voiced frame's end."""


@dataclass(frozen=True, slots=True)
class Resumed:
    """The caller went on after a SoftEnd: what was started for it is void."""

    at: float
    """Seconds since answer at which the speech went on."""

    pause_ms: float
    """How long the silence was."""


@dataclass(frozen=True, slots=True)
class TurnEnded:
    """The silence was long enough: the turn is the agent's."""

    at: float
    """Seconds since answer of the last voiced frame's end."""


@dataclass(frozen=True, slots=True)
class Passed:
    """A short sound went by while the agent was heard, and did not stop it."""

    at: float
    """Seconds since answer at which it began."""


EndpointEvent = SpeechStarted | SoftEnd | Resumed | TurnEnded | Passed

# -- What engines are asked and answer --------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Speech:
    """One utterance, for the transcriber."""

    pcm: Pcm
    """int16 samples, shape (samples,)."""

    rate: int
    """Hz."""

    due: float | None = None
    """Event loop time at which the words are wanted: of what waits, the earliest is transcribed
    first. None: within a second of being asked for."""

    @property
    def duration(self) -> float:
        """Seconds of sound."""
        return len(self.pcm) / self.rate


@dataclass(frozen=True, slots=True)
class Clause:
    """A piece of a reply, for the voice."""

    text: str
    due: float | None = None
    """Event loop time at which its first sound is wanted: of what waits, the earliest is made
    first. None: within a second of being asked for."""


@dataclass(frozen=True, slots=True)
class Transcript:
    """What the transcriber understood."""

    text: str
    """The words; empty when there was no speech in it."""

    confidence: float = 1.0
    """Mean probability of a token, 0 to 1."""

    fell_back: bool = False
    """Whether the short window looped and the full 30 s window had to answer."""

    closing: float | None = None
    """Probability, 0 to 1, that the speaker had finished, by how it sounded; None where the
    transcriber cannot tell."""


@dataclass(frozen=True, slots=True)
class Message:
    """One entry of a chat prompt."""

    role: Literal["system", "user", "assistant", "tool"]
    content: str


@dataclass(frozen=True, slots=True)
class ToolSpec:
    """What the model is told of a tool."""

    name: str
    description: str
    parameters: Mapping[str, Any]
    """JSON Schema of the arguments object."""


@dataclass(frozen=True, slots=True)
class Prompt:
    """A request to the language model."""

    messages: tuple[Message, ...]
    tools: tuple[ToolSpec, ...] = ()
    """Tools that the reply may call; empty means speech only."""

    must_call: str | None = None
    """Name of the tool that this reply must call, or None when the model chooses."""

    due: float | None = None
    """Event loop time at which its first words are wanted: of what waits, the earliest is served
    first. None: within a second of being asked for."""

    most_tokens: int | None = None
    """Longest reply, in tokens; None for the settings' own. With 1 the model does little but read
    the prompt, so that a later one that begins alike is answered sooner."""


@dataclass(frozen=True, slots=True)
class Say:
    """A piece of the reply's text as it streams; pieces join without separators."""

    text: str


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A whole tool call, as the model wrote it."""

    name: str
    arguments: Mapping[str, Any]
    """As the model wrote them: spans as the caller spoke them, not yet resolved."""


@dataclass(frozen=True, slots=True)
class ToolResult:
    """What came of a tool call."""

    call: ToolCall
    result: Mapping[str, Any]
    """What the model is told; ``{"error": ...}`` when it failed."""

    resolved: Mapping[str, Any] = field(default_factory=dict)
    """Canonical values: local ISO minutes, E.164 numbers, lower-case addresses."""

    committed: bool = False
    """Whether an effect was written."""

    ms: float = 0.0
    """Milliseconds from call to result."""

    def as_json(self) -> dict[str, Any]:
        """The entry of the contract's ``tools`` list."""
        return {
            "name": self.call.name,
            "arguments": dict(self.call.arguments),
            "resolved": dict(self.resolved),
            "result": dict(self.result),
            "committed": self.committed,
            "ms": round(self.ms, 1),
        }


# -- The turn ---------------------------------------------------------------------------------

MARKS = (
    "soft_end",
    "turn_end",
    "transcript",
    "verdict",
    "first_token",
    "first_clause",
    "first_audio",
    "committed",
    "sent",
)
"""The ledger's names, in the order in which they usually happen."""


class Turn:
    """What the caller said, what was answered, what was heard of it, and when."""

    def __init__(self, index: int, speech_end: float) -> None:
        self.index = index
        # Clock reading (event loop seconds) at which the caller's last speech sample arrived.
        # Every mark is told relative to it. For the greeting: when the call was answered.
        self.speech_end = speech_end
        # None until transcribed, and for ever in the greeting.
        self.transcript: Transcript | None = None
        # Clauses of the reply in order: as they were thought, and those that the voice was given.
        # Fillers are said without having been thought.
        self.planned: list[str] = []
        self.said: list[str] = []
        # What the caller heard of them; None while that is still open.
        self.heard: str | None = None
        self.interrupted = False
        # What of it was heard before a false interruption, after which it went on.
        self.heard_before = ""
        # Whether there is nothing to answer in it: a cough, a line's noise.
        self.void = False
        # Whether a tool that writes was set going: then the turn stands, whatever follows.
        self.acted = False
        self.tools: list[ToolResult] = []
        # Name of the tool that is at work now; None when none is.
        self.using: str | None = None
        # Names of the engines whose failure this turn survived.
        self.failures: list[str] = []
        # Whether the first clause must be short, because time is running out.
        self.hurried = False
        # The lowest rung of the budget's ladder that was taken; None when it was in time.
        self.rung: str | None = None
        # How finished it sounded, 0 to 1, and the silence that was waited for because of that, in
        # ms; None until its words are known.
        self.finished: float | None = None
        self.wait_ms: int | None = None
        # Whether thinking about it began before it was committed.
        self.thought_ahead = False
        # How often its answer was begun and thrown away because the caller went on.
        self.resumed = 0
        # Seconds of model time spent on its answer so far.
        self.work_s = 0.0
        # Set when the model may be asked: at once if the caller seems to have finished.
        self.may_think = asyncio.Event()
        # Set when the turn is surely ours: until then no audio is sent and nothing is written.
        self.committed = asyncio.Event()
        self._marks: dict[str, float] = {}

    @property
    def is_empty(self) -> bool:
        """Whether it was transcribed and nothing was said in it."""
        return self.transcript is not None and not self.transcript.text

    def since(self, name: str, now: float) -> float:
        """Seconds from a mark to the clock reading ``now``; below 0 when it is not stamped."""
        return now - self._marks.get(name, math.inf)

    @property
    def is_speculative(self) -> bool:
        """Whether its answer comes from work that was begun before the turn was over: its words
        were known by then, and the thinking had started."""
        return self.thought_ahead and self.committed.is_set()

    @contextmanager
    def working(self) -> Iterator[None]:
        """Count the time inside as model time of this turn, however it ends."""
        began = time.monotonic()
        try:
            yield
        finally:
            self.work_s += time.monotonic() - began

    def commit(self, now: float) -> None:
        """The turn is ours: its answer may be thought, heard and written."""
        self.mark("turn_end", now)
        self.mark("committed", now)
        self.may_think.set()
        self.committed.set()

    def mark(self, name: str, now: float) -> None:
        """Stamp a mark at clock reading ``now``; only the first stamp of a name counts."""
        if name not in MARKS:
            raise ValueError(f"unknown mark {name!r}: the ledger has {', '.join(MARKS)}")
        self._marks.setdefault(name, now)

    @property
    def marks(self) -> dict[str, float]:
        """Mark name to seconds since the caller's last speech sample arrived."""
        return {name: self._marks[name] - self.speech_end for name in MARKS if name in self._marks}

    def as_json(self) -> dict[str, Any]:
        """The turn as ``/api/calls/{id}`` shows it. Seconds in ``marks``."""
        return {
            "turn": self.index,
            "caller": self.transcript.text if self.transcript else None,
            "agent": " ".join(self.said),
            "heard": self.heard,
            "interrupted": self.interrupted,
            "finished": None if self.finished is None else round(self.finished, 3),
            "wait_ms": self.wait_ms,
            "speculative": self.is_speculative,
            "resumed": self.resumed,
            "rung": self.rung,
            "failures": self.failures,
            "tools": [result.as_json() for result in self.tools],
            "marks": {name: round(at, 4) for name, at in self.marks.items()},
        }
