"""Signatures as Twilio makes them, and tokens that open one stream of one call once."""

from __future__ import annotations

import pytest

from telephony.twilio_auth import StreamTokens, candidate_urls, is_signed, signature_of

# The worked example of Twilio's security documentation.
AUTH = "12345"
URL = "https://mycompany.com/myapp.php?foo=1&bar=2"
FORM = [
    ("CallSid", "CA1234567890ABCDE"),
    ("Caller", "+14158675309"),
    ("Digits", "1234"),
    ("From", "+14158675309"),
    ("To", "+18005551212"),
]
SIGNATURE = "RSOYDt4T1cUTdK1PDd93/VVr8B8="


def test_twilios_own_example() -> None:
    assert signature_of(AUTH, URL, FORM) == SIGNATURE
    assert is_signed(AUTH, SIGNATURE, [URL], FORM)


def test_the_order_of_the_form_and_repeats_do_not_matter() -> None:
    assert signature_of(AUTH, URL, [*reversed(FORM), FORM[0]]) == SIGNATURE


@pytest.mark.parametrize(
    ("auth", "signature", "url", "form"),
    [
        ("12346", SIGNATURE, URL, FORM),
        (AUTH, SIGNATURE, URL + "&baz=3", FORM),
        (AUTH, SIGNATURE, URL.replace("https", "http"), FORM),
        (AUTH, SIGNATURE, URL, FORM[1:]),
        (AUTH, SIGNATURE, URL, [*FORM, ("Extra", "")]),
        (AUTH, SIGNATURE, URL, [("CallSid", "CA0"), *FORM[1:]]),
        (AUTH, "", URL, FORM),
        (AUTH, "ü", URL, FORM),
        (AUTH, SIGNATURE[:-1], URL, FORM),
        (AUTH, SIGNATURE.lower(), URL, FORM),
    ],
)
def test_anything_changed_breaks_the_signature(auth, signature, url, form) -> None:
    assert not is_signed(auth, signature, [url], form)


def test_urls_are_tried_with_and_without_port() -> None:
    assert candidate_urls(["wss"], "agent.example", "/twilio") == [
        "wss://agent.example/twilio",
        "wss://agent.example:443/twilio",
    ]
    assert candidate_urls(["https", "http"], "agent.example:8443", "/v?a=1") == [
        "https://agent.example/v?a=1",
        "https://agent.example:8443/v?a=1",
        "http://agent.example/v?a=1",
        "http://agent.example:8443/v?a=1",
    ]
    assert candidate_urls(["ws"], "[::1]", "/") == ["ws://[::1]/", "ws://[::1]:80/"]
    assert candidate_urls(["ws"], "[::1]:9", "/") == ["ws://[::1]/", "ws://[::1]:9/"]


def test_either_spelling_of_the_port_is_accepted() -> None:
    urls = candidate_urls(["wss"], "agent.example", "/twilio")
    for url in urls:
        assert is_signed(AUTH, signature_of(AUTH, url), urls)
    assert not is_signed(AUTH, signature_of(AUTH, "wss://other.example/twilio"), urls)


def test_a_token_opens_one_stream_once() -> None:
    tokens = StreamTokens()
    token = tokens.issue("CA1", 100.0)
    assert token is not None
    assert tokens.redeem("CA1", token, 101.0)
    assert not tokens.redeem("CA1", token, 101.0)


def test_a_token_is_good_for_its_call_only() -> None:
    tokens = StreamTokens()
    one, other = tokens.issue("CA1", 0.0), tokens.issue("CA2", 0.0)
    assert one
    assert other
    assert one != other
    assert not tokens.redeem("CA2", one, 1.0)
    assert not tokens.redeem("CA3", one, 1.0)
    assert tokens.redeem("CA1", one, 1.0)


def test_a_wrong_guess_does_not_use_up_the_token() -> None:
    tokens = StreamTokens()
    token = tokens.issue("CA1", 0.0)
    assert token is not None
    for guess in ("", "x", "ü", token + "x", token[:-1]):
        assert not tokens.redeem("CA1", guess, 1.0)
    assert tokens.redeem("CA1", token, 1.0)


def test_a_token_expires() -> None:
    tokens = StreamTokens(lifetime_s=60.0)
    token = tokens.issue("CA1", 0.0)
    assert token is not None
    assert not tokens.redeem("CA1", token, 60.0)


def test_a_second_webhook_of_a_call_replaces_its_token() -> None:
    tokens = StreamTokens()
    first, second = tokens.issue("CA1", 0.0), tokens.issue("CA1", 1.0)
    assert first
    assert second
    assert not tokens.redeem("CA1", first, 2.0)
    assert tokens.redeem("CA1", second, 2.0)


def test_waiting_tokens_are_bounded_and_room_comes_back() -> None:
    tokens = StreamTokens(capacity=2, lifetime_s=60.0)
    assert tokens.issue("CA1", 0.0)
    second = tokens.issue("CA2", 30.0)
    assert second
    assert tokens.issue("CA3", 31.0) is None
    assert tokens.issue("CA3", 60.0)  # the first one's minute is over
    assert tokens.redeem("CA2", second, 61.0)
    assert tokens.issue("CA4", 61.0)
