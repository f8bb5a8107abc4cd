"""Sound keeps its place in time, however it was cut, stamped or lost on the way."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from telephony.g711 import ulaw_decode
from telephony.timeline import Timeline

FRAME = bytes(range(160))


def test_a_whole_frame_passes_as_it_is() -> None:
    (frame,) = Timeline().take(FRAME)
    assert frame.pcm.tolist() == ulaw_decode(FRAME).tolist()
    assert (frame.rate, frame.at) == (8000, 0.0)


@settings(deadline=None)
@given(st.lists(st.binary(max_size=700), max_size=20))
def test_any_cut_of_the_sound_gives_the_same_frames(chunks: list[bytes]) -> None:
    timeline = Timeline()
    frames = [frame for chunk in chunks for frame in timeline.take(chunk)]
    whole = b"".join(chunks)
    assert [len(frame.pcm) for frame in frames] == [160] * (len(whole) // 160)
    assert [round(frame.at * 8000) for frame in frames] == [160 * i for i in range(len(frames))]
    heard = [sample for frame in frames for sample in frame.pcm.tolist()]
    assert heard == ulaw_decode(whole[: len(heard)]).tolist()


def test_the_first_stamp_is_zero_whatever_it_says() -> None:
    timeline = Timeline()
    assert timeline.hole_before(123_456) == 0
    timeline.take(FRAME)
    assert timeline.hole_before(123_476) == 0


def test_holes_are_counted_in_samples_once_they_make_a_frame() -> None:
    timeline = Timeline()
    timeline.hole_before(0)
    timeline.take(FRAME)
    assert timeline.hole_before(20) == 0
    assert timeline.hole_before(39) == 0
    assert timeline.hole_before(40) == 160
    assert timeline.hole_before(59) == 160
    assert timeline.hole_before(1020) == 8000


def test_half_taken_frames_count_as_taken() -> None:
    timeline = Timeline()
    timeline.hole_before(0)
    timeline.take(FRAME + FRAME[:80])
    assert timeline.hole_before(30) == 0
    assert timeline.hole_before(50) == 160


def test_the_past_is_negative() -> None:
    timeline = Timeline()
    timeline.hole_before(100)
    timeline.take(FRAME)
    assert timeline.hole_before(100) == -160
    assert timeline.hole_before(119) == -8


def test_after_a_shift_stamps_are_in_time_again() -> None:
    timeline = Timeline()
    timeline.hole_before(0)
    timeline.take(FRAME)
    timeline.shift(timeline.hole_before(3_600_000))
    assert timeline.hole_before(3_600_000) == 0
    timeline.take(FRAME)
    assert timeline.hole_before(3_600_020) == 0


def test_a_chunk_is_repeated_only_if_both_its_numbers_say_so() -> None:
    timeline = Timeline()
    assert not timeline.is_repeated(1, 0)
    timeline.hole_before(0)
    assert timeline.is_repeated(1, 0)
    assert timeline.is_repeated(1, None)
    assert not timeline.is_repeated(1, 20)  # a stuck counter
    assert not timeline.is_repeated(2, 0)
