"""Voice activity on sounds with known answers."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.audio import FRAME_SAMPLES, LINE_RATE, AudioFrame, Pcm
from pipeline.endpointing.vad import Vad
from tests.fakes import silence, speech


def share_voiced(pcm: Pcm, vad: Vad | None = None) -> float:
    vad = vad or Vad(2, -50.0)
    starts = range(0, len(pcm) - FRAME_SAMPLES + 1, FRAME_SAMPLES)
    judged = [
        vad.is_speech(AudioFrame(pcm[s : s + FRAME_SAMPLES], LINE_RATE, s / LINE_RATE))
        for s in starts
    ]
    return sum(judged) / len(judged)


def noise(seconds: float, dbfs: float) -> Pcm:
    samples = np.random.default_rng(7).standard_normal(round(seconds * LINE_RATE))
    return (samples * 32768 * 10 ** (dbfs / 20)).astype(np.int16)


def test_a_voice_is_speech_and_silence_is_not() -> None:
    assert share_voiced(speech(2)) > 0.95
    assert share_voiced(silence(2)) == 0


@pytest.mark.parametrize("dbfs", [-65.0, -55.0])
def test_line_noise_is_not_speech(dbfs: float) -> None:
    assert share_voiced(noise(3, dbfs)) < 0.02


def test_a_voice_stands_out_of_the_noise_that_precedes_it() -> None:
    vad = Vad(2, -50.0)
    loud_line = noise(3, -45.0)
    share_voiced(loud_line, vad)
    assert share_voiced(loud_line, vad) < 0.05
    assert share_voiced(speech(1), vad) > 0.9


def test_a_long_sentence_does_not_become_the_noise_floor() -> None:
    vad = Vad(2, -50.0)
    assert share_voiced(speech(20), vad) > 0.95
