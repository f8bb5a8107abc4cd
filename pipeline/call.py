"""One call, top to bottom; the only file that knows the order of the stages.

::

    line -> vad -> endpoint -+- SoftEnd -------> reply, uncommitted: nothing heard or written
                             +- Resumed -------> reply cancelled, as if it had never been
                             +- TurnEnded -----> reply committed: it may sound and write
                             +- SpeechStarted -> hush: cancel, wait, clear, keep what was heard

    reply = speech -> transcript -> think -> [clauses] -> voice -> [sounds] -> say -> line

The reply to a turn is one task. To interrupt is to cancel it and wait until it is gone: nothing
else can still write to the line, because nothing else exists.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import aclosing
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from pipeline.audio import FRAME_SAMPLES, LINE_RATE, AudioFrame, Pcm
from pipeline.brain import Brain
from pipeline.channel import Channel
from pipeline.config import Settings
from pipeline.endpoint import Endpointer
from pipeline.engine import Engine, only
from pipeline.errors import EngineFailed
from pipeline.line import Line
from pipeline.speaker import Sound, Speaker
from pipeline.tools.crm import Contact
from pipeline.tools.registry import Toolbox
from pipeline.tts.phrases import Phrases
from pipeline.turn import (
    KeyPressed,
    MarkPlayed,
    Prompt,
    Resumed,
    Say,
    SoftEnd,
    Speech,
    SpeechStarted,
    ToolCall,
    Transcript,
    Turn,
    TurnEnded,
)
from pipeline.vad import Vad

_LOG = logging.getLogger(__name__)

_PRE_ROLL_FRAMES = 15
"""Frames kept from before speech was believed, so that its first consonant is transcribed too."""

_FRAME_S = FRAME_SAMPLES / LINE_RATE

_CLAUSES_AHEAD = 4
_SOUNDS_AHEAD = 64
"""Room between the stages of a reply; 64 sounds are about ten seconds."""


@dataclass(frozen=True, slots=True)
class Engines:
    """What a process loads once and all its calls share. Knows no call."""

    asr: Engine[Speech, Transcript]
    llm: Engine[Prompt, Say | ToolCall]
    tts: Engine[str, AudioFrame]
    phrases: Phrases
    tools: Toolbox


class Call:
    """One answered call. ``run`` it once; what came of it is in ``turns``."""

    def __init__(
        self,
        line: Line,
        engines: Engines,
        settings: Settings,
        *,
        contact: Contact | None,
        clock: Callable[[], datetime],
        settled: Callable[[Turn], None] = lambda turn: None,
    ) -> None:
        """``clock`` is the time of day that tools and prompt see; ``settled`` is told each turn
        when it is known what was heard of it."""
        self.line = line
        # Committed turns, oldest first. The last one's ``heard`` is None while it may still grow.
        self.turns: list[Turn] = []
        # Keys that the caller pressed, in order.
        self.keys = ""
        self._engines = engines
        self._settings = settings
        self._settled = settled
        self._brain = Brain(
            line.info.id,
            engines.llm,
            engines.tools,
            settings,
            contact=contact,
            clock=clock,
        )
        self._vad = Vad(settings.turns.vad_mode, settings.turns.floor_dbfs)
        self._endpointer = Endpointer(settings.turns)
        self._speaker = Speaker(line, settings.turns.lead_ms / 1000)
        # The caller's present utterance, pre-roll included; frames of 20 ms.
        self._heard: list[Pcm] = []
        # Whether those frames are an utterance, or just the pre-roll of one to come.
        self._utterance = False
        # Clock reading at which the newest voiced frame arrived.
        self._voiced_at = 0.0
        # The turn being answered and the task that answers it; None between turns.
        self._turn: Turn | None = None
        self._reply: asyncio.Task[None] | None = None
        # Owns every task of the call. Set by run.
        self._group: asyncio.TaskGroup

    async def run(self) -> None:
        """Carry the call until the caller hangs up.

        When the caller hangs up, writes that began are finished. If cancelled, the reply falls
        silent, the call ends, and a write that is under way is cut off: whole or not at all.
        """
        try:
            async with asyncio.TaskGroup() as self._group:
                self._greet()
                async for event in self.line:
                    match event:
                        case AudioFrame():
                            await self._hear(event)
                        case MarkPlayed():
                            self._speaker.played(event.name)
                        case KeyPressed():
                            self.keys += event.digit
                await self._cancel_reply()
        finally:
            self._settle(interrupted=self._speaker.is_heard)

    # -- 1. Hearing ---------------------------------------------------------------------------

    async def _hear(self, frame: AudioFrame) -> None:
        """Judge one frame, and act on what it decides."""
        now = self._now()
        voiced = self._vad.is_speech(frame)
        event = self._endpointer.feed(voiced, frame.at, guarded=self._speaker.is_heard)
        if voiced:
            self._voiced_at = now
        self._heard.append(frame.pcm)
        match event:
            case SpeechStarted():
                await self._hush()
                self._utterance = True
            case SoftEnd():
                self._begin_reply()
            case Resumed():
                await self._cancel_reply()
                self._turn = None
            case TurnEnded():
                self._commit(now)
        if not self._utterance and not self._may_go_on():
            del self._heard[:-_PRE_ROLL_FRAMES]

    def _begin_reply(self) -> None:
        """Start the answer to what was heard so far. Nothing of it is heard until committed."""
        turn = Turn(len(self.turns), self._voiced_at)
        turn.mark("soft_end", self._now())
        speech = Speech(np.concatenate(self._heard), LINE_RATE)
        self._turn = turn
        self._reply = self._group.create_task(self._answer(turn, speech))

    def _commit(self, now: float) -> None:
        """The turn is ours: what waits may sound, and writes may run."""
        if self._turn is None:  # an utterance so long that it was ended without a pause
            self._begin_reply()
        assert self._turn is not None
        self._turn.mark("turn_end", now)
        self._turn.mark("committed", now)
        self._turn.committed.set()
        self._utterance = False
        if not self._turn.is_empty:
            self.turns.append(self._turn)

    def _may_go_on(self) -> bool:
        """Whether speech that begins now would continue the utterance being answered.

        So it is while nothing of the answer was heard or done: then the caller was only pausing.
        """
        return (
            self._turn is not None
            and self._turn.index > 0  # the greeting answers nothing
            and self._reply is not None
            and not self._reply.done()
            and not self._turn.acted
            and "sent" not in self._turn.marks
            and len(self._heard) * _FRAME_S < self._settings.turns.max_utterance_s
        )

    async def _hush(self) -> None:
        """The caller speaks: fall silent, and keep of our reply what was heard."""
        goes_on = self._may_go_on()
        turn, self._turn = self._turn, None
        await self._cancel_reply()
        if goes_on:
            if turn in self.turns:
                self.turns.remove(turn)
            return
        interrupted = await self._speaker.hush()
        del self._heard[:-_PRE_ROLL_FRAMES]
        self._settle(interrupted)

    async def _cancel_reply(self) -> None:
        reply, self._reply = self._reply, None
        if reply is not None and not reply.done():
            reply.cancel()
            await asyncio.wait([reply])

    def _settle(self, interrupted: bool) -> None:
        """Write down what was heard of the last reply; it can grow no more."""
        if self.turns and self.turns[-1].heard is None:
            turn = self.turns[-1]
            turn.heard = self._speaker.heard()
            turn.interrupted = interrupted
            self._settled(turn)

    # -- 2. Answering -------------------------------------------------------------------------

    def _greet(self) -> None:
        """Speak first: a called person who hears nothing hangs up."""
        turn = Turn(0, self._now())
        turn.committed.set()
        self._turn = turn
        self.turns.append(turn)
        self._reply = self._group.create_task(self._say_phrase(turn, self._settings.agent.greeting))

    async def _answer(self, turn: Turn, speech: Speech) -> None:
        """The whole reply to one turn. An engine's failure costs the turn, not the call."""
        try:
            turn.transcript = await only(self._engines.asr, speech)
            turn.mark("transcript", self._now())
            if turn.is_empty:
                if turn in self.turns:
                    self.turns.remove(turn)
                return
            clauses: Channel[str] = Channel(_CLAUSES_AHEAD)
            sounds: Channel[Sound] = Channel(_SOUNDS_AHEAD)
            async with asyncio.TaskGroup() as group:
                past = [earlier for earlier in self.turns if earlier is not turn]
                group.create_task(self._brain.think(turn, past, clauses, self._group))
                group.create_task(self._voice(turn, clauses, sounds))
                group.create_task(self._speaker.say(turn, sounds))
        except* EngineFailed as failures:
            for failure in failures.exceptions:
                _LOG.warning("call %s, turn %d: %s", self.line.info.id, turn.index, failure)
                turn.failures.append(str(failure))
            if not turn.said:
                await self._say_phrase(turn, self._settings.agent.apology)

    async def _voice(self, turn: Turn, clauses: Channel[str], sounds: Channel[Sound]) -> None:
        """Clauses to sound at the line's rate."""
        async for clause in clauses:
            await sounds.send(clause)
            async with aclosing(self._engines.tts.stream(clause)) as frames:
                async for frame in frames:
                    turn.mark("first_audio", self._now())
                    await sounds.send(frame)
            await sounds.send(None)
        sounds.close()

    async def _say_phrase(self, turn: Turn, text: str) -> None:
        """Ready-made audio as a whole reply: it needs no engine."""
        sounds: Channel[Sound] = Channel(_SOUNDS_AHEAD)
        async with asyncio.TaskGroup() as group:
            group.create_task(self._speaker.say(turn, sounds))
            await sounds.send(text)
            for frame in self._engines.phrases.get(text) or ():
                await sounds.send(frame)
            await sounds.send(None)
            sounds.close()

    def _now(self) -> float:
        return asyncio.get_running_loop().time()
