import wave
from pathlib import Path

import numpy as np
import pytest

from bench.audible import WINDOW_SAMPLES, speech_bounds
from bench.corpus import SPEECH, chosen, read_clip, read_sound, speech_clips, wer_clips
from pipeline.audio import LINE_RATE
from pipeline.errors import SettingsError
from tests.bench.sounds import tone


def write(path: Path, pcm: np.ndarray, rate: int, width: int = 2, channels: int = 1) -> Path:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(width)
        file.setframerate(rate)
        file.writeframes(pcm.tobytes())
    return path


def test_every_clip_in_the_repository_is_speech_of_2_to_7_seconds_at_minus_20_dbfs() -> None:
    clips = speech_clips()
    assert len(clips) >= 12
    for clip in clips:
        assert 2.0 <= clip.duration <= 7.0, clip.name
        assert clip.text.endswith((".", "?")), clip.name
        windows = clip.pcm[: len(clip.pcm) // WINDOW_SAMPLES * WINDOW_SAMPLES].astype(float)
        power = np.square(windows / 32768).reshape(-1, WINDOW_SAMPLES).mean(axis=1)
        active = power[power > power.max() * 1e-4]
        assert 10 * np.log10(active.mean()) == pytest.approx(-20.0, abs=0.5), clip.name
        first, after = speech_bounds(clip.pcm)
        assert first <= 0.11 * LINE_RATE, clip.name
        assert len(clip.pcm) - after <= 0.11 * LINE_RATE, clip.name


def test_the_clips_are_under_a_megabyte_and_all_listed() -> None:
    files = list(SPEECH.glob("*.wav"))
    assert sum(file.stat().st_size for file in files) < 1_000_000
    assert {file.stem for file in files} == {clip.name for clip in speech_clips()}


@pytest.mark.parametrize("rate", [8_000, 16_000, 22_050, 44_100, 48_000])
def test_any_rate_becomes_8_khz_of_the_same_length(tmp_path: Path, rate: int) -> None:
    time = np.arange(rate) / rate
    pcm = np.rint(8000 * np.sin(2 * np.pi * 440 * time)).astype(np.int16)
    sound = read_sound(write(tmp_path / "a.wav", pcm, rate))
    assert len(sound) == pytest.approx(LINE_RATE, abs=2)
    assert np.abs(sound[800:-800]).max() == pytest.approx(8000, rel=0.02)


def test_stereo_and_other_widths_are_read_as_well(tmp_path: Path) -> None:
    both = np.repeat(tone(0.5), 2)
    stereo = read_sound(write(tmp_path / "stereo.wav", both, LINE_RATE, channels=2))
    assert np.allclose(stereo, tone(0.5), atol=2)
    wide = read_sound(write(tmp_path / "wide.wav", tone(0.5).astype(np.int32) << 16, LINE_RATE, 4))
    assert np.allclose(wide, tone(0.5), atol=2)


def test_a_file_that_is_no_sound_is_named_with_a_remedy(tmp_path: Path) -> None:
    (tmp_path / "notes.wav").write_text("not a recording")
    with pytest.raises(SettingsError, match=r"notes\.wav.*Give a WAV file"):
        read_sound(tmp_path / "notes.wav")
    with pytest.raises(SettingsError, match=r"missing\.wav"):
        read_sound(tmp_path / "missing.wav")


def test_a_recording_of_silence_is_no_clip(tmp_path: Path) -> None:
    path = write(tmp_path / "silent.wav", np.zeros(8000, np.int16), LINE_RATE)
    with pytest.raises(SettingsError, match="recording of speech"):
        read_clip(path)


def test_the_larger_corpus_says_how_to_install_it_where_it_is_not(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="apt-get install asterisk-core-sounds-en-wav"):
        wer_clips(tmp_path)


def test_different_calls_begin_with_different_clips() -> None:
    clips = speech_clips()
    firsts = [chosen(clips, 3, first=call)[0].name for call in range(len(clips))]
    assert len(set(firsts)) == len(clips)
    assert [clip.name for clip in chosen(clips, len(clips) + 1, 0)][-1] == clips[0].name
