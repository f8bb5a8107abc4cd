"""The answer to one turn, from the caller's speech to ours: transcribe, think, voice, say, in time.

Each answer is one coroutine that the call runs as a task and cancels to interrupt. What it must not
do before the turn is ours waits for ``turn.committed``; what is not worth doing while the caller
may go on waits for ``turn.may_think``.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass

from pipeline import budget
from pipeline.asr.incremental import Tail
from pipeline.audio import AudioFrame
from pipeline.brain import Brain
from pipeline.budget import GRACE_S, Rung, Step
from pipeline.channel import Channel
from pipeline.config import Settings
from pipeline.engine import Engine, only
from pipeline.errors import EngineFailed
from pipeline.interruption.onset import Onset, Onsets
from pipeline.speaker import Sound, Speaker
from pipeline.tools.registry import Toolbox
from pipeline.tts.phrases import Phrases
from pipeline.turn import Clause, Prompt, Say, Speech, ToolCall, Transcript, Turn

_LOG = logging.getLogger(__name__)

_CLAUSES_AHEAD = 4
_SOUNDS_AHEAD = 64
"""Room between the stages of a reply; 64 sounds are about ten seconds."""


@dataclass(frozen=True, slots=True)
class Engines:
    """What a process loads once and all its calls share. Knows no call."""

    asr: Engine[Speech, Transcript]
    llm: Engine[Prompt, Say | ToolCall]
    tts: Engine[Clause, AudioFrame]
    phrases: Phrases
    tools: Toolbox
    onsets: Onsets
    """Judge how a sound over the agent's words began, where there is no ``ear``."""

    ear: Engine[Onset, float] | None = None
    """Judges it better: log-odds that it is speech."""


