"""Fits the heads of ``onset.py``: ``python -m pipeline.asr.onset_training --packages ROOT ...``.

Seeded. Each clip of the corpus goes through a random telephone, the voice activity detector and the
judge; what the judge asks is an example, and logistic regression on the encoder's output tells
speech from the rest. Where "speech" begins, the zero of a score, is set on voices that were not
fitted to, so that of their backchannels no more than ``BUDGETS`` pass, and no more of their noises.

The voices and the speaker of the harness (``bench/backchannels`` and ``bench/speech``) are in
neither: ``is_heldout`` keeps them for measuring.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import ctranslate2
import numpy as np
import soxr
from faster_whisper.feature_extractor import FeatureExtractor
from numpy.typing import NDArray
from piper import PiperVoice
from piper.config import SynthesisConfig

from pipeline.asr.mel import MelBands
from pipeline.asr.onset import OnsetEar, Samples, weights_path
from pipeline.audio import FRAME_SAMPLES, LINE_RATE, AudioFrame
from pipeline.endpointing.vad import Vad
from pipeline.interruption.corpus import ALIKE_KIND, SPEECH_KIND, Clip, clips, on_a_line
from pipeline.interruption.judge import Interruptions, Verdict
from pipeline.interruption.noises import KINDS, Rng
from pipeline.interruption.onset import ASKED_MS, Onset
from pipeline.interruption.phrases import BACKCHANNELS, BEGINNING_ALIKE, SPEECH

SEED = 11
STEPS, BATCH, RATE, DECAY, DROPPED = 1500, 256, 2e-3, 0.3, 0.3

BUDGETS = dict(zip(ASKED_MS, (0.008, 0.016, 0.012, 0.006, 0.004, 0.003, 0.003), strict=True))
"""Share of the tuning voices' backchannels that may pass for speech at each age and at none before.
Most is spent while it buys an interruption within 250 ms."""

MARGINS = dict(zip(ASKED_MS, (1.5, 0.5, 0.5, 1.5, 0.5, 4.5, 1.5), strict=True))
"""Log-odds by which zeros are raised beyond that: the tuning voices are easier than others, above
all where they speak for long. Chosen on the clips of the harness: see ``docs/interruptions.md``."""

ALIKE_FROM_MS = 380
"""Age from which speech that begins like a backchannel differs from one."""

A_KIND = 500
"""Each kind of what is no speech counts like about so many examples: hums are few, and matter."""

SPELT = {
    "mm-hm": ["Mm-hmm.", "Mhm.", "Mmhm."],
    "hm": ["Hmm.", "Mm."],
    "uh-huh": ["Uh-huh.", "Uh huh."],
}
"""Hums in spellings that Piper's phonemes make hums of."""

WARPS = (0.78, 0.88, 1.0, 1.12, 1.25, 1.38)
"""Ratios by which a Piper voice's pitch and formants are moved together: as many speakers."""

TUNING_WARPS = frozenset({0.78, 1.25})


@dataclass(frozen=True, slots=True)
class Example:
    """What the judge once asked, and of which clip."""

    clip: int
    onset: Onset


@dataclass(frozen=True, slots=True)
class Fitted:
    """One age's head before its zero is set."""

    weights: Samples
    offset: float

    def scores(self, inputs: Samples) -> Samples:
        return inputs @ self.weights + np.float32(self.offset)


def is_heldout(clip: Clip) -> bool:
    """Whether a clip is by a voice of the harness: flite's, slt's in festival, or the speaker of
    the English prompts."""
    return (
        clip.voice.startswith("flite")
        or "slt" in clip.voice
        or clip.voice == "asterisk-core-sounds-en-wav"
    )


def piper_clips(model: Path, rng: Rng) -> Iterator[Clip]:
    """Backchannels and speech by a Piper voice, as several speakers."""
    voice = PiperVoice.load(str(model))
    lists = {**{kind: (texts, 14) for kind, texts in {**BACKCHANNELS, **SPELT}.items()}}
    lists[SPEECH_KIND], lists[ALIKE_KIND] = (SPEECH, 4), (BEGINNING_ALIKE, 6)
    for kind, (texts, count) in lists.items():
        for text in [text for text in texts for _ in range(count)]:
            warp = float(rng.choice(WARPS))
            config = SynthesisConfig(
                length_scale=float(rng.uniform(0.7, 1.2)) * warp,
                noise_scale=float(rng.uniform(0.4, 1.0)),
                noise_w_scale=float(rng.uniform(0.5, 1.2)),
            )
            whole = np.concatenate(
                [piece.audio_float_array for piece in voice.synthesize(text, config)]
            )
            sound = soxr.resample(whole, voice.config.sample_rate * warp, LINE_RATE)
            loud = np.flatnonzero(np.abs(sound) > 0.02 * np.abs(sound).max())
            part = "tune" if warp in TUNING_WARPS else "train"
            trimmed = sound[max(0, loud[0] - 400) : loud[-1] + 400].astype(np.float32)
            yield Clip(trimmed, kind, f"piper:{warp}", part)


