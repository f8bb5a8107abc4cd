"""The turn's time, split over its stages, and the ladder of cheaper answers, sans-I/O.

::

    rung          taken when                                  the caller hears
    short_clause  no clause by ``first_clause_ms``            the reply, its first words sooner
    filler        nothing audible by ``total_ms``             what fits: "Let me check that."
    clip          the same where no filler fits, or still     "One moment, please."
                  no answer ``patience_ms`` later
    apology       no answer by ``give_up_ms``, or a stage     an honest sentence, and the turn
                  failed                                      is over

Times count from the caller's last speech sample. What can be heard waits for the turn's end
besides, and a turn that is given to us late gets :data:`GRACE_S` to say what it has ready: so no
filler is said on a turn that was going to be in time, and no turn passes in silence.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from pipeline.config import AgentSettings
from pipeline.config_timing import BudgetSettings

GRACE_S = 0.1
"""What is ready when the turn is committed needs less than this to be sent."""


class Rung(StrEnum):
    """How far down the ladder a turn had to go. Later members are further down."""

    SHORT_CLAUSE = "short_clause"
    FILLER = "filler"
    CLIP = "clip"
    APOLOGY = "apology"


@dataclass(frozen=True, slots=True)
class Step:
    """A look at the clock."""

    after_s: float
    """Seconds after the caller's last speech sample."""

    met_by: str
    """The mark that makes this step unnecessary."""

    rung: Rung

    @property
    def audible(self) -> bool:
        """Whether taking it can be heard, so that it must wait for the turn's end."""
        return self.rung is not Rung.SHORT_CLAUSE


def steps(budget: BudgetSettings) -> tuple[Step, ...]:
    """The looks at the clock that a turn's answer gets, in order of time."""
    return (
        Step(budget.first_clause_ms / 1000, "first_clause", Rung.SHORT_CLAUSE),
        Step(budget.total_ms / 1000, "sent", Rung.FILLER),
        Step((budget.total_ms + budget.patience_ms) / 1000, "first_audio", Rung.CLIP),
        Step(budget.give_up_ms / 1000, "first_audio", Rung.APOLOGY),
    )


def overrun(budget: BudgetSettings, marks: Sequence[str], after_s: float) -> str | None:
    """The first stage that should have been done by now and is not, for the log.

    ``marks`` are the names stamped so far, ``after_s`` seconds since the last speech sample.
    """
    for name, due_ms in (
        ("transcript", budget.transcript_ms),
        ("first_token", budget.first_token_ms),
        ("first_clause", budget.first_clause_ms),
        ("first_audio", budget.first_audio_ms),
        ("sent", budget.total_ms),
    ):
        if name not in marks and after_s * 1000 >= due_ms:
            return name
    return None


def filler_for(
    agent: AgentSettings, number: int, caller: str | None, tool_at_work: bool
) -> tuple[str, Rung]:
    """Words that fit while the answer to the caller's words is not there, and which rung they are.

    ``caller`` is None while the words are not known. Another ``number``, other words: the same ones
    twice in a row sound like a machine.
    """
    if tool_at_work:
        choices, rung = agent.checking, Rung.FILLER
    elif caller is not None and caller.rstrip().endswith("?"):
        choices, rung = agent.thinking, Rung.FILLER
    else:
        choices, rung = agent.waiting, Rung.CLIP
    return choices[number % len(choices)], rung
