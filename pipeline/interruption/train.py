"""Fits the nets of ``onset.py``: ``python -m pipeline.interruption.train --packages ROOT``.

Seeded: the same packages give the same weights, in a few minutes on one core. Each clip is sent
through a random telephone, the voice activity detector and the judge itself; what the judge asks
about is an example. The nets are fitted to the voices for training. Where "speech" begins, the zero
of :meth:`Onsets.score`, is set on other voices, so that no more than ``BUDGETS`` of their
backchannels pass, and no more of their noises.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pipeline.audio import FRAME_SAMPLES, LINE_RATE, AudioFrame
from pipeline.endpointing.vad import Vad
from pipeline.interruption.corpus import ALIKE_KIND, SPEECH_KIND, Clip, clips, on_a_line
from pipeline.interruption.judge import Interruptions
from pipeline.interruption.noises import KINDS, Rng, Samples
from pipeline.interruption.onset import AGES_MS, WEIGHTS, Onsets, picture

SEED = 20
UNITS = 16
STEPS = 4000
BATCH = 256
RATE = 2e-3
SHORTEST = FRAME_SAMPLES
DECAY = 3e-3
"""Weight decay, as AdamW has it (Loshchilov & Hutter, 2019)."""

BUDGETS = dict(zip(AGES_MS, (0.004, 0.016, 0.010, 0.003, 0.003, 0.002, 0.002), strict=True))
"""Share of the tuning voices' backchannels that may pass for speech at each age and at none before.
Most is spent at 160 ms: later it buys less, and earlier there is too little to judge by."""

ALIKE_FROM_MS = 380
"""Age from which speech that begins like a backchannel differs from one."""


@dataclass(frozen=True, slots=True)
class Example:
    """What the judge once asked about."""

    clip: int
    """Number of its clip."""

    sound: int
    """Number of the sound within the clip."""

    age_ms: int
    inputs: Samples
    """The picture, float32 (columns * bands,)."""


class _Asked(Onsets):
    """Believes nothing, and keeps what it is asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[int, Samples]] = []

    def score(self, sound: Samples, age_ms: int) -> float:
        self.asked.append((age_ms, picture(sound).reshape(-1)))
        return -1.0


@dataclass(frozen=True, slots=True)
class Net:
    """One age's weights, as ``onset.py`` wants them but for the threshold."""

    mean: Samples
    scale: Samples
    hidden: Samples
    hidden_bias: Samples
    out: Samples
    out_bias: float

    def scores(self, inputs: Samples) -> Samples:
        """Log-odds (examples,) of inputs (examples, inputs)."""
        units = np.tanh((inputs - self.mean) / self.scale @ self.hidden + self.hidden_bias)
        return units @ self.out + np.float32(self.out_bias)


def examples_of(number: int, line: Samples) -> list[Example]:
    """What the judge asks about a line's sound, float32 (samples,) on int16's scale."""
    asked = _Asked()
    judge, vad = Interruptions(asked), Vad(2, -50.0)
    pcm = line.astype(np.int16)
    examples: list[Example] = []
    sound = 0
    for start in range(0, len(pcm) - FRAME_SAMPLES + 1, FRAME_SAMPLES):
        frame = AudioFrame(pcm[start : start + FRAME_SAMPLES], LINE_RATE, start / LINE_RATE)
        judge.feed(frame.pcm, vad.is_speech(frame), frame.at)
        for age_ms, inputs in asked.asked:
            sound += not examples or age_ms <= examples[-1].age_ms
            examples.append(Example(number, sound, age_ms, inputs))
        asked.asked.clear()
    return examples


def fit(inputs: Samples, wanted: Samples, weights: Samples, rng: Rng) -> Net:
    """Logistic loss by Adam (Kingma & Ba, 2015), float32 throughout.

    ``inputs`` (examples, inputs), ``wanted`` (examples,) 0 or 1, ``weights`` (examples,).
    """
    mean, scale = inputs.mean(0), inputs.std(0) + np.float32(0.05)
    shown = (inputs - mean) / scale
    width = inputs.shape[1]
    values = [
        rng.standard_normal((width, UNITS)).astype(np.float32) / np.float32(np.sqrt(width)),
        np.zeros(UNITS, np.float32),
        rng.standard_normal(UNITS).astype(np.float32) / np.float32(np.sqrt(UNITS)),
        np.zeros(1, np.float32),
    ]
    first = [np.zeros_like(value) for value in values]
    second = [np.zeros_like(value) for value in values]
    for step in range(STEPS):
        some = rng.integers(0, len(shown), BATCH)
        slopes = _slopes(shown[some], wanted[some], weights[some], values)
        rate = RATE * (1 - step / STEPS)
        for index, slope in enumerate(slopes):
            first[index] += np.float32(0.1) * (slope - first[index])
            second[index] += np.float32(0.01) * (slope**2 - second[index])
            grown = 1 - 0.9 ** (step + 1), 1 - 0.99 ** (step + 1)
            change = first[index] / grown[0] / (np.sqrt(second[index] / grown[1]) + 1e-6)
            values[index] -= (rate * (change + DECAY * 10 * values[index])).astype(np.float32)
    return Net(mean, scale, values[0], values[1], values[2], float(values[3][0]))


