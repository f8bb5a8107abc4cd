"""The settings that are about time: when a turn begins and ends, and how long its stages may take.

A part of :mod:`pipeline.config`, apart because code that only keeps time needs nothing else of it.
"""

from __future__ import annotations

import itertools
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, model_validator


class Section(BaseModel):
    """One table of the TOML file: frozen, and without keys that nobody reads."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class TurnSettings(Section):
    """When a turn begins and ends, on the caller's side of the line."""

    start_ms: Annotated[int, Field(ge=20)] = 60
    """Voiced sound within 200 ms that begins a turn."""

    soft_end_ms: Annotated[int, Field(ge=40)] = 80
    """Silence after which the answer is made ready, unheard."""

    end_ms: Annotated[int, Field(ge=60)] = 280
    """Silence after which a turn that sounds finished is the agent's."""

    unsure_ms: Annotated[int, Field(ge=60)] = 700
    """The same when it may or may not be finished, and until the words are known."""

    unfinished_ms: Annotated[int, Field(ge=60)] = 1200
    """The same when it is surely not finished: a number being dictated, "so what I mean is"."""

    finished_at: Annotated[float, Field(ge=0, le=1)] = 0.75
    """Probability from which on a turn sounds finished."""

    unfinished_at: Annotated[float, Field(ge=0, le=1)] = 0.1
    """Probability up to which it is surely not."""

    think_ms: Annotated[int, Field(ge=40)] = 300
    """Silence after which the model is asked even though the turn does not sound finished."""

    speculation_s: Annotated[float, Field(gt=0)] = 3.0
    """Seconds of model time that a call may waste on answers thrown away, before it must wait."""

    speculation_refill_s: Annotated[float, Field(gt=0)] = 30.0
    """Seconds in which a wasted allowance comes back."""

    vad_mode: Annotated[int, Field(ge=0, le=3)] = 2
    """webrtcvad's aggressiveness: 3 calls the least sound speech."""

    floor_dbfs: float = -50.0
    """Frames quieter than this are never speech."""

    max_utterance_s: Annotated[float, Field(gt=1)] = 60.0
    """A longer utterance is answered without waiting for its end."""

    lead_ms: Annotated[int, Field(ge=100)] = 1500
    """How far ahead of the caller's ear audio is sent. A stall shorter than this is not heard."""

    @model_validator(mode="after")
    def _waits_in_order(self) -> TurnSettings:
        waits = ("soft_end_ms", "end_ms", "unsure_ms", "unfinished_ms")
        for shorter, longer in itertools.pairwise(waits):
            less, more = getattr(self, shorter), getattr(self, longer)
            if less > more or (less == more and shorter == "soft_end_ms"):
                raise ValueError(f"{shorter} ({less}) must be less than {longer} ({more})")
        if self.unfinished_at >= self.finished_at:
            raise ValueError(
                f"unfinished_at ({self.unfinished_at}) must be less than "
                f"finished_at ({self.finished_at})"
            )
        return self


class BudgetSettings(Section):
    """When each stage of a turn should be done, in milliseconds after the caller's last speech
    sample, and what is done when it is not: see pipeline/budget.py."""

    transcript_ms: Annotated[int, Field(gt=0)] = 350
    first_token_ms: Annotated[int, Field(gt=0)] = 550
    first_clause_ms: Annotated[int, Field(gt=0)] = 750
    first_audio_ms: Annotated[int, Field(gt=0)] = 1000
    total_ms: Annotated[int, Field(gt=0)] = 1100
    """When the caller should hear something."""

    patience_ms: Annotated[int, Field(gt=0)] = 2500
    """How long after a filler the caller is told once more to wait."""

    give_up_ms: Annotated[int, Field(gt=0)] = 8000
    """When an answer that has not come is apologised for instead."""

    @model_validator(mode="after")
    def _in_order(self) -> BudgetSettings:
        times = ("transcript_ms", "first_token_ms", "first_clause_ms", "first_audio_ms", "total_ms")
        for earlier, later in itertools.pairwise(times):
            if getattr(self, earlier) > getattr(self, later):
                raise ValueError(f"{earlier} must not be more than {later}")
        if self.total_ms + self.patience_ms > self.give_up_ms:
            raise ValueError("give_up_ms must not be less than total_ms + patience_ms")
        return self
