"""The spectrogram is the one that the models were trained on."""

from __future__ import annotations

import numpy as np
import pytest
from faster_whisper.feature_extractor import FeatureExtractor

from pipeline.asr.mel import HOP, MelBands

RATE = 16_000


@pytest.mark.parametrize("bands", [80, 128])
@pytest.mark.parametrize("samples", [1600, 16_000, 40_001, 79_900])
def test_it_equals_faster_whispers_on_speech_and_padded_silence(bands: int, samples: int) -> None:
    theirs = FeatureExtractor(feature_size=bands)
    rng = np.random.default_rng(samples)
    speech = (rng.standard_normal(samples) * np.linspace(0.001, 0.3, samples)).astype(np.float32)
    frames = 800
    padded = np.zeros(frames * HOP, np.float32)
    padded[:samples] = speech
    ours = MelBands(theirs.mel_filters).log_mel(speech, frames)
    assert ours.shape == (bands, frames)
    assert ours.dtype == np.float32
    assert np.abs(ours - theirs(padded)[:, :frames]).max() < 2e-3


def test_a_window_full_of_speech_is_cut_where_it_ends() -> None:
    theirs = FeatureExtractor()
    speech = np.random.default_rng(1).standard_normal(RATE).astype(np.float32) * 0.1
    bands = MelBands(theirs.mel_filters)
    assert np.array_equal(bands.log_mel(speech, 50), bands.log_mel(speech[: 50 * HOP], 50))


def test_silence_is_one_number() -> None:
    theirs = FeatureExtractor()
    mel = MelBands(theirs.mel_filters).log_mel(np.zeros(RATE, np.float32), 300)
    assert len(np.unique(mel)) == 1
