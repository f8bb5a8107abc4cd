"""A child is waited for, restarted when it dies, and gone when its block ends."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path

import pytest

from parley.child import Child, Program, running
from pipeline.errors import EngineFailed
from tests.parley.test_guard import is_gone

SERVE = (
    "import os, signal; print('loading', flush=True);"
    "print('here', os.getpid(), flush=True); signal.pause()"
)


async def look(log: str) -> str | None:
    """A program answers once it has said its number; that is its address."""
    lines = [line for line in log.splitlines() if line.startswith("here")]
    return lines[-1].split()[1] if lines else None


def program(tmp_path: Path, code: str, patience_s: float = 20.0) -> Program:
    return Program(
        name="Echo",
        command=(sys.executable, "-c", code),
        log=tmp_path / "logs" / "echo.log",
        look=look,
        stages=(("", "starting Python"), ("loading", "loading the echo")),
        patience_s=patience_s,
        grace_s=2.0,
    )


def test_the_block_begins_when_the_program_answers_and_ends_with_it_gone(tmp_path: Path) -> None:
    told: list[str] = []

    async def main() -> int:
        child = Child(program(tmp_path, SERVE), told.append)
        async with running(child):
            assert child.restarts == 0
            return int(await child.wait_ready())

    assert is_gone(asyncio.run(main()), within_s=0)
    assert told[0] == "waiting for Echo: starting Python (0 s)"
    assert told[-1].startswith("Echo is ready")


def test_a_program_that_dies_is_started_again_and_counted(tmp_path: Path) -> None:
    told: list[str] = []

    async def main() -> tuple[str, str, int]:
        died = asyncio.Event()

        def report(line: str) -> None:
            told.append(line)
            if "died" in line:
                died.set()

        child = Child(program(tmp_path, SERVE), report, first_pause_s=0.01)
        async with running(child):
            first = await child.wait_ready()
            os.kill(int(first), signal.SIGKILL)
            await died.wait()
            return first, await child.wait_ready(), child.restarts

    first, second, restarts = asyncio.run(main())
    assert first != second
    assert restarts == 1
    assert any("Echo died with exit code 137" in line for line in told)


def test_a_program_that_never_answers_is_an_error_with_its_last_words(tmp_path: Path) -> None:
    async def main() -> None:
        code = "print('cannot find my teeth'); raise SystemExit(3)"
        async with running(Child(program(tmp_path, code), lambda line: None)):
            raise AssertionError("the block began")

    with pytest.raises(EngineFailed) as failure:
        asyncio.run(main())
    assert "ended with exit code 3 before it was ready" in str(failure.value)
    assert "cannot find my teeth" in str(failure.value)
    assert str(tmp_path / "logs" / "echo.log") in str(failure.value)


def test_patience_ends(tmp_path: Path) -> None:
    async def main() -> None:
        mute = program(tmp_path, "import signal; signal.pause()", patience_s=0.2)
        async with running(Child(mute, lambda line: None)):
            raise AssertionError("the block began")

    with pytest.raises(EngineFailed, match="was not ready after"):
        asyncio.run(main())


def test_an_error_in_the_block_comes_out_as_it_is_and_the_program_is_gone(tmp_path: Path) -> None:
    pids: list[int] = []

    async def main() -> None:
        child = Child(program(tmp_path, SERVE), lambda line: None)
        async with running(child):
            pids.append(int(await child.wait_ready()))
            raise LookupError("mine")

    with pytest.raises(LookupError, match="mine"):
        asyncio.run(main())
    assert is_gone(pids[0], within_s=0)


def test_the_log_of_the_start_before_is_kept(tmp_path: Path) -> None:
    async def main() -> None:
        async with running(Child(program(tmp_path, SERVE), lambda line: None)):
            pass

    asyncio.run(main())
    asyncio.run(main())
    logs = tmp_path / "logs"
    assert sorted(path.name for path in logs.iterdir()) == ["echo.log", "echo.previous"]
    assert (logs / "echo.previous").read_text() != (logs / "echo.log").read_text()


def test_children_start_side_by_side(tmp_path: Path) -> None:
    told: list[str] = []

    async def main() -> None:
        left = Child(program(tmp_path / "left", SERVE), told.append)
        right = Child(program(tmp_path / "right", SERVE), told.append)
        async with running(left, right):
            assert left.address != right.address

    asyncio.run(main())
    waits = [index for index, line in enumerate(told) if line.endswith("starting Python (0 s)")]
    assert waits == [0, 1]