def _slopes(
    shown: Samples, wanted: Samples, weights: Samples, values: list[Samples]
) -> list[Samples]:
    hidden, hidden_bias, out, bias = values
    units = np.tanh(shown @ hidden + hidden_bias)
    odds = units @ out + bias
    error = (1 / (1 + np.exp(-odds)) - wanted) * weights / np.float32(weights.sum())
    back = np.outer(error, out) * (1 - units**2)
    return [shown.T @ back, back.sum(0), units.T @ error, error.sum(keepdims=True)]


class Set:
    """The corpus as examples."""

    def __init__(self, sounds: Iterable[Clip], rng: Rng) -> None:
        self.clips: list[Clip] = []
        self.examples: list[Example] = []
        for clip in sounds:
            if len(clip.sound) < SHORTEST:  # a program had nothing to say to the text
                continue
            for _ in range(2 if clip.part == "train" and not clip.human else 1):
                self.examples += examples_of(len(self.clips), on_a_line(clip.sound, rng))
                self.clips.append(clip)

    def of(self, part: str, age_ms: int) -> list[Example]:
        """Examples of an age, those of no use at that age left out."""
        early = age_ms < ALIKE_FROM_MS
        return [
            example
            for example in self.examples
            if example.age_ms == age_ms
            and self.clips[example.clip].part == part
            and not (early and self.clips[example.clip].kind == ALIKE_KIND)
        ]

    def wanted(self, example: Example) -> bool:
        return self.clips[example.clip].kind in {SPEECH_KIND, ALIKE_KIND}

    def weight(self, example: Example) -> float:
        """Human speech counts three times; made-up noises, which are easy, half."""
        clip = self.clips[example.clip]
        return 3.0 if clip.human else 0.5 if clip.voice == "made" else 1.0


def threshold(scores: Samples, clip_of: NDArray[np.int64], total: int, budget: float) -> float:
    """Least score that no more than ``budget`` of ``total`` clips reach; a clip has its highest."""
    highest = np.sort([scores[clip_of == clip].max() for clip in np.unique(clip_of)])[::-1]
    allowed = int(budget * total)
    return float(highest[allowed]) + 1e-3 if allowed < len(highest) else 0.0


def train(data: Set, rng: Rng) -> dict[str, NDArray[np.generic]]:
    """The weights by name, for :class:`~pipeline.interruption.onset.Onsets`."""
    weights: dict[str, NDArray[np.generic]] = {}
    stopped: set[int] = set()
    for age_ms in AGES_MS:
        some = data.of("train", age_ms)
        wanted = np.array([data.wanted(example) for example in some], np.float32)
        counts = np.array([data.weight(example) for example in some], np.float32)
        counts[wanted == 1] *= counts[wanted == 0].sum() / counts[wanted == 1].sum()
        net = fit(np.stack([example.inputs for example in some]), wanted, counts, rng)
        limit = _limit(data, net, age_ms, stopped)
        for name in ("mean", "scale", "hidden", "hidden_bias", "out", "out_bias"):
            weights[f"{age_ms}.{name}"] = np.asarray(getattr(net, name), np.float16)
        weights[f"{age_ms}.threshold"] = np.asarray(limit, np.float32)
        print(f"{age_ms} ms: {len(some)} examples, threshold {limit:.2f}", flush=True)
    return weights


def _limit(data: Set, net: Net, age_ms: int, stopped: set[int]) -> float:
    """The threshold at one age; adds to ``stopped`` the tuning clips that pass it."""
    some = [example for example in data.of("tune", age_ms) if example.clip not in stopped]
    scores = net.scores(np.stack([example.inputs for example in some]))
    clip_of = np.array([example.clip for example in some])
    limits = []
    for noise in (False, True):
        clips_of_it = [
            number
            for number, clip in enumerate(data.clips)
            if clip.part == "tune"
            and clip.kind not in {SPEECH_KIND, ALIKE_KIND}
            and (clip.kind in KINDS) == noise
        ]
        chosen = np.isin(clip_of, clips_of_it)
        if chosen.any():
            limits.append(
                threshold(scores[chosen], clip_of[chosen], len(clips_of_it), BUDGETS[age_ms])
            )
    limit = max(limits)
    stopped.update(clip_of[scores > limit].tolist())
    return limit


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--packages", type=Path, required=True, help="unpacked Debian packages")
    parser.add_argument("--said", type=Path, required=True, help="keeps what synthetic voices say")
    parser.add_argument("--out", type=Path, default=WEIGHTS)
    chosen = parser.parse_args()
    rng = np.random.default_rng(SEED)
    data = Set(clips(chosen.packages, chosen.said, rng), rng)
    print(f"{len(data.clips)} clips, {len(data.examples)} examples", flush=True)
    np.savez_compressed(chosen.out, **train(data, rng))  # type: ignore[arg-type]


if __name__ == "__main__":
    main()
