"""The toolbox: what the agent can do, found by name or by the caller's words, and used safely.

Safely means that nothing a model writes and nothing a database does can hurt the call: arguments
are checked before anything runs, every use has its deadline, and each failure comes back as a
result that the model can speak of.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Sequence

from pipeline.errors import ToolFailed
from pipeline.tools.arguments import Arguments
from pipeline.tools.tool import Outcome, Tool, ToolContext
from pipeline.turn import ToolCall, ToolResult, ToolSpec

__all__ = ["Outcome", "Tool", "ToolContext", "Toolbox", "open_question"]

_LOG = logging.getLogger(__name__)


class Toolbox:
    """A fixed set of tools, shared by all calls; knows no call itself."""

    def __init__(self, tools: Iterable[Tool]) -> None:
        """
        Raises:
            ValueError: two tools have one name, or a tool's parameters are no JSON schema.
        """
        self._tools: dict[str, tuple[Tool, Arguments]] = {}
        for tool in tools:
            name = tool.spec.name
            if name in self._tools:
                raise ValueError(f"two tools are named {name}")
            try:
                self._tools[name] = (tool, Arguments(tool.spec.parameters))
            except ValueError as error:
                raise ValueError(f"tool {name}: parameters are {error}") from error

    @property
    def specs(self) -> tuple[ToolSpec, ...]:
        """What the model is told of each, in order."""
        return tuple(tool.spec for tool, _ in self._tools.values())

    def get(self, name: str) -> Tool | None:
        """The tool of this name."""
        found = self._tools.get(name)
        return found[0] if found else None

    def cued_by(self, text: str, asked: ToolResult | None = None) -> Tool | None:
        """The tool that the caller's words call for, as far as patterns can tell.

        That is the first whose cue is among them, and else the one that asked a question in the
        turn before (``asked``, from :func:`open_question`), if the words look like an answer.
        """
        for tool, _ in self._tools.values():
            if tool.cue is not None and tool.cue.search(text):
                return tool
        asker = self.get(asked.call.name) if asked is not None else None
        if asker is not None and asker.answer is not None and asker.answer.search(text):
            return asker
        return None

    async def use(self, context: ToolContext, call: ToolCall) -> ToolResult:
        """Do what the model asked for, if it can be done in time.

        An unknown tool, arguments that do not fit, a failure of the tool or its database and a
        deadline passed all come back as ``{"error": ...}``; in the first two cases nothing ran, and
        ``argument`` names the argument that is off.
        A write that ran out of time may yet have happened: its idempotency key makes asking again
        in the same turn safe, and the result says that it is not known.

        If cancelled, a read is abandoned. A write is cut off too, whole or not at all, but then
        nobody learns which: shield it, so that it is finished and told.
        """
        began = _now_s()
        outcome = await self._outcome(context, call)
        return ToolResult(
            call,
            outcome.result,
            outcome.resolved,
            outcome.committed,
            ms=(_now_s() - began) * 1000,
        )

    async def _outcome(self, context: ToolContext, call: ToolCall) -> Outcome:
        found = self._tools.get(call.name)
        if found is None:
            return _error(f"there is no tool {call.name}")
        tool, arguments = found
        problem = arguments.problem(call.arguments)
        if problem is not None:
            name, told = problem
            return Outcome({"error": told, "argument": name})
        try:
            async with asyncio.timeout(tool.deadline_s):
                return await tool.run(context, call.arguments)
        except ToolFailed as failure:
            why = failure.__cause__ or failure.told
            _LOG.warning("call %s: tool %s failed: %r", context.call_id, call.name, why)
            return _error(failure.told)
        except TimeoutError:
            _LOG.warning(
                "call %s: tool %s took over %g s", context.call_id, call.name, tool.deadline_s
            )
            told = "that took too long"
            return _error(f"{told}; it is not known whether it was done" if tool.writes else told)


def open_question(results: Sequence[ToolResult]) -> ToolResult | None:
    """The last of a turn's results, if it is a question that the caller has to answer."""
    return results[-1] if results and "question" in results[-1].result else None


def _error(told: str) -> Outcome:
    return Outcome({"error": told})


def _now_s() -> float:
    return asyncio.get_running_loop().time()