class Replies:
    """Answers the turns of one call, one at a time."""

    def __init__(
        self,
        call_id: str,
        engines: Engines,
        settings: Settings,
        brain: Brain,
        speaker: Speaker,
        *,
        writes: asyncio.TaskGroup,
    ) -> None:
        """``writes`` outlives every reply: a write that began is finished there."""
        self._call_id = call_id
        self._engines = engines
        self._agent = settings.agent
        self._budget = settings.budget
        self._brain = brain
        self._speaker = speaker
        self._writes = writes

    async def answer(
        self,
        turn: Turn,
        tail: Tail,
        transcribed: Callable[[Turn], Sequence[Turn] | None],
    ) -> None:
        """The whole reply to one turn. An engine's failure costs the turn, not the call.

        ``tail`` is what of the caller's speech is not in words yet.

        ``transcribed`` is told when the words are known, and returns the turns before this one, or
        None when there is nothing to answer. If cancelled, nothing more is thought or said; see
        :class:`Brain` for writes.
        """
        try:
            async with asyncio.TaskGroup() as group:
                timekeeper = group.create_task(self._keep_time(turn, tail.speech.duration))
                with turn.working():
                    words = await only(self._engines.asr, tail.speech)
                    turn.transcript = tail.joined(words)
                turn.mark("transcript", _now())
                past = transcribed(turn)
                if past is not None:
                    await turn.may_think.wait()
                    turn.thought_ahead = not turn.committed.is_set()
                    await self._think_and_say(turn, past)
                timekeeper.cancel()
        except* EngineFailed as failures:
            self._note(turn, failures)
            turn.rung = Rung.APOLOGY
            if "first_audio" not in turn.marks:
                await self.say_phrase(turn, self._agent.apology)

    async def say_phrase(self, turn: Turn, text: str) -> None:
        """Ready-made audio as a whole reply: it needs no engine. Cancelled as any reply."""
        sounds: Channel[Sound] = Channel(_SOUNDS_AHEAD)
        turn.planned.append(text)
        async with asyncio.TaskGroup() as group:
            group.create_task(self._speaker.say(turn, sounds))
            await sounds.send(text)
            for frame in self._engines.phrases.get(text) or ():
                await sounds.send(frame)
            await sounds.send(None)
            sounds.close()

    async def say_rest(self, turn: Turn, clauses: Sequence[str]) -> None:
        """Say what was left of a reply that was interrupted for nothing. Cancelled as any reply."""
        rest: Channel[str] = Channel(max(1, len(clauses)))
        sounds: Channel[Sound] = Channel(_SOUNDS_AHEAD)
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._voice(turn, rest, sounds))
                group.create_task(self._speaker.say(turn, sounds))
                for clause in clauses:
                    await rest.send(clause)
                rest.close()
        except* EngineFailed as failures:
            # Most of it was said before; an apology now would puzzle more than it helps.
            self._note(turn, failures)

    def _note(self, turn: Turn, failures: BaseExceptionGroup[EngineFailed]) -> None:
        for failure in failures.exceptions:
            if isinstance(failure, BaseExceptionGroup):  # of a group within
                self._note(turn, failure)
                continue
            _LOG.warning("call %s, turn %d: %s", self._call_id, turn.index, failure)
            turn.failures.append(str(failure))

    async def _think_and_say(self, turn: Turn, past: Sequence[Turn]) -> None:
        clauses: Channel[str] = Channel(_CLAUSES_AHEAD)
        sounds: Channel[Sound] = Channel(_SOUNDS_AHEAD)
        async with asyncio.TaskGroup() as group:
            group.create_task(self._brain.think(turn, past, clauses, self._writes))
            group.create_task(self._voice(turn, clauses, sounds))
            group.create_task(self._speaker.say(turn, sounds))

    async def _voice(self, turn: Turn, clauses: Channel[str], sounds: Channel[Sound]) -> None:
        """Clauses to sound at the line's rate."""
        due = max(_now(), turn.speech_end + _WANTED_S)
        with turn.working():
            async for clause in clauses:
                begun = False
                async with aclosing(self._engines.tts.stream(Clause(clause, due))) as frames:
                    async for frame in frames:
                        turn.mark("first_audio", _now())
                        # The next sound is wanted when this one has been heard.
                        due += frame.duration
                        if not begun:
                            # Only now, so that a filler may still go before it.
                            await sounds.send(clause)
                            begun = True
                        await sounds.send(frame)
                if begun:
                    await sounds.send(None)
        sounds.close()

    # -- The budget ---------------------------------------------------------------------------

    async def _keep_time(self, turn: Turn, speech_s: float) -> None:
        """Take the ladder's rungs as they fall due. Cancelled when the answer is under way."""
        for step in budget.steps(self._budget):
            await _until(turn.speech_end + step.after_s)
            if step.audible:
                await turn.committed.wait()
                await _until(turn.speech_end + turn.marks["committed"] + GRACE_S)
            if step.met_by not in turn.marks:
                await self._step_down(turn, step, speech_s)

    async def _step_down(self, turn: Turn, step: Step, speech_s: float) -> None:
        late = budget.overrun(self._budget, list(turn.marks), _now() - turn.speech_end)
        _LOG.info("call %s, turn %d: %s is late", self._call_id, turn.index, late)
        match step.rung:
            case Rung.SHORT_CLAUSE:
                turn.hurried = True
                turn.rung = step.rung
            case Rung.APOLOGY:
                raise EngineFailed("budget", f"gave no answer within {step.after_s:g} s")
            case _:
                caller = turn.transcript.text if turn.transcript else None
                if caller is None and speech_s < _SURELY_SPEECH_S:
                    return  # it may have been a cough: there may be nothing to answer
                number = turn.index + len(turn.said)
                text, rung = budget.filler_for(self._agent, number, caller, turn.using is not None)
                if await self._speaker.fill(turn, text, self._engines.phrases.get(text) or ()):
                    turn.rung = rung


_WANTED_S = 0.4
"""Seconds after the caller's last speech sample at which the answer's first sound is wanted: of
several calls' clauses, the voice makes the one first that is due first."""

_SURELY_SPEECH_S = 1.0
"""Speech of this length, with what is kept from before it, is more than a cough."""


async def _until(moment: float) -> None:
    await asyncio.sleep(moment - _now())


def _now() -> float:
    return asyncio.get_running_loop().time()
