"""The whole server with every part real: PostgreSQL, vLLM, Whisper, Piper, websockets, a human.

One server serves the module, because it takes half a minute to start; the last test kills it.
"""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import jiwer
import numpy as np
import psutil
import pytest

from bench.caller import CallOrder, CallRecord, LineNoise, place_call
from bench.corpus import Clip, speech_clips
from bench.ledger import fetch_ended
from pipeline.asr.whisper import Whisper
from pipeline.audio import LINE_RATE
from pipeline.config import AsrSettings, LlmSettings, TtsSettings
from pipeline.llm.vllm import open_vllm
from pipeline.tools.crm import DEMO_PHONE
from pipeline.tts.piper import Piper
from pipeline.turn import MARKS, Message, Prompt, Say, Speech, ToolCall, ToolSpec
from pipeline.weights import find

pytestmark = pytest.mark.real

START_S = 240.0


@dataclass(frozen=True, slots=True)
class Server:
    process: subprocess.Popen[bytes]
    media: str
    control: str
    llm: str
    log: Path


def free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    for opened in sockets:
        opened.bind(("127.0.0.1", 0))
    ports = [opened.getsockname()[1] for opened in sockets]
    for opened in sockets:
        opened.close()
    return ports


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("server")
    media, control, llm = free_ports(3)
    config = folder / "test.toml"
    config.write_text(
        f"[server]\nmedia_port = {media}\ncontrol_port = {control}\n"
        f'record_dir = "{folder}/recordings"\n'
        f'[llm]\nport = {llm}\n[database]\ndata_dir = "{folder}/postgres"\n'
    )
    log = folder / "server.log"
    command = [sys.executable, "-m", "parley", "serve", "--config", str(config)]
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output)
    served = Server(
        process,
        f"ws://127.0.0.1:{media}/twilio",
        f"http://127.0.0.1:{control}",
        f"http://127.0.0.1:{llm}/v1",
        log,
    )
    try:
        asyncio.run(wait_ready(served))
        yield served
    finally:
        process.terminate()
        process.wait(60)


async def wait_ready(server: Server) -> None:
    deadline = time.monotonic() + START_S
    async with aiohttp.ClientSession() as session:
        while time.monotonic() < deadline and server.process.poll() is None:
            try:
                async with session.get(f"{server.control}/readyz") as response:
                    if response.status == 200:
                        return
            except aiohttp.ClientError:
                pass
            await asyncio.sleep(0.5)
    raise AssertionError(f"the server did not get ready:\n{server.log.read_text()[-3000:]}")


def phone(server: Server, call_id: str, clips: list[Clip]) -> tuple[CallRecord, dict[str, Any]]:
    """Hold a call; returns the caller's record and the server's."""

    async def main() -> tuple[CallRecord, dict[str, Any]]:
        order = CallOrder(call_id, clips, parameters={"phone": DEMO_PHONE}, keep=True)
        record = await place_call(server.media, order, LineNoise())
        async with aiohttp.ClientSession() as session:
            ended = await fetch_ended(session, server.control, call_id)
        assert ended is not None
        return record, dict(ended)

    return asyncio.run(main())


def words(text: str) -> str:
    return " ".join("".join(char if char.isalnum() else " " for char in text).lower().split())


def human_clips(*names: str) -> list[Clip]:
    clips = {clip.name: clip for clip in speech_clips()}
    return [clips[name] for name in names]


def said_by_piper(text: str) -> Clip:
    """A caller's line for which there is no recording."""
    voice = Piper(find("en_US-joe-medium", "voice"), TtsSettings(speed=0.9))
    pcm = np.concatenate([frame.pcm for frame in voice.synthesise(text)])
    return Clip("piper", pcm, text)


def test_a_human_is_understood_and_answered_and_the_ledger_says_when(server: Server) -> None:
    clips = human_clips("nobody-available", "who-sent-this")
    record, call = phone(server, "CAhuman", clips)
    assert record.all_answered, record.as_json()
    turns = [turn for turn in call["turns"] if turn["caller"]]
    assert len(turns) == len(clips)
    for turn, clip in zip(turns, clips, strict=True):
        assert jiwer.wer(words(clip.text), words(turn["caller"])) <= 0.2
        assert turn["heard"] == turn["agent"] != ""
        assert turn["failures"] == []
        assert set(MARKS) - {"verdict"} <= set(turn["marks"])
        assert 0 < turn["marks"]["soft_end"] < turn["marks"]["sent"] < 10


