"""Ready-made audio is made once, per voice."""

from __future__ import annotations

import asyncio
from pathlib import Path

import numpy as np
import pytest

from pipeline.audio import AudioFrame
from pipeline.errors import EngineFailed
from pipeline.fakes import Scripted, fake_tts
from pipeline.tts.phrases import Phrases
from pipeline.turn import Clause


def make(voice: Scripted[Clause, AudioFrame], folder: Path | None, key: str = "joe") -> Phrases:
    return asyncio.run(Phrases.make(voice, ["Hello.", "Sorry?"], folder, key))


def pcm(phrases: Phrases, text: str) -> bytes:
    frames = phrases.get(text)
    assert frames is not None
    return np.concatenate([frame.pcm for frame in frames]).tobytes()


def test_frames_are_short_and_count_from_the_phrases_start() -> None:
    frames = make(fake_tts(), None).get("Hello.")
    assert frames is not None
    assert all(frame.duration <= 0.2 for frame in frames)
    assert [round(frame.at, 3) for frame in frames] == [0.0, 0.2, 0.4]


def test_the_second_start_says_nothing_again(tmp_path: Path) -> None:
    first = make(fake_tts(), tmp_path)
    voice = fake_tts()
    second = make(voice, tmp_path)
    assert voice.opened == 0
    assert pcm(first, "Sorry?") == pcm(second, "Sorry?")


def test_another_voice_is_another_recording(tmp_path: Path) -> None:
    make(fake_tts(), tmp_path)
    voice = fake_tts()
    make(voice, tmp_path, key="ann")
    assert voice.opened == 2


def test_a_broken_recording_is_made_anew(tmp_path: Path) -> None:
    make(fake_tts(), tmp_path)
    for path in tmp_path.glob("*.npy"):
        path.write_bytes(path.read_bytes()[:40])
    voice = fake_tts()
    assert pcm(make(voice, tmp_path), "Hello.")
    assert voice.opened == 2


def test_a_text_that_was_not_made_is_none() -> None:
    assert make(fake_tts(), None).get("Other.") is None


def test_a_voice_that_fails_is_told() -> None:
    broken = EngineFailed("tts", "broke")
    voice: Scripted[Clause, AudioFrame] = Scripted(lambda clause: [(0.0, broken)])
    with pytest.raises(EngineFailed):
        make(voice, None)
