"""The voice, on its real weights."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from pipeline.audio import LINE_RATE, level_dbfs
from pipeline.config import TtsSettings
from pipeline.errors import WeightsError
from pipeline.tts.piper import Piper
from pipeline.weights import find

LONG = "Thanks for asking. We bring fresh coffee to offices every week, at one price for all of it."


@pytest.fixture(scope="module")
def piper() -> Piper:
    return Piper(find("en_US-joe-medium", "voice"), TtsSettings())


def test_a_folder_without_a_voice_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=r"has 0 files \*\.onnx\.json"):
        Piper(tmp_path, TtsSettings())


def test_a_graph_that_is_missing_or_no_graph_is_refused_by_name(tmp_path: Path) -> None:
    phonemes = {"_": [0], "^": [1], "$": [2]}
    config = {"audio": {"sample_rate": 22050}, "espeak": {"voice": "en-us"}, "num_symbols": 3}
    config |= {"num_speakers": 1, "phoneme_id_map": phonemes}
    (tmp_path / "voice.onnx.json").write_text(json.dumps(config))
    with pytest.raises(WeightsError, match=r"encoder\.onnx: does not load"):
        Piper(tmp_path, TtsSettings())
    (tmp_path / "encoder.onnx").write_text("no graph")
    with pytest.raises(WeightsError, match=r"encoder\.onnx: does not load"):
        Piper(tmp_path, TtsSettings())


@pytest.mark.real
def test_decoding_in_pieces_gives_the_samples_of_one_run(piper: Piper) -> None:
    for outputs in piper.latents(LONG):
        whole = np.concatenate(list(piper.decode(outputs, pieces=False)))
        pieces = np.concatenate(list(piper.decode(outputs)))
        assert len(whole) == len(pieces)
        noise = float(np.sum((whole - pieces) ** 2))
        assert 10 * np.log10(float(np.sum(whole**2)) / max(noise, 1e-20)) > 60


@pytest.mark.real
def test_frames_join_without_a_gap_and_are_short(piper: Piper) -> None:
    frames = list(piper.synthesise(LONG))
    position = 0
    for frame in frames:
        assert frame.rate == LINE_RATE
        assert round(frame.at * LINE_RATE) == position
        assert frame.duration <= 0.2
        position += len(frame.pcm)
    assert 4 < position / LINE_RATE < 9


@pytest.mark.real
def test_sound_begins_at_once_and_ends_with_a_breath(piper: Piper) -> None:
    pcm = np.concatenate([frame.pcm for frame in piper.synthesise("I can do that for you.")])
    loud = np.flatnonzero(np.abs(pcm) > 400)
    assert loud[0] / LINE_RATE < 0.08
    assert (len(pcm) - loud[-1]) / LINE_RATE < 0.3
    assert -35 < level_dbfs(pcm) < -10


@pytest.mark.real
@pytest.mark.parametrize("text", ["", "...", "?!", "😀"])
def test_what_cannot_be_said_is_silence_and_no_error(piper: Piper, text: str) -> None:
    assert sum(frame.duration for frame in piper.synthesise(text)) < 0.5


@pytest.mark.real
def test_speed_shortens(piper: Piper) -> None:
    fast = Piper(find("en_US-joe-medium", "voice"), TtsSettings(speed=1.5))
    usual = sum(frame.duration for frame in piper.synthesise(LONG))
    assert 0.55 < sum(frame.duration for frame in fast.synthesise(LONG)) / usual < 0.8
