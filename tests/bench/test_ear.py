import numpy as np
import pytest

from bench.ear import Ear
from pipeline.audio import LINE_RATE, Pcm
from tests.bench.sounds import silence, tone

FRAME = 0.02


def heard(ear: Ear, until: float) -> list[tuple[float, float]]:
    """Listen in steps of a frame, as a caller does, and tell what was audible."""
    for step in range(round(until / FRAME) + 1):
        ear.hear(step * FRAME)
    return [(round(sound.start, 4), round(sound.end, 4)) for sound in ear.sounds]


def frames(pcm: Pcm) -> list[Pcm]:
    return [pcm[at : at + 160] for at in range(0, len(pcm), 160)]


@pytest.mark.parametrize("arrives", [0.0, 0.0031, 0.5, 0.80625, 0.8199])
def test_a_sound_is_heard_when_it_arrives_and_for_as_long_as_it_lasts(arrives: float) -> None:
    ear = Ear()
    ear.play(tone(0.3), arrives)
    [(start, end)] = heard(ear, 2.0)
    assert arrives <= start <= arrives + 1 / LINE_RATE
    assert end - start == pytest.approx(0.3, abs=1e-4)


def test_audio_sent_ahead_is_heard_in_its_own_time() -> None:
    ear = Ear()
    for chunk in frames(tone(1.0)):
        ear.play(chunk, 0.1)
    assert heard(ear, 0.5) == [(0.1, 0.5)]
    assert heard(ear, 2.0) == [(0.1, 1.1)]


def test_pauses_between_words_are_part_of_the_sound_and_longer_ones_are_not() -> None:
    ear = Ear()
    ear.play(np.concatenate([tone(0.2), silence(0.25), tone(0.2), silence(0.4), tone(0.2)]), 0.0)
    assert heard(ear, 2.0) == [(0.0, 0.65), (1.05, 1.25)]


def test_clear_cuts_what_is_playing_and_drops_the_rest() -> None:
    ear = Ear()
    ear.play(tone(1.0), 0.0)
    ear.play(tone(1.0), 0.0)
    heard(ear, 0.4)
    ear.clear(0.405)
    assert heard(ear, 3.0) == [(0.0, 0.405)]
    assert ear.clears == [0.405]


def test_what_comes_after_a_clear_is_a_new_sound_and_its_wait_no_gap() -> None:
    ear = Ear()
    ear.play(tone(1.0), 0.0)
    heard(ear, 0.4)
    ear.clear(0.4)
    ear.play(tone(0.2), 0.5)
    assert heard(ear, 1.0) == [(0.0, 0.4), (0.5, 0.7)]
    assert ear.dries == []


def test_a_mark_is_reached_when_all_before_it_has_played() -> None:
    ear = Ear()
    ear.mark("at once", 0.1)
    assert ear.hear(0.1) == ["at once"]
    ear.play(tone(0.5), 0.2)
    ear.mark("half", 0.2)
    ear.play(tone(0.5), 0.2)
    ear.mark("whole", 0.2)
    assert ear.hear(0.699) == []
    assert ear.hear(0.7) == ["half"]
    assert ear.hear(1.2) == ["whole"]


def test_clear_returns_every_mark_that_waits_also_one_that_was_just_reached() -> None:
    ear = Ear()
    ear.play(tone(0.5), 0.0)
    ear.mark("reached", 0.0)
    ear.play(tone(0.5), 0.0)
    ear.mark("cleared", 0.0)
    assert ear.clear(0.6) == ["reached", "cleared"]
    assert ear.hear(2.0) == []


def test_only_a_buffer_that_ran_dry_for_more_than_a_frame_counts_as_dry() -> None:
    ear = Ear()
    ear.play(tone(0.1), 0.0)
    ear.play(tone(0.1), 0.12)
    ear.play(tone(0.1), 0.25)
    assert ear.dries == [(0.22, 0.25)]


def test_the_kept_track_is_what_was_heard_at_its_place() -> None:
    ear = Ear(keep=True)
    ear.play(tone(1.0), 0.1)
    heard(ear, 0.3)
    ear.clear(0.3)
    heard(ear, 1.0)
    track = ear.track(LINE_RATE)
    assert np.array_equal(track, np.concatenate([silence(0.1), tone(0.2), silence(0.7)]))


def test_nothing_sent_is_nothing_heard() -> None:
    ear = Ear(keep=True)
    assert heard(ear, 1.0) == []
    assert not ear.track(160).any()


def test_a_sound_right_behind_a_clear_loses_no_sample() -> None:
    ear = Ear()
    ear.play(tone(1.0), 0.0)
    heard(ear, 0.4)
    ear.clear(0.405)
    ear.play(tone(0.2), 0.4055)
    assert heard(ear, 1.0) == [(0.0, 0.405), (0.41, 0.61)]
