"""Levels and rates."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.audio import AudioFrame, level_dbfs, resample, to_float, to_int16


def test_full_scale_is_zero_and_silence_is_low() -> None:
    square = np.tile(np.array([32767, -32768], np.int16), 80)
    assert level_dbfs(square) == pytest.approx(0.0, abs=0.01)
    assert level_dbfs(square // 10) == pytest.approx(-20.0, abs=0.05)
    assert level_dbfs(np.zeros(160, np.int16)) <= -110
    assert level_dbfs(np.zeros(0, np.int16)) == -120


def test_a_tone_keeps_its_pitch_level_and_length_when_resampled() -> None:
    tone = (8000 * np.sin(2 * np.pi * 440 * np.arange(8000) / 8000)).astype(np.int16)
    doubled = resample(tone, 8000, 16000)
    assert abs(len(doubled) - 16000) <= 2
    assert np.argmax(np.abs(np.fft.rfft(doubled[:16000]))) == 440
    assert level_dbfs(doubled) == pytest.approx(level_dbfs(tone), abs=0.1)
    assert resample(tone, 8000, 8000) is tone


def test_conversion_to_float_and_back_is_exact_to_a_step_and_clips() -> None:
    pcm = np.array([-32768, -1, 0, 1, 32767], np.int16)
    assert np.abs(to_int16(to_float(pcm)).astype(int) - pcm).max() <= 1
    assert to_int16(np.array([2.0, -2.0], np.float32)).tolist() == [32767, -32768]


def test_a_frame_knows_its_duration() -> None:
    assert AudioFrame(np.zeros(160, np.int16), 8000, 0.0).duration == 0.02
