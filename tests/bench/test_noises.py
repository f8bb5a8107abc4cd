import numpy as np
import pytest

from bench.audible import speech_bounds
from bench.noises import NOISES
from pipeline.audio import LINE_RATE


@pytest.mark.parametrize("kind", NOISES)
def test_a_noise_is_the_same_for_a_seed_and_another_for_another(kind: str) -> None:
    make = NOISES[kind]
    assert np.array_equal(make(1).pcm, make(1).pcm)
    assert not np.array_equal(make(1).pcm, make(2).pcm)
    assert make(1).name != make(2).name


@pytest.mark.parametrize("kind", NOISES)
@pytest.mark.parametrize("seed", range(1000, 1030))
def test_a_noise_is_audible_short_and_begins_and_ends_in_silence(kind: str, seed: int) -> None:
    pcm = NOISES[kind](seed).pcm
    first, after = speech_bounds(pcm)
    assert (after - first) / LINE_RATE < 1.5
    assert not pcm[:80].any()
    assert not pcm[-80:].any()
    assert np.abs(pcm.astype(np.int32)).max() <= 32768
