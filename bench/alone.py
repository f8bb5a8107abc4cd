"""Each engine opened alone, and what it is asked when it is measured."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import TypeVar

import aiohttp
from rich.console import Console

from bench.corpus import speech_clips
from bench.under_test import ServerFailed, own_server
from pipeline.audio import LINE_RATE, AudioFrame
from pipeline.build import fakes, open_asr, open_llm, open_tts
from pipeline.config import Settings
from pipeline.engine import Engine
from pipeline.llm import history
from pipeline.turn import Clause, Prompt, Say, Speech, ToolCall, Transcript

T = TypeVar("T")


class EngineName(StrEnum):
    """The engines that can be measured alone."""

    ASR = "asr"
    LLM = "llm"
    TTS = "tts"


_SENTENCES = (
    "Sure, I can help with that.",
    "We bring fresh coffee and the machines to make it, every week.",
    "May I ask how many people work in your office?",
    "That is completely up to you, there is no contract to sign.",
    "The first month is free, and you can stop whenever you like.",
    "I have Tuesday at ten, or Thursday at half past two.",
    "Thank you, I have written that down.",
    "Our roaster is about an hour away, so the beans are never older than a week.",
    "Would you like me to send you the prices by email?",
    "I'm sorry to hear that, what went wrong with the last one?",
    "Yes, I am an AI assistant, and I am calling for Northwind Coffee.",
    "Most of our customers start with one machine and add a second one later.",
    "Of course, a colleague of mine can call you back tomorrow morning.",
    "It costs less than a cup from the shop across the street.",
    "Could you spell the address for me, please?",
    "Then I will not keep you any longer, have a good day.",
)
"""Replies of usual length for the voice: 27 to 78 letters."""


@asynccontextmanager
async def alone_asr(settings: Settings) -> AsyncIterator[Engine[Speech, Transcript]]:
    """The transcriber of the settings. If cancelled, it is closed.

    Raises:
        WeightsError: its weights are missing or not what they should be.
    """
    if settings.engines == "fake":
        yield fakes()[0]
        return
    async with open_asr(settings.asr) as engine:
        yield engine


@asynccontextmanager
async def alone_tts(settings: Settings) -> AsyncIterator[Engine[Clause, AudioFrame]]:
    """The voice of the settings. If cancelled, it is closed.

    Raises:
        WeightsError: its weights are missing or not what they should be.
    """
    if settings.engines == "fake":
        yield fakes()[2]
        return
    async with open_tts(settings.tts) as engine:
        yield engine


@asynccontextmanager
async def alone_llm(
    settings: Settings, config: Path, folder: Path, console: Console
) -> AsyncIterator[Engine[Prompt, Say | ToolCall]]:
    """The model server of the settings; without one, that of a whole server of ours, idle.

    If cancelled, both are closed.

    Raises:
        ServerFailed: that server did not come up.
    """
    if settings.engines == "fake":
        yield fakes()[1]
        return
    async with AsyncExitStack() as stack:
        url, model = settings.llm.url, settings.llm.model
        if url is None:
            server = await stack.enter_async_context(
                own_server(config, folder / "server.log", console)
            )
            url, model = await _find_model_server(server.listening("vllm"))
        yield await stack.enter_async_context(open_llm(url, model, settings.llm))


async def _find_model_server(ports: Sequence[int]) -> tuple[str, str]:
    """Address and model of the one port that speaks OpenAI's protocol."""
    timeout = aiohttp.ClientTimeout(total=2.0)
    async with aiohttp.ClientSession(timeout=timeout) as session:
        for port in ports:
            url = f"http://127.0.0.1:{port}/v1"
            try:
                async with session.get(f"{url}/models") as response:
                    models = await response.json()
                    return url, models["data"][0]["id"]
            except (aiohttp.ClientError, TimeoutError, ValueError, KeyError, TypeError):
                continue
    raise ServerFailed("the server runs, but none of its children is a vLLM that answers")


def _round(items: Sequence[T]) -> Iterator[T]:
    while True:
        yield from items


def replies() -> Iterator[Clause]:
    """Sentences for the voice; no two alike, because it remembers the sound of what it said."""
    for number, sentence in enumerate(_round(_SENTENCES)):
        yield Clause(f"{sentence} That is number {number}.")


def utterances() -> Iterator[Speech]:
    """Human speech for the transcriber, round and round."""
    return _round([Speech(clip.pcm, LINE_RATE) for clip in speech_clips()])


def prompts(settings: Settings) -> Iterator[Prompt]:
    """What a first turn asks of the model: the shared part, then a contact, then the caller."""
    shared = history.preamble(settings.agent, ())
    now = datetime.now(UTC)
    texts = _round([clip.text for clip in speech_clips()])
    for number, text in enumerate(texts):
        facts = history.call_facts({"name": f"Caller {number}", "company": "Hillside Dental"}, now)
        yield Prompt(history.messages(shared, facts, (), text))


def seconds_of_speech(item: Speech | Transcript) -> float:
    """Sound that a transcriber reads."""
    return item.duration if isinstance(item, Speech) else 0.0


def seconds_of_frame(item: Clause | AudioFrame) -> float:
    """Sound that a voice makes."""
    return item.duration if isinstance(item, AudioFrame) else 0.0
