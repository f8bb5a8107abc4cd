"""The caller against a server whose delays are known: a probe that is right is itself tested.

The server here does not use the caller's own ear: it takes a frame for speech when its mu-law bytes
say so, and counts from that frame's arrival.
"""

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from typing import Any

import numpy as np
import pytest
from websockets.asyncio.server import ServerConnection, serve

from bench.caller import CallOrder, CallRecord, LineNoise, hold_call, place_call
from bench.corpus import Clip
from bench.exchange import Manners
from telephony.g711 import ulaw_decode, ulaw_encode
from tests.bench.sounds import silence, tone
from tests.clock import run

# Its last audible sample lies 13 ms into a frame.
CLIP = Clip("clip", np.concatenate([silence(0.1), tone(0.993), silence(0.107)]))
NOISE = LineNoise()


class Agent:
    """A server in the small: greets, answers ``delay_s`` after the caller's last loud frame, and
    clears ``hush_s`` after being interrupted. Told what arrived; tells what to send."""

    def __init__(self, delay_s: float = 0.8, hush_s: float = 0.4, reply_s: float = 2.0) -> None:
        self.delay_s = delay_s
        self.hush_s = hush_s
        self.reply_s = reply_s
        self.messages: list[dict[str, Any]] = []
        self._sid = ""
        # When the caller's voice was first and last noticed in this turn; when our reply ends.
        self._voice: tuple[float, float] | None = None
        self._until = 0.0

    def told(self, text: str, now: float) -> list[dict[str, Any]]:
        message = json.loads(text)
        self.messages.append(message)
        match message["event"]:
            case "start":
                self._sid = message["streamSid"]
                return self._say(0.3, "greeting", now)
            case "media":
                return self._hear(message["media"]["payload"], now)
        return []

    def _hear(self, payload: str, now: float) -> list[dict[str, Any]]:
        if np.abs(ulaw_decode(base64.b64decode(payload))).max() > 1000:
            self._voice = (self._voice[0] if self._voice else now, now)
        if self._voice is None:
            return []
        if now < self._until:
            if now - self._voice[0] < self.hush_s - 1e-6:
                return []
            self._until = now
            return [{"event": "clear", "streamSid": self._sid}]
        if now - self._voice[1] < self.delay_s - 1e-6:
            return []
        self._voice = None
        return self._say(self.reply_s, "reply", now)

    def _say(self, seconds: float, name: str, now: float) -> list[dict[str, Any]]:
        self._until = now + seconds
        payload = base64.b64encode(ulaw_encode(tone(seconds))).decode()
        return [
            {"event": "media", "streamSid": self._sid, "media": {"payload": payload}},
            {"event": "mark", "streamSid": self._sid, "mark": {"name": name}},
        ]


class VirtualWire:
    """Both ends of a socket without delay, on the loop's clock."""

    def __init__(self, agent: Agent) -> None:
        self._agent = agent
        self._waiting: asyncio.Queue[str | None] = asyncio.Queue()

    async def send(self, message: str) -> None:
        for answer in self._agent.told(message, asyncio.get_running_loop().time()):
            self._waiting.put_nowait(json.dumps(answer))

    def hang_up(self) -> None:
        self._waiting.put_nowait(None)

    async def __aiter__(self) -> AsyncIterator[str | bytes]:
        while (text := await self._waiting.get()) is not None:
            yield text


def call(
    agent: Agent, clips: int = 2, manners: Manners | None = None, keep: bool = False
) -> CallRecord:
    """A whole call on a jumping clock."""

    async def hold() -> CallRecord:
        clock = asyncio.get_running_loop().time
        order = CallOrder("CAtest", [CLIP] * clips, manners or Manners(), keep=keep)
        wire = VirtualWire(agent)
        return await hold_call(wire, order, NOISE, lambda event: None, clock=clock, connect_s=0.0)

    return run(hold())


@pytest.mark.parametrize("delay_s", [0.1, 0.8, 3.0])
def test_a_delay_is_read_as_that_delay_and_at_most_two_frames_more(delay_s: float) -> None:
    record = call(Agent(delay_s))
    for exchange in record.exchanges:
        assert exchange.v2v_s is not None
        assert delay_s <= exchange.v2v_s <= delay_s + 0.04
        assert exchange.answer_s == pytest.approx(2.0, abs=0.01)
    assert record.all_answered
    assert record.problem is None


def test_a_clear_400_ms_after_an_interruption_is_read_as_such() -> None:
    record = call(Agent(hush_s=0.4), clips=3, manners=Manners(barge_in_s=1.0))
    first, second, third = record.exchanges
    assert first.hushed_s is None
    for interrupting in (second, third):
        assert interrupting.hushed_s is not None
        assert 0.4 <= interrupting.hushed_s <= 0.44
        assert interrupting.cut_ins == 0
    assert first.answer_s == pytest.approx(1.0, abs=0.04)


