"""Twilio's end of a Media Streams socket, sans-I/O: what a carrier says, and what it is told.

The other half of ``telephony/twilio.py``. One instance per call; it owns the stream's counters,
which Twilio sends as strings. A server that breaks the protocol is told apart from a slow one: the
call ends with a :class:`~pipeline.errors.LineError` that says how.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass
from uuid import uuid4

import orjson

from pipeline.audio import FRAME_SAMPLES, LINE_RATE, Pcm
from pipeline.errors import LineError
from telephony.g711 import ulaw_decode, ulaw_encode

_FRAME_MS = FRAME_SAMPLES * 1000 // LINE_RATE


@dataclass(frozen=True, slots=True)
class MediaSent:
    """The server wants this played."""

    pcm: Pcm
    """int16 samples, shape (samples,), at 8 kHz."""


@dataclass(frozen=True, slots=True)
class MarkSent:
    """The server wants to know when all before this has played."""

    name: str


@dataclass(frozen=True, slots=True)
class ClearSent:
    """The server wants what has not played dropped."""


ServerMessage = MediaSent | MarkSent | ClearSent


class Carrier:
    """The wire format of one call, both ways."""

    def __init__(self, call_sid: str) -> None:
        self.call_sid = call_sid
        self.stream_sid = f"MZ{uuid4().hex}"
        # Of the next message; ``connected`` has none.
        self._sequence = 1
        # Of the next media message. Its timestamp follows from it: our frames never pause.
        self._chunk = 1

    def opening(self, parameters: Mapping[str, str]) -> list[str]:
        """The two messages that every stream begins with; ``parameters`` as TwiML passes them."""
        start = {
            "accountSid": "AC" + "0" * 32,
            "callSid": self.call_sid,
            "streamSid": self.stream_sid,
            "tracks": ["inbound"],
            "customParameters": dict(parameters),
            "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": LINE_RATE, "channels": 1},
        }
        connected = {"event": "connected", "protocol": "Call", "version": "1.0.0"}
        return [orjson.dumps(connected).decode(), self._tell("start", {"start": start})]

    def media(self, payload: str) -> str:
        """The next 20 ms of the caller's sound, as :func:`payload_of` makes it."""
        # Written out: this is the one message that is sent fifty times a second.
        text = (
            f'{{"event":"media","sequenceNumber":"{self._sequence}","media":{{"track":"inbound",'
            f'"chunk":"{self._chunk}","timestamp":"{(self._chunk - 1) * _FRAME_MS}",'
            f'"payload":"{payload}"}},"streamSid":"{self.stream_sid}"}}'
        )
        self._sequence += 1
        self._chunk += 1
        return text

    def mark(self, name: str) -> str:
        """All audio before the server's mark of this name was played or cleared."""
        return self._tell("mark", {"mark": {"name": name}})

    def stop(self) -> str:
        """The caller hung up."""
        account = "AC" + "0" * 32
        return self._tell("stop", {"stop": {"accountSid": account, "callSid": self.call_sid}})

    def receive(self, text: str | bytes) -> ServerMessage:
        """What the server asks for.

        Raises:
            LineError: Twilio would not understand it.
        """
        try:
            message = orjson.loads(text)
            if message["streamSid"] != self.stream_sid:
                raise LineError(f"the server addressed stream {message['streamSid']!r}, not ours")
            match message["event"]:
                case "media":
                    payload = base64.b64decode(message["media"]["payload"], validate=True)
                    return MediaSent(ulaw_decode(payload))
                case "mark":
                    return MarkSent(str(message["mark"]["name"]))
                case "clear":
                    return ClearSent()
                case event:
                    raise LineError(f"the server sent {event!r}, which Twilio does not know")
        except (orjson.JSONDecodeError, KeyError, TypeError, binascii.Error) as error:
            shown = text[:80] if isinstance(text, str) else text[:80].decode("ascii", "replace")
            raise LineError(f"the server sent {shown!r}: {error!r}") from error

    def _tell(self, event: str, body: dict[str, object]) -> str:
        message = {
            "event": event,
            "sequenceNumber": str(self._sequence),
            "streamSid": self.stream_sid,
            **body,
        }
        self._sequence += 1
        return orjson.dumps(message).decode()


def payload_of(pcm: Pcm) -> str:
    """int16 (samples,) at 8 kHz as Twilio carries it: mu-law in base64."""
    return base64.b64encode(ulaw_encode(pcm)).decode("ascii")
