"""``parley call`` over real sockets: a small server with both of its doors."""

import asyncio
import io
import json
import wave
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import web
from rich.console import Console
from websockets.asyncio.server import ServerConnection, serve

from bench.exchange import Manners
from bench.phone import PhoneCall, hold_phone_call, run_call
from bench.recording import write_call
from pipeline.errors import SettingsError
from tests.bench.sounds import tone
from tests.bench.test_caller import CLIP, Agent

TURNS = [
    {"caller": None, "agent": "Hi.", "marks": {"sent": 0.0}},
    {"caller": "Tell me more.", "agent": "Gladly [sic].", "marks": {"soft_end": 0.1, "sent": 0.3}},
]


@asynccontextmanager
async def doors():
    """The addresses of a media socket and of a control plane that knows every call."""

    async def answer(socket: ServerConnection) -> None:
        agent, clock = Agent(delay_s=0.2, reply_s=0.2), asyncio.get_running_loop().time
        async for text in socket:
            for message in agent.told(str(text), clock()):
                await socket.send(json.dumps(message))

    async def show(request: web.Request) -> web.Response:
        return web.json_response({"turns": TURNS, "ended_at": "2026-01-01T00:00:00Z"})

    app = web.Application()
    app.router.add_get("/api/calls/{id}", show)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    async with serve(answer, "127.0.0.1", 0) as server:
        media = server.sockets[0].getsockname()[1]
        control = runner.addresses[0][1]
        yield f"ws://127.0.0.1:{media}/twilio", f"http://127.0.0.1:{control}"
    await runner.cleanup()


def test_a_call_is_told_with_the_words_of_both_sides_and_the_ledger() -> None:
    console = Console(file=io.StringIO(), width=200)

    async def main():
        async with doors() as (media, control):
            manners = Manners(quiet_s=0.3, patience_s=3.0)
            order = PhoneCall(media, [], control=control, manners=manners)
            return await hold_phone_call(order, [CLIP], console)

    record, ledger = asyncio.run(main())
    told = console.file.getvalue()
    assert record.all_answered
    assert ledger == TURNS[1:]
    assert 'caller: "Tell me more."' in told
    assert 'agent:  "Gladly [sic]."' in told
    assert "soft end +100  sent +300" in told
    assert "1 of 1 answered" in told


def test_json_is_all_that_stdout_gets_and_the_exit_code_says_that_nobody_answered(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wav = tmp_path / "a.wav"
    write_call(wav, tone(0.5), tone(0.5))
    order = PhoneCall("ws://127.0.0.1:9/twilio", [wav], control="http://127.0.0.1:9")
    assert run_call(order, as_json=True) == 1
    [line] = capsys.readouterr().out.splitlines()
    document = json.loads(line)
    assert document["unasked"] == 1
    assert document["problem"].startswith("no call came about")


def test_a_wav_that_cannot_be_read_stops_the_call_before_it_is_placed(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"missing\.wav"):
        run_call(PhoneCall("ws://127.0.0.1:9/twilio", [tmp_path / "missing.wav"]))


def test_a_recording_has_the_caller_left_and_the_agent_right(tmp_path: Path) -> None:
    path = tmp_path / "calls" / "a.wav"
    write_call(path, tone(0.2, peak=1000), tone(0.1, peak=2000))
    with wave.open(str(path)) as file:
        assert (file.getnchannels(), file.getframerate(), file.getnframes()) == (2, 8000, 1600)
        left, right = file.readframes(1)[:2], file.readframes(1)[2:]
    assert abs(int.from_bytes(left, "little", signed=True)) == 1000
    assert abs(int.from_bytes(right, "little", signed=True)) == 2000
