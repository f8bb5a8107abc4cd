"""Cost of a frame without models: CPU of the server per 20 ms of one call.

Every call, speaking or not, costs this fifty times a second, so it decides how many calls a core
holds long before a model does. Two loads on the real wire: calls in which nobody speaks, and calls
in which both sides do (with engines that answer without thinking). Beside it the steps that every
frame goes through, done alone, and the floor: a server on the same library and event loop that
reads every message and forgets it.
"""

from __future__ import annotations

import asyncio
import time
from base64 import b64decode
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import orjson
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from bench.caller import CallOrder, CallRecord, LineNoise, place_call
from bench.carrier import Carrier, payload_of
from bench.conversation import FRAME_S
from bench.corpus import Clip, chosen, speech_clips
from bench.exchange import Manners
from bench.pacing import Pacing
from bench.plots import draw_frames
from bench.report import Report, table
from bench.stats import Summary, shown, summary
from bench.under_test import Load, LoadMeter, ServerUnderTest
from pipeline.audio import FRAME_SAMPLES, LINE_RATE, AudioFrame, Pcm
from pipeline.config import Settings
from pipeline.config_timing import TurnSettings
from pipeline.endpointing.endpoint import Endpointer
from pipeline.endpointing.vad import Vad
from telephony.g711 import ulaw_decode
from telephony.twilio import TwilioStream

TARGET_US = 60.0
"""Microseconds of CPU per frame and call that we hold ourselves to."""

_STAGGER_S = 0.02 * 1.618
"""Between two calls' beginnings; no multiple of a frame, so that calls are out of step."""

_SETTLE_S = 5.0
"""From the last call's beginning to the measurement: greetings are over by then."""


@dataclass(frozen=True, slots=True)
class FrameLoad:
    """One number of calls, all silent or all talking."""

    name: str
    """``silent``, ``talking``, or ``bare``: silent calls to a server that reads and forgets."""

    calls: int
    us_per_frame: float
    """CPU microseconds of the server process per 20 ms frame and call."""

    load: Load
    ping_ms: Summary
    """Round trip of a websocket ping beside the calls: how late the server reads."""

    pacing: Pacing
    rss_mib: float | None
    dropped: int
    """Calls that the server refused or ended."""

    @property
    def keeps_up(self) -> bool:
        """Whether the server read its frames in time: one that does not has not paid for them."""
        return self.ping_ms.get("p50", 0.0) < FRAME_S * 1000

    def as_json(self) -> dict[str, Any]:
        """For the report."""
        return {
            "load": self.name,
            "calls": self.calls,
            "us_per_frame": self.us_per_frame,
            "server_cores": self.load.cores(self.load.server.get("server", 0.0)),
            "caller_cores": self.load.cores(self.load.callers),
            "other_cores": self.load.cores(self.load.others),
            "ping_ms": self.ping_ms,
            "keeps_up": self.keeps_up,
            "rss_mib": None if self.rss_mib is None else round(self.rss_mib),
            "dropped": self.dropped,
            "pacing": self.pacing.as_json(),
        }


async def run_frames(server: ServerUnderTest, name: str, calls: int, seconds: float) -> FrameLoad:
    """Bring up all calls, measure for ``seconds`` while they last, and let them end.

    ``name`` is a :class:`FrameLoad`'s.

    If cancelled, every line is dropped.
    """
    ends = calls * _STAGGER_S + _SETTLE_S + seconds + 1.0
    clips = speech_clips() if name == "talking" else []
    noise = LineNoise()
    async with asyncio.TaskGroup() as group:
        tasks = [
            group.create_task(_call(server.media, index, clips, noise, ends))
            for index in range(calls)
        ]
        await asyncio.sleep(calls * _STAGGER_S + _SETTLE_S)
        meter = LoadMeter(server)
        pings = await _ping(server.media, seconds)
        load, rss = meter.read(), server.memory_mib()
    records = [task.result() for task in tasks]
    pacing = Pacing()
    for record in records:
        pacing.include(record.pacing)
    cpu_s = load.server.get("server", 0.0)
    frames = calls * load.seconds / FRAME_S
    return FrameLoad(
        name,
        calls,
        round(cpu_s / frames * 1e6, 1),
        load,
        summary(pings),
        pacing,
        rss,
        sum(record.problem is not None for record in records),
    )


def measure_steps(settings: TurnSettings, repeats: int = 5) -> dict[str, float]:
    """What each step of a frame costs alone, in microseconds: the best of ``repeats`` passes.

    Over one minute of a caller who speaks half of the time.
    """
    messages, frames = _minute()
    payloads = [orjson.loads(message)["media"]["payload"] for message in messages[2:]]
    voiced = [(frame.at % 6 < 3, frame.at) for frame in frames]
    steps: dict[str, tuple[Callable[[], Callable[[Any], object]], Sequence[Any]]] = {
        "message to frame": (lambda: TwilioStream().receive, messages),
        "  of it JSON": (lambda: orjson.loads, messages),
        "  of it base64, mu-law": (lambda: _decode, payloads),
        "voice activity": (lambda: Vad(settings.vad_mode, settings.floor_dbfs).is_speech, frames),
        "endpoint": (lambda: _fresh_endpointer(settings), voiced),
    }
    return {name: _best(make, inputs, repeats) for name, (make, inputs) in steps.items()}


