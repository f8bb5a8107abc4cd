import numpy as np
import pytest

from bench.audible import audible_spans, line_noise, speech_bounds
from pipeline.audio import level_dbfs
from tests.bench.sounds import silence, tone


def test_bounds_are_exact_to_the_sample_wherever_the_sound_lies_in_its_windows() -> None:
    for before in (0, 1, 37, 79, 80, 81):
        for length in (400, 433, 479):
            pcm = np.concatenate([np.zeros(before, np.int16), tone(1.0)[:length], silence(0.05)])
            assert speech_bounds(pcm) == (before, before + length)


def test_a_sound_in_the_last_broken_window_counts_for_a_clip() -> None:
    pcm = np.concatenate([silence(0.1), tone(0.105)])
    assert speech_bounds(pcm) == (800, 1640)


def test_line_noise_is_not_audible_and_has_the_level_it_says() -> None:
    noise = line_noise(-65.0, 10.0, seed=3)
    assert audible_spans(noise) == []
    assert level_dbfs(noise) == pytest.approx(-65.0, abs=0.3)


def test_quiet_between_two_sounds_splits_them() -> None:
    pcm = np.concatenate([tone(0.1), silence(0.03), tone(0.1)])
    assert audible_spans(pcm) == [(0, 800), (1040, 1840)]


def test_silence_has_no_bounds() -> None:
    with pytest.raises(ValueError, match="louder than -45 dBFS"):
        speech_bounds(silence(1.0))
