"""The media door: who is let in, one task per call, and the only catch-all in the code.

Whatever goes wrong in a call ends here and ends that call alone. A call that is refused is refused
before its websocket opens, where that costs the others next to nothing.
"""

from __future__ import annotations

import asyncio
import logging
import re
import socket
from collections import Counter, OrderedDict
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from types import TracebackType
from typing import Self
from uuid import uuid4

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.http11 import Request, Response

from pipeline.config import Settings
from pipeline.errors import LineError, SettingsError
from pipeline.line import CallInfo, Line
from telephony.admission import Admission, page_origins
from telephony.twilio import StreamStarted, TwilioStream
from telephony.twilio_auth import TOKEN_PARAMETER, StreamTokens
from telephony.twilio_line import TwilioLine, close_unread, wait_start

_LOG = logging.getLogger(__name__)

START_S = 10.0
"""How long an open socket may keep us waiting for its start message. Twilio's follows at once."""

_MESSAGE_LIMIT = 64 * 1024
"""Bytes. Twilio's messages have 400; six seconds of sound in one still fit."""

_WRITE_LIMIT = 64 * 1024
"""Bytes that may wait for the peer to read: six seconds of sound. Then ``play`` waits."""

_RECEIVE_BUFFER = 32 * 1024
"""Bytes that the kernel takes in for a call, more than a second of sound. It is what a flood can
make us parse in one go, while all other calls wait."""

_RECENT_IDS = 10_000
"""Ids that are not given out again, so that a resumed call does not overwrite its first part."""

_SAFE_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")


@dataclass(frozen=True, slots=True)
class ServerStatistics:
    """What came to the door since it opened."""

    live: int
    """Calls being carried now, and sockets that may become one."""

    answered: int
    refused: Mapping[str, int]
    """By reason: path, draining, full, origin, signature, no start, token."""

    broken: int
    """Calls that ended because the peer broke the protocol."""

    failed: int
    """Calls that ended by a bug of ours. The log has the tracebacks."""

    oddities: Mapping[str, int]
    """What peers did wrong and calls survived, by :class:`telephony.twilio.Oddity` kind."""


