"""Settings to engines: the only file that names concrete ones.

Each is imported where it is opened, so that a machine without weights, or without the packages that
load them, still runs ``engines = "fake"``. Opening includes warming up: an engine that was opened
has answered once, so the first caller does not pay for lazy loading.
"""

from __future__ import annotations

import logging
import os
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from typing import TypeVar

import numpy as np

from pipeline.audio import LINE_RATE, AudioFrame
from pipeline.config import AsrSettings, LlmSettings, Settings, TtsSettings
from pipeline.engine import Engine
from pipeline.fakes import fake_asr, fake_llm, fake_tts
from pipeline.interruption.onset import Onset
from pipeline.llm import history
from pipeline.tools.tool import Tool
from pipeline.tts.phrases import Phrases
from pipeline.turn import Clause, Message, Prompt, Say, Speech, ToolCall, Transcript
from pipeline.weights import cache_dir, find

_LOG = logging.getLogger(__name__)

T = TypeVar("T")


@asynccontextmanager
async def open_asr(settings: AsrSettings) -> AsyncIterator[Engine[Speech, Transcript]]:
    """The transcriber, warmed up.

    Raises:
        WeightsError: its weights are missing or not what they should be.
    """
    async with open_ears(settings) as (engine, _):
        yield engine


@asynccontextmanager
async def open_ears(
    settings: AsrSettings,
) -> AsyncIterator[tuple[Engine[Speech, Transcript], Engine[Onset, float] | None]]:
    """The transcriber, warmed up, and what its encoder makes of onsets: None where the model was
    never fitted to that.

    Raises:
        WeightsError: its weights are missing or not what they should be.
    """
    from pipeline.asr.whisper import whisper_engines

    asr, onsets = whisper_engines(find(settings.model, "whisper"), settings, settings.model)
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(asr)
        await _drain(asr.stream(Speech(np.zeros(LINE_RATE, np.int16), LINE_RATE)))
        if onsets is not None:
            await stack.enter_async_context(onsets)
        yield asr, onsets


@asynccontextmanager
async def open_tts(settings: TtsSettings) -> AsyncIterator[Engine[Clause, AudioFrame]]:
    """The voice, warmed up.

    Raises:
        WeightsError: its weights are missing or not what they should be.
    """
    from pipeline.tts.piper import piper_engine

    folder = find(settings.voice, "voice")
    async with piper_engine(folder, settings) as engine:
        await _drain(engine.stream(Clause("Good morning, how are you today?")))
        yield engine


@asynccontextmanager
async def open_llm(
    url: str, model: str, settings: LlmSettings
) -> AsyncIterator[Engine[Prompt, Say | ToolCall]]:
    """The language model behind the server at ``url``.

    Raises:
        SettingsError: the key's environment variable is named and not set.
    """
    from pipeline.llm.vllm import open_vllm

    key = os.environ.get(settings.api_key_env) if settings.api_key_env else None
    async with open_vllm(url, model, settings, key) as engine:
        yield engine


async def warm_llm(
    engine: Engine[Prompt, Say | ToolCall], settings: Settings, tools: Sequence[Tool]
) -> None:
    """Let the model answer once as it will be asked: in free speech, and with each tool's call.

    This fills the prefixes that all calls share and compiles the grammars. If cancelled, the
    server is as warm as it got.

    Raises:
        EngineFailed: it does not answer.
    """
    specs = tuple(tool.spec for tool in tools)
    offered = specs if settings.llm.tools == "chosen" else ()
    shared = history.preamble(settings.agent, offered)
    await _drain(engine.stream(Prompt((*shared, Message("user", "Hello?")), offered)))
    for tool in tools if not offered else ():
        words = tool.examples[0][0] if tool.examples else "Please do."
        chat = history.call_messages(tool.spec, tool.examples, words)
        await _drain(engine.stream(Prompt(chat, (tool.spec,), must_call=tool.spec.name)))


async def ready_phrases(voice: Engine[Clause, AudioFrame], settings: Settings) -> Phrases:
    """The agent's fixed phrases as audio.

    If cancelled, those that were made stay in the cache.

    Raises:
        EngineFailed: the voice cannot say one of them.
    """
    folder = cache_dir() / "phrases" if settings.engines == "real" else None
    agent = settings.agent
    texts = [agent.greeting, agent.apology, *agent.checking, *agent.thinking, *agent.waiting]
    return await Phrases.make(voice, texts, folder, key=settings.tts.model_dump_json())


def fakes() -> tuple[
    Engine[Speech, Transcript], Engine[Prompt, Say | ToolCall], Engine[Clause, AudioFrame]
]:
    """The three engines of ``engines = "fake"``."""
    return fake_asr(), fake_llm(), fake_tts()


async def _drain(stream: AsyncGenerator[T, None]) -> None:
    async with aclosing(stream):
        async for _ in stream:
            pass
