"""What the server's own ear makes of recordings with pauses: every silence that it notices.

A recording is heard frame by frame through the real voice activity detector and endpointer, as
fast as the machine can: line noise under it and mu-law over it, as on the wire. Each silence is
noted with its length and, where it is long enough to matter, with what the transcriber makes of the
speech so far. Which setting would have ended the turn there can then be told without hearing it
again: see :mod:`bench.turns`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from bench.audible import line_noise, speech_bounds
from bench.corpus import Clip, Pause
from pipeline.audio import FRAME_SAMPLES, LINE_RATE, AudioFrame, Pcm
from pipeline.config_timing import TurnSettings
from pipeline.endpointing.endpoint import Endpointer
from pipeline.endpointing.vad import Vad
from pipeline.engine import Engine, only
from pipeline.turn import Resumed, SoftEnd, Speech, Transcript
from telephony.g711 import ulaw_decode, ulaw_encode

FRAME_MS = FRAME_SAMPLES * 1000 // LINE_RATE

_BEFORE_S = 1.0
_BEHIND_S = 3.0
"""Line noise around a recording: the detector learns the line's level, and the end is noticed."""

_EARLIEST_S = 0.2
"""A pause is noticed up to this long before its last audible sample: voices fade out."""

_FOREVER_MS = 100_000
"""A wait that no silence here reaches."""

Judge = Callable[[Transcript], float]
"""What was understood so far to the probability, 0 to 1, that the caller has finished."""


@dataclass(frozen=True, slots=True)
class Silence:
    """A silence that the endpointer noticed, and what it may have taken for an end."""

    heard_until_s: float
    """Where speech had stopped for the detector: seconds into the recording as it was heard."""

    lasted_ms: float
    """Silence counted until speech was believed to go on; infinite at the recording's end."""

    late_ms: float
    """From the last audible sample to where speech had stopped for the detector. Below 0 where the
    detector let go first."""

    pause: Pause | None
    """The pause it belongs to; None at the end, and for the small gaps of speech."""

    text: str = ""
    finished: float = 0.5
    """Probability that the caller has finished, by the words so far."""

    @property
    def is_end(self) -> bool:
        """Whether nothing follows it."""
        return math.isinf(self.lasted_ms)


@dataclass(frozen=True, slots=True)
class Hearing:
    """A recording as the server heard it."""

    clip: Clip
    silences: tuple[Silence, ...]
    """In order, the last one being the end."""


def heard_sound(clip: Clip, seed: int = 1) -> Pcm:
    """The recording as it comes off the wire, int16 (samples,), whole frames."""
    pcm = np.pad(clip.pcm, (round(_BEFORE_S * LINE_RATE), round(_BEHIND_S * LINE_RATE)))
    pcm = np.pad(pcm, (0, -len(pcm) % FRAME_SAMPLES))
    mixed = pcm.astype(np.int32) + line_noise(-65.0, len(pcm) / LINE_RATE, seed)
    return ulaw_decode(ulaw_encode(np.clip(mixed, -32768, 32767).astype(np.int16)))


def hear(clip: Clip, settings: TurnSettings) -> Hearing:
    """Every silence of a recording that lasts ``soft_end_ms``, unjudged."""
    pcm = heard_sound(clip)
    vad = Vad(settings.vad_mode, settings.floor_dbfs)
    endpointer = Endpointer(settings)
    silences: list[Silence] = []
    paused_at: float | None = None
    lasted_ms = 0
    for frame in _frames(pcm):
        event = endpointer.feed(vad.is_speech(frame), frame.at)
        match event:
            case SoftEnd(at):
                paused_at = at
                endpointer.wait(_FOREVER_MS)
            case Resumed() if paused_at is not None:
                silences.append(_silence(clip, paused_at, lasted_ms))
                paused_at = None
        lasted_ms = endpointer.pause_ms
    if paused_at is not None:
        silences.append(_silence(clip, paused_at, math.inf))
    return Hearing(clip, tuple(silences))


async def judged(
    hearing: Hearing, asr: Engine[Speech, Transcript], judge: Judge, shortest_ms: int
) -> Hearing:
    """The same with words and judgement for silences of ``shortest_ms`` or more.

    If cancelled, nothing is kept.

    Raises:
        EngineFailed: the transcriber could not answer.
    """
    pcm = heard_sound(hearing.clip)
    told: list[Silence] = []
    for silence in hearing.silences:
        if silence.lasted_ms < shortest_ms:
            told.append(silence)
            continue
        # As much silence behind the words as there is when a turn may first be over.
        until = round((silence.heard_until_s + 0.1) * LINE_RATE)
        first = round((_BEFORE_S - 0.2) * LINE_RATE)
        transcript = await only(asr, Speech(pcm[first:until], LINE_RATE))
        told.append(replace(silence, text=transcript.text, finished=judge(transcript)))
    return Hearing(hearing.clip, tuple(told))


def pauses_of(hearings: Sequence[Hearing]) -> list[Pause]:
    """All pauses that the speakers made, noticed or not."""
    return [pause for hearing in hearings for pause in hearing.clip.pauses]


def _frames(pcm: Pcm) -> Iterator[AudioFrame]:
    for first in range(0, len(pcm), FRAME_SAMPLES):
        yield AudioFrame(pcm[first : first + FRAME_SAMPLES], LINE_RATE, first / LINE_RATE)


def _silence(clip: Clip, heard_until_s: float, lasted_ms: float) -> Silence:
    at = heard_until_s - _BEFORE_S
    if math.isinf(lasted_ms):
        ended = speech_bounds(clip.pcm)[1] / LINE_RATE
        return Silence(heard_until_s, lasted_ms, (at - ended) * 1000, None)
    pause = next((p for p in clip.pauses if p.start - _EARLIEST_S <= at < p.end), None)
    late_ms = (at - pause.start) * 1000 if pause else 0.0
    return Silence(heard_until_s, lasted_ms, late_ms, pause)