class MediaServer:
    """Open it with ``async with``; leaving ends the calls that are still live."""

    def __init__(
        self,
        settings: Settings,
        answer: Callable[[Line], Awaitable[None]],
        *,
        tokens: StreamTokens,
        origins: Collection[str] | None = None,
        start_s: float = START_S,
    ) -> None:
        """``answer`` carries a call and returns when it is over; ``tokens`` are those that the
        voice webhook hands out; ``origins`` are those of web pages that may phone us, by default
        our own pages' on the configured control port."""
        self._settings = settings
        self._answer = answer
        self._tokens = tokens
        self._start_s = start_s
        if origins is None:
            origins = page_origins(settings, settings.server.control_port)
        self._admission = Admission(settings, origins)
        # One task per live call, all children of one group.
        self._group = asyncio.TaskGroup()
        self._calls: set[asyncio.Task[tuple[int, str]]] = set()
        self._idle = asyncio.Event()
        self._idle.set()
        self._draining = False
        self._recent_ids: OrderedDict[str, None] = OrderedDict()
        # What statistics() tells.
        self._answered = self._broken = self._failed = 0
        self._refused: Counter[str] = Counter()
        self._oddities: Counter[str] = Counter()
        self._door: Server  # Set on entry.

    # -- The door ------------------------------------------------------------------------------

    async def __aenter__(self) -> Self:
        """Open the door. If cancelled, it stays shut.

        Raises:
            SettingsError: the port cannot be had.
        """
        where = self._settings.server
        try:
            self._door = await serve(
                self._serve,
                where.host,
                where.media_port,
                process_request=self._admit,
                # Sound does not deflate, and each call would hold a compressor's window.
                compression=None,
                max_size=_MESSAGE_LIMIT,
                write_limit=_WRITE_LIMIT,
                # A peer that vanished without a word is found out by an unanswered ping.
                ping_interval=20,
                ping_timeout=20,
                close_timeout=3,
                server_header=None,
                logger=_wire_logger(),
                start_serving=False,
            )
        except OSError as error:
            raise SettingsError(
                "server.media_port",
                f"{where.host}:{where.media_port} cannot be opened ({error.strerror})",
                "Stop what uses it, or choose another; 0 picks a free one",
            ) from error
        for listening in self._door.sockets:
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER)
        await self._group.__aenter__()
        await self._door.start_serving()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Shut the door and end the live calls. If cancelled, they are ended all the same."""
        self._draining = True
        try:
            self._end_calls()
            self._door.close(code=1001, reason="server going down")
            await self._door.wait_closed()
        finally:
            # The group wraps ordinary errors of its block; ours are to pass as they are.
            if isinstance(error, Exception):
                kind = error = traceback = None
            await self._group.__aexit__(kind, error, traceback)

    @property
    def port(self) -> int:
        """The port that is open."""
        port: int = self._door.sockets[0].getsockname()[1]
        return port

    @property
    def live(self) -> int:
        """Calls being carried now, and sockets that may become one."""
        return len(self._calls)

    def statistics(self) -> ServerStatistics:
        """Counts since the door opened; those of oddities are of calls that ended."""
        return ServerStatistics(
            live=self.live,
            answered=self._answered,
            refused=dict(self._refused),
            broken=self._broken,
            failed=self._failed,
            oddities=dict(self._oddities),
        )

    async def drain(self) -> None:
        """Refuse new calls, let the live ones end for ``drain_s``, then end them.

        If cancelled, new calls go on being refused and the live ones go on.
        """
        self._draining = True
        limit_s = self._settings.server.drain_s
        try:
            async with asyncio.timeout(limit_s):
                await self._idle.wait()
        except TimeoutError:
            _LOG.warning("%d calls were still live after %g s and are ended", self.live, limit_s)
            self._end_calls()
            await self._idle.wait()

    def _end_calls(self) -> None:
        for call in self._calls:
            call.cancel()

    def _admit(self, connection: ServerConnection, request: Request) -> Response | None:
        """None lets a request become a websocket. Nothing is awaited between this and the moment
        when :meth:`_serve` counts the call, so the limit holds for any crowd at the door."""
        refusal = self._admission.refusal(
            request.path, request.headers.get_all, live=self.live, draining=self._draining
        )
        if refusal is None:
            return None
        self._refused[refusal.why] += 1
        _LOG.info("refused %s: %s", _peer(connection), refusal.why)
        response = connection.respond(refusal.status, refusal.told)
        if refusal.status is HTTPStatus.SERVICE_UNAVAILABLE:
            response.headers["Retry-After"] = "5"
        return response

    # -- One call ------------------------------------------------------------------------------

    async def _serve(self, connection: ServerConnection) -> None:
        """A socket from handshake to close. websockets runs this; the call is our group's task."""
        call = self._group.create_task(self._carry(connection))
        self._calls.add(call)
        self._idle.clear()
        try:
            await asyncio.wait([call])
        finally:
            self._calls.discard(call)
            if not self._calls:
                self._idle.set()
        code, reason = (1001, "server going down") if call.cancelled() else call.result()
        await close_unread(connection, code, reason)

    async def _carry(self, connection: ServerConnection) -> tuple[int, str]:
        """The edge of a call: nothing that happens in it gets past here. Close code and reason."""
        stream = TwilioStream()
        whose = _peer(connection)
        try:
            line = await self._open_line(connection, stream)
            if line is None:
                return 1008, "no call began"
            whose = f"call {line.info.id}"
            self._answered += 1
            _LOG.info("%s: answered, from %s", whose, _peer(connection))
            await self._answer(line)
        except Exception as error:
            told = _line_error(error)
            if told is None:
                self._failed += 1
                _LOG.exception("%s: ended by a bug of ours", whose)
                return 1011, "internal error"
            self._broken += 1
            _LOG.warning("%s: ended, the peer broke the protocol: %s", whose, told)
            return 1002, "not Media Streams"
        finally:
            self._oddities.update(stream.oddities)
        _LOG.info("%s: over; oddities: %s", whose, dict(stream.oddities) or "none")
        return 1000, ""

    async def _open_line(
        self, connection: ServerConnection, stream: TwilioStream
    ) -> TwilioLine | None:
        """Wait for the stream's start and check it; None when no call comes of it."""
        try:
            async with asyncio.timeout(self._start_s):
                started = await wait_start(connection, stream)
        except TimeoutError:
            started = None
        if started is None:
            self._refused["no start"] += 1
            _LOG.info("refused %s: it sent no start message", _peer(connection))
            return None
        token = started.parameters.get(TOKEN_PARAMETER, "")
        now = asyncio.get_running_loop().time()
        # Redeemed even where none is needed, so that used ones do not linger.
        if not self._tokens.redeem(started.call_sid, token, now) and self._admission.needs_token:
            self._refused["token"] += 1
            _LOG.warning("refused %s: no valid token for its call", _peer(connection))
            return None
        return TwilioLine(connection, stream, self._call_info(started))

    def _call_info(self, started: StreamStarted) -> CallInfo:
        call_id = started.call_sid
        if call_id in self._recent_ids or not _SAFE_ID.fullmatch(call_id):
            call_id = uuid4().hex
        self._recent_ids[call_id] = None
        if len(self._recent_ids) > _RECENT_IDS:
            self._recent_ids.popitem(last=False)
        public = {key: text for key, text in started.parameters.items() if key != TOKEN_PARAMETER}
        return CallInfo(call_id, "twilio", carrier_id=started.call_sid, parameters=public)


def _line_error(error: Exception) -> str | None:
    """What the peer did wrong, if this is nothing but :class:`LineError`, in groups or alone."""
    if isinstance(error, LineError):
        return str(error)
    if isinstance(error, ExceptionGroup):
        told = [_line_error(inner) for inner in error.exceptions]
        return told[0] if None not in told else None
    return None


def _peer(connection: ServerConnection) -> str:
    address = connection.remote_address  # None once the peer is gone
    return str(address[0]) if address else "a peer that left"


def _wire_logger() -> logging.Logger:
    """For websockets, which at DEBUG writes down every frame, tokens and signatures among them.

    Not registered with the logging module, so no configuration of levels can make it talk.
    """
    logger = logging.Logger("telephony.websockets", logging.WARNING)
    logger.parent = _LOG
    return logger
