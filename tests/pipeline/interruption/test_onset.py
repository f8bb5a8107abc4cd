"""The picture of an onset, and nets small enough to be worked out by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from pipeline.interruption.onset import (
    AGES_MS,
    BANDS,
    WEIGHTS,
    Onsets,
    expected_samples,
    picture,
)

RNG = np.random.default_rng(2)


def noise(age_ms: int) -> NDArray[np.float32]:
    return (RNG.standard_normal(expected_samples(age_ms)) * 1000).astype(np.float32)


def constant_nets(bias: float, threshold: float) -> dict[str, NDArray[np.generic]]:
    """Nets that see nothing and always say ``bias``."""
    weights: dict[str, NDArray[np.generic]] = {}
    for age_ms in AGES_MS:
        inputs = picture(noise(age_ms)).size
        weights |= {
            f"{age_ms}.mean": np.zeros(inputs),
            f"{age_ms}.scale": np.ones(inputs),
            f"{age_ms}.hidden": np.zeros((inputs, 2)),
            f"{age_ms}.hidden_bias": np.zeros(2),
            f"{age_ms}.out": np.zeros(2),
            f"{age_ms}.out_bias": np.array(bias),
            f"{age_ms}.threshold": np.array(threshold),
        }
    return weights


@pytest.mark.parametrize("age_ms", AGES_MS)
def test_a_picture_has_a_column_every_ten_milliseconds(age_ms: int) -> None:
    columns = (expected_samples(age_ms) - 200) // 80 + 1
    assert picture(noise(age_ms)).shape == (columns, BANDS)


@given(st.floats(0.05, 8.0))
def test_a_picture_does_not_show_how_loud_the_caller_is(gain: float) -> None:
    sound = noise(160)
    assert np.allclose(picture(sound), picture(sound * np.float32(gain)), atol=0.02)


def test_a_picture_lies_between_loudest_and_silent() -> None:
    sound = noise(200)
    sound[:480] = 0
    shown = picture(sound)
    assert shown.max() == 0.0
    assert shown.min() == -1.0


@pytest.mark.parametrize("hertz", [300, 1000, 3000])
def test_a_tone_lights_its_own_band(hertz: int) -> None:
    time = np.arange(expected_samples(160)) / 8000
    shown = picture((3000 * np.sin(2 * np.pi * hertz * time)).astype(np.float32)).mean(0)
    mel = 2595 * np.log10(1 + np.array([120.0, hertz, 3800.0]) / 700)
    expected = (mel[1] - mel[0]) / (mel[2] - mel[0]) * (BANDS + 1) - 1
    assert abs(int(np.argmax(shown)) - expected) <= 1


def test_a_score_is_what_the_net_says_above_its_threshold() -> None:
    onsets = Onsets(constant_nets(bias=2.0, threshold=0.5))
    assert onsets.score(noise(160), 160) == pytest.approx(1.5)


def test_missing_weights_are_named() -> None:
    weights = constant_nets(0.0, 0.0)
    del weights[f"{AGES_MS[-1]}.out"]
    with pytest.raises(KeyError, match="out"):
        Onsets(weights)


def test_a_missing_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="onset"):
        Onsets.load(tmp_path / "onset.npz")


def test_the_weights_that_come_with_the_package_fit_and_are_small() -> None:
    onsets = Onsets.load()
    for age_ms in AGES_MS:
        assert np.isfinite(onsets.score(noise(age_ms), age_ms))
    assert WEIGHTS.stat().st_size < 200_000
