"""The desk: answers a line, carries the call, and keeps its record. What the call API shows."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from prometheus_client import CollectorRegistry

from parley.house import House
from pipeline.call import Call
from pipeline.config import Settings
from pipeline.errors import LineError, ToolFailed
from pipeline.line import CallInfo, Line
from pipeline.metrics import Metrics
from pipeline.tools.crm import Contact
from telephony.recorder import RecordedLine

_LOG = logging.getLogger(__name__)

ENGINES = ("asr", "llm", "tts", "database")
"""What must have answered once before calls are taken."""

_KEPT_CALLS = 100

_LOOKUP_S = 0.3
"""How long the greeting may wait to learn who is calling. After that the call goes on unknown."""


class Desk:
    """One process's calls. The live ones, and a few that ended, in memory; all in PostgreSQL."""

    def __init__(
        self,
        settings: Settings,
        metrics: Metrics,
        *,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """It answers calls once it is given a house; until then it can say what is missing."""
        self.settings = settings
        # None until everything has opened.
        self.house: House | None = None
        # The media door's port: the configured one until it is open.
        self.media_port = settings.server.media_port
        self._metrics = metrics
        self._clock = clock
        # Engine name to whether it has answered once.
        self._ready = dict.fromkeys(ENGINES, False)
        # Call id to the call and its record's fixed part.
        self._live: dict[str, tuple[Call, dict[str, Any]]] = {}
        # Records of the newest ended calls, oldest first.
        self._ended: deque[dict[str, Any]] = deque(maxlen=_KEPT_CALLS)

    @property
    def registry(self) -> CollectorRegistry:
        """Where the metrics are."""
        return self._metrics.registry

    def ready(self) -> dict[str, bool]:
        """What calls need, and whether it has answered."""
        if self.house is None:
            return {**self._ready, "house": False}
        servers = {child.name: child.address is not None for child in self.house.children}
        return {**dict.fromkeys(ENGINES, True), **servers}

    def opened(self, name: str) -> None:
        """An engine has answered once."""
        if name in self._ready:
            self._ready[name] = True

    async def answer(self, line: Line) -> None:
        """Carry one call from answer to hang-up, and write it down.

        If cancelled, the call ends and its record is still written.

        Raises:
            LineError: the call came before we were ready.
        """
        house = self.house
        if house is None:
            missing = [name for name, ready in self._ready.items() if not ready]
            raise LineError(f"called before these were ready: {', '.join(missing)}")
        info = line.info
        contact = await self._find_contact(house, info)
        path = self.recording_path(info.id)
        line = RecordedLine(line, path) if path is not None else line
        call = Call(
            line,
            house.engines,
            self.settings,
            contact=contact,
            clock=self._clock,
            settled=self._metrics.record_turn,
        )
        record = _record(info, contact)
        self._live[info.id] = (call, record)
        self._metrics.calls_live.inc()
        ended_by = "error"
        try:
            ended_by = await self._carry(call, line)
        except asyncio.CancelledError:
            ended_by = "server"
            raise
        finally:
            record["ended_by"] = ended_by
            record["ended_at"] = _utc_now()
            self._metrics.calls_live.dec()
            self._metrics.record_speculation(call.speculation)
            self._metrics.calls.labels(ended_by).inc()
            # Shielded: a call that is ended by our shutdown is still written down.
            await asyncio.shield(self._write_down(house, info.id))

    async def calls(self) -> list[dict[str, Any]]:
        """Live calls, then the newest ended ones; without their turns' texts.

        If cancelled, nothing changed.
        """
        live = [self._shown(call, record) for call, record in self._live.values()]
        if self.house is not None and self.house.store is not None:
            ended = await self.house.store.recent_calls(_KEPT_CALLS)
        else:
            ended = list(reversed(self._ended))
        return [_summary(record) for record in live + ended]

    async def call(self, call_id: str) -> dict[str, Any] | None:
        """One call, live or ended; None when there is none of this id.

        If cancelled, nothing changed.
        """
        if call_id in self._live:
            return self._shown(*self._live[call_id])
        for record in self._ended:
            if record["id"] == call_id:
                return record
        if self.house is None or self.house.store is None:
            return None
        return await self.house.store.load_call(call_id)

    def recording(self, call_id: str) -> Path | None:
        """The file of a call's recording, if one is kept and complete."""
        path = self.recording_path(call_id)
        if path is None or call_id in self._live or not path.is_file():
            return None
        return path

    def recording_path(self, call_id: str) -> Path | None:
        """Where a call's recording goes; None when none are kept. Ids are safe as file names."""
        folder = self.settings.server.record_dir
        return folder / f"{call_id}.wav" if folder is not None else None

    async def _carry(self, call: Call, line: Line) -> str:
        try:
            async with asyncio.timeout(self.settings.server.max_call_s):
                await call.run()
        except TimeoutError:
            await line.hang_up()
            return "limit"
        return "caller"

    async def _find_contact(self, house: House, info: CallInfo) -> Contact | None:
        phone = info.parameters.get("phone")
        if not phone or house.crm is None:
            return None
        try:
            async with asyncio.timeout(_LOOKUP_S):
                return await house.crm.caller(phone)
        except (TimeoutError, ToolFailed) as error:
            _LOG.warning("call %s: the caller was not looked up: %s", info.id, error)
            return None

    async def _write_down(self, house: House, call_id: str) -> None:
        record = self._shown(*self._live.pop(call_id))
        self._ended.append(record)
        if house.store is None:
            return
        try:
            await house.store.save_call(record)
        except ToolFailed as error:
            _LOG.error("call %s: its record was not saved: %s", call_id, error)

    def _shown(self, call: Call, record: dict[str, Any]) -> dict[str, Any]:
        return record | {
            "keys": call.keys,
            "talked_over": call.talked_over,
            "speculation": asdict(call.speculation),
            "turns": [turn.as_json() for turn in call.turns],
        }


def _record(info: CallInfo, contact: Contact | None) -> dict[str, Any]:
    return {
        "id": info.id,
        "carrier": info.carrier,
        "carrier_id": info.carrier_id,
        "contact": contact.facts() if contact else None,
        "started_at": _utc_now(),
        "ended_at": None,
        "ended_by": None,
    }


def _summary(record: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in record.items() if key != "turns"} | {
        "turns": len(record["turns"])
    }


def _utc_now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
