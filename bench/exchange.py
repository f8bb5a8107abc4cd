"""How a caller behaves, and what came of one thing that it said.

All times are seconds since answer, on the caller's own clocks: see :mod:`.conversation`.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from bench.corpus import PauseKind


@dataclass(frozen=True, slots=True)
class Manners:
    """How patient the caller is."""

    quiet_s: float = 1.5
    """Quiet after which the agent has finished."""

    patience_s: float = 15.0
    """A clip that is not answered this long after its last word is unanswered."""

    greeting_s: float = 10.0
    """How long a silent agent is waited for before the caller speaks first."""

    longest_s: float = 45.0
    """An answer that goes on for longer is not listened to any further."""

    false_start_s: float = 1.0
    """An answer that is withdrawn within this time of its first sound did not begin."""

    barge_in_s: float | None = None
    """Into every answer but the last, the caller speaks again after this; None lets it finish."""

    hang_up_s: float | None = None
    """The caller hangs up this long after answer, whatever is going on; None stays to the end."""


@dataclass(frozen=True, slots=True)
class PauseOffered:
    """A pause that the caller made while speaking, and whether the agent took it for the end."""

    kind: PauseKind
    at: float
    """When it began."""

    lasted_s: float
    cut_in_s: float | None
    """From its beginning until the agent was audible; None if the agent waited. It may be longer
    than the pause: who takes a pause for the end is heard a little later."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """One clip spoken, and what came back."""

    index: int
    clip: str
    spoke_from: float
    """When its first audible sample was spoken."""

    spoke_until: float
    """When its last audible sample was spoken."""

    answered: bool
    v2v_s: float | None
    """Last audible sample spoken to first audible sample heard of the answer that stands. None
    without an answer, or when it began before we had finished (``premature``)."""

    premature: bool
    false_starts: int
    """Answers that were begun and withdrawn within their first second."""

    cut_ins: int
    """Times that the agent became audible while we still had something to say. One that was
    withdrawn was heard all the same."""

    gaps_s: tuple[float, ...]
    """Each time that playout ran dry between two audible sounds of the answer."""

    answer_s: float
    """From the answer's first audible sample to its last."""

    hushed_s: float | None
    """When we interrupted: our first audible sample to the agent's last. None if we did not."""

    hushed_by_clear: bool
    """Whether that was the server's doing; otherwise the agent had no more to say."""

    pauses: tuple[PauseOffered, ...] = ()
    """Those that the clip is known to hold, as far as they were spoken."""

    def as_json(self) -> dict[str, Any]:
        """For the report; times rounded to 0.1 ms."""
        fields = _rounded(asdict(self))
        fields["gaps_s"] = [round(gap, 4) for gap in self.gaps_s]
        fields["pauses"] = [_rounded(asdict(pause)) for pause in self.pauses]
        return fields


def _rounded(fields: dict[str, Any]) -> dict[str, Any]:
    return {k: round(v, 4) if isinstance(v, float) else v for k, v in fields.items()}
