"""Twilio Media Streams, sans-I/O: messages in, events out; sound, marks and clears to messages.

The wire is JSON text over one websocket per call, sound is base64 of mu-law at 8 kHz. This file
knows no socket and no clock, so every oddity of the wire can be tested with literals.

A live person hangs on the line, so what can be survived is survived: it is reported as an
:class:`Oddity`, counted, and the call goes on. Only what leaves us unable to go on raises
:class:`~pipeline.errors.LineError`. Which is which:

====================================  ============================================================
no JSON, no event, a field missing    oddity; the 100th in a call is fatal
unknown event                         oddity (Twilio adds events without notice)
media, mark, dtmf, stop before start  oddity
other or missing streamSid            oddity
payload not base64, or empty          oddity; its time is made up from the next timestamp
sound of the outbound track           oddity (we said it ourselves)
chunk repeated or late                oddity; its place in time is already taken
sequenceNumber skips or runs back     oddity; alone it does not say whether sound is missing
timestamp ahead of the sound so far   oddity; up to 5 s are filled with silence
timestamp off by more                 oddity; time goes on from where it was
anything after stop                   oddity
start repeated                        oddity; with another streamSid or callSid, fatal
start without ids, or not mu-law      fatal
====================================  ============================================================
"""

from __future__ import annotations

from binascii import a2b_base64, b2a_base64
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import orjson

from pipeline.audio import LINE_RATE, Pcm
from pipeline.errors import LineError
from pipeline.turn import KeyPressed, LineEvent, MarkPlayed
from telephony.g711 import ulaw_encode
from telephony.timeline import Timeline

MALFORMED_LIMIT = 100
"""Messages without meaning after which the peer is taken for something else than Twilio."""

MARKS_LIMIT = 1_000
"""Marks that wait for their return. Whoever returns none must not fill our memory."""

_DIGITS = frozenset("0123456789*#ABCD")
_DETAIL_LIMIT = 120  # Characters of the peer's that may enter one line of our log.

OddityKind = Literal[
    "malformed",
    "unknown event",
    "before start",
    "wrong stream",
    "bad payload",
    "outbound track",
    "late chunk",
    "sequence break",
    "gap",
    "leap",
    "after stop",
    "second start",
    "unknown mark",
]


@dataclass(frozen=True, slots=True)
class StreamStarted:
    """The stream's first and only start: who is calling, and what TwiML passed along."""

    stream_sid: str
    call_sid: str
    account_sid: str
    """Empty where the peer is not Twilio and names none."""

    parameters: Mapping[str, str]
    """TwiML's ``<Parameter>`` values."""


@dataclass(frozen=True, slots=True)
class StreamStopped:
    """The carrier ended the stream; no sound will follow."""


@dataclass(frozen=True, slots=True)
class Oddity:
    """The peer did something that it should not, and the call goes on."""

    kind: OddityKind
    detail: str


TwilioEvent = StreamStarted | LineEvent | StreamStopped | Oddity


