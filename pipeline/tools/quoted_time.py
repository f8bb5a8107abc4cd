"""A span that a model quoted from the caller, held against what the caller said.

A small model misquotes: it drops a word, turns "three" into "2 pm", or makes up a time where none
was named. So the caller's own words are read too, and what the two readings do not agree on is
asked about. A question that is answered in the next turn is completed, not begun anew.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from pipeline.tools.say_time import spoken
from pipeline.tools.time_grammar import is_spoken_in, time_words
from pipeline.tools.tool import ToolContext
from pipeline.tools.when import Instant, Vague, resolve

_ASSENT = re.compile(
    r"\b(?:yes|yeah|yep|sure|ok|okay|fine|works|perfect|great|correct|right|do that)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Unsettled:
    """A question, and what the answer to it completes."""

    question: str

    so_far: tuple[str, ...]
    """Spans, oldest first."""


def understand(span: str, context: ToolContext, zone: ZoneInfo, tool: str) -> Instant | Unsettled:
    """The instant that the caller named to ``tool``, of which the model quoted ``span``."""
    earlier = _earlier(context, tool)
    quoted = resolve(span, context.now, zone, earlier)
    if not context.said:
        return quoted if isinstance(quoted, Instant) else _ask(quoted, earlier, span)
    words = time_words(context.said)
    heard = resolve(words, context.now, zone, earlier)
    faithful = is_spoken_in(span, " ".join((context.said, *earlier)))
    match heard, quoted:
        case Instant(), Instant() if heard.at != quoted.at and not faithful:
            either = Vague(f"Do you mean {spoken(heard.at)}, or {spoken(quoted.at)}?")
            return _ask(either, earlier, words)
        case Instant(), _:
            return heard
        case Vague(), Instant() if faithful:
            return quoted
        case Vague(), Instant() if not words and _ASSENT.search(context.said):
            # "Yes, do that": the time may be one that we proposed.
            return _ask(Vague(f"Do you mean {spoken(quoted.at)}?"), earlier, span)
        case Vague(), _:
            return _ask(heard, earlier, words)
    raise AssertionError("a reading is an instant or vague")


def _ask(vague: Vague, earlier: tuple[str, ...], span: str) -> Unsettled:
    return Unsettled(vague.question, (*earlier, span) if span else earlier)


def _earlier(context: ToolContext, tool: str) -> tuple[str, ...]:
    asked = context.asked
    if asked is None or asked.call.name != tool:
        return ()
    return tuple(asked.result.get("so_far", ()))
