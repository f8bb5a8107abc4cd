"""Whisper on its real weights: human speech, and sounds in which nobody speaks."""

from __future__ import annotations

import asyncio
from pathlib import Path

import numpy as np
import pytest

from bench.corpus import Clip, speech_clips
from bench.words import word_error_rate
from pipeline.asr.whisper import Whisper, whisper_engines
from pipeline.asr.windows import FULL_WINDOW_S
from pipeline.audio import LINE_RATE, Pcm, resample
from pipeline.config import AsrSettings
from pipeline.engine import only
from pipeline.errors import WeightsError
from pipeline.turn import Speech
from pipeline.weights import find

MODELS = ["whisper-base", "whisper-tiny.en"]


@pytest.fixture(scope="module", params=MODELS)
def whisper(request: pytest.FixtureRequest) -> Whisper:
    model = Whisper(find(request.param, "whisper"), AsrSettings(), request.param)
    model.warm_up()
    return model


def errors(whisper: Whisper, clips: list[Clip], pad_s: float | None = None) -> float:
    heard = [whisper.transcribe(Speech(clip.pcm, LINE_RATE), pad_s).text for clip in clips]
    return word_error_rate([clip.text for clip in clips], heard) or 0.0


def test_a_folder_without_a_model_is_refused_with_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=r"mine: has no model\.bin .* parley models fetch"):
        Whisper(tmp_path, AsrSettings(), "mine")


def test_a_file_that_is_no_model_is_refused(tmp_path: Path) -> None:
    for name in ("model.bin", "config.json", "tokenizer.json"):
        (tmp_path / name).write_text("{}")
    with pytest.raises(WeightsError, match="mine: does not load"):
        Whisper(tmp_path, AsrSettings(), "mine")


@pytest.mark.real
def test_human_speech_is_understood_in_a_short_window(whisper: Whisper) -> None:
    assert errors(whisper, speech_clips()) < 0.05


@pytest.mark.real
def test_a_window_that_loops_falls_back_to_a_wider_one(whisper: Whisper) -> None:
    # With no silence behind it, every few sentences are said again and again.
    fallen = 0
    for clip in speech_clips()[6:]:
        speech = Speech(clip.pcm, LINE_RATE)
        transcript = whisper.transcribe(speech, pad_s=0.0)
        assert len(transcript.text.split()) < 25
        if transcript.fell_back:
            fallen += 1
            wider = (5.0, 8.0, FULL_WINDOW_S)
            assert transcript.text in {whisper.transcribe(speech, pad).text for pad in wider}
    assert fallen


@pytest.mark.real
def test_the_full_window_hears_the_same(whisper: Whisper) -> None:
    clips = speech_clips()[:2]
    assert abs(errors(whisper, clips, FULL_WINDOW_S) - errors(whisper, clips)) < 0.2


@pytest.mark.real
def test_clear_speech_is_heard_with_confidence(whisper: Whisper) -> None:
    transcript = whisper.transcribe(Speech(speech_clips()[0].pcm, LINE_RATE))
    assert 0.6 < transcript.confidence <= 1.0
    assert not transcript.fell_back


@pytest.mark.real
def test_any_rate_is_heard(whisper: Whisper) -> None:
    clip = speech_clips()[0]
    wide = Speech(resample(clip.pcm, LINE_RATE, 24_000), 24_000)
    assert word_error_rate([clip.text], [whisper.transcribe(wide).text]) == 0.0


@pytest.mark.real
def test_speech_of_more_than_a_window_is_heard_to_its_end(whisper: Whisper) -> None:
    clips = speech_clips()
    gap = np.zeros(LINE_RATE // 2, np.int16)
    pcm = np.concatenate([part for clip in clips for part in (clip.pcm, gap)])
    assert len(pcm) / LINE_RATE > 2 * FULL_WINDOW_S
    heard = whisper.transcribe(Speech(pcm, LINE_RATE)).text
    assert (word_error_rate([" ".join(clip.text for clip in clips)], [heard]) or 0.0) < 0.08


# -- nobody speaks ----------------------------------------------------------------------------


def noise(seconds: float, dbfs: float, low: float = 0.0, high: float = 4000.0) -> Pcm:
    """Noise of a band of frequencies, in Hz."""
    count = int(seconds * LINE_RATE)
    spectrum = np.fft.rfft(np.random.default_rng(7).standard_normal(count))
    frequencies = np.fft.rfftfreq(count, 1 / LINE_RATE)
    spectrum[(frequencies < low) | (frequencies > high)] = 0
    return levelled(np.fft.irfft(spectrum, count), dbfs)


def tones(seconds: float, dbfs: float, *frequencies: float) -> Pcm:
    time = np.arange(int(seconds * LINE_RATE)) / LINE_RATE
    return levelled(np.sum([np.sin(2 * np.pi * f * time) for f in frequencies], axis=0), dbfs)


def levelled(samples: np.ndarray[tuple[int, ...], np.dtype[np.float64]], dbfs: float) -> Pcm:
    scale = 32768 * 10 ** (dbfs / 20) / np.sqrt(np.mean(samples**2))
    pcm: Pcm = np.clip(samples * scale, -32768, 32767).astype(np.int16)
    return pcm


def joined(*parts: Pcm) -> Pcm:
    gap = noise(0.15, -70)
    return np.concatenate([part for pcm in parts for part in (gap, pcm)])


def fading(pcm: Pcm) -> Pcm:
    faded: Pcm = (pcm * np.exp(-np.linspace(0, 5, len(pcm)))).astype(np.int16)
    return faded


SOUNDS = {
    "silence": np.zeros(LINE_RATE, np.int16),
    "quiet line": noise(1.5, -65),
    "hiss": noise(0.8, -35),
    "loud hiss": noise(1.5, -20),
    "rumble": noise(1.5, -25, 60, 300),
    "breath": joined(fading(noise(0.6, -25, 500, 3000))),
    "cough in the distance": joined(fading(noise(0.3, -35, 200, 3400))),
    "knocks": joined(*[fading(noise(0.05, -20, 100, 600)) for _ in range(3)]),
    "click": joined(noise(0.002, -6), noise(0.3, -70)),
    "hum": tones(1.2, -25, 60, 120, 180),
    "keypad": joined(tones(0.12, -15, 770, 1336)),
    "busy": joined(*[tones(0.5, -20, 480, 620) for _ in range(2)]),
    "ringing": tones(2.0, -20, 440, 480),
    "dial tone": tones(2.0, -20, 350, 440),
    "not in service": joined(*[tones(0.33, -18, f) for f in (950, 1400, 1800)]),
    "fax": tones(0.5, -18, 1100),
}


@pytest.mark.real
@pytest.mark.parametrize("sound", SOUNDS)
def test_sounds_in_which_nobody_speaks_are_no_words(whisper: Whisper, sound: str) -> None:
    assert whisper.transcribe(Speech(SOUNDS[sound], LINE_RATE)).text == ""


@pytest.mark.real
def test_the_engine_answers_once_per_utterance() -> None:
    clip = speech_clips()[0]

    async def main() -> str:
        model = "whisper-tiny.en"
        transcriber, _ = whisper_engines(find(model, "whisper"), AsrSettings(), model)
        async with transcriber as engine:
            return (await only(engine, Speech(clip.pcm, LINE_RATE))).text

    assert word_error_rate([clip.text], [asyncio.run(main())]) == 0.0
