"""Who is let in at the media door, decided from the request alone, before a websocket opens.

Sans-I/O: a request in, a refusal or None out. Refusing here costs the live calls next to nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from http import HTTPStatus

from pipeline.config import Settings
from telephony.twilio_auth import SIGNATURE_HEADER, candidate_urls, is_signed

MEDIA_PATH = "/twilio"

HeaderValues = Callable[[str], Sequence[str]]
"""All values of the header of this name, in order."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """The answer to a request that does not become a call."""

    why: str
    """One word for the statistics: path, draining, full, origin or signature."""

    status: HTTPStatus
    told: str
    """The body, one line."""


def page_origins(settings: Settings, control_port: int) -> frozenset[str]:
    """Web origins of our own pages, which may phone the media door from a browser."""
    hosts = {"127.0.0.1", "localhost", "[::1]", settings.server.host}
    return frozenset(f"http://{host}:{control_port}" for host in hosts)


class Admission:
    """The rules of one server."""

    def __init__(self, settings: Settings, origins: Collection[str]) -> None:
        """A web page may call only from one of ``origins``."""
        self._max_calls = settings.server.max_calls
        self._public_host = settings.twilio.public_host
        self._auth_token = settings.twilio.auth_token
        self._origins = frozenset(origins)
        self.needs_token = bool(self._auth_token) or not settings.server.is_local
        """Whether a stream must show the token that the voice webhook gave its call."""

    def refusal(
        self, target: str, header: HeaderValues, *, live: int, draining: bool
    ) -> Refusal | None:
        """Why this request is refused; None lets it in. ``target`` is path and query string."""
        if target.partition("?")[0] != MEDIA_PATH:
            return Refusal("path", HTTPStatus.NOT_FOUND, f"Calls come in at {MEDIA_PATH}.\n")
        if draining:
            return Refusal("draining", HTTPStatus.SERVICE_UNAVAILABLE, "Going down.\n")
        if live >= self._max_calls:
            return Refusal("full", HTTPStatus.SERVICE_UNAVAILABLE, "No room for another call.\n")
        origins = header("Origin")
        if not self._origins.issuperset(origins):
            # Browsers let any page open a socket to any address, this machine's own included.
            return Refusal("origin", HTTPStatus.FORBIDDEN, "Not from this web page.\n")
        # Our own page cannot sign. It shows a token, which only this machine can have fetched.
        if self._auth_token and not (origins or self._is_signed(self._auth_token, target, header)):
            return Refusal("signature", HTTPStatus.FORBIDDEN, "Not signed by Twilio.\n")
        return None

    def _is_signed(self, auth_token: str, target: str, header: HeaderValues) -> bool:
        host = self._public_host or "".join(header("Host"))
        # Twilio speaks wss; ws is for who tries it without TLS, and no easier to forge.
        urls = candidate_urls(("wss", "ws"), host, target)
        return is_signed(auth_token, "".join(header(SIGNATURE_HEADER)), urls)
