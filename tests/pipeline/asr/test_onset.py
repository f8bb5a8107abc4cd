"""What is read off an encoder, with encoders made of numbers; and the weights that we ship."""

from __future__ import annotations

import asyncio
from pathlib import Path

import ctranslate2
import numpy as np
import pytest

from pipeline.asr import onset as module
from pipeline.asr.mel import MelBands
from pipeline.asr.onset import Head, OnsetEar, Samples, load_heads, onset_engine, weights_path
from pipeline.engine import only
from pipeline.errors import EngineFailed
from pipeline.interruption.onset import ASKED_MS, ASKED_PRE_MS, Onset

WIDTH = 4
MEL = MelBands(np.eye(80, 201, dtype=np.float32))


def noise(age_ms: int, level: float = 1000.0) -> Samples:
    count = (ASKED_PRE_MS + age_ms) * 8
    return (np.random.default_rng(age_ms).standard_normal(count) * level).astype(np.float32)


class Encoder:
    """Says in its first channel which position it is at, and keeps what it was shown."""

    def __init__(self) -> None:
        self.shown: list[Samples] = []

    def __call__(self, features: ctranslate2.StorageView) -> ctranslate2.StorageView:
        shown = np.array(features)
        self.shown.append(shown)
        encoded = np.zeros((len(shown), shown.shape[2] // 2, WIDTH), np.float32)
        encoded[:, :, 0] = np.arange(shown.shape[2] // 2)
        return ctranslate2.StorageView.from_array(encoded)


def ear(encoder: Encoder, offset: float = 0.0) -> OnsetEar:
    weights = np.zeros(2 * WIDTH, np.float32)
    weights[0], weights[WIDTH] = 1.0, 100.0
    return OnsetEar(encoder, MEL, {age_ms: Head(weights, offset) for age_ms in ASKED_MS})


@pytest.mark.parametrize("age_ms", ASKED_MS)
def test_only_the_positions_of_the_sound_are_read_and_the_newest_by_themselves(age_ms: int) -> None:
    last = (ASKED_PRE_MS + age_ms) // 20
    score = ear(Encoder()).score(Onset(noise(age_ms), age_ms, 0.0))
    assert score == pytest.approx(last / 2 + 100 * (last - 1.5))


def test_the_offset_is_added() -> None:
    onset = Onset(noise(160), 160, 0.0)
    assert ear(Encoder(), 2.5).score(onset) == pytest.approx(ear(Encoder()).score(onset) + 2.5)


def test_the_window_is_short() -> None:
    encoder = Encoder()
    ear(encoder).score(Onset(noise(160), 160, 0.0))
    assert encoder.shown[0].shape[2] <= 44


def test_the_level_does_not_matter() -> None:
    encoder = Encoder()
    for level in (100.0, 10_000.0):
        ear(encoder).score(Onset(noise(160, level), 160, 0.0))
    np.testing.assert_allclose(*encoder.shown, atol=1e-3)


def test_digital_silence_has_a_score() -> None:
    assert np.isfinite(ear(Encoder()).score(Onset(np.zeros(2080, np.float32), 160, 0.0)))


def test_an_encoder_that_fails_is_an_engine_that_failed() -> None:
    def broken(features: ctranslate2.StorageView) -> ctranslate2.StorageView:
        raise RuntimeError("out of memory")

    async def ask() -> None:
        async with onset_engine(
            OnsetEar(broken, MEL, {160: Head(np.zeros(2 * WIDTH, np.float32), 0.0)})
        ) as engine:
            with pytest.raises(EngineFailed):
                await only(engine, Onset(noise(160), 160, 0.0))

    asyncio.run(ask())


def test_a_model_that_was_never_fitted_has_no_heads() -> None:
    assert load_heads("whisper-of-another-kind") is None


@pytest.mark.parametrize("name", ["whisper-base", "/srv/models/Whisper-Base/", "base"])
def test_a_model_is_known_by_its_name_or_folder(name: str) -> None:
    assert weights_path(name).name == "onset-base.npz"


def test_the_heads_that_we_ship_fit_the_model_and_are_small() -> None:
    heads = load_heads("whisper-base")
    assert heads is not None
    assert set(heads) == set(ASKED_MS)
    assert all(head.weights.shape == (2 * 512,) for head in heads.values())
    assert weights_path("whisper-base").stat().st_size < 100_000
    assert Path(module.__file__).parent == weights_path("whisper-base").parent