class TwilioStream:
    """One media stream, seen from the server.

    Give every message to :meth:`receive` in the order of arrival; write what :meth:`media`,
    :meth:`mark` and :meth:`clear` return in the order in which they were called.
    """

    def __init__(self) -> None:
        self.oddities: Counter[OddityKind] = Counter()
        # Set by the start message.
        self._start: StreamStarted | None = None
        self._sid = ""
        self._media_head = b""
        # Between start and stop.
        self._is_open = False
        self._sequence = -1  # The last number seen; -1 before the first.
        self._timeline = Timeline()
        # Marks on their way, in order: name on the wire to the name that our caller gave.
        self._marks: dict[str, str] = {}
        self._marks_sent = 0
        # How often we cleared. It is part of each mark's name on the wire, because a mark that
        # comes back on account of a clear looks exactly like one that was played.
        self._generation = 0

    # -- in ------------------------------------------------------------------------------------

    def receive(self, message: bytes | str) -> Sequence[TwilioEvent]:
        """What one websocket message means, as events in order.

        Raises:
            LineError: the peer cannot be understood; this call is over.
        """
        try:
            data = orjson.loads(message)
            event = data["event"]
        except (orjson.JSONDecodeError, TypeError, KeyError) as error:
            return self._malformed(f"no JSON object with an event: {error!r}")
        odd = self._note_sequence(data.get("sequenceNumber"))
        if event == "media":
            heard = self._astray(data) or self._receive_media(data)
        else:
            heard = self._receive_other(event, data)
        return (*odd, *heard) if odd else heard

    def _receive_other(self, event: Any, data: dict[str, Any]) -> Sequence[TwilioEvent]:
        match event:
            case "connected":
                return ()
            case "start":
                return self._receive_start(data)
            case "mark":
                return self._astray(data) or self._receive_mark(data)
            case "dtmf":
                return self._astray(data) or self._receive_dtmf(data)
            case "stop":
                return self._astray(data) or self._receive_stop()
            case _:
                return self._odd("unknown event", repr(event))

    def _receive_start(self, data: dict[str, Any]) -> Sequence[TwilioEvent]:
        started = _parse_start(data)
        if self._start is None:
            self._start = started
            self._sid = started.stream_sid
            self._is_open = True
            head = orjson.dumps({"event": "media", "streamSid": self._sid, "media": {"payload": 0}})
            self._media_head = head.removesuffix(b"0}}") + b'"'
            return (started,)
        same = (self._start.stream_sid, self._start.call_sid)
        if (started.stream_sid, started.call_sid) != same:
            raise LineError("a second stream was started on the socket of the first")
        return self._odd("second start", started.stream_sid)

    def _receive_media(self, data: dict[str, Any]) -> Sequence[TwilioEvent]:
        try:
            media = data["media"]
            if media.get("track", "inbound") != "inbound":
                return self._odd("outbound track", repr(media["track"]))
            chunk, stamp = _count(media.get("chunk")), _count(media.get("timestamp"))
        except (KeyError, TypeError, AttributeError, ValueError, OverflowError) as error:
            return self._malformed(f"media: {error!r}")
        try:
            # Strict, because the lenient mode skips what it does not know and finds sound in prose.
            payload = a2b_base64(media["payload"], strict_mode=True)
        except (KeyError, TypeError, ValueError) as error:
            return self._odd("bad payload", repr(error))
        if not payload:
            return self._odd("bad payload", "empty")
        frames, misplaced = self._timeline.place(payload, chunk, stamp)
        return (*self._odd(*misplaced), *frames) if misplaced else frames

    def _receive_mark(self, data: dict[str, Any]) -> Sequence[TwilioEvent]:
        try:
            wire_name = data["mark"]["name"]
            head, _, _ = wire_name.partition("/")
        except (KeyError, TypeError, AttributeError) as error:
            return self._malformed(f"mark: {error!r}")
        name = self._marks.pop(wire_name, None)
        if name is not None:
            return (MarkPlayed(name),)
        if head.isdecimal() and len(head) < 10 and int(head) < self._generation:
            return ()  # Returned by our clear, or played while the clear was under way.
        return self._odd("unknown mark", repr(wire_name))

    def _receive_dtmf(self, data: dict[str, Any]) -> Sequence[TwilioEvent]:
        try:
            digit = data["dtmf"]["digit"]
            known = digit in _DIGITS
        except (KeyError, TypeError) as error:
            return self._malformed(f"dtmf: {error!r}")
        return (KeyPressed(digit),) if known else self._malformed(f"dtmf: digit {digit!r}")

    def _receive_stop(self) -> Sequence[TwilioEvent]:
        self._is_open = False
        return (StreamStopped(),)

    def _astray(self, data: dict[str, Any]) -> Sequence[TwilioEvent]:
        """The oddity of a message that is not for this stream now; empty when it is."""
        if self._is_open and data.get("streamSid") == self._sid:
            return ()
        if self._start is None:
            return self._odd("before start", str(data["event"]))
        if not self._is_open:
            return self._odd("after stop", str(data["event"]))
        return self._odd("wrong stream", repr(data.get("streamSid")))

    def _note_sequence(self, number: Any) -> Sequence[Oddity]:
        if number is None:  # `connected` has none, and simple clients leave it out.
            return ()
        try:
            sequence = int(number)
        except (TypeError, ValueError, OverflowError):
            return self._odd("sequence break", repr(number))
        before, self._sequence = self._sequence, sequence
        if sequence == before + 1 or before < 0:
            return ()
        return self._odd("sequence break", f"not {before} + 1")

    def _malformed(self, detail: str) -> tuple[Oddity]:
        odd = self._odd("malformed", detail)
        if self.oddities["malformed"] >= MALFORMED_LIMIT:
            raise LineError(f"{MALFORMED_LIMIT} messages made no sense; the last: {odd[0].detail}")
        return odd

    def _odd(self, kind: OddityKind, detail: str) -> tuple[Oddity]:
        self.oddities[kind] += 1
        return (Oddity(kind, detail[:_DETAIL_LIMIT]),)

    # -- out -----------------------------------------------------------------------------------

    def media(self, pcm: Pcm) -> bytes:
        """The message that queues sound, int16 (samples,) at 8 kHz, at the carrier."""
        return self._media_head + b2a_base64(ulaw_encode(pcm), newline=False) + b'"}}'

    def mark(self, name: str) -> bytes:
        """The message that asks for :class:`MarkPlayed` when all sound before it has played."""
        if len(self._marks) >= MARKS_LIMIT:
            del self._marks[next(iter(self._marks))]
        self._marks_sent += 1
        wire_name = f"{self._generation}/{self._marks_sent}/{name}"
        self._marks[wire_name] = name
        return orjson.dumps({"event": "mark", "streamSid": self._sid, "mark": {"name": wire_name}})

    def clear(self) -> bytes:
        """The message that drops all sound not yet played, and forgets the marks behind it.

        A mark whose return is under way while this is sent is forgotten too: it cannot be told
        from one that the clear returns, and to believe too little heard is the smaller error.
        """
        self._generation += 1
        self._marks.clear()
        return orjson.dumps({"event": "clear", "streamSid": self._sid})


