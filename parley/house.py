"""Opening the house: children, database and engines, all at once, each by its own task.

What is slow to start are processes and weights that do not wait for each other, so they are opened
side by side; the second start of everything is as long as its longest part.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import urlsplit
from uuid import uuid4

import asyncpg

from parley.child import Child, Report
from parley.local import Local, local_services
from pipeline.build import fakes, open_ears, open_llm, open_tts, ready_phrases, warm_llm
from pipeline.config import Settings
from pipeline.engine import Engine
from pipeline.interruption.onset import Onsets
from pipeline.reply import Engines
from pipeline.tools.calls import CallStore
from pipeline.tools.crm import Crm
from pipeline.tools.database import Database, open_database
from pipeline.tools.registry import Toolbox
from pipeline.tools.stock import stock_tools
from pipeline.turn import Prompt, Say, ToolCall

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class House:
    """All that a process's calls share."""

    engines: Engines
    crm: Crm | None
    """None without a database: then every caller is a stranger."""

    store: CallStore | None
    """None without a database: then ended calls are forgotten with the process."""

    children: tuple[Child, ...] = ()
    """The servers that we started ourselves."""


@asynccontextmanager
async def open_house(
    settings: Settings,
    report: Report,
    *,
    opened: Callable[[str], None] = lambda name: None,
    scratch: bool = False,
) -> AsyncIterator[House]:
    """Open everything that ``settings`` name, warmed up, and close it again.

    ``opened`` is told each engine's name once it has answered. ``scratch`` puts all tables into a
    database of their own that is dropped at the end. If cancelled, what was opened is closed,
    children included.

    Raises:
        ParleyError: a child does not start, weights are missing, a server does not answer.
    """
    try:
        # Yielding inside a group is sound here: a context manager's body runs in the task that
        # opened it, so a child that fails for good cancels that body, as it should.
        async with asyncio.TaskGroup() as group:
            hold = _Holding(group, opened)
            try:
                yield await _open(settings, report, hold, scratch)
            finally:
                await hold.close()
    except BaseExceptionGroup as errors:
        raise _first_leaf(errors) from errors


async def _open(settings: Settings, report: Report, hold: _Holding, scratch: bool) -> House:
    if settings.engines == "fake":
        return await _open_fakes(settings)
    servers = hold.open("servers", local_services(settings, report))
    waiting_database = hold.open("database", _open_database(settings, servers, scratch))
    waiting_asr = hold.open("asr", open_ears(settings.asr))
    waiting_tts = hold.open("tts", open_tts(settings.tts))
    # The model's warm-up wants the tools' schemas, and those want the database.
    waiting_llm = hold.open("llm", _open_llm(settings, servers, waiting_database))
    tts = await waiting_tts
    phrases = await ready_phrases(tts, settings)
    asr, ear = await waiting_asr
    report("whisper and piper are ready")
    llm, tools = await waiting_llm
    database = await waiting_database
    return House(
        Engines(asr, llm, tts, phrases, tools, Onsets.load(), ear),
        Crm(database, settings.agent.timezone),
        CallStore(database),
        (await servers).children,
    )


async def _open_fakes(settings: Settings) -> House:
    asr, llm, tts = fakes()
    phrases = await ready_phrases(tts, settings)
    return House(Engines(asr, llm, tts, phrases, Toolbox(()), Onsets.load()), crm=None, store=None)


@asynccontextmanager
async def _open_llm(
    settings: Settings, servers: asyncio.Future[Local], database: asyncio.Future[Database]
) -> AsyncIterator[tuple[Engine[Prompt, Say | ToolCall], Toolbox]]:
    local = await asyncio.shield(servers)
    async with open_llm(local.llm_url, local.llm_model, settings.llm) as engine:
        opened = await asyncio.shield(database)
        tools = stock_tools(opened, Crm(opened, settings.agent.timezone))
        await warm_llm(engine, settings, tools)
        yield engine, Toolbox(tools)


@asynccontextmanager
async def _open_database(
    settings: Settings, servers: asyncio.Future[Local], scratch: bool
) -> AsyncIterator[Database]:
    url = (await asyncio.shield(servers)).database_url
    async with AsyncExitStack() as stack:
        if scratch:
            url = await stack.enter_async_context(_scratch_database(url))
        yield await stack.enter_async_context(open_database(url, settings.database))


@asynccontextmanager
async def _scratch_database(url: str) -> AsyncIterator[str]:
    """A new database on the server at ``url``; dropped at the end, whoever is connected."""
    name = f"parley_scratch_{uuid4().hex[:12]}"
    await _execute(url, f'CREATE DATABASE "{name}"')
    try:
        yield urlsplit(url)._replace(path=f"/{name}").geturl()
    finally:
        await _execute(url, f'DROP DATABASE "{name}" WITH (FORCE)')


async def _execute(url: str, statement: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


class _Holding:
    """Opens context managers side by side, and keeps each open in a task of its own.

    A manager has to be left by the task that entered it, so one task cannot enter many at once.
    They are closed one after the other, the last first: a later one may need an earlier one.
    """

    def __init__(self, group: asyncio.TaskGroup, opened: Callable[[str], None]) -> None:
        self._group = group
        self._opened = opened
        # In the order of their opening: the task of each, and what tells it to close once it has
        # opened.
        self._kept: list[tuple[asyncio.Task[None], asyncio.Future[Any], asyncio.Event]] = []

    def open(self, name: str, opening: AbstractAsyncContextManager[T]) -> asyncio.Future[T]:
        """Begin to open; the future has what was opened."""
        value: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        stop = asyncio.Event()
        task = self._group.create_task(self._keep(name, opening, value, stop))
        self._kept.append((task, value, stop))
        return value

    async def close(self) -> None:
        """Close everything. One that is still opening is cancelled."""
        for task, value, stop in reversed(self._kept):
            if value.done():
                stop.set()
            else:
                task.cancel()
            await asyncio.wait((task,))

    async def _keep(
        self,
        name: str,
        opening: AbstractAsyncContextManager[T],
        value: asyncio.Future[T],
        stop: asyncio.Event,
    ) -> None:
        async with opening as opened:
            value.set_result(opened)
            self._opened(name)
            await stop.wait()


def _first_leaf(errors: BaseExceptionGroup[BaseException]) -> BaseException:
    error: BaseException = errors
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