def report_of(
    loads: Sequence[FrameLoad], steps_us: Mapping[str, float], settings: Settings | None
) -> Report:
    """Tables and picture."""
    rows = [
        (
            f"{load.calls} {load.name}",
            f"{load.us_per_frame:.1f}",
            load.load.cores(load.load.server.get("server", 0.0)),
            *shown(load.ping_ms, "p50", "p95", "max"),
            "-" if load.rss_mib is None else f"{load.rss_mib:.0f}",
            load.dropped,
            f"{load.pacing.percentile_ms(99)}",
            load.load.cores(load.load.others),
        )
        for load in loads
    ]
    columns = ("calls", "us a frame", "cores", "ping p50", "p95", "max ms", "RSS MiB")
    costs = {f"{load.calls}\n{load.name}": load.us_per_frame for load in loads}
    worst = max(load.us_per_frame for load in loads if load.name != "bare")
    void = any(load.pacing.is_void for load in loads)
    return Report(
        bench="frames",
        results={
            "void": void,
            "target_us": TARGET_US,
            "worst_us": worst,
            "loads": [load.as_json() for load in loads],
            "steps_us": {name: round(cost, 2) for name, cost in steps_us.items()},
        },
        tables=[
            table("CPU of the server", (*columns, "dropped", "late p99 ms", "others"), rows),
            table("Steps alone", ("step", "us"), [(k, f"{v:.2f}") for k, v in steps_us.items()]),
        ],
        draw=lambda figure: draw_frames(figure, costs, steps_us, TARGET_US),
        settings=settings,
        notes=_notes(loads),
    )


def _notes(loads: Sequence[FrameLoad]) -> list[str]:
    notes = []
    if any(load.pacing.is_void for load in loads):
        notes.append("VOID: the callers themselves were late. Try fewer calls.")
    for load in loads:
        if not load.keeps_up:
            notes.append(f"{load.calls} {load.name}: the server did not keep up, so it cost less.")
        if load.dropped:
            notes.append(f"{load.calls} {load.name}: {load.dropped} calls were refused or ended.")
    return notes


async def _call(
    url: str, index: int, clips: Sequence[Clip], noise: LineNoise, ends: float
) -> CallRecord:
    starts = index * _STAGGER_S
    await asyncio.sleep(starts)
    # Without clips the caller would leave once the greeting is over; patience keeps it on the line.
    waits = {} if clips else {"quiet_s": ends, "greeting_s": ends}
    manners = Manners(hang_up_s=ends - starts, **waits)
    said = chosen(clips, 1000, index) if clips else []
    return await place_call(url, CallOrder(f"CA{uuid4().hex}", said, manners), noise)


async def _ping(url: str, seconds: float) -> list[float]:
    """Round trips in ms on a call of its own, ten a second; none where that call is refused."""
    until = time.monotonic() + seconds
    trips: list[float] = []
    try:
        async with (
            connect(url, compression=None, ping_interval=None, proxy=None) as socket,
            asyncio.TaskGroup() as group,
        ):
            # What is not read holds up what comes behind it, pongs included.
            reading = group.create_task(_read_away(socket))
            for text in Carrier(f"CA{uuid4().hex}").opening({}):
                await socket.send(text)
            while time.monotonic() < until:
                asked = time.monotonic()
                await (await socket.ping())
                trips.append((time.monotonic() - asked) * 1000)
                await asyncio.sleep(0.1)
            reading.cancel()
    except* (OSError, ConnectionClosed):
        await asyncio.sleep(until - time.monotonic())
    return trips


async def _read_away(socket: ClientConnection) -> None:
    async for _ in socket:
        pass


def _minute() -> tuple[list[str], list[AudioFrame]]:
    """A minute of a call as messages and as frames: three seconds of speech, three of noise."""
    noise = LineNoise()
    clips = [clip.pcm[: 3 * LINE_RATE] for clip in speech_clips() if clip.duration >= 3.0]
    voices = []
    for index in range(round(60 / FRAME_S)):
        clip = clips[index * FRAME_SAMPLES // (6 * LINE_RATE) % len(clips)]
        at = index * FRAME_SAMPLES % (6 * LINE_RATE)
        voices.append(clip[at : at + FRAME_SAMPLES] if at < len(clip) else None)
    pcm = noise.track(voices).reshape(-1, FRAME_SAMPLES)
    carrier = Carrier("CAsteps")
    opening = carrier.opening({})
    messages = [*opening, *(carrier.media(payload_of(frame)) for frame in pcm)]
    return messages, [AudioFrame(frame, LINE_RATE, i * FRAME_S) for i, frame in enumerate(pcm)]


def _decode(payload: str) -> Pcm:
    return ulaw_decode(b64decode(payload))


def _fresh_endpointer(settings: TurnSettings) -> Callable[[tuple[bool, float]], object]:
    endpointer = Endpointer(settings)
    return lambda voiced: endpointer.feed(*voiced)


def _best(
    make: Callable[[], Callable[[Any], object]], inputs: Sequence[Any], repeats: int
) -> float:
    """Microseconds of one step on one input, by the fastest of several passes over all."""
    best = float("inf")
    for _ in range(repeats):
        step = make()
        began = time.perf_counter()
        for item in inputs:
            step(item)
        best = min(best, (time.perf_counter() - began) / len(inputs))
    return best * 1e6
