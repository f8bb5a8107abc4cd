"""Callers who pause: where silence is put, how long it is, and that it is known to the sample."""

import numpy as np
import pytest

from bench.audible import audible_spans, speech_bounds
from bench.corpus import Clip, speech_clips
from bench.pauses import (
    LONGEST_S,
    SHORTEST_S,
    Gap,
    natural,
    natural_clips,
    paused,
    paused_clips,
    word_gaps,
)
from pipeline.audio import LINE_RATE
from tests.bench.sounds import silence, tone

# Three words with 50 and 100 ms between them; the second gap ends a sentence.
CLIP = Clip(
    "words",
    np.concatenate(
        [silence(0.1), tone(1.0), silence(0.05), tone(1.0), silence(0.1), tone(1.0), silence(0.1)]
    ),
    "one two. three",
)
GAPS = [Gap(1.125, "inside"), Gap(2.2, "between")]


@pytest.mark.parametrize("seed", range(20))
def test_every_gap_becomes_a_pause_of_a_drawn_length_and_keeps_its_kind(seed: int) -> None:
    inside, between = paused(CLIP, GAPS, seed).pauses
    assert (inside.kind, between.kind) == ("inside", "between")
    for pause in (inside, between):
        assert SHORTEST_S - 0.011 <= pause.end - pause.start <= LONGEST_S + 0.011
    assert inside.start == pytest.approx(1.1, abs=0.011)
    assert between.start - inside.end == pytest.approx(1.0, abs=0.022)


def test_lengths_are_spread_over_the_whole_range() -> None:
    lengths = [
        pause.end - pause.start for seed in range(200) for pause in paused(CLIP, GAPS, seed).pauses
    ]
    assert min(lengths) < 0.23
    assert max(lengths) > 0.67
    assert np.mean(lengths) == pytest.approx(0.45, abs=0.03)


def test_the_same_seed_gives_the_same_recording_and_another_seed_another() -> None:
    first, same, other = paused(CLIP, GAPS, 1), paused(CLIP, GAPS, 1), paused(CLIP, GAPS, 2)
    assert np.array_equal(first.pcm, same.pcm)
    assert first.pauses == same.pauses
    assert first.pauses != other.pauses


def test_only_silence_is_added() -> None:
    clip = paused(CLIP, GAPS, 3)
    added = sum(pause.end - pause.start for pause in clip.pauses) - 0.15
    assert clip.duration - CLIP.duration == pytest.approx(added, abs=0.022)
    loud = sum(after - first for first, after in audible_spans(clip.pcm)) / LINE_RATE
    assert loud == pytest.approx(3.0, abs=0.03)


def test_a_pause_that_the_speaker_made_is_known_without_our_help() -> None:
    slow = np.concatenate([tone(1.0), silence(0.3), tone(1.0)])
    [pause] = natural(Clip("slow", slow), [Gap(1.15, "inside")]).pauses
    assert (pause.start, pause.end) == pytest.approx((1.0, 1.3))
    assert natural(CLIP, GAPS).pauses == ()


def test_a_clip_without_gaps_is_left_alone() -> None:
    clip = paused(CLIP, [], 1)
    assert clip.pauses == ()
    assert len(clip.pcm) == len(CLIP.pcm)


def test_every_clip_of_the_corpus_pauses_inside_a_sentence_and_away_from_its_ends() -> None:
    gaps = word_gaps()
    clips = speech_clips()
    assert {clip.name for clip in clips} == set(gaps)
    for seed in range(4):
        for clip in paused_clips(clips, seed):
            first, after = speech_bounds(clip.pcm)
            inside = [pause for pause in clip.pauses if pause.kind == "inside"]
            assert inside, clip.name
            for pause in clip.pauses:
                assert pause.start - first / LINE_RATE >= 0.25, clip.name
                assert after / LINE_RATE - pause.end >= 0.25, clip.name


def test_the_corpus_as_it_was_read_has_few_pauses() -> None:
    kinds = [pause.kind for clip in natural_clips(speech_clips()) for pause in clip.pauses]
    assert 3 <= kinds.count("between") <= 4
    assert kinds.count("inside") <= 4
