"""Callers who make themselves heard while the agent is talking: who stops it, and how soon.

The agent is given a greeting of more than a minute, so that it talks whatever the model would say.
Into it callers say whole human sentences (they must stop it, and soon), murmur that they follow,
cough, click and crackle (they must not), or are silent on a line that returns the agent's own voice
(it must not stop for that). A call goes on with its next sound as long as the agent talks; where it
was stopped for good, what is left is tried in another call.
"""

from __future__ import annotations

import csv
import random
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

import aiohttp
import numpy as np
from rich.console import Console

from bench.caller import CallOrder, CallRecord, LineNoise, place_call
from bench.corpus import Clip, read_clip, speech_clips
from bench.echo_path import EchoPath
from bench.interjection import Interjecting, Intrusion, IntrusionHeard
from bench.ledger import fetch_ended, turns_of
from bench.noises import NOISES
from bench.overrides import Changes
from bench.recording import write_call
from bench.under_test import ServerUnderTest
from pipeline.audio import LINE_RATE

BACKCHANNELS = Path(__file__).parent / "backchannels"

GREETING = " ".join(
    (
        "Hi, this is Alex, the AI assistant from Northwind Coffee, and thank you for your time.",
        "I would like to tell you in a minute or so what we do for offices like yours.",
        "We bring freshly roasted coffee to your door every week, together with the machines.",
        "Our roaster is about an hour away, so the beans are never older than a few days.",
        "You choose among six kinds, and you may change your mind as often as you like.",
        "A machine costs nothing, and we look after it and repair it the day it breaks.",
        "Most of our customers begin with one machine in the kitchen and add another one later.",
        "There is no contract to sign, and the first month is free of charge.",
        "We also bring tea, milk and cups, and take the empty boxes back with us.",
        "Many offices tell us that people stay for a chat where they used to go out for a cup.",
        "If you like, a colleague of mine can come by with a few samples and make you a cup.",
        "That takes a quarter of an hour, and you decide afterwards, in your own time.",
        "I can also send you the prices, so that you can compare them with what you pay today.",
        "Last year more than two hundred companies in the city changed over to us.",
        "What they like best, they say, is that they never have to think about coffee again.",
    )
)
"""What the agent says in these calls; over a minute in any voice."""

CHANGES: Changes = {"agent": {"greeting": GREETING}}

_SOUNDS_A_CALL = 8
_TRIES = 3
"""A sound that could not be made, because the call had ended, is tried in so many calls."""

_ECHO_S = 6.0
"""How long the agent's own voice comes back in one trial."""


@dataclass(frozen=True, slots=True)
class BargePlan:
    """What is to be tried."""

    seed: int = 1
    speech: int = 34
    """Interruptions by human speech."""

    noises: int = 12
    """Of each kind of noise."""

    echoes: int = 8
    """Lines that return the agent's voice."""

    record_dir: Path | None = None
    """Where each call's sound is written, if anywhere."""


@dataclass(frozen=True, slots=True)
class Trial:
    """Sounds for calls of one kind of line."""

    intrusions: Sequence[Intrusion]
    echo: EchoPath | None = None


@dataclass(slots=True)
class BargeRun:
    """What came of it."""

    heard: list[IntrusionHeard] = field(default_factory=list)
    calls: list[CallRecord] = field(default_factory=list)
    turns_taken: int = 0
    """Turns that the server's ledgers have of callers who only murmured, coughed or were silent."""

    untried: int = 0
    """Sounds for which the agent never talked long enough."""


def backchannels() -> list[Clip]:
    """The recordings of ``bench/backchannels``; a clip's text is what is murmured."""
    with (BACKCHANNELS / "sources.tsv").open(encoding="utf-8", newline="") as table:
        rows = list(csv.DictReader(table, delimiter="\t", quoting=csv.QUOTE_NONE))
    return [read_clip(BACKCHANNELS / f"{row['clip']}.wav", row["words"]) for row in rows]


def trials_of(plan: BargePlan) -> list[Trial]:
    """What is tried, alike for the same plan: each trial is one kind of sound on one line."""
    chance = random.Random(plan.seed)

    def intrusion(clip: Clip, kind: str, go_on_s: float = 4.0) -> Intrusion:
        return Intrusion(clip, kind, after_s=chance.uniform(0.8, 2.0), go_on_s=go_on_s)

    clips = speech_clips()
    speakers = [clips[number % len(clips)] for number in range(plan.speech)]
    trials = [Trial([intrusion(clip, "speech", 0.0)]) for clip in speakers]
    murmurs = [intrusion(clip, clip.text) for clip in backchannels()]
    chance.shuffle(murmurs)
    trials += [Trial(part) for part in _parts(murmurs)]
    for kind, make in NOISES.items():
        noises = [intrusion(make(plan.seed * 1000 + n), kind) for n in range(plan.noises)]
        trials += [Trial(part) for part in _parts(noises)]
    silence = Clip("silence", np.zeros(round(_ECHO_S * LINE_RATE), np.int16))
    for number in range(plan.echoes):
        path = EchoPath(chance.uniform(0.08, 0.3), chance.uniform(20.0, 30.0))
        trials.append(Trial([intrusion(silence, "echo")], path))
        speaker = clips[(number * 5) % len(clips)]
        trials.append(Trial([intrusion(speaker, "speech over echo", 0.0)], path))
    return trials


def _parts(intrusions: Sequence[Intrusion]) -> list[Sequence[Intrusion]]:
    starts = range(0, len(intrusions), _SOUNDS_A_CALL)
    return [intrusions[start : start + _SOUNDS_A_CALL] for start in starts]


async def run_barge(server: ServerUnderTest, plan: BargePlan, console: Console) -> BargeRun:
    """Place the calls one after the other, so that none waits for another's model.

    If cancelled, the line is dropped.
    """
    run, noise = BargeRun(), LineNoise()
    waiting = deque((trial, 1) for trial in trials_of(plan))
    timeout = aiohttp.ClientTimeout(total=10.0)
    async with aiohttp.ClientSession(timeout=timeout) as session:
        while waiting:
            trial, tries = waiting.popleft()
            heard: list[IntrusionHeard] = []
            record = await place_call(server.media, _order(trial, heard, plan), noise)
            ledger = turns_of(await fetch_ended(session, server.control, record.call_id))
            run.calls.append(record)
            run.heard += heard
            if not trial.intrusions[0].kind.startswith("speech"):
                run.turns_taken += len(ledger)
            console.print(_told(record, heard))
            left = trial.intrusions[len(heard) :]
            if left and tries < _TRIES:
                waiting.appendleft((Trial(left, trial.echo), tries + (not heard)))
            else:
                run.untried += len(left)
            if plan.record_dir is not None and record.sound is not None:
                kind = trial.intrusions[0].kind.replace(" ", "-")
                write_call(plan.record_dir / f"{kind}-{record.call_id[:8]}.wav", *record.sound)
    return run


def _order(trial: Trial, heard: list[IntrusionHeard], plan: BargePlan) -> CallOrder:
    return CallOrder(
        call_id=f"CA{uuid4().hex}",
        clips=(),
        keep=plan.record_dir is not None,
        script=lambda ear: Interjecting(trial.intrusions, ear, heard),
        echo=trial.echo,
    )


def _told(record: CallRecord, heard: Sequence[IntrusionHeard]) -> str:
    parts = [
        one.kind if one.clear_s is None else f"{one.kind} STOPPED IT {one.clear_s * 1000:.0f} ms"
        for one in heard
    ]
    return f"call {record.call_id[:8]}: {'; '.join(parts) or record.problem or 'nothing'}"