def test_marks_come_back_when_their_sound_was_played_and_not_before() -> None:
    agent = Agent()
    record = call(agent, clips=1)
    kinds = [m["event"] for m in agent.messages]
    frames_before_mark = kinds[: kinds.index("mark")].count("media")
    assert frames_before_mark == pytest.approx(0.3 / 0.02, abs=1)
    assert kinds[-1] == "stop"
    assert record.greeting_s == pytest.approx(0.0, abs=0.001)


def test_frames_keep_their_schedule_from_the_answer_to_the_end() -> None:
    agent = Agent()
    record = call(agent)
    media = [m["media"] for m in agent.messages if m["event"] == "media"]
    assert [int(m["timestamp"]) for m in media] == [20 * index for index in range(len(media))]
    assert record.pacing.frames == len(media)
    assert record.pacing.worst_ms < 1
    assert record.duration_s == pytest.approx(len(media) * 0.02)


def test_an_agent_that_never_answers_leaves_the_clip_unanswered() -> None:
    record = call(Agent(delay_s=1e9), clips=1, manners=Manners(patience_s=3.0))
    assert not record.all_answered
    assert not record.exchanges[0].answered


def test_the_recording_holds_both_sides_aligned() -> None:
    record = call(Agent(), clips=1, keep=True)
    assert record.sound is not None
    caller, agent = record.sound
    assert len(caller) == len(agent) == round(record.duration_s * 8000)
    [exchange] = record.exchanges
    assert exchange.v2v_s is not None
    last_spoken = np.flatnonzero(np.abs(caller) > 4000)[-1] / 8000
    answer = agent.copy()
    answer[: round(exchange.spoke_until * 8000)] = 0
    first_heard = np.flatnonzero(answer)[0] / 8000
    assert first_heard - last_spoken == pytest.approx(exchange.v2v_s, abs=0.001)


def test_a_server_that_hangs_up_ends_the_call_with_the_reason() -> None:
    class Rude(Agent):
        wire: VirtualWire

        def told(self, text: str, now: float) -> list[dict[str, Any]]:
            if now > 3.0:
                self.wire.hang_up()
            return super().told(text, now)

    async def hold() -> CallRecord:
        agent = Rude()
        agent.wire = VirtualWire(agent)
        clock = asyncio.get_running_loop().time
        order = CallOrder("CAtest", [CLIP] * 3)
        return await hold_call(
            agent.wire, order, NOISE, lambda event: None, clock=clock, connect_s=0.0
        )

    record = run(hold())
    assert record.problem == "the server hung up"
    assert record.unasked == 2
    assert not record.all_answered


def test_a_server_that_breaks_the_protocol_is_named_as_the_reason() -> None:
    class Broken(Agent):
        def told(self, text: str, now: float) -> list[dict[str, Any]]:
            super().told(text, now)
            return [] if now < 1.0 else [{"event": "surprise", "streamSid": self._sid}]

    record = call(Broken())
    assert record.problem is not None
    assert "surprise" in record.problem


def test_over_a_real_socket_a_delay_of_300_ms_is_read_as_300_to_360() -> None:
    # The one test in real time; 20 ms more than on the jumping clock, and what the
    # caller says of its own lateness, are left to a busy machine.
    agent = Agent(delay_s=0.3, reply_s=0.3)
    manners = Manners(quiet_s=0.3, patience_s=3.0)

    async def answer(socket: ServerConnection) -> None:
        clock = asyncio.get_running_loop().time
        async for text in socket:
            for message in agent.told(str(text), clock()):
                await socket.send(json.dumps(message))

    async def main() -> CallRecord:
        async with serve(answer, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            order = CallOrder("CAtest", [CLIP], manners)
            return await place_call(f"ws://127.0.0.1:{port}/twilio", order, NOISE)

    record = asyncio.run(main())
    assert record.problem is None
    [exchange] = record.exchanges
    assert exchange.v2v_s is not None
    own_lateness_s = record.pacing.worst_ms / 1000
    assert 0.3 <= exchange.v2v_s <= 0.36 + own_lateness_s
    assert agent.messages[-1]["event"] == "stop"


def test_a_door_that_is_shut_is_a_record_and_no_exception() -> None:
    order = CallOrder("CAtest", [CLIP])
    record = asyncio.run(place_call("ws://127.0.0.1:9/twilio", order, NOISE))
    assert record.problem is not None
    assert record.problem.startswith("no call came about")
    assert record.unasked == 1