def onsets_of(line: Samples) -> list[Onset]:
    """What the judge asks about the first sound of a line, float32 (samples,), int16's scale."""
    judge, vad = Interruptions(None), Vad(2, -50.0)
    pcm = line.astype(np.int16)
    onsets: list[Onset] = []
    for start in range(0, len(pcm) - FRAME_SAMPLES + 1, FRAME_SAMPLES):
        frame = AudioFrame(pcm[start : start + FRAME_SAMPLES], LINE_RATE, start / LINE_RATE)
        verdict = judge.feed(frame.pcm, vad.is_speech(frame), frame.at)
        question = judge.question
        if verdict is Verdict.ASK and question is not None:
            if onsets and question.began != onsets[0].began:
                break
            onsets.append(question)
    return onsets


class Set:
    """Clips, and what was asked about them."""

    def __init__(self, sounds: Iterator[Clip], rng: Rng) -> None:
        self.clips: list[Clip] = []
        self.examples: list[Example] = []
        for clip in sounds:
            if len(clip.sound) < FRAME_SAMPLES:  # a program had nothing to say to the text
                continue
            repeated = not clip.human and clip.kind not in {SPEECH_KIND, ALIKE_KIND, *KINDS}
            for _ in range(2 if repeated else 1):
                line = on_a_line(clip.sound[: 10 * LINE_RATE // 8], rng)
                self.examples += [Example(len(self.clips), onset) for onset in onsets_of(line)]
                self.clips.append(replace(clip, part="test") if is_heldout(clip) else clip)

    def wanted(self, number: int) -> bool:
        """Whether a clip is speech."""
        return self.clips[number].kind in {SPEECH_KIND, ALIKE_KIND}

    def of(self, age_ms: int) -> list[Example]:
        """Examples of an age, but for those that nobody can tell at that age."""
        return [
            example
            for example in self.examples
            if example.onset.age_ms == age_ms
            and (age_ms >= ALIKE_FROM_MS or self.clips[example.clip].kind != ALIKE_KIND)
        ]


def counts_of(data: Set, numbers: NDArray[np.int64]) -> Samples:
    """How much each example counts: kinds of no speech alike, and all of them like all speech."""
    kinds = np.array([data.clips[number].kind for number in numbers])
    wanted = np.array([data.wanted(number) for number in numbers])
    counts = np.where(np.isin(kinds, list(KINDS)), 0.5, 1.0)
    for kind in set(kinds[~wanted].tolist()):
        counts[kinds == kind] *= np.clip(A_KIND / (kinds == kind).sum(), 0.3, 4.0)
    counts[wanted] *= counts[~wanted].sum() / counts[wanted].sum()
    return counts.astype(np.float32)


def fit(inputs: Samples, wanted: Samples, counts: Samples, rng: Rng) -> Fitted:
    """Logistic regression by Adam (Kingma & Ba, 2015), with dropout of inputs (Srivastava et al.,
    2014) and decoupled weight decay. ``inputs`` (examples, width); the others (examples,)."""
    mean, scale = inputs.mean(0), inputs.std(0) + np.float32(1e-3)
    shown = (inputs - mean) / scale
    weights, offset = np.zeros(inputs.shape[1], np.float32), 0.0
    first, second = np.zeros(len(weights) + 1), np.zeros(len(weights) + 1)
    for step in range(STEPS):
        some = rng.integers(0, len(shown), BATCH)
        kept = rng.random((BATCH, len(weights)), dtype=np.float32) > DROPPED
        seen = shown[some] * kept / np.float32(1 - DROPPED)
        odds = 1 / (1 + np.exp(-(seen @ weights + offset)))
        error = (odds - wanted[some]) * counts[some] / counts[some].sum()
        slope = np.append(seen.T @ error, error.sum())
        first += 0.1 * (slope - first)
        second += 0.01 * (slope**2 - second)
        grown = 1 - 0.9 ** (step + 1), 1 - 0.99 ** (step + 1)
        change = first / grown[0] / (np.sqrt(second / grown[1]) + 1e-7)
        rate = RATE * (1 - step / STEPS)
        weights -= (rate * (change[:-1] + DECAY * weights)).astype(np.float32)
        offset -= rate * float(change[-1])
    folded = (weights / scale).astype(np.float32)
    return Fitted(folded, offset - float(mean @ folded))


def zero_of(
    data: Set, numbers: NDArray[np.int64], scores: Samples, stopped: set[int], budget: float
) -> float:
    """The score that no more than ``budget`` of the tuning backchannels reach, nor of the noises;
    adds to ``stopped`` the clips that do."""
    limits = []
    for noise in (False, True):
        total = [
            number
            for number, clip in enumerate(data.clips)
            if clip.part == "tune" and not data.wanted(number) and (clip.kind in KINDS) == noise
        ]
        chosen = np.isin(numbers, total) & ~np.isin(numbers, list(stopped))
        highest = np.sort(scores[chosen])[::-1]
        allowed = int(budget * len(total))
        limits.append(float(highest[allowed]) + 1e-3 if allowed < len(highest) else -9.0)
    stopped.update(numbers[scores > max(limits)].tolist())
    return max(limits)


def train(data: Set, ear: OnsetEar, rng: Rng) -> dict[str, NDArray[np.generic]]:
    """The heads by name; prints how each does on the voices held out."""
    heads: dict[str, NDArray[np.generic]] = {}
    stopped: set[int] = set()
    for age_ms in ASKED_MS:
        some = data.of(age_ms)
        numbers = np.array([example.clip for example in some])
        sounds = [example.onset.sound for example in some]
        inputs = np.concatenate(
            [ear.read(sounds[start : start + 32]) for start in range(0, len(sounds), 32)]
        )
        part = np.array([data.clips[number].part for number in numbers])
        wanted = np.array([data.wanted(number) for number in numbers])
        fitted_to = part == "train"
        head = fit(
            inputs[fitted_to],
            wanted[fitted_to].astype(np.float32),
            counts_of(data, numbers[fitted_to]),
            rng,
        )
        scores = head.scores(inputs)
        zero = zero_of(data, numbers, scores, stopped, BUDGETS[age_ms])
        heads[f"{age_ms}.weights"] = head.weights.astype(np.float16)
        heads[f"{age_ms}.offset"] = np.asarray(head.offset - zero - MARGINS[age_ms], np.float32)
        print(f"{age_ms} ms, {len(some)} examples: {_told(data, stopped)}")
    return heads


def _told(data: Set, stopped: set[int]) -> str:
    """Shares of the held-out clips that would have stopped the agent by now."""
    shares: dict[str, list[bool]] = {}
    for number, clip in enumerate(data.clips):
        if clip.part == "test":
            kind = "human speech" if clip.human else "noises" if clip.kind in KINDS else clip.kind
            shares.setdefault(kind, []).append(number in stopped)
    return ", ".join(f"{kind} {np.mean(those):.1%}" for kind, those in sorted(shares.items()))


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--packages", type=Path, required=True, help="unpacked Debian packages")
    parser.add_argument("--said", type=Path, required=True, help="keeps what synthetic voices say")
    parser.add_argument("--voice", type=Path, required=True, help="a whole Piper voice, *.onnx")
    parser.add_argument("--whisper", type=Path, required=True, help="folder of the model")
    parser.add_argument("--model", default="whisper-base", help="its name")
    chosen = parser.parse_args()
    rng = np.random.default_rng(SEED)

    def everything() -> Iterator[Clip]:
        yield from clips(chosen.packages, chosen.said, rng)
        yield from piper_clips(chosen.voice, rng)

    data = Set(everything(), rng)
    print(f"{len(data.clips)} clips, {len(data.examples)} examples", flush=True)
    model = ctranslate2.models.Whisper(str(chosen.whisper), device="cpu", compute_type="int8")
    mel = MelBands(FeatureExtractor(feature_size=model.n_mels).mel_filters)
    heads = train(data, OnsetEar(model.encode, mel, {}), rng)
    np.savez_compressed(weights_path(chosen.model), **heads)  # type: ignore[arg-type]


if __name__ == "__main__":
    main()
