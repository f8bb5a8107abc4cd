"""What the server's ear notices of recordings with pauses: each silence, its length, its words."""

import asyncio
import math

import pytest

from bench.corpus import Clip, speech_clips
from bench.pauses import paused_clips
from bench.silences import Hearing, hear, judged
from pipeline.config_timing import TurnSettings
from pipeline.fakes import fake_asr

CLIPS = paused_clips(speech_clips(), 1)


def heard(clip: Clip, soft_end_ms: int = 80) -> Hearing:
    return hear(clip, TurnSettings(soft_end_ms=soft_end_ms))


def test_every_recording_ends_in_a_silence_without_end_near_its_last_sample() -> None:
    for clip in CLIPS:
        *others, end = heard(clip).silences
        assert end.is_end
        assert abs(end.late_ms) <= 150, clip.name
        assert not any(silence.is_end for silence in others)


def test_long_pauses_are_noticed_and_are_as_long_for_the_detector_as_they_are() -> None:
    for clip in CLIPS:
        silences = {s.pause: s for s in heard(clip).silences if s.pause and s.lasted_ms >= 200}
        for pause in clip.pauses:
            lasted_ms = (pause.end - pause.start) * 1000
            if lasted_ms >= 350:
                assert silences[pause].lasted_ms == pytest.approx(lasted_ms, abs=130), clip.name


def test_a_longer_soft_end_notices_no_more_silences() -> None:
    counts = [sum(len(heard(clip, ms).silences) for clip in CLIPS) for ms in (60, 120, 200)]
    assert counts == sorted(counts, reverse=True)


def test_only_silences_that_may_matter_are_transcribed() -> None:
    asr = fake_asr(delay_s=0.0)
    hearing = heard(CLIPS[0])
    long = [silence for silence in hearing.silences if silence.lasted_ms >= 400]
    told = asyncio.run(judged(hearing, asr, lambda transcript: 0.9, 400))
    assert asr.opened == len(long)
    for silence in told.silences:
        known = silence.lasted_ms >= 400
        assert bool(silence.text) == known
        assert silence.finished == (0.9 if known else 0.5)


def test_the_end_lasts_for_ever() -> None:
    assert math.isinf(heard(CLIPS[0]).silences[-1].lasted_ms)
