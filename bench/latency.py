"""Voice to voice on the wire: real-time callers, measured from the audio, the ledger beside it.

Calls arrive as a Poisson process at a fixed rate, whether or not the server keeps up: a generator
that waits for the server measures its own politeness. No two calls begin with the same clip, so
that neither a prefix cache nor a batch is flattered. All times are those of the schedule, and a run
whose callers were late is void.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

import aiohttp
from rich.console import Console

from bench.caller import CallOrder, CallRecord, LineNoise, place_call
from bench.corpus import Clip, chosen, speech_clips
from bench.exchange import Manners
from bench.ledger import LedgerTurn, fetch_ended, turns_of
from bench.pauses import natural_clips, paused_clips
from bench.recording import write_call
from bench.under_test import Load, LoadMeter, ServerUnderTest, own_server, running_server

_FETCHES = 8
"""Ledgers fetched at once after the run."""


@dataclass(frozen=True, slots=True)
class LatencyPlan:
    """What is to be run."""

    calls: int = 1
    rate: float = 0.5
    """Calls that arrive per second, on average."""

    turns: int = 12
    seed: int = 1
    manners: Manners = field(default_factory=Manners)
    pauses: bool = True
    """Whether callers pause inside their sentences, as :mod:`bench.pauses` makes them."""

    warm_up: bool = True
    """Whether a call of one turn goes before, not counted."""

    record_dir: Path | None = None
    """Where each call's sound is written, if anywhere."""


@dataclass(frozen=True, slots=True)
class LatencyRun:
    """What came of it."""

    calls: Sequence[CallRecord]
    texts: Sequence[Sequence[str]]
    """What was said in each call, clip by clip."""

    ledgers: Sequence[Sequence[LedgerTurn]]
    """The server's turns of each call; empty where they could not be had."""

    load: Load
    memory_mib: float | None


@asynccontextmanager
async def server_for(
    url: str | None, control: str | None, config: Path, folder: Path, console: Console
) -> AsyncIterator[ServerUnderTest]:
    """The server at ``url``, or one of our own with ``config`` where there is none.

    If cancelled, a server of our own is stopped.
    """
    if url is not None:
        yield running_server(url, control)
        return
    async with own_server(config, folder / "server.log", console) as server:
        yield server


async def run_latency(server: ServerUnderTest, plan: LatencyPlan, console: Console) -> LatencyRun:
    """Place all calls and wait for the last one.

    If cancelled, every line is dropped.
    """
    clips = speech_clips()
    noise = LineNoise()
    if plan.warm_up:
        console.print("warming up: one call of one turn, not counted")
        await place_call(server.media, order_of(plan, clips, -1, 1), noise)
    starts = arrivals(plan)
    orders = [order_of(plan, clips, index, plan.turns) for index in range(plan.calls)]
    console.print(
        f"{plan.calls} calls of {plan.turns} turns, the last begins at {starts[-1]:.0f} s"
    )
    meter = LoadMeter(server)
    async with asyncio.TaskGroup() as group:
        tasks = [
            group.create_task(_call_at(start, server.media, order, noise, console))
            for start, order in zip(starts, orders, strict=True)
        ]
    load, memory = meter.read(), server.memory_mib()
    records = [task.result() for task in tasks]
    if plan.record_dir is not None:
        for record in records:
            if record.sound is not None:
                write_call(plan.record_dir / f"{record.call_id}.wav", *record.sound)
    ledgers = await _fetch_ledgers(server.control, records)
    texts = [[clip.text for clip in order.clips] for order in orders]
    return LatencyRun(records, texts, ledgers, load, memory)


def arrivals(plan: LatencyPlan) -> list[float]:
    """When each call begins, seconds from now: the first at once, then exponential gaps."""
    chance = random.Random(plan.seed)
    starts = [0.0]
    while len(starts) < plan.calls:
        starts.append(starts[-1] + chance.expovariate(plan.rate))
    return starts


def order_of(plan: LatencyPlan, clips: Sequence[Clip], index: int, turns: int) -> CallOrder:
    """Call number ``index`` of a plan, alike each time; -1 is the one that warms up."""
    chance = random.Random(f"{plan.seed}/{index}")
    # The order of clips differs from call to call, and so does the first one.
    first = clips[index % len(clips)]
    order = [first, *chance.sample([clip for clip in clips if clip is not first], len(clips) - 1)]
    said = chosen(order, turns)
    # Each call has recordings of its own.
    seed = chance.randrange(2**32)
    return CallOrder(
        call_id=f"CA{uuid4().hex}",
        clips=paused_clips(said, seed) if plan.pauses else natural_clips(said),
        manners=plan.manners,
        keep=plan.record_dir is not None,
    )


async def _call_at(
    start: float, url: str, order: CallOrder, noise: LineNoise, console: Console
) -> CallRecord:
    await asyncio.sleep(start)
    record = await place_call(url, order, noise)
    answered = sum(exchange.answered for exchange in record.exchanges)
    problem = f", {record.problem}" if record.problem else ""
    console.print(f"call {order.call_id[:8]}: {answered}/{len(order.clips)} answered{problem}")
    return record


async def _fetch_ledgers(control: str, records: Sequence[CallRecord]) -> list[Sequence[LedgerTurn]]:
    at_once = asyncio.Semaphore(_FETCHES)

    async def fetch(session: aiohttp.ClientSession, call_id: str) -> list[LedgerTurn]:
        async with at_once:
            return turns_of(await fetch_ended(session, control, call_id))

    timeout = aiohttp.ClientTimeout(total=10.0)
    async with aiohttp.ClientSession(timeout=timeout) as session, asyncio.TaskGroup() as group:
        tasks = [group.create_task(fetch(session, record.call_id)) for record in records]
    return [task.result() for task in tasks]
