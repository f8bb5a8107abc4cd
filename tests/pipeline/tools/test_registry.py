"""The toolbox on a jumping clock: nothing a model writes and no failing tool hurts the call."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.errors import ToolFailed
from pipeline.tools.registry import Outcome, Tool, Toolbox, ToolContext, open_question
from pipeline.turn import ToolCall, ToolResult, ToolSpec
from tests import clock

CONTEXT = ToolContext("call", 1, None, datetime(2026, 3, 2, 16, 0, tzinfo=UTC))
SCHEMA = {
    "type": "object",
    "properties": {
        "at": {"type": "string", "maxLength": 20},
        "part": {"type": "string", "enum": ["morning", "afternoon"]},
        "count": {"type": "integer"},
    },
    "required": ["at"],
    "additionalProperties": False,
}


class Spy:
    """A tool that notes what reached it, and takes its time."""

    def __init__(self, takes_s: float = 0.0, fails: ToolFailed | None = None) -> None:
        self.seen: list[Mapping[str, Any]] = []
        self.finished = 0
        self._takes_s = takes_s
        self._fails = fails

    async def run(self, context: ToolContext, arguments: Mapping[str, Any]) -> Outcome:
        self.seen.append(arguments)
        await asyncio.sleep(self._takes_s)
        if self._fails is not None:
            raise self._fails
        self.finished += 1
        return Outcome({"ok": True}, {"at": "2026-03-03T15:00"}, committed=True)

    def tool(self, name: str = "book", *, writes: bool = False, **more: Any) -> Tool:
        spec = ToolSpec(name, "Books.", SCHEMA)
        return Tool(spec, writes=writes, deadline_s=2.0, run=self.run, **more)


def use(spy: Spy, arguments: Mapping[str, Any], *, writes: bool = False) -> ToolResult:
    toolbox = Toolbox([spy.tool(writes=writes)])
    return clock.run(toolbox.use(CONTEXT, ToolCall("book", arguments)))


def test_what_a_tool_brings_comes_back_whole_with_its_time() -> None:
    spy = Spy(takes_s=0.25)
    result = use(spy, {"at": "tomorrow"})
    assert result == ToolResult(
        ToolCall("book", {"at": "tomorrow"}),
        {"ok": True},
        {"at": "2026-03-03T15:00"},
        committed=True,
        ms=pytest.approx(250.0),
    )


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ({}, "at"),
        ({"at": 3}, "at"),
        ({"at": None}, "at"),
        ({"at": "x" * 21}, "at"),
        ({"at": "x" * 100_000}, "at"),
        ({"at": "nul \0 inside"}, "at"),
        ({"at": "three", "to": "four"}, "to"),
        ({"at": "three", "part": "noon"}, "part"),
        ({"at": "three", "count": 1.5}, "count"),
        ({"at": "three", "count": "1"}, "count"),
    ],
)
def test_arguments_that_do_not_fit_are_named_and_nothing_runs(
    arguments: dict[str, Any], named: str
) -> None:
    spy = Spy()
    result = use(spy, arguments)
    assert result.result["argument"] == named
    assert named in result.result["error"]
    assert len(result.result["error"]) < 300
    assert spy.seen == []
    assert not result.committed


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@settings(deadline=None)  # other work may share the machine
@given(st.dictionaries(st.sampled_from(["at", "part", "count", "x"]) | st.text(), JSON))
def test_whatever_a_model_writes_either_fits_or_never_runs(arguments: dict[str, Any]) -> None:
    spy = Spy()
    result = use(spy, arguments)
    assert ("error" in result.result) == (spy.seen == [])


def test_a_tool_that_does_not_exist_is_an_error_and_not_an_exception() -> None:
    result = clock.run(Toolbox([]).use(CONTEXT, ToolCall("fly", {})))
    assert result.result == {"error": "there is no tool fly"}


def test_a_failing_tool_tells_the_model_what_it_may_say() -> None:
    result = use(Spy(fails=ToolFailed("book", "the diary is closed")), {"at": "three"})
    assert result.result == {"error": "the diary is closed"}
    assert not result.committed


@pytest.mark.parametrize("writes", [False, True])
def test_a_slow_tool_is_ended_at_its_deadline(writes: bool) -> None:
    spy = Spy(takes_s=60.0)
    result = use(spy, {"at": "three"}, writes=writes)
    assert result.ms == pytest.approx(2000.0)
    assert spy.finished == 0
    assert ("not known" in result.result["error"]) == writes


def test_a_cancelled_use_abandons_a_read_but_not_a_shielded_write() -> None:
    async def main() -> tuple[int, int]:
        read, write = Spy(takes_s=1.0), Spy(takes_s=1.0)
        toolbox = Toolbox([read.tool("read"), write.tool("write", writes=True)])
        call = ToolCall("read", {"at": "three"})
        reading = asyncio.create_task(toolbox.use(CONTEXT, call))
        writing = asyncio.create_task(toolbox.use(CONTEXT, ToolCall("write", {"at": "three"})))
        waiting = asyncio.ensure_future(asyncio.shield(writing))
        await asyncio.sleep(0.5)
        reading.cancel()
        waiting.cancel()
        await asyncio.wait([reading, waiting])
        await writing
        return read.finished, write.finished

    assert clock.run(main()) == (0, 1)


def test_uses_side_by_side_cost_the_slowest_and_fail_apart() -> None:
    async def main() -> tuple[float, list[Mapping[str, Any]]]:
        slow, broken = Spy(takes_s=1.5), Spy(takes_s=0.1, fails=ToolFailed("b", "broken"))
        toolbox = Toolbox([slow.tool("slow"), broken.tool("broken"), Spy(9.0).tool("stuck")])
        names = ("slow", "broken", "stuck")
        async with asyncio.TaskGroup() as group:
            uses = [
                group.create_task(toolbox.use(CONTEXT, ToolCall(name, {"at": "three"})))
                for name in names
            ]
        return asyncio.get_running_loop().time(), [use.result().result for use in uses]

    took_s, results = clock.run(main())
    assert took_s == pytest.approx(2.0)
    assert results == [{"ok": True}, {"error": "broken"}, {"error": "that took too long"}]


def test_a_cue_names_its_tool_and_an_open_question_its_asker() -> None:
    spy = Spy()
    book = spy.tool("book", cue=re.compile("book me"), answer=re.compile(r"\bat \w+"))
    toolbox = Toolbox([book, spy.tool("look")])
    asked = ToolResult(ToolCall("book", {"at": "tomorrow"}), {"question": "What time?"})
    assert toolbox.cued_by("please book me in") is book
    assert toolbox.cued_by("at three") is None
    assert toolbox.cued_by("at three", asked) is book
    assert toolbox.cued_by("never mind", asked) is None


def test_a_question_is_open_only_while_it_was_the_last_word() -> None:
    question = ToolResult(ToolCall("book", {}), {"question": "What time?"})
    done = ToolResult(ToolCall("book", {}), {"ok": True})
    assert open_question([done, question]) is question
    assert open_question([question, done]) is None
    assert open_question([]) is None


def test_two_tools_of_one_name_and_a_schema_that_is_none_are_refused_by_name() -> None:
    spy = Spy()
    with pytest.raises(ValueError, match="two tools are named book"):
        Toolbox([spy.tool("book"), spy.tool("book")])
    broken = Tool(ToolSpec("odd", "", {"type": "no such type"}), False, 1.0, spy.run)
    with pytest.raises(ValueError, match="tool odd"):
        Toolbox([broken])


def test_specs_come_in_the_order_of_the_tools() -> None:
    spy = Spy()
    toolbox = Toolbox([spy.tool("one"), spy.tool("two")])
    assert [spec.name for spec in toolbox.specs] == ["one", "two"]
