"""What the judge gets right: ``python -m pipeline.interruption.measure --packages ROOT``.

Voices, prompts and noises that were neither trained on nor used to set thresholds go through random
telephones, the voice activity detector and the judge as a call would run them. Two tables for
people, and one JSON document as the last line.
"""

from __future__ import annotations

import argparse
import json
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pipeline.audio import FRAME_SAMPLES, LINE_RATE, AudioFrame
from pipeline.endpointing.vad import Vad
from pipeline.interruption.corpus import (
    SPEECH_KIND,
    Clip,
    clips,
    companded,
    on_a_line,
)
from pipeline.interruption.judge import Interruptions, Verdict
from pipeline.interruption.noises import Rng, Samples
from pipeline.interruption.onset import Onsets
from pipeline.interruption.voices import read_wav

SEED = 77
REPEATS = 3
"""Telephones that each clip is sent through."""


@dataclass(frozen=True, slots=True)
class Judged:
    """What became of one sound."""

    delay_ms: float | None
    """From the start of its first voiced frame to the end of the one that stopped the agent."""

    passed: bool
    """Whether it was said to have passed."""

    false_ms: float | None = None
    """With an echo: when the agent was stopped before the caller spoke; else None."""


def judged(
    onsets: Onsets, line: Samples, agent: Samples | None = None, speaks_at_s: float = 0.0
) -> tuple[Judged, list[float]]:
    """One line's sound through a fresh judge, and the seconds that each frame took it.

    ``line`` and ``agent``, which the line echoes, are float32 (samples,) on int16's scale. The
    delay counts from the first voiced frame after ``speaks_at_s``.
    """
    judge, vad = Interruptions(onsets), Vad(2, -50.0)
    heard = line.astype(np.int16)
    sent = np.zeros(0, np.int16) if agent is None else agent.astype(np.int16)
    first_s = stopped_s = false_s = None
    passed, costs = False, []
    for start in range(0, len(heard) - FRAME_SAMPLES + 1, FRAME_SAMPLES):
        frame = AudioFrame(heard[start : start + FRAME_SAMPLES], LINE_RATE, start / LINE_RATE)
        if start < len(sent):
            judge.sent(sent[start : start + FRAME_SAMPLES], frame.at)
        voiced = vad.is_speech(frame)
        if voiced and first_s is None and frame.at >= speaks_at_s - FRAME_SAMPLES / LINE_RATE:
            first_s = frame.at
        began = time.perf_counter()
        verdict = judge.feed(frame.pcm, voiced, frame.at)
        costs.append(time.perf_counter() - began)
        passed |= verdict is Verdict.PASSED
        if verdict is Verdict.INTERRUPTS:
            if first_s is None:
                false_s = frame.at
            elif stopped_s is None:
                stopped_s = frame.at + frame.duration
    delay_ms = None if stopped_s is None or first_s is None else (stopped_s - first_s) * 1000
    return Judged(delay_ms, passed, None if false_s is None else false_s * 1000), costs


def held_out(packages: Path, said: Path, speech: Path, rng: Rng) -> Iterator[Clip]:
    """The corpus's clips for testing, and the harness's own human clips."""
    yield from (clip for clip in clips(packages, said, rng) if clip.part == "test")
    for path in sorted(speech.glob("*.wav")):
        yield Clip(read_wav(path), "harness", path.stem, "test", human=True)


def echoed(agent: Samples, delay_s: float, down_db: float, rng: Rng) -> Samples:
    """The agent's sound as it comes back: later, weaker, smeared over up to 25 ms."""
    taps = rng.standard_normal(int(rng.integers(8, 200)))
    taps *= np.exp(-np.arange(len(taps)) / (len(taps) / 6))
    taps[0] += 2.0
    taps *= 10 ** (-down_db / 20) / np.sqrt((taps**2).sum())
    late = np.zeros(len(agent) + LINE_RATE, np.float32)
    start = round(delay_s * LINE_RATE)
    late[start : start + len(agent)] = np.convolve(agent, taps)[: len(agent)]
    return late


