"""``parley call``: one caller on the wire, told as it happens, and its measurements.

What the caller says and hears is told at once; the words of both sides and the server's ledger come
from its control plane as soon as a turn is over, where that can be reached.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

import aiohttp
import orjson
from rich.console import Console
from rich.markup import escape

from bench.caller import CallOrder, CallRecord, LineNoise, place_call
from bench.conversation import ConversationEvent, Greeted, Settled, Speaking
from bench.corpus import Clip, read_clip
from bench.exchange import Exchange, Manners
from bench.ledger import LedgerTurn, control_url, fetch_call, fetch_ended, pair, turns_of
from bench.recording import write_call

_FETCH = aiohttp.ClientTimeout(total=2.0)


@dataclass(frozen=True, slots=True)
class PhoneCall:
    """What ``parley call`` was asked for."""

    url: str
    """``ws://`` or ``wss://`` address of a Twilio media socket."""

    wavs: Sequence[Path]
    record: Path | None = None
    """Stereo WAV to write."""

    control: str | None = None
    """``http://`` address of the server's control plane; None: port 8080 of the same host."""

    manners: Manners = field(default_factory=Manners)
    phone: str | None = None
    """The number that the caller calls from, E.164."""


def run_call(order: PhoneCall, as_json: bool = False) -> int:
    """Hold the call. Returns the exit code: 0 only if every wav was answered.

    With ``as_json``, stdout gets one JSON document and nothing else.

    Raises:
        SettingsError: a wav cannot be read, or the recording not be written.
    """
    console = Console(quiet=as_json, highlight=False, soft_wrap=True)
    clips = [read_clip(path) for path in order.wavs]
    record, ledger = asyncio.run(hold_phone_call(order, clips, console))
    if order.record is not None and record.sound is not None:
        write_call(order.record, *record.sound)
        console.print(f"recording: {order.record} (caller left, agent right)")
    if as_json:
        document = {"url": order.url, **record.as_json(), "ledger": ledger}
        sys.stdout.write(orjson.dumps(document).decode() + "\n")
    return 0 if record.all_answered else 1


async def hold_phone_call(
    order: PhoneCall, clips: Sequence[Clip], console: Console
) -> tuple[CallRecord, list[LedgerTurn]]:
    """The call, told on ``console``; returns it with the server's turns (empty without any).

    If cancelled, the line is dropped.
    """
    call_order = CallOrder(
        call_id=f"CA{uuid4().hex}",
        clips=clips,
        manners=order.manners,
        parameters={"phone": order.phone} if order.phone else {},
        keep=order.record is not None,
    )
    control = order.control or control_url(order.url)
    # Room for every event that a call can have: a greeting, and two for each clip.
    events: asyncio.Queue[ConversationEvent | None] = asyncio.Queue(2 * len(clips) + 2)
    console.print(f"calling {escape(order.url)} as {call_order.call_id}")
    async with aiohttp.ClientSession(timeout=_FETCH) as session, asyncio.TaskGroup() as group:
        account = _Account(console, session, control, call_order)
        group.create_task(account.tell(events))
        record = await place_call(order.url, call_order, LineNoise(), events.put_nowait)
        events.put_nowait(None)
        ledger = turns_of(await fetch_ended(session, control, call_order.call_id))
    _print_sum(console, record, clips, ledger)
    return record, ledger


class _Account:
    """Tells a call's events, with the server's words as soon as it has them."""

    def __init__(
        self, console: Console, session: aiohttp.ClientSession, control: str, order: CallOrder
    ) -> None:
        self._console = console
        self._session = session
        self._control = control
        self._order = order
        # How many of the server's turns were told already.
        self._told = 0

    async def tell(self, events: asyncio.Queue[ConversationEvent | None]) -> None:
        """Tell until None comes. If cancelled, the rest stays untold."""
        while (event := await events.get()) is not None:
            match event:
                case Greeted(None):
                    self._console.print("[yellow]agent    no greeting[/]")
                case Greeted(after_s) if after_s is not None:
                    self._console.print(f"agent    greeted after {after_s * 1000:.0f} ms")
                    await self._tell_words(greeting=True)
                case Speaking(index, clip):
                    self._console.print(f"caller   [dim]\\[{index + 1}] {escape(clip.name)}[/]")
                case Settled(exchange):
                    self._console.print(_outcome(exchange))
                    await self._tell_words()

    async def _tell_words(self, greeting: bool = False) -> None:
        call = await fetch_call(self._session, self._control, self._order.call_id)
        turns = (call or {}).get("turns") or []
        fresh = turns[self._told : 1] if greeting else turns[self._told :]
        self._told += len(fresh)
        for turn in fresh:
            if turn.get("caller"):
                self._console.print(f'           [dim]caller:[/] "{escape(turn["caller"])}"')
            if turn.get("agent"):
                self._console.print(f'           [dim]agent:[/]  "{escape(turn["agent"])}"')
            if marks := marks_line(turn):
                self._console.print(f"           [dim]{marks}[/]")


def marks_line(turn: LedgerTurn) -> str:
    """A turn's ledger on one line, in the order in which things happened: milliseconds after the
    caller's last speech sample."""
    if turn.get("caller") is None:
        return ""
    marks = sorted((turn.get("marks") or {}).items(), key=lambda mark: mark[1])
    return "  ".join(f"{name.replace('_', ' ')} {at * 1000:+.0f}" for name, at in marks)


def _outcome(exchange: Exchange) -> str:
    if not exchange.answered:
        return "[red]agent    no answer[/]"
    when = (
        "[yellow]answered before we had finished[/]"
        if exchange.v2v_s is None
        else f"answered after [bold]{exchange.v2v_s * 1000:.0f} ms[/]"
    )
    notes = [
        f"{count} {name}{'s' if count > 1 else ''}"
        for count, name in (
            (exchange.false_starts, "false start"),
            (exchange.cut_ins, "cut-in"),
            (len(exchange.gaps_s), "gap"),
        )
        if count
    ]
    if exchange.hushed_s is not None:
        notes.append(f"fell silent {exchange.hushed_s * 1000:.0f} ms after we interrupted")
    return f"agent    {when}, spoke {exchange.answer_s:.1f} s" + "".join(f", {n}" for n in notes)


def _print_sum(
    console: Console, record: CallRecord, clips: Sequence[Clip], ledger: Sequence[LedgerTurn]
) -> None:
    times = [x.v2v_s * 1000 for x in record.exchanges if x.v2v_s is not None]
    answered = sum(exchange.answered for exchange in record.exchanges)
    console.print(
        f"{answered} of {len(clips)} answered"
        + (f", voice to voice {min(times):.0f} to {max(times):.0f} ms" if times else "")
    )
    texts = [clips[exchange.index].text for exchange in record.exchanges]
    for exchange, turn in zip(record.exchanges, pair(record.exchanges, texts, ledger), strict=True):
        if turn is not None and exchange.v2v_s is not None and "sent" in turn["marks"]:
            console.print(
                f"  \\[{exchange.index + 1}] heard {exchange.v2v_s * 1000:.0f} ms, "
                f"server's own ledger {turn['marks']['sent'] * 1000:.0f} ms"
            )
    if record.problem:
        console.print(f"[red]{escape(record.problem)}[/]")
    if record.pacing.is_void:
        console.print(
            f"[red]void: the caller itself was late, p99 {record.pacing.percentile_ms(99)} ms[/]"
        )