def test_the_agent_says_aloud_what_the_record_says_that_it_said(server: Server) -> None:
    record, call = phone(server, "CAheard", human_clips("did-not-understand"))
    assert record.sound is not None
    # Another model than the one that was used in the call listens.
    other = Whisper(
        find("whisper-tiny.en", "whisper"), AsrSettings(model="whisper-tiny.en"), "whisper-tiny.en"
    )
    heard = other.transcribe(Speech(record.sound[1], LINE_RATE)).text
    written = " ".join(turn["agent"] for turn in call["turns"])
    assert jiwer.wer(words(written), words(heard)) <= 0.35, (written, heard)


def test_a_callback_asked_for_in_speech_is_written_and_confirmed_in_speech(server: Server) -> None:
    line = said_by_piper("Please call me back tomorrow at three in the afternoon.")
    record, call = phone(server, "CAcallback", [line])
    assert record.all_answered, record.as_json()
    turn = call["turns"][-1]
    (tool,) = turn["tools"]
    assert tool["name"] == "schedule_callback"
    assert tool["committed"]
    assert tool["resolved"]["at"].endswith("T15:00")
    assert "3 PM" in turn["heard"]


def test_a_call_leaves_its_recording(server: Server) -> None:
    async def main() -> bytes:
        async with (
            aiohttp.ClientSession() as session,
            session.get(f"{server.control}/api/calls/CAcallback/recording") as response,
        ):
            assert response.status == 200
            return await response.read()

    assert asyncio.run(main())[:4] == b"RIFF"


def test_vllm_constrains_a_call_that_is_chosen_and_one_that_is_demanded(server: Server) -> None:
    schema = {
        "type": "object",
        "properties": {"colour": {"enum": ["red", "green"]}},
        "required": ["colour"],
        "additionalProperties": False,
    }
    paint = ToolSpec("paint", "Paint it.", schema)
    shown = '<tool_call>{"name": "paint", "arguments": {"colour": "blue"}}</tool_call>'
    chat = [Message("system", "Call paint."), Message("user", "Blue."), Message("assistant", shown)]
    chat = [*chat, *chat[1:], Message("user", "Blue.")]

    async def ask(must_call: str | None) -> list[Say | ToolCall]:
        prompt = Prompt(tuple(chat), (paint,), must_call)
        async with open_vllm(server.llm, "smollm2-135m-instruct", LlmSettings()) as engine:
            return [piece async for piece in engine.stream(prompt)]

    for must_call in ("paint", None):
        calls = [p for p in asyncio.run(ask(must_call)) if isinstance(p, ToolCall)]
        # "Blue" is what every example says and the schema does not allow.
        assert [call.arguments["colour"] in ("red", "green") for call in calls] == [True]


def test_a_model_server_that_dies_costs_turns_and_is_started_again(server: Server) -> None:
    family = psutil.Process(server.process.pid).children(recursive=True)
    for child in family:
        if "vllm" in " ".join(child.cmdline()):
            child.kill()
    record, call = phone(server, "CAoutage", human_clips("who-sent-this"))
    assert record.all_answered, record.as_json()
    turn = call["turns"][-1]
    assert turn["failures"][0].startswith("vllm")
    assert turn["heard"] == "Sorry, I missed that. Could you say it again?"
    asyncio.run(wait_ready(server))
    record, call = phone(server, "CAagain", human_clips("who-sent-this"))
    assert call["turns"][-1]["failures"] == []


def test_sigkill_of_the_server_leaves_none_of_its_children(server: Server) -> None:
    family = psutil.Process(server.process.pid).children(recursive=True)
    assert any("vllm" in " ".join(child.cmdline()) for child in family)
    os.kill(server.process.pid, signal.SIGKILL)
    _, alive = psutil.wait_procs(family, timeout=30)
    assert alive == []
