"""What a decoder's odds and an encoder's output say of an ending, on made-up ones."""

from __future__ import annotations

import math

import numpy as np
import pytest

from pipeline.asr.closing import (
    POSITION_SAMPLES,
    Closing,
    Signs,
    end_of_speech,
    step_behind_words,
    stop_odds,
)

VOCABULARY = [".", "?", "!", ",", "...", " and", " word", "<eot>", "<0.00>", "<0.02>"]
SIGNS = Signs.of(lambda sign: [VOCABULARY.index(sign)], VOCABULARY.index("<eot>"))


def logits(**probabilities: float) -> np.ndarray:
    named = {"stop": ".", "comma": ",", "word": " word", "time": "<0.02>"}
    values = np.full(len(VOCABULARY), -40.0, np.float32)
    for name, probability in probabilities.items():
        values[VOCABULARY.index(named[name])] = math.log(probability)
    return values + 7.0  # logits have no fixed height


def test_a_sure_full_stop_has_high_odds_and_a_sure_word_low_ones() -> None:
    assert stop_odds(logits(stop=0.99, word=0.01), SIGNS) > 4.0
    assert stop_odds(logits(stop=0.01, word=0.99), SIGNS) < -4.0
    assert stop_odds(logits(stop=0.5, comma=0.5), SIGNS) == pytest.approx(0.0, abs=1e-3)


def test_timestamps_do_not_count() -> None:
    """They say that the sound is over, which is as true of a pause."""
    bare = stop_odds(logits(stop=0.8, word=0.2), SIGNS)
    timed = stop_odds(logits(stop=0.08, word=0.02, time=0.9), SIGNS)
    assert timed == pytest.approx(bare, abs=0.02)
    assert stop_odds(logits(time=1.0), SIGNS) == pytest.approx(0.0, abs=1e-3)


def test_more_weight_on_a_stop_never_lowers_the_odds() -> None:
    odds = [stop_odds(logits(stop=p, word=1 - p), SIGNS) for p in np.linspace(0.01, 0.99, 30)]
    assert odds == sorted(odds)


def test_the_step_behind_the_last_word_skips_marks() -> None:
    assert step_behind_words([" Yes", ",", " please", "."], [1, 2, 4, 5]) == 5
    assert step_behind_words([" Yes"], [3]) == 4
    assert step_behind_words(["...", "-"], [1, 2]) is None
    assert step_behind_words([], []) is None


@pytest.mark.parametrize("silent", [0, 3, 10, 40])
def test_speech_ends_where_it_is_voiced_last(silent: int) -> None:
    rng = np.random.default_rng(1)
    speech = 0.1 * rng.normal(size=30 * POSITION_SAMPLES)
    hiss = 0.0005 * rng.normal(size=(30 + silent) * POSITION_SAMPLES)
    hiss[: len(speech)] += speech
    assert end_of_speech(hiss.astype(np.float32)) == 30


def test_the_shortest_and_the_silent_sound_have_an_end() -> None:
    assert end_of_speech(np.zeros(5 * POSITION_SAMPLES, np.float32)) == 5
    assert end_of_speech(np.ones(3, np.float32)) == 1


def test_a_model_that_was_never_fitted_has_none() -> None:
    assert Closing.load("whisper-tiny.en") is None
    assert Closing.load("Systran/faster-whisper-large-v3") is None


def test_ours_is_a_probability_and_rises_with_the_odds() -> None:
    fitted = Closing.load("whisper-base")
    assert fitted is not None
    rng = np.random.default_rng(2)
    for end in (1, 7, 30, 90):
        encoded = rng.normal(size=(100, 512)).astype(np.float32)
        told = [fitted.probability(odds, encoded, end) for odds in np.linspace(-9.0, 9.0, 19)]
        assert told == sorted(told)
        assert all(0.0 <= value <= 1.0 for value in told)
