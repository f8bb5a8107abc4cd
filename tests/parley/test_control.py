"""The control plane over real HTTP: who sees what, and what Twilio is told."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import aiohttp
import pytest
from starlette.requests import Request

from parley.control import ControlServer, create_app
from parley.pages import CLIPS, is_private, read_clips
from pipeline.config import Settings, parse_settings
from pipeline.errors import SettingsError
from telephony.twilio_auth import StreamTokens, signature_of
from tests.parley.desks import CALL, FakeDesk
from tests.telephony.wire import local_settings

Ask = Callable[..., Awaitable[tuple[int, Any]]]
SECRET = "the account's auth token"


def ask_of(
    desk: FakeDesk,
    conversation: Callable[[Ask], Awaitable[None]],
    tokens: StreamTokens | None = None,
) -> None:
    """Run a conversation with the control plane of this desk.

    ``await ask(path, method="GET", **options)`` gives status and body, JSON parsed.
    """

    async def main() -> None:
        app = create_app(desk, tokens or StreamTokens(), media_port=lambda: 8765)
        async with (
            ControlServer(desk.settings, app) as control,
            aiohttp.ClientSession() as session,
        ):

            async def ask(path: str, method: str = "GET", **options: Any) -> tuple[int, Any]:
                url = f"http://127.0.0.1:{control.port}{path}"
                async with session.request(method, url, **options) as response:
                    if response.content_type == "application/json":
                        return response.status, await response.json()
                    return response.status, await response.read()

            await conversation(ask)

    asyncio.run(main())


# -- Health -----------------------------------------------------------------------------------


def test_health_readiness_and_metrics() -> None:
    async def conversation(ask: Ask) -> None:
        assert await ask("/healthz") == (200, {"status": "ok"})
        assert await ask("/readyz") == (200, {"ready": True, "missing": []})
        status, body = await ask("/metrics")
        assert status == 200
        assert b"parley_calls_total 0.0" in body

    ask_of(FakeDesk(), conversation)


def test_readiness_names_what_is_missing() -> None:
    async def conversation(ask: Ask) -> None:
        assert await ask("/readyz") == (503, {"ready": False, "missing": ["llm"]})
        assert (await ask("/healthz"))[0] == 200

    ask_of(FakeDesk(ready={"asr": True, "llm": False}), conversation)


# -- Calls ------------------------------------------------------------------------------------


def test_calls_and_their_recordings(tmp_path: Path) -> None:
    (tmp_path / "CA1.wav").write_bytes(b"RIFF sound")

    async def conversation(ask: Ask) -> None:
        _, calls = await ask("/api/calls")
        assert [(call["id"], call["turns"]) for call in calls] == [("CA1", 2)]
        status, call = await ask("/api/calls/CA1")
        assert (status, call) == (200, CALL | {"recording": "/api/calls/CA1/recording"})
        assert await ask("/api/calls/CA1/recording") == (200, b"RIFF sound")

    ask_of(FakeDesk(recordings=tmp_path), conversation)


def test_what_is_not_there_is_not_found(tmp_path: Path) -> None:
    (tmp_path.parent / "secret.wav").write_bytes(b"RIFF secret")

    async def conversation(ask: Ask) -> None:
        for path in (
            "/api/calls/CA9",
            "/api/calls/CA9/recording",
            "/api/calls/CA1/recording",
            "/api/calls/%2e%2e%2fsecret/recording",
            "/web/nothing.js",
            "/web/%2e%2e%2fcontrol.py",
            "/clips/nothing.wav",
            "/clips/%2e%2e%2f%2e%2e%2fparley%2fnothing.wav",
            "/nothing",
        ):
            assert (await ask(path))[0] == 404, path
        assert (await ask("/api/calls/CA1"))[1]["recording"] is None

    ask_of(FakeDesk(recordings=tmp_path), conversation)


# -- Pages ------------------------------------------------------------------------------------


def test_pages_and_all_that_they_load_are_served_here() -> None:
    async def conversation(ask: Ask) -> None:
        for path in ("/", "/docs", "/web/page.js", "/web/phone-worklet.js", "/web/style.css"):
            status, body = await ask(path)
            assert status == 200
            assert b"https://" not in body
        _, api = await ask("/openapi.json")
        assert {"/api/calls/{call_id}", "/readyz", "/twilio/voice"} <= set(api["paths"])

    ask_of(FakeDesk(), conversation)


def test_recorded_callers_are_listed_with_their_words() -> None:
    async def conversation(ask: Ask) -> None:
        _, clips = await ask("/api/clips")
        assert all(clip["text"] for clip in clips)
        status, body = await ask(clips[0]["url"])
        assert (status, body[:4]) == (200, b"RIFF")

    assert read_clips(CLIPS)
    ask_of(FakeDesk(), conversation)


def test_without_recorded_callers_the_list_is_empty(tmp_path: Path) -> None:
    assert read_clips(tmp_path) == {}


def test_the_page_may_phone_with_a_token_of_its_own() -> None:
    tokens = StreamTokens()

    async def conversation(ask: Ask) -> None:
        status, order = await ask("/api/phone", "POST")
        assert (status, order["url"]) == (200, "ws://127.0.0.1:8765/twilio")
        now = asyncio.get_running_loop().time()
        assert tokens.redeem(order["call_id"], order["parameters"]["token"], now)

    ask_of(FakeDesk(), conversation, tokens)


def request_from(client: str, host: str, server: str = "127.0.0.1", **headers: str) -> Request:
    named = {"host": host, **{name.replace("_", "-"): text for name, text in headers.items()}}
    raw = [(name.encode(), text.encode()) for name, text in named.items()]
    scope = {"type": "http", "client": (client, 5), "server": (server, 8080), "headers": raw}
    return Request(scope | {"scheme": "http", "path": "/", "query_string": b""})


@pytest.mark.parametrize("host", ["127.0.0.1:8080", "localhost:8080", "[::1]:8080", "localhost"])
def test_calls_are_shown_to_this_machine(host: str) -> None:
    assert is_private(request_from("127.0.0.1", host), Settings())


@pytest.mark.parametrize(
    "request_",
    [
        request_from("203.0.113.9", "127.0.0.1:8080", server="10.0.0.1"),
        request_from("203.0.113.9", "10.0.0.1:8080", server="10.0.0.1"),
        request_from("127.0.0.1", "evil.example"),  # DNS rebinding
        request_from("127.0.0.1", "tunnel.example:443"),
        request_from("127.0.0.1", "localhost:8080", x_forwarded_for="203.0.113.9"),
        request_from("127.0.0.1", "localhost:8080", forwarded="for=203.0.113.9"),
        request_from("", ""),
    ],
)
def test_calls_are_shown_to_nobody_else(request_: Request) -> None:
    assert not is_private(request_, Settings())


def test_a_server_on_an_address_of_its_own_is_seen_from_its_own_machine() -> None:
    settings = parse_settings({"server": {"host": "127.0.0.2"}})
    assert is_private(request_from("127.0.0.2", "127.0.0.2:8080", server="127.0.0.2"), settings)


def test_through_a_tunnel_only_the_public_parts_can_be_seen() -> None:
    async def conversation(ask: Ask) -> None:
        elsewhere = {"headers": {"Host": "tunnel.example"}}
        for path in ("/", "/api/calls", "/api/calls/CA1", "/api/calls/CA1/recording", "/api/clips"):
            status, told = await ask(path, **elsewhere)
            assert status == 403
            assert "ssh -L" in told["detail"]
        assert (await ask("/api/phone", "POST", **elsewhere))[0] == 403
        for path in ("/healthz", "/readyz", "/metrics", "/twilio/voice?CallSid=CA1"):
            assert (await ask(path, **elsewhere))[0] == 200

    ask_of(FakeDesk(), conversation)


# -- Twilio's webhook -------------------------------------------------------------------------


@pytest.fixture
def guarded(monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("TEST_AUTH_TOKEN", SECRET)
    server = {"media_port": 0, "control_port": 0}
    twilio = {"auth_token_env": "TEST_AUTH_TOKEN", "public_host": "agent.example"}
    return parse_settings({"server": server, "twilio": twilio})


FORM = {"CallSid": "CA77", "From": "+15125550100", "To": "+15125550199", "Direction": "inbound"}


def stream_of(twiml: bytes) -> tuple[str, dict[str, str]]:
    """URL and parameters of the stream that TwiML opens."""
    stream = ElementTree.fromstring(twiml).find("Connect/Stream")
    assert stream is not None
    passed = {one.attrib["name"]: one.attrib["value"] for one in stream.findall("Parameter")}
    return stream.attrib["url"], passed


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_call_is_sent_to_the_media_door_with_a_token(method: str) -> None:
    tokens = StreamTokens()

    async def conversation(ask: Ask) -> None:
        where: dict[str, Any] = {"params": FORM} if method == "GET" else {"data": FORM}
        status, twiml = await ask("/twilio/voice", method, **where)
        url, passed = stream_of(twiml)
        assert (status, url) == (200, "ws://127.0.0.1:8765/twilio")
        assert passed["phone"] == "+15125550100"
        assert tokens.redeem("CA77", passed["token"], asyncio.get_running_loop().time())

    ask_of(FakeDesk(), conversation, tokens)


@pytest.mark.parametrize(
    ("changed", "phone"),
    [
        ({"Direction": "outbound-api"}, "+15125550199"),
        ({"From": "anonymous"}, None),
        ({"From": 'client:<&">'}, None),
        ({"From": ""}, None),
    ],
)
def test_the_other_partys_number_is_passed_where_it_is_one(
    changed: dict[str, str], phone: str | None
) -> None:
    async def conversation(ask: Ask) -> None:
        _, twiml = await ask("/twilio/voice", "POST", data=FORM | changed)
        assert stream_of(twiml)[1].get("phone") == phone

    ask_of(FakeDesk(), conversation)


def test_with_an_auth_token_the_webhook_must_be_signed(guarded: Settings) -> None:
    url = "https://agent.example/twilio/voice"

    async def conversation(ask: Ask) -> None:
        signed = {"X-Twilio-Signature": signature_of(SECRET, url, FORM.items())}
        status, twiml = await ask("/twilio/voice", "POST", data=FORM, headers=signed)
        assert (status, stream_of(twiml)[0]) == (200, "wss://agent.example/twilio")
        by_get = {"X-Twilio-Signature": signature_of(SECRET, url + "?CallSid=CA77&a=%2B1")}
        assert (await ask("/twilio/voice?CallSid=CA77&a=%2B1", headers=by_get))[0] == 200
        with_port = signature_of(SECRET, url.replace("example", "example:443"), FORM.items())
        headers = {"X-Twilio-Signature": with_port}
        assert (await ask("/twilio/voice", "POST", data=FORM, headers=headers))[0] == 200

        for form, headers in (
            (FORM, {}),
            (FORM, {"X-Twilio-Signature": "bad"}),
            (FORM | {"CallSid": "CA78"}, signed),
            (FORM | {"More": ""}, signed),
        ):
            assert (await ask("/twilio/voice", "POST", data=form, headers=headers))[0] == 403
        assert (await ask("/twilio/voice?a=1", "POST", data=FORM, headers=signed))[0] == 403

    ask_of(FakeDesk(guarded), conversation)


def test_who_calls_before_we_are_ready_hears_the_busy_tone() -> None:
    async def conversation(ask: Ask) -> None:
        status, twiml = await ask("/twilio/voice", "POST", data=FORM)
        assert (status, b'<Reject reason="busy"/>' in twiml) == (200, True)

    ask_of(FakeDesk(ready={"llm": False}), conversation)


def test_more_calls_than_can_wait_hear_the_busy_tone() -> None:
    async def conversation(ask: Ask) -> None:
        for call_sid, verb in (("CA1", "Connect"), ("CA2", "Reject"), ("CA1", "Connect")):
            _, twiml = await ask("/twilio/voice", "POST", data=FORM | {"CallSid": call_sid})
            assert ElementTree.fromstring(twiml)[0].tag == verb

    ask_of(FakeDesk(), conversation, StreamTokens(capacity=1))


def test_what_twilio_would_not_send_is_refused() -> None:
    async def conversation(ask: Ask) -> None:
        assert (await ask("/twilio/voice", "POST", data=b""))[0] == 400
        assert (await ask("/twilio/voice", "POST", data={"CallSid": "../x"}))[0] == 400
        assert (await ask("/twilio/voice", "POST", data=b"\xff\x00" * 50))[0] == 400
        assert (await ask("/twilio/voice", "POST", data=b"a=1&" * 500))[0] == 413
        assert (await ask("/twilio/voice", "POST", data=b"x" * 200_000))[0] == 413

    ask_of(FakeDesk(), conversation)


# -- The server -------------------------------------------------------------------------------


def test_a_port_in_use_names_the_setting() -> None:
    async def main() -> None:
        desk = FakeDesk()
        app = create_app(desk, StreamTokens())
        async with ControlServer(desk.settings, app) as control:
            taken = local_settings(control_port=control.port)
            with pytest.raises(SettingsError, match=r"server\.control_port"):
                await ControlServer(taken, app).__aenter__()

    asyncio.run(main())


def test_signals_stay_with_the_server() -> None:
    before = signal.getsignal(signal.SIGTERM)

    async def conversation(ask: Ask) -> None:
        await ask("/healthz")
        assert signal.getsignal(signal.SIGTERM) is before

    ask_of(FakeDesk(), conversation)


def test_leaving_closes_the_port_and_leaves_no_task() -> None:
    async def main() -> None:
        desk = FakeDesk()
        async with ControlServer(desk.settings, create_app(desk, StreamTokens())) as control:
            port = control.port
        assert asyncio.all_tasks() == {asyncio.current_task()}
        with pytest.raises(OSError, match="Connect call failed"):
            await asyncio.open_connection("127.0.0.1", port)

    asyncio.run(main())


def test_an_error_of_the_servers_owner_passes_as_it_is() -> None:
    async def main() -> None:
        desk = FakeDesk()
        async with ControlServer(desk.settings, create_app(desk, StreamTokens())):
            raise KeyError("the owner's")

    with pytest.raises(KeyError, match="owner"):
        asyncio.run(main())
