"""Recordings hold what was heard, by both."""

from __future__ import annotations

import wave
from pathlib import Path

import numpy as np

from pipeline.audio import AudioFrame, Pcm
from telephony.recorder import RecordedLine
from tests import clock
from tests.fakes import FakeLine

TONE: Pcm = np.full(8000, 1000, np.int16)


def record(tmp_path: Path, script: list[float | str], clear_at_frame: int | None = None) -> Pcm:
    """Plays one second of agent sound at the first frame; returns int16 (samples, 2)."""
    path = tmp_path / "deep" / "call.wav"

    async def main() -> None:
        line = RecordedLine(FakeLine(script), path)
        count = 0
        async for event in line:
            if isinstance(event, AudioFrame):
                if count == 0:
                    await line.play(TONE)
                if count == clear_at_frame:
                    await line.clear()
                count += 1

    clock.run(main())
    with wave.open(str(path)) as file:
        assert (file.getnchannels(), file.getframerate(), file.getsampwidth()) == (2, 8000, 2)
        samples = np.frombuffer(file.readframes(file.getnframes()), "<i2")
    return samples.reshape(-1, 2)


def test_the_caller_is_left_and_the_agent_right_as_long_as_the_call(tmp_path: Path) -> None:
    samples = record(tmp_path, [1.0, -2.0])
    assert len(samples) == 3 * 8000
    assert np.any(samples[:8000, 0])
    assert not np.any(samples[8000:, 0])
    assert np.count_nonzero(samples[:, 1]) == 8000


def test_what_was_cleared_is_not_in_it(tmp_path: Path) -> None:
    samples = record(tmp_path, [-2.0], clear_at_frame=25)
    assert np.count_nonzero(samples[:, 1]) == 25 * 160


def test_a_call_longer_than_a_block_is_whole(tmp_path: Path) -> None:
    assert len(record(tmp_path, [-4.9])) == 49 * 800


def test_a_call_that_never_spoke_leaves_a_readable_file(tmp_path: Path) -> None:
    assert len(record(tmp_path, [])) == 0
