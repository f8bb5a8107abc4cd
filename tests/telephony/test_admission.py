"""Who is let in, decided from requests written down as literals."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from pipeline.config import Settings, parse_settings
from telephony.admission import Admission, page_origins
from telephony.twilio_auth import signature_of

PAGE = "http://127.0.0.1:8080"
SECRET = "the account's auth token"


@pytest.fixture
def guarded(monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("TEST_AUTH_TOKEN", SECRET)
    twilio = {"auth_token_env": "TEST_AUTH_TOKEN", "public_host": "agent.example"}
    return parse_settings({"server": {"host": "0.0.0.0"}, "twilio": twilio})


def why(
    settings: Settings,
    headers: Mapping[str, str] | None = None,
    target: str = "/twilio",
    live: int = 0,
    draining: bool = False,
) -> str | None:
    given: dict[str, Any] = {name: [value] for name, value in (headers or {}).items()}
    refusal = Admission(settings, [PAGE]).refusal(
        target, lambda name: given.get(name, []), live=live, draining=draining
    )
    return refusal.why if refusal else None


def test_a_local_server_lets_in_who_comes_without_an_origin() -> None:
    assert why(Settings()) is None
    assert not Admission(Settings(), []).needs_token


@pytest.mark.parametrize("target", ["/", "/twilio/", "/twilio/voice", "/Twilio", "", "twilio", "*"])
def test_calls_come_in_at_one_path(target: str) -> None:
    assert why(Settings(), target=target) == "path"


def test_a_query_string_does_not_matter() -> None:
    assert why(Settings(), target="/twilio?a=1") is None


def test_the_last_place_is_given_and_no_more() -> None:
    settings = parse_settings({"server": {"max_calls": 3}})
    assert why(settings, live=2) is None
    assert why(settings, live=3) == "full"


def test_nobody_is_let_in_while_draining() -> None:
    assert why(Settings(), draining=True) == "draining"


def test_of_web_pages_only_our_own_may_call() -> None:
    assert why(Settings(), {"Origin": PAGE}) is None
    for origin in ("https://evil.example", "null", "", "http://127.0.0.1:9999", PAGE + ".evil"):
        assert why(Settings(), {"Origin": origin}) == "origin"


def test_two_origins_must_both_be_ours() -> None:
    headers = {"Origin": [PAGE, "https://evil.example"]}
    refusal = Admission(Settings(), [PAGE]).refusal(
        "/twilio", lambda name: headers.get(name, []), live=0, draining=False
    )
    assert refusal is not None
    assert refusal.why == "origin"


def test_our_pages_have_the_control_doors_origin() -> None:
    assert page_origins(Settings(), 8080) == {
        "http://127.0.0.1:8080",
        "http://localhost:8080",
        "http://[::1]:8080",
    }


@pytest.mark.parametrize("url", ["wss://agent.example/twilio", "wss://agent.example:443/twilio"])
def test_beyond_loopback_twilio_is_known_by_its_signature(guarded: Settings, url: str) -> None:
    headers = {"X-Twilio-Signature": signature_of(SECRET, url), "Host": "10.0.0.1:8765"}
    assert why(guarded, headers) is None
    assert Admission(guarded, []).needs_token


@pytest.mark.parametrize(
    "signature",
    ["", "nonsense", "ü", signature_of(SECRET, "wss://other.example/twilio")],
)
def test_a_wrong_signature_is_refused(guarded: Settings, signature: str) -> None:
    assert why(guarded, {"X-Twilio-Signature": signature}) == "signature"
    assert why(guarded, {}) == "signature"


def test_without_a_public_host_the_host_header_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEST_AUTH_TOKEN", SECRET)
    settings = parse_settings({"twilio": {"auth_token_env": "TEST_AUTH_TOKEN"}})
    headers = {
        "Host": "tunnel.example:8443",
        "X-Twilio-Signature": signature_of(SECRET, "wss://tunnel.example:8443/twilio"),
    }
    assert why(settings, headers) is None
    assert why(settings, headers | {"Host": "other.example"}) == "signature"


def test_our_own_page_need_not_sign_but_will_have_to_show_a_token(guarded: Settings) -> None:
    assert why(guarded, {"Origin": PAGE}) is None
    assert Admission(guarded, []).needs_token
