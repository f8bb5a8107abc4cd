"""The server's own account of a call, fetched from its control plane and laid beside ours."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from difflib import SequenceMatcher
from typing import Any
from urllib.parse import urlsplit

import aiohttp

from bench.exchange import Exchange

LedgerTurn = Mapping[str, Any]
"""One entry of ``turns`` in ``/api/calls/{id}``, as ``pipeline.turn.Turn.as_json`` makes it."""

_WRITTEN_S = 5.0
"""A server has written down a call this long after its end, or does not keep calls."""

_ALIKE = 0.3
"""Transcripts less alike than this are of different utterances."""


def control_url(media_url: str, port: int = 8080) -> str:
    """Where the control plane of a server should be, by the address of its media socket."""
    parts = urlsplit(media_url)
    host = parts.hostname or "127.0.0.1"
    scheme = "https" if parts.scheme == "wss" else "http"
    return f"{scheme}://{f'[{host}]' if ':' in host else host}:{port}"


async def fetch_call(
    session: aiohttp.ClientSession, control: str, call_id: str
) -> dict[str, Any] | None:
    """A call as the server has it now, live or ended; None where it cannot be had.

    If cancelled, the request is dropped.
    """
    try:
        async with session.get(f"{control}/api/calls/{call_id}") as response:
            if response.status != 200:
                return None
            document = await response.json()
    except (aiohttp.ClientError, TimeoutError, ValueError):
        return None
    return document if isinstance(document, dict) else None


async def fetch_ended(
    session: aiohttp.ClientSession, control: str, call_id: str
) -> dict[str, Any] | None:
    """A call as it was written down after its end; as far as it got if that takes too long.

    If cancelled, the request is dropped.
    """
    loop = asyncio.get_running_loop()
    until = loop.time() + _WRITTEN_S
    while True:
        call = await fetch_call(session, control, call_id)
        if call is None or call.get("ended_at") or loop.time() > until:
            return call
        await asyncio.sleep(0.1)


def turns_of(call: Mapping[str, Any] | None) -> list[LedgerTurn]:
    """The caller's turns, oldest first: all but the greeting."""
    turns = (call or {}).get("turns")
    return [turn for turn in turns or [] if turn.get("caller") is not None or turn.get("failures")]


def speculation_of(turns: Sequence[LedgerTurn]) -> dict[str, Any]:
    """How many turns were answered from work begun before they were over, and at what price.

    ``share`` is None, and the rest 0, where the server does not say. ``rungs`` counts the steps of
    the budget's ladder that were taken, by name; turns that were in time took none.
    """
    known = [turn for turn in turns if turn.get("speculative") is not None]
    speculative = sum(bool(turn["speculative"]) for turn in known)
    return {
        "turns": len(known),
        "speculative": speculative,
        "share": round(speculative / len(known), 4) if known else None,
        "resumed": sum(int(turn.get("resumed") or 0) for turn in known),
        "rungs": dict(Counter(str(turn["rung"]) for turn in turns if turn.get("rung"))),
    }


def pair(
    exchanges: Sequence[Exchange], texts: Sequence[str], turns: Sequence[LedgerTurn]
) -> list[LedgerTurn | None]:
    """The server's turn for each exchange, None where it has none.

    One to one in order when there are as many. Otherwise the server heard one utterance as two or
    took one back, and each exchange gets the turn that is most like it among those that are left:
    by words where they are known (``texts``, empty where not), else by the time of the answer.
    """
    if len(turns) == len(exchanges):
        return list(turns)
    paired: list[LedgerTurn | None] = []
    left = list(turns)
    for exchange, text in zip(exchanges, texts, strict=True):
        likes = [_alike(exchange, text, turn) for turn in left]
        best = max(likes, default=0.0)
        if best < _ALIKE:
            paired.append(None)
            continue
        # Of equals the last one: an answer that was begun anew stands where the first does not.
        at = len(likes) - 1 - likes[::-1].index(best)
        paired.append(left[at])
        del left[: at + 1]
    return paired


def _alike(exchange: Exchange, text: str, turn: LedgerTurn) -> float:
    """How much a turn looks like an exchange, 0 to 1."""
    if text:
        said, heard = text.lower().split(), str(turn.get("caller") or "").lower().split()
        return SequenceMatcher(None, said, heard, autojunk=False).ratio()
    sent = turn.get("marks", {}).get("sent")
    if sent is None or exchange.v2v_s is None:
        return 0.0
    return max(0.0, 1.0 - abs(float(sent) - exchange.v2v_s))
