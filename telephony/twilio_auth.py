"""What lets us believe that Twilio is calling: its signature, and one-time stream tokens. Sans-I/O.

A signature proves that Twilio made a request to this address, at some time: who has seen one may
send it again. So the voice webhook, whose signature covers the call's id, hands out a token for
that call, and the media socket asks for it. Neither tokens nor signatures belong into a log.
"""

from __future__ import annotations

import base64
import hmac
import secrets
from collections.abc import Iterable

TOKEN_PARAMETER = "token"
"""Name of the TwiML ``<Parameter>`` in which a stream token travels."""

SIGNATURE_HEADER = "X-Twilio-Signature"

TOKEN_LIFETIME_S = 60.0
"""Twilio opens the stream within a second of reading our TwiML; a minute outlasts any hiccup."""

_DEFAULT_PORTS = {"http": 80, "ws": 80, "https": 443, "wss": 443}


def signature_of(auth_token: str, url: str, fields: Iterable[tuple[str, str]] = ()) -> str:
    """Twilio's signature of a request: base64 of HMAC-SHA1 over URL and POST form.

    ``fields`` is the decoded form, in any order; a repeated pair counts once, as at Twilio's.
    """
    text = url + "".join(name + value for name, value in sorted(set(fields)))
    return base64.b64encode(hmac.digest(auth_token.encode(), text.encode(), "sha1")).decode()


def is_signed(
    auth_token: str, signature: str, urls: Iterable[str], fields: Iterable[tuple[str, str]] = ()
) -> bool:
    """Whether ``signature`` is Twilio's for any of the URLs under which it may know us."""
    form = list(fields)
    given = signature.encode()
    # All are computed, so that the time taken does not tell which one fits.
    fits = [
        hmac.compare_digest(signature_of(auth_token, url, form).encode(), given) for url in urls
    ]
    return any(fits)


def candidate_urls(schemes: Iterable[str], host: str, target: str) -> list[str]:
    """The URLs that Twilio may have signed: each scheme, with the port spelled out and without.

    ``host`` may carry a port; ``target`` is path and query string. Whether Twilio names the default
    port differs between its products, so its own libraries try both.
    """
    name, colon, port = host.rpartition(":")
    if not colon or port.endswith("]"):  # no port; a bracket ends a bare IPv6 address
        name, port = host, ""
    return [
        f"{scheme}://{spelled}{target}"
        for scheme in schemes
        for spelled in (name, f"{name}:{port or _DEFAULT_PORTS[scheme]}")
    ]


class StreamTokens:
    """Tokens handed out to calls whose stream has not arrived yet."""

    def __init__(self, capacity: int = 1_000, lifetime_s: float = TOKEN_LIFETIME_S) -> None:
        self._capacity = capacity
        self._lifetime_s = lifetime_s
        # Call id to token and clock reading of its end. All live equally long, so the order of
        # entry is the order of expiry.
        self._waiting: dict[str, tuple[str, float]] = {}

    def issue(self, call_sid: str, now: float) -> str | None:
        """A token for one stream of this call; an earlier one of the call is void.

        None when too many calls are waiting for their stream already: then the call is refused.
        """
        self._drop_expired(now)
        self._waiting.pop(call_sid, None)
        if len(self._waiting) >= self._capacity:
            return None
        token = secrets.token_urlsafe(24)
        self._waiting[call_sid] = (token, now + self._lifetime_s)
        return token

    def redeem(self, call_sid: str, token: str, now: float) -> bool:
        """Whether the token is this call's and still good; it is used up then.

        A wrong guess does not use up the right token, or a stranger could lock out a call.
        """
        self._drop_expired(now)
        expected, _ = self._waiting.get(call_sid, ("", 0.0))
        if not expected or not hmac.compare_digest(expected.encode(), token.encode()):
            return False
        del self._waiting[call_sid]
        return True

    def _drop_expired(self, now: float) -> None:
        for call_sid, (_, end) in list(self._waiting.items()):
            if now < end:
                break
            del self._waiting[call_sid]
