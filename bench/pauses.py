"""Callers who pause: the human clips with silence between words, and where each pause lies. Pure.

Read speech has almost none of the pauses that people make while they think, and an agent is quick
to answer whoever never pauses. So each clip is made into turns whose speaker stops for 200 to 700
ms between two words. The places are those of ``speech/gaps.tsv``: boundaries between words, found
with Whisper's word times and kept where what lies before and behind was each transcribed as whole
words. The cut is made where the sound is faintest near there, and the silence that the speaker
left is lengthened; line noise is the caller's affair.

What this is not: a speaker who knows that a pause is coming draws the last word out and lets the
pitch hang. These words are as fluent as they were read, so a judge of prosody gets no help here.
"""

from __future__ import annotations

import csv
import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from bench.audible import audible_spans
from bench.corpus import SPEECH, Clip, Pause, PauseKind
from pipeline.audio import LINE_RATE, Pcm

SHORTEST_S = 0.2
LONGEST_S = 0.7
"""A drawn pause is uniform between the two; one between sentences is no shorter than it was."""

_MOST_INSIDE = 2
"""Pauses put inside the sentences of one clip: one or two."""

_APART_S = 0.4
"""Two pauses of a clip, and a pause and either end of it, have this much of the clip between."""

_SEEK_S = 0.03
"""The faintest place is sought this far to either side of a boundary."""

_FADE_SAMPLES = 40
"""5 ms: a cut through faint sound would click."""

_TOLERANCE_S = 0.01
"""One window of the ear: a pause is measured by audible windows and may come out shorter."""


@dataclass(frozen=True, slots=True)
class Gap:
    """A place between two words of a clip."""

    at: float
    """Seconds since the clip's first sample, about."""

    kind: PauseKind


def word_gaps() -> dict[str, list[Gap]]:
    """The gaps of every clip in ``bench/speech``, in their order, by the clip's name."""
    gaps: dict[str, list[Gap]] = {}
    with (SPEECH / "gaps.tsv").open(encoding="utf-8", newline="") as table:
        for row in csv.DictReader(table, delimiter="\t"):
            kind: PauseKind = "between" if row["kind"] == "between" else "inside"
            gaps.setdefault(row["clip"], []).append(Gap(float(row["at_s"]), kind))
    return gaps


def natural(clip: Clip, gaps: Sequence[Gap]) -> Clip:
    """The clip as it was read, knowing the pauses of 200 ms or more that its speaker made."""
    return replace(
        clip, pauses=_pauses_in(clip.pcm, gaps, [(0, 0), (len(clip.pcm), len(clip.pcm))])
    )


def paused(clip: Clip, gaps: Sequence[Gap], seed: int) -> Clip:
    """The clip with one or two pauses inside its sentences, and any between them lengthened.

    The same for the same clip and seed. Without gaps, the clip as it is.
    """
    chance = random.Random(f"{seed}/{clip.name}")
    pieces: list[Pcm] = []
    # Places of the new sound and of the old one that belong together, both in samples.
    knots: list[tuple[int, int]] = [(0, 0)]
    done = length = 0
    for gap in sorted(_chosen(clip, gaps, chance), key=lambda gap: gap.at):
        wanted = round(chance.uniform(SHORTEST_S, LONGEST_S) * LINE_RATE)
        cut = _faintest(clip.pcm, gap.at)
        silence = max(0, wanted - _quiet_around(clip.pcm, cut))
        pieces += [_faded(clip.pcm[done:cut]), np.zeros(silence, np.int16)]
        length += cut - done + silence
        knots += [(length - silence, cut), (length, cut)]
        done = cut
    pcm = np.concatenate([*pieces, _faded(clip.pcm[done:])])
    knots.append((len(pcm), len(clip.pcm)))
    return replace(clip, pcm=pcm, pauses=_pauses_in(pcm, gaps, knots))


def natural_clips(clips: Sequence[Clip]) -> list[Clip]:
    """Every clip as :func:`natural`."""
    gaps = word_gaps()
    return [natural(clip, gaps.get(clip.name, ())) for clip in clips]


def paused_clips(clips: Sequence[Clip], seed: int) -> list[Clip]:
    """Every clip as :func:`paused`."""
    gaps = word_gaps()
    return [paused(clip, gaps.get(clip.name, ()), seed) for clip in clips]


def _chosen(clip: Clip, gaps: Sequence[Gap], chance: random.Random) -> list[Gap]:
    """All gaps between sentences, and one or two inside them that keep their distance."""
    chosen = [gap for gap in gaps if gap.kind == "between"]
    inside = [gap for gap in gaps if gap.kind == "inside"]
    wanted = len(chosen) + chance.randint(1, _MOST_INSIDE)
    for gap in chance.sample(inside, len(inside)):
        away = min((abs(gap.at - other.at) for other in chosen), default=_APART_S)
        if len(chosen) < wanted and away >= _APART_S <= gap.at <= clip.duration - _APART_S:
            chosen.append(gap)
    return chosen


def _faintest(pcm: Pcm, at_s: float) -> int:
    """The sample near ``at_s`` about which 10 ms are fainter than elsewhere near there."""
    first = max(0, round((at_s - _SEEK_S) * LINE_RATE) - _FADE_SAMPLES)
    near = pcm[first : round((at_s + _SEEK_S) * LINE_RATE) + _FADE_SAMPLES].astype(np.float64)
    energy = np.convolve(near**2, np.ones(2 * _FADE_SAMPLES), "valid")
    return first + int(energy.argmin()) + _FADE_SAMPLES


def _quiet_around(pcm: Pcm, cut: int) -> int:
    """Samples of silence that the speaker left at ``cut`` already; 0 within audible sound."""
    spans = audible_spans(pcm)
    before = [after for _, after in spans if after <= cut]
    behind = [first for first, _ in spans if first >= cut]
    if not before or not behind or any(first < cut < after for first, after in spans):
        return 0
    return behind[0] - before[-1]


def _faded(pcm: Pcm) -> Pcm:
    """The piece with 5 ms of fade at both ends."""
    shape = np.ones(len(pcm))
    ramp = np.linspace(0.0, 1.0, _FADE_SAMPLES, endpoint=False)
    shape[:_FADE_SAMPLES] = ramp
    shape[-_FADE_SAMPLES:] = ramp[::-1]
    faded: Pcm = np.rint(pcm * shape).astype(np.int16)
    return faded


def _pauses_in(
    pcm: Pcm, gaps: Sequence[Gap], knots: Sequence[tuple[int, int]]
) -> tuple[Pause, ...]:
    """Every silence of 200 ms or more between audible sounds, drawn or the speaker's own.

    ``knots`` say where in the clip as it was read a sample of ``pcm`` comes from.
    """
    spans = audible_spans(pcm)
    placed, read = [new for new, _ in knots], [old for _, old in knots]
    pauses: list[Pause] = []
    for (_, start), (end, _) in pairwise(spans):
        if end - start < (SHORTEST_S - _TOLERANCE_S) * LINE_RATE:
            continue
        read_at = float(np.interp((start + end) / 2, placed, read)) / LINE_RATE
        pauses.append(Pause(start / LINE_RATE, end / LINE_RATE, _kind_at(read_at, gaps)))
    return tuple(pauses)


def _kind_at(read_at: float, gaps: Sequence[Gap]) -> PauseKind:
    nearest = min(gaps, key=lambda gap: abs(gap.at - read_at), default=None)
    return nearest.kind if nearest else "inside"
