"""A whole call with fake engines on a jumping clock, for tests that state a property of a call."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from pipeline.audio import AudioFrame
from pipeline.call import Call
from pipeline.config import Settings
from pipeline.errors import EngineFailed
from pipeline.fakes import Scripted, fake_tts, hum_frames
from pipeline.interruption.onset import Onset, Onsets, Samples
from pipeline.reply import Engines
from pipeline.tools.registry import Outcome, Tool, Toolbox
from pipeline.turn import Clause, Prompt, Say, Speech, ToolCall, ToolSpec, Transcript, Turn
from tests import clock
from tests.fakes import FakeLine

NOW = datetime(2026, 3, 2, 16, 0, tzinfo=UTC)
SETTINGS = Settings.model_validate(
    {
        "agent": {"greeting": "Hi there.", "apology": "Sorry, say again?"},
        # Everything sounds finished, so that every turn ends after end_ms.
        "turns": {
            "finished_at": 1e-9,
            "unfinished_at": 0.0,
            "soft_end_ms": 80,
            "end_ms": 380,
            "unsure_ms": 720,
        },
    }
)
TURNS = SETTINGS.turns


class Ready(dict[str, Any]):
    """Ready-made audio of any phrase."""

    def __missing__(self, text: str) -> Any:
        return tuple(hum_frames(text))

    def get(self, text: str) -> Any:  # type: ignore[override]
        return self[text]


class AllSpeech(Onsets):
    """Takes the beginning of every sound for speech's, or for a backchannel's."""

    def __init__(self, speech: bool = True) -> None:
        self._score = 1.0 if speech else -1.0

    def score(self, sound: Samples, age_ms: int) -> float:
        return self._score


@dataclass
class Stage:
    """One call's cast. Override what a test is about."""

    script: list[float | str]
    asr_s: float = 0.1
    texts: list[str] = field(default_factory=lambda: [f"caller {n}" for n in range(1, 20)])
    reply: str = "Yes."
    tools: list[Tool] = field(default_factory=list)
    broken: Mapping[str, set[int]] = field(default_factory=dict)
    """Engine name to the numbers of its requests that fail, counted from 0."""
    tts_s: float = 0.0
    """Seconds that the voice takes before its first sound, besides its usual 30 ms."""
    settings: Settings = SETTINGS
    now: Callable[[], datetime] = lambda: NOW
    onsets: Onsets = field(default_factory=AllSpeech)
    ear: Scripted[Onset, float] | None = None
    llm_script: Callable[[Prompt], list[tuple[float, Say | ToolCall | Exception]]] | None = None

    def __post_init__(self) -> None:
        self.prompts: list[Prompt] = []
        self.read_ahead: list[Prompt] = []
        self.speeches: list[Speech] = []
        self.spoken: list[str] = []
        self.settled: list[Turn] = []
        self.line = FakeLine(self.script)
        tts = fake_tts()
        self.asr: Scripted[Speech, Transcript] = Scripted(self._hear)
        self.llm: Scripted[Prompt, Say | ToolCall] = Scripted(self._think)
        self.tts: Scripted[Clause, AudioFrame] = Scripted(
            lambda clause: (
                self._fail("tts", self.spoken, clause.text) or self._later(tts._script(clause))
            )
        )
        tools = Toolbox(self.tools)
        engines = Engines(self.asr, self.llm, self.tts, Ready(), tools, self.onsets, self.ear)  # type: ignore[arg-type]
        self.call = Call(
            self.line,
            engines,
            self.settings,
            contact=None,
            clock=self.now,
            settled=self.settled.append,
        )

    def run(self) -> Stage:
        clock.run(self.call.run())
        return self

    def _fail(self, name: str, seen: list[Any], request: Any) -> Any:
        seen.append(request)
        if len(seen) - 1 in self.broken.get(name, ()):
            return [(0.05, EngineFailed(name, "broke"))]
        return None

    def _later(self, sounds: Iterable[tuple[float, Any]]) -> Iterable[tuple[float, Any]]:
        for index, (delay, sound) in enumerate(sounds):
            yield (delay if index else delay + self.tts_s), sound

    def _hear(self, speech: Speech) -> Any:
        failed = self._fail("asr", self.speeches, speech)
        return failed or [(self.asr_s, Transcript(self.texts[len(self.speeches) - 1]))]

    def _think(self, prompt: Prompt) -> Any:
        if prompt.most_tokens == 1:
            self.read_ahead.append(prompt)
            return [(0.05, Say(""))]
        failed = self._fail("llm", self.prompts, prompt)
        if failed or self.llm_script is not None:
            return failed or self.llm_script(prompt)  # type: ignore[misc]
        return [(0.02, Say(word + " ")) for word in self.reply.split()]

    def chat(self, index: int = -1) -> list[tuple[str, str]]:
        """The prompt's messages but the system's."""
        chat = self.prompts[index].messages
        last_system = max(n for n, message in enumerate(chat) if message.role == "system")
        return [(m.role, m.content) for m in chat[last_system + 1 :]]

    def plays_between(self, start: float, end: float) -> list[float]:
        return [at for at in self.line.times("play") if start <= at < end]


LONG = "This is a reply of many words that takes the agent rather long to say in full. " * 2


def tool(log: list[str], name: str, writes: bool, takes_s: float, speak: Any = None) -> Tool:
    async def run(context: Any, arguments: Mapping[str, Any]) -> Outcome:
        log.append(f"{name} began")
        try:
            await asyncio.sleep(takes_s)
        except asyncio.CancelledError:
            log.append(f"{name} cancelled")
            raise
        log.append(f"{name} done")
        return Outcome({"ok": True}, {}, committed=writes)

    spec = ToolSpec(name, "A tool.", {"type": "object", "properties": {}})
    return Tool(spec, writes=writes, deadline_s=5.0, run=run, cue=None, speak=speak)


def calls_then_says(
    name: str,
) -> Callable[[Prompt], list[tuple[float, Say | ToolCall | Exception]]]:
    def script(prompt: Prompt) -> list[tuple[float, Say | ToolCall | Exception]]:
        if "tool_response" in prompt.messages[-1].content:
            return [(0.05, Say("It is done."))]
        return [(0.05, ToolCall(name, {}))]

    return script
