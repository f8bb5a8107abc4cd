"""A desk without calls of its own, for tests of what is shown of one."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from prometheus_client import CollectorRegistry, Counter

from pipeline.config import Settings
from tests.telephony.wire import local_settings

CALL: dict[str, Any] = {
    "id": "CA1",
    "carrier": "twilio",
    "carrier_id": "CA1",
    "contact": {"name": "Dana Whitfield", "company": "Harbor Lane Dental"},
    "started_at": "2026-03-02T16:00:00.000+00:00",
    "ended_at": "2026-03-02T16:00:41.000+00:00",
    "ended_by": "caller",
    "keys": "",
    "turns": [
        {
            "turn": 0,
            "caller": None,
            "agent": "Hi, this is Alex from Northwind Coffee. How are you today?",
            "heard": "Hi, this is Alex from Northwind Coffee. How are you today?",
            "interrupted": False,
            "failures": [],
            "tools": [],
            "marks": {"sent": 0.004},
        },
        {
            "turn": 1,
            "caller": "Could you call me back tomorrow at half three?",
            "agent": "Of course. I will ring you tomorrow at half past three. Is that fine?",
            "heard": "Of course. I will ring you tomorrow at half past",
            "interrupted": True,
            "failures": [],
            "tools": [
                {
                    "name": "schedule_callback",
                    "arguments": {"at": "tomorrow at half three"},
                    "resolved": {"at": "2026-03-03T15:30"},
                    "result": {"scheduled": "2026-03-03T15:30"},
                    "committed": True,
                    "ms": 3.1,
                }
            ],
            "marks": {
                "soft_end": 0.121,
                "turn_end": 0.502,
                "transcript": 0.334,
                "first_token": 0.402,
                "first_clause": 0.455,
                "first_audio": 0.489,
                "committed": 0.502,
                "sent": 0.503,
            },
        },
    ],
}


class FakeDesk:
    """Shows what it is given. ``recordings`` holds ``<call id>.wav``."""

    def __init__(
        self,
        settings: Settings | None = None,
        ready: Mapping[str, bool] | None = None,
        calls: list[dict[str, Any]] | None = None,
        recordings: Path | None = None,
    ) -> None:
        self.settings = settings or local_settings()
        self.registry = CollectorRegistry()
        Counter("parley_calls", "Calls that ended.", registry=self.registry)
        self._ready = dict(ready or {"asr": True, "llm": True})
        self._calls = calls if calls is not None else [CALL]
        self._recordings = recordings

    def ready(self) -> Mapping[str, bool]:
        return self._ready

    async def calls(self) -> list[dict[str, Any]]:
        return [call | {"turns": len(call["turns"])} for call in self._calls]

    async def call(self, call_id: str) -> dict[str, Any] | None:
        return next((call for call in self._calls if call["id"] == call_id), None)

    def recording(self, call_id: str) -> Path | None:
        path = self._recordings / f"{call_id}.wav" if self._recordings else None
        return path if path and path.is_file() else None
