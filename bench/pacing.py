"""How punctual the callers themselves were: a run whose clock limped says nothing of the server."""

from __future__ import annotations

from typing import Any

VOID_ABOVE_MS = 20
"""A run is void when the 99th percentile of its frames left later than this: one whole frame."""

_MOST_MS = 1000


class Pacing:
    """Lateness of sent frames, counted by the millisecond so that a long run costs no memory."""

    def __init__(self) -> None:
        # How many frames were late by that many whole milliseconds; the last bin holds the rest.
        self._frames = [0] * (_MOST_MS + 1)
        self._worst_ms = 0.0

    @property
    def frames(self) -> int:
        """Frames sent."""
        return sum(self._frames)

    @property
    def worst_ms(self) -> float:
        """Milliseconds by which the latest frame was late."""
        return self._worst_ms

    @property
    def is_void(self) -> bool:
        """Whether the callers were too late to be believed."""
        return self.percentile_ms(99) > VOID_ABOVE_MS

    def sent(self, late_s: float) -> None:
        """A frame left ``late_s`` seconds after its scheduled instant."""
        late_ms = max(0.0, late_s * 1000.0)
        self._worst_ms = max(self._worst_ms, late_ms)
        self._frames[min(int(late_ms), _MOST_MS)] += 1

    def include(self, other: Pacing) -> None:
        """Count another caller's frames as well."""
        self._worst_ms = max(self._worst_ms, other._worst_ms)
        for late_ms, frames in enumerate(other._frames):
            self._frames[late_ms] += frames

    def percentile_ms(self, percent: float) -> int:
        """Milliseconds that ``percent`` of all frames stayed within, rounded up; 0 without any."""
        wanted = self.frames * percent / 100.0
        passed = 0
        for late_ms, frames in enumerate(self._frames):
            passed += frames
            if frames and passed >= wanted:
                return late_ms + 1
        return 0

    def as_json(self) -> dict[str, Any]:
        """For the report; milliseconds."""
        return {
            "frames": self.frames,
            "late_p50_ms": self.percentile_ms(50),
            "late_p99_ms": self.percentile_ms(99),
            "late_max_ms": round(self._worst_ms, 1),
            "void": self.is_void,
        }
