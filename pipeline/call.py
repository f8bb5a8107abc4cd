"""One call, top to bottom; the only file that knows the order of the stages.

::

    line -> vad -> endpoint -+- SoftEnd -------> reply, uncommitted: nothing heard or written
                             +- Resumed -------> reply cancelled, as if it had never been
                             +- TurnEnded -----> reply committed: it may sound and write
                             +- SpeechStarted -> hush: cancel, wait, clear, keep what was heard

    reply = speech -> transcript -> think -> [clauses] -> voice -> [sounds] -> say -> line
                          +-> how finished does it sound? -> how long the endpoint waits

The reply to a turn is one task. To interrupt is to cancel it and wait until it is gone: nothing
else can still write to the line, because nothing else exists.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from datetime import datetime

from pipeline.asr.incremental import Tail, Utterance
from pipeline.audio import AudioFrame
from pipeline.brain import Brain
from pipeline.config import Settings
from pipeline.endpointing.finish import sounds_finished
from pipeline.endpointing.patience import Patience
from pipeline.engine import only
from pipeline.errors import EngineFailed
from pipeline.hearing import Hearing
from pipeline.interruption.words import is_backchannel, wants_floor
from pipeline.line import Line
from pipeline.reply import Engines, Replies
from pipeline.speaker import Speaker
from pipeline.speculation import Speculation, SpeculationCounts
from pipeline.tools.crm import Contact
from pipeline.turn import (
    KeyPressed,
    MarkPlayed,
    Passed,
    Resumed,
    SoftEnd,
    Speech,
    SpeechStarted,
    Transcript,
    Turn,
    TurnEnded,
)

_LOG = logging.getLogger(__name__)

_AHEAD_S = 3.0
"""A piece of an utterance that goes on is wanted in words within this time."""

_BARELY_BEGUN_S = 0.5
"""A caller who goes on this soon after we began had not finished: we had cut in."""


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
        when nothing more can be heard of it."""
        self.line = line
        # Committed turns, oldest first. The last one's ``heard`` is None while it may still grow.
        self.turns: list[Turn] = []
        # Keys that the caller pressed, in order.
        self.keys = ""
        self._engines = engines
        self._settings = settings
        self._settled = settled
        # How many of the turns ``settled`` was told.
        self._told = 0
        self._brain = Brain(
            line.info.id,
            engines.llm,
            engines.tools,
            settings,
            contact=contact,
            clock=clock,
        )
        self._hearing = Hearing(settings.turns, None if engines.ear else engines.onsets)
        self._patience = Patience(settings.turns)
        self._speculation = Speculation(settings.turns)
        self._speaker = Speaker(line, settings.turns.lead_ms / 1000, self._hearing.agent_sounds)
        # How often the answer to the present utterance was begun in vain.
        self._resumed = 0
        # Asks for the words of a short sound that went by while we spoke.
        self._weighing: asyncio.Task[None] | None = None
        # Puts a piece of a long utterance into words.
        self._ahead: asyncio.Task[None] | None = None
        # Sounds over our speech that did not stop us.
        self.talked_over = 0
        # The turn being answered and the task that answers it; None between turns.
        self._turn: Turn | None = None
        self._reply: asyncio.Task[None] | None = None
        # The turn whose reply the present utterance interrupted.
        self._cut_off: Turn | None = None
        # Lets the model read the conversation so far while the caller speaks.
        self._reading: asyncio.Task[None]
        # Owns every task of the call. Set by run, as is what answers.
        self._group: asyncio.TaskGroup
        self._replies: Replies

    @property
    def speculation(self) -> SpeculationCounts:
        """What answering before the turn's end has come to so far."""
        return self._speculation.counts

    async def run(self) -> None:
        """Carry the call until the caller hangs up.

        When the caller hangs up, writes that began are finished. If cancelled, the reply falls
        silent, the call ends, and a write that is under way is cut off: whole or not at all.
        """
        try:
            async with asyncio.TaskGroup() as self._group:
                self._replies = Replies(
                    self.line.info.id,
                    self._engines,
                    self._settings,
                    self._brain,
                    self._speaker,
                    writes=self._group,
                )
                self._greet()
                self._reading = self._group.create_task(self._brain.read_ahead([]))
                async for event in self.line:
                    match event:
                        case AudioFrame():
                            await self._hear(event)
                        case MarkPlayed():
                            self._speaker.played(event.name)
                        case KeyPressed():
                            self.keys += event.digit
                await self._cancel_reply()
                for aside in (self._reading, self._weighing, self._ahead):
                    if aside is not None:
                        aside.cancel()
        finally:
            self._settle(interrupted=self._speaker.is_heard)
            self._tell(self.turns)

    # -- 1. Hearing ---------------------------------------------------------------------------

    async def _hear(self, frame: AudioFrame) -> None:
        """Judge one frame, and act on what it decides."""
        now = self._now()
        event = self._hearing.feed(frame, now, guarded=self._speaker.is_heard)
        event = event or await self._listen_closely()
        match event:
            case SpeechStarted():
                await self._hush(event.at)
            case SoftEnd():
                self._begin_reply()
            case Resumed():
                await self._discard(event.pause_ms)
            case TurnEnded():
                self._commit(now)
            case Passed() if self._weighing is None:
                self._weighing = self._group.create_task(self._weigh(event.at))
        self._let_think()
        self._transcribe_ahead(now)
        if not self._may_go_on():
            self._hearing.forget()

    async def _listen_closely(self) -> SpeechStarted | None:
        """Ask what a sound over our speech is like. The call's next frames wait for the answer: a
        few ms, and never for longer than the ear's own limit."""
        onset = self._hearing.question
        if onset is None or self._engines.ear is None:
            return None
        try:
            score = await only(self._engines.ear, onset)
        except EngineFailed as failure:
            _LOG.info("call %s: an onset was not judged: %s", self.line.info.id, failure)
            return None
        return self._hearing.answer(onset, score)

    def _transcribe_ahead(self, now: float) -> None:
        """Put a long utterance into words while it goes on, so that little is left at its end."""
        utterance = self._hearing.utterance
        piece = utterance.piece(due=now + _AHEAD_S) if utterance is not None else None
        if utterance is not None and piece is not None:
            self._ahead = self._group.create_task(self._put_into_words(utterance, piece))

    async def _put_into_words(self, utterance: Utterance, piece: Speech) -> None:
        try:
            utterance.done(await only(self._engines.asr, piece))
        except EngineFailed as failure:
            _LOG.warning("call %s: a piece was not transcribed: %s", self.line.info.id, failure)
            utterance.failed()

    async def _weigh(self, began: float) -> None:
        """A short sound went by while we spoke on. If it was more than "mm-hm", it was a turn."""
        try:
            words = await only(self._engines.asr, self._hearing.passed(began))
        except EngineFailed as failure:
            _LOG.warning("call %s: what went by was not understood: %s", self.line.info.id, failure)
            words = Transcript("")
        self._weighing = None
        # "Yeah" over our last word is an answer; while we go on speaking, it only spurs us.
        murmured = self._speaker.is_heard and not wants_floor(words.text, words.confidence)
        if not words.text or murmured:
            self.talked_over += 1
        else:
            self._hearing.was_speech(began)

    def _begin_reply(self) -> None:
        """Start the answer to what was heard so far. Nothing of it is heard until committed."""
        turn = Turn(len(self.turns), self._hearing.voiced_at)
        turn.resumed = self._resumed
        turn.mark("soft_end", self._now())
        self._turn = turn
        self._speculation.started()
        self._reply = self._group.create_task(self._answer(turn, self._hearing.tail()))

    def _transcribed(self, turn: Turn) -> Sequence[Turn] | None:
        """The words are known: how long to wait for more, and is there anything to answer?"""
        assert turn.transcript is not None
        if turn.is_empty or self._only_spurs_us(turn.transcript):
            turn.void = True
            if turn in self.turns:
                self.turns.remove(turn)
            return None
        turn.finished = sounds_finished(turn.transcript.text, turn.transcript.closing)
        turn.wait_ms = self._patience.wait_ms(turn.finished)
        self._hearing.wait(turn.wait_ms)
        if turn.finished >= self._settings.turns.finished_at:
            self._let_think(sure=True)
        past = [earlier for earlier in self.turns if earlier is not turn]
        self._tell(past)
        return past

    def _only_spurs_us(self, words: Transcript) -> bool:
        """Whether it was "mm-hm" that silenced us after all, with more of ours to come."""
        return (
            self._cut_off is not None
            and is_backchannel(words.text)
            and not (self._cut_off.heard or "").endswith("?")
            and bool(self._speaker.unsaid(self._cut_off))
        )

    def _let_think(self, sure: bool = False) -> None:
        """Ask the model before the turn is over, once that is likely enough to be worth it."""
        turn = self._turn
        if turn is None or turn.may_think.is_set():
            return
        long_enough = self._hearing.pause_ms >= self._settings.turns.think_ms
        if (sure or long_enough) and self._speculation.allowed(self._now()):
            turn.may_think.set()

    async def _discard(self, pause_ms: float) -> None:
        """The caller goes on: what was prepared never was."""
        turn, self._turn = self._turn, None
        await self._cancel_reply()
        self._patience.went_on(pause_ms)
        if turn is not None:
            self._resumed += 1
            self._speculation.discarded(turn.work_s, self._now())

    def _commit(self, now: float) -> None:
        """The turn is ours: what waits may sound, and writes may run."""
        if self._turn is None:  # an utterance so long that it was ended without a pause
            self._begin_reply()
        assert self._turn is not None
        self._turn.commit(now)
        self._speculation.committed()
        self._resumed = 0
        if not self._turn.void:
            self.turns.append(self._turn)

    def _may_go_on(self) -> bool:
        """Whether speech that begins now would continue the utterance being answered.

        So it is while next to nothing of the answer was heard and none of it done: then the caller
        was only pausing.
        """
        return (
            self._turn is not None
            and self._turn.index > 0  # the greeting answers nothing
            and self._reply is not None
            and not self._turn.acted
            and not self._turn.void
            and not self._turn.heard_before
            and self._turn.since("sent", self._now()) < _BARELY_BEGUN_S
            and self._hearing.duration < self._settings.turns.max_utterance_s
        )

    async def _hush(self, began: float) -> None:
        """The caller speaks, since ``began``: fall silent, and keep of our reply what was heard."""
        if self._weighing is not None:
            self._weighing.cancel()
            self._weighing = None
        goes_on = self._may_go_on()
        turn, self._turn = self._turn, None
        await self._cancel_reply()
        interrupted = await self._speaker.hush()
        self._hearing.agent_hushed()
        if goes_on:
            assert turn is not None
            if turn in self.turns:
                self.turns.remove(turn)
            paused_s = self._now() - self._hearing.since(began) - turn.speech_end
            self._patience.went_on(paused_s * 1000)
            self._resumed += 1
            self._speculation.discarded(turn.work_s, self._now())
            return
        self._patience.settled()
        self._hearing.begin(began)
        self._cut_off = self.turns[-1] if interrupted and self.turns else None
        self._settle(interrupted)
        if self._reading.done():
            self._reading = self._group.create_task(self._brain.read_ahead(list(self.turns)))

    async def _cancel_reply(self) -> None:
        reply, self._reply = self._reply, None
        if reply is not None and not reply.done():
            reply.cancel()
            await asyncio.wait([reply])

    def _settle(self, interrupted: bool) -> None:
        """Write down what was heard of the last reply."""
        if self.turns and self.turns[-1].heard is None:
            turn = self.turns[-1]
            turn.heard = " ".join(filter(None, (turn.heard_before, self._speaker.heard())))
            turn.interrupted = interrupted

    def _tell(self, turns: Sequence[Turn]) -> None:
        """These turns can grow no more."""
        for turn in turns[self._told :]:
            self._settled(turn)
        self._told = max(self._told, len(turns))

    # -- 2. Answering -------------------------------------------------------------------------

    def _greet(self) -> None:
        """Speak first: a called person who hears nothing hangs up."""
        turn = Turn(0, self._now())
        turn.commit(self._now())
        self._turn = turn
        self.turns.append(turn)
        greeting = self._settings.agent.greeting
        self._reply = self._group.create_task(self._replies.say_phrase(turn, greeting))

    async def _answer(self, turn: Turn, tail: Tail) -> None:
        """Answer what was said; or, if that was nothing, go on with what it interrupted."""
        await self._replies.answer(turn, tail, self._transcribed)
        if not turn.void or self._cut_off is None:
            return
        await turn.committed.wait()
        cut_off, self._cut_off = self._cut_off, None
        rest = self._speaker.unsaid(cut_off)
        if rest:
            self._reopen(cut_off)
            await self._replies.say_rest(cut_off, rest)

    def _reopen(self, turn: Turn) -> None:
        """A reply that was interrupted for nothing is the present one again."""
        turn.heard_before = " ".join(filter(None, (turn.heard_before, *self._speaker.heard_whole)))
        turn.heard, turn.interrupted = None, False
        self._turn = turn

    def _now(self) -> float:
        return asyncio.get_running_loop().time()
