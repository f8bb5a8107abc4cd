"""A program beside the server: started under a guard, waited for, restarted when it dies, stopped.

What a program is, is a :class:`Program`; one that runs is a :class:`Child`. The wait says on the
terminal what it waits for. A program that never got ready is an error with the last lines of its
log; one that was ready and died is started again, a little later each time.
"""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from pipeline.errors import EngineFailed

Report = Callable[[str], None]
"""Takes a line about progress."""

LOG = logging.getLogger(__name__)

LOOK_S = 0.1
"""How often we ask whether a program is ready."""

TELL_S = 5.0
"""How often we say that we still wait, when nothing changed."""

LONGEST_PAUSE_S = 30.0
"""Between two restarts."""

STEADY_S = 60.0
"""A program that ran this long is restarted without a pause."""


@dataclass(frozen=True, slots=True)
class Program:
    """What to run, and how to tell how far it is."""

    name: str
    command: tuple[str, ...]
    log: Path
    """Takes its output; the one of the start before is kept beside it as ``.previous``."""

    look: Callable[[str], Awaitable[str | None]]
    """Given the log so far: the program's address once it answers, else None."""

    environment: Mapping[str, str] = field(default_factory=dict)
    """Added to ours, where ours does not say otherwise."""

    stages: tuple[tuple[str, str], ...] = ()
    """Pieces of the log, in order, each with what the program is doing once it has said that."""

    patience_s: float = 300.0
    """Seconds from start to ready."""

    grace_s: float = 15.0
    """Seconds from SIGTERM to SIGKILL."""


class Child:
    """A program that is kept running for as long as :meth:`run` runs."""

    def __init__(self, program: Program, report: Report, first_pause_s: float = 1.0) -> None:
        """``first_pause_s``: seconds from a death to the restart; each next one waits twice as
        long."""
        self.program = program
        self.restarts = 0
        # None while the program does not answer.
        self.address: str | None = None
        self._report = report
        self._first_pause_s = first_pause_s
        self._ready = asyncio.Event()

    async def wait_ready(self) -> str:
        """The program's address, once it answers. If cancelled, the program goes on."""
        while self.address is None:
            await self._ready.wait()
        return self.address

    async def run(self) -> None:
        """Start the program, and again whenever it dies. If cancelled, it has been stopped.

        Raises:
            EngineFailed: it did not get ready the first time.
        """
        clock = asyncio.get_running_loop().time
        pause_s = 0.0
        while True:
            began = clock()
            async with self._started() as process:
                try:
                    self.address = await self._wait_answer(process)
                    self._ready.set()
                    await process.wait()
                    problem = f"died with exit code {process.returncode}"
                except EngineFailed as failure:
                    if not self.restarts:
                        raise
                    problem = failure.problem
            self.address = None
            self._ready.clear()
            self.restarts += 1
            steady = clock() - began > STEADY_S
            pause_s = 0.0 if steady else min(max(self._first_pause_s, 2 * pause_s), LONGEST_PAUSE_S)
            LOG.error("%s %s; restart %d in %.0f s", self.name, problem, self.restarts, pause_s)
            self._report(f"{self.name} {problem}. Starting it again in {pause_s:.0f} s")
            await asyncio.sleep(pause_s)

    @property
    def name(self) -> str:
        """The program's name."""
        return self.program.name

    @asynccontextmanager
    async def _started(self) -> AsyncIterator[asyncio.subprocess.Process]:
        """The guard with the program under it; both are gone when the block ends."""
        program = self.program
        program.log.parent.mkdir(parents=True, exist_ok=True)
        if program.log.exists():
            program.log.replace(program.log.with_suffix(".previous"))
        guard = (sys.executable, "-m", "parley.guard", str(program.grace_s))
        with program.log.open("wb") as output:
            process = await asyncio.create_subprocess_exec(
                *guard,
                *program.command,
                stdin=asyncio.subprocess.PIPE,
                stdout=output,
                stderr=output,
                env={**program.environment, **os.environ},
                start_new_session=True,
            )
        try:
            yield process
        finally:
            # The end of its standard input is what tells the guard that we no longer want it.
            assert process.stdin is not None
            process.stdin.close()
            await asyncio.shield(process.wait())

    async def _wait_answer(self, process: asyncio.subprocess.Process) -> str:
        """Ask until the program answers, telling how far it is; its address.

        Raises:
            EngineFailed: it ended, or its patience did.
        """
        clock = asyncio.get_running_loop().time
        began = told = clock()
        stage = ""
        while True:
            text = self.program.log.read_text("utf-8", "replace")
            address = await self.program.look(text)
            waited_s = clock() - began
            if address is not None:
                self._report(f"{self.name} is ready ({waited_s:.0f} s)")
                return address
            if process.returncode is not None:
                raise self._failed(f"ended with exit code {process.returncode} before it was ready")
            if waited_s > self.program.patience_s:
                raise self._failed(f"was not ready after {waited_s:.0f} s")
            now_doing = self._stage(text)
            if now_doing != stage or clock() - told > TELL_S:
                stage, told = now_doing, clock()
                self._report(f"waiting for {self.name}: {stage} ({waited_s:.0f} s)")
            await asyncio.sleep(LOOK_S)

    def _stage(self, text: str) -> str:
        reached = [doing for said, doing in self.program.stages if said in text]
        return reached[-1] if reached else "starting"

    def _failed(self, problem: str) -> EngineFailed:
        lines = self.program.log.read_text("utf-8", "replace").splitlines()
        last = "\n    ".join(line[:300] for line in lines[-8:] if line.strip())
        return EngineFailed(
            self.name, f"{problem}. Its log is {self.program.log} and ends with:\n    {last}"
        )


@asynccontextmanager
async def running(*children: Child) -> AsyncIterator[None]:
    """Run children for as long as the block lasts. Entering waits until all of them answer.

    If cancelled, they have been stopped.

    Raises:
        EngineFailed: one of them did not get ready.
    """
    try:
        # A context manager's block runs in the task that entered it, so yielding inside the group
        # is sound here, as it would not be in a generator that anybody may iterate (PEP 789).
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(child.run(), name=child.name) for child in children]
            for child in children:
                await child.wait_ready()
            yield
            for task in tasks:
                task.cancel()
    except BaseExceptionGroup as errors:
        raise _only_cause(errors) from None


def _only_cause(error: BaseException) -> BaseException:
    """The one thing that went wrong, where a group holds only one; else the group."""
    while isinstance(error, BaseExceptionGroup) and len(error.exceptions) == 1:
        error = error.exceptions[0]
    return error