def _count(given: Any) -> int | None:
    """A counter or a time of the wire, which sends them as strings; None when it is absent.

    The bound keeps the peer from making us calculate with numbers of four thousand digits.
    """
    if given is None:
        return None
    number = int(given)
    if not 0 <= number < 1 << 53:
        raise ValueError("a number outside of 0 to 2^53")
    return number


def _parse_start(data: dict[str, Any]) -> StreamStarted:
    start = data.get("start")
    if not isinstance(start, dict):
        raise LineError("the start message has no start object")
    stream_sid = data.get("streamSid") or start.get("streamSid")
    call_sid = start.get("callSid")
    if not isinstance(stream_sid, str) or not isinstance(call_sid, str):
        raise LineError("the start message lacks streamSid or callSid")
    layout = start.get("mediaFormat")
    if layout is not None and not _is_mulaw(layout):
        raise LineError(f"sound comes as {layout!r:.200}; only 8 kHz mono audio/x-mulaw is spoken")
    given = start.get("customParameters")
    parameters = given if isinstance(given, dict) else {}
    return StreamStarted(
        stream_sid=stream_sid,
        call_sid=call_sid,
        account_sid=str(start.get("accountSid") or ""),
        parameters={name: str(value) for name, value in parameters.items()},
    )


def _is_mulaw(layout: Any) -> bool:
    return (
        isinstance(layout, dict)
        and layout.get("encoding", "audio/x-mulaw") == "audio/x-mulaw"
        and str(layout.get("sampleRate", LINE_RATE)) == str(LINE_RATE)
        and str(layout.get("channels", 1)) == "1"
    )
