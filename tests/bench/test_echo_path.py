"""An echo is what was heard: as much later and fainter as was asked for."""

import numpy as np
import pytest

from bench.ear import Ear
from bench.echo_path import EchoPath
from pipeline.audio import FRAME_SAMPLES, LINE_RATE, Pcm
from tests.bench.sounds import silence


def hum(seconds: float) -> Pcm:
    """300 Hz, which the dull path leaves as loud as it was."""
    at = np.arange(round(seconds * LINE_RATE)) / LINE_RATE
    return (8000 * np.sin(2 * np.pi * 300 * at)).astype(np.int16)


def returned(path: EchoPath, seconds: float = 2.0) -> Pcm:
    """What comes back of a second of hum that was heard from 0.5 s on."""
    ear = Ear(keep=True)
    frames = []
    for frame in range(round(seconds * LINE_RATE) // FRAME_SAMPLES):
        now = (frame + 1) * 0.02
        if frame == 25:
            ear.play(hum(1.0), 0.5)
        ear.hear(now)
        frames.append(path.returned(ear, frame * FRAME_SAMPLES))
    return np.concatenate(frames)


@pytest.mark.parametrize("delay_s", [0.02, 0.08, 0.137, 0.3])
@pytest.mark.parametrize("down_db", [20.0, 30.0])
def test_an_echo_is_late_and_faint_as_ordered(delay_s: float, down_db: float) -> None:
    echo = returned(EchoPath(delay_s, down_db)).astype(np.float64)
    loud = np.flatnonzero(np.abs(echo) > 0.02 * np.abs(echo).max())
    assert loud[0] / LINE_RATE == pytest.approx(0.5 + delay_s, abs=0.002)
    assert loud[-1] / LINE_RATE == pytest.approx(1.5 + delay_s, abs=0.002)
    gain_db = 20 * np.log10(np.abs(echo).max() / 8000)
    assert gain_db == pytest.approx(-down_db, abs=0.6)


def test_nothing_comes_back_of_silence() -> None:
    ear = Ear(keep=True)
    ear.play(silence(1.0), 0.0)
    ear.hear(1.0)
    assert not EchoPath(0.1, 20.0).returned(ear, 4000).any()


def test_a_path_quicker_than_a_frame_is_refused() -> None:
    with pytest.raises(ValueError, match="frame"):
        EchoPath(0.01, 20.0)