def levelled(sound: Samples, dbfs: float) -> Samples:
    """The sound at an RMS level, float32 (samples,) on int16's scale."""
    return sound * np.float32(32768 * 10 ** (dbfs / 20) / np.sqrt((sound**2).mean() + 1e-12))


def _alone(onsets: Onsets, sounds: list[Clip], rng: Rng) -> dict[str, dict[str, float]]:
    table: dict[str, list[Judged]] = defaultdict(list)
    for clip in sounds:
        for _ in range(REPEATS if len(clip.sound) else 0):
            result, _costs = judged(onsets, on_a_line(clip.sound, rng))
            table[
                clip.kind + (" (human)" if clip.kind == SPEECH_KIND and clip.human else "")
            ].append(result)
    return {kind: _summary(results) for kind, results in sorted(table.items())}


def _summary(results: list[Judged]) -> dict[str, float]:
    delays = [result.delay_ms for result in results if result.delay_ms is not None]
    p50, p95 = np.percentile(delays, [50, 95]) if delays else (0.0, 0.0)
    return {
        "sounds": len(results),
        "stopped": len(delays) / len(results),
        "passed": sum(result.passed and result.delay_ms is None for result in results)
        / len(results),
        "p50_ms": float(p50),
        "p95_ms": float(p95),
        "within_200_ms": sum(delay <= 200 for delay in delays) / len(results),
    }


def _with_echo(onsets: Onsets, sounds: list[Clip], rng: Rng) -> dict[str, dict[str, float]]:
    """The harness's clips as the agent's voice; other human speech as the caller's."""
    agents = [clip.sound for clip in sounds if clip.kind == "harness"]
    callers = [clip.sound for clip in sounds if clip.kind == SPEECH_KIND]
    table: dict[str, list[Judged]] = defaultdict(list)
    for number in range(120):
        some = [agents[(number + step) % len(agents)] for step in range(2)]
        agent = companded(levelled(np.concatenate(some), -20.0))
        echo = echoed(agent, rng.uniform(0.08, 0.5), rng.uniform(15, 35), rng)
        hiss = rng.standard_normal(len(echo)).astype(np.float32) * np.float32(32768 * 10**-3.3)
        quiet, _ = judged(onsets, companded(echo + hiss), agent, speaks_at_s=1e9)
        table["echo alone"].append(Judged(quiet.false_ms, quiet.passed))
        caller = levelled(callers[number % len(callers)], rng.uniform(-30, -16))
        at = 8000 + int(rng.integers(0, 4000))
        both = echo + hiss
        both[at : at + len(caller)] += caller[: len(both) - at]
        loud = np.flatnonzero(np.abs(caller) > 0.1 * np.abs(caller).max())[0]
        talk, _ = judged(onsets, companded(both), agent, (at + loud) / LINE_RATE)
        table["speech over echo"].append(talk)
    return {kind: _summary(results) for kind, results in table.items()}


def _print(title: str, table: dict[str, dict[str, float]]) -> None:
    print(f"\n{title}\n{'':20} sounds  stop %  pass %  p50 ms  p95 ms  <=200 ms %")
    for kind, row in table.items():
        print(
            f"{kind:20} {row['sounds']:6.0f}  {row['stopped']:6.1%}  {row['passed']:6.1%}"
            f"  {row['p50_ms']:6.0f}  {row['p95_ms']:6.0f}  {row['within_200_ms']:6.1%}"
        )


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--packages", type=Path, required=True, help="unpacked Debian packages")
    parser.add_argument("--said", type=Path, required=True, help="keeps what synthetic voices say")
    parser.add_argument("--speech", type=Path, default=Path("bench/speech"))
    parser.add_argument("--weights", type=Path, default=None)
    chosen = parser.parse_args()
    onsets = Onsets.load(chosen.weights) if chosen.weights else Onsets.load()
    rng = np.random.default_rng(SEED)
    sounds = list(held_out(chosen.packages, chosen.said, chosen.speech, rng))
    alone, echo = _alone(onsets, sounds, rng), _with_echo(onsets, sounds, rng)
    _print("Sounds alone", alone)
    _print("With the agent's echo", echo)
    print(json.dumps({"alone": alone, "echo": echo}))


if __name__ == "__main__":
    main()
