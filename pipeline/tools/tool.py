"""What a tool is: what the model is told of it, its limits, and the coroutine that works."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from pipeline.tools.crm import Contact
from pipeline.turn import ToolResult, ToolSpec


@dataclass(frozen=True, slots=True)
class ToolContext:
    """For whom a tool works. It comes from the call, never from the model: no words of a caller
    can point a tool at somebody else."""

    call_id: str
    turn: int
    """Index of the turn in its call, from 0."""

    contact: Contact | None
    """Who is on the line; None for a stranger."""

    now: datetime
    """The clock that the tools see, with zone."""

    said: str = ""
    """The caller's words of this turn; empty when they are not known."""

    asked: ToolResult | None = None
    """What this turn may be the answer to: the result of the turn before that held a question."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a tool's work."""

    result: Mapping[str, Any]
    """What the model is told; fits into JSON."""

    resolved: Mapping[str, Any] = field(default_factory=dict)
    """Canonical values: local ISO minutes, E.164 numbers, lower-case addresses."""

    committed: bool = False
    """Whether an effect was written, now or by the same request before."""


@dataclass(frozen=True, slots=True)
class Tool:
    """One thing that the agent can do."""

    spec: ToolSpec

    writes: bool
    """Whether it has effects. Such a tool waits until the turn is ours, and is never cut off."""

    deadline_s: float

    run: Callable[[ToolContext, Mapping[str, Any]], Awaitable[Outcome]]
    """Does the work; the arguments fit the spec. Raises ToolFailed when it cannot. What it wrote
    when cancelled must be whole or nothing."""

    cue: re.Pattern[str] | None = None
    """Phrases of the caller's upon which the model is *made* to call this tool. A small model that
    was not tuned for tools cannot be trusted to choose; fine-tuning replaces these patterns."""

    examples: tuple[tuple[str, Mapping[str, Any]], ...] = ()
    """Callers' words and the arguments that they mean: what a model that is made to call this tool
    is shown first."""

    answer: re.Pattern[str] | None = None
    """What an answer to this tool's own question looks like; a cue in the turn after it asked."""

    speak: Callable[[ToolResult], str] | None = None
    """One short sentence that says truthfully what came of it, failure included, for models too
    small to be trusted with it; None leaves the saying to the model."""
