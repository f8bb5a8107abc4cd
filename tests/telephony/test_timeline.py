"""Sound keeps its place in time, however it was cut, stamped or lost on the way."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.audio import AudioFrame
from telephony.g711 import ulaw_decode
from telephony.timeline import Timeline

FRAME = bytes(range(160))


def place(timeline: Timeline, chunk: int | None, stamp: int | None, sound: bytes = FRAME) -> str:
    """What was wrong with the chunk, and when its frames begin, in ms: ``gap 20 40``."""
    frames, trouble = timeline.place(sound, chunk, stamp)
    return " ".join([*([trouble[0]] if trouble else []), *(f"{f.at * 1000:g}" for f in frames)])


def pcm_of(frames: list[AudioFrame]) -> list[int]:
    return [int(sample) for frame in frames for sample in frame.pcm]


def test_a_whole_frame_passes_as_it_is() -> None:
    (frame,), trouble = Timeline().place(FRAME, 1, 0)
    assert pcm_of([frame]) == ulaw_decode(FRAME).tolist()
    assert (frame.rate, frame.at, trouble) == (8000, 0.0, None)


@settings(deadline=None)
@given(st.lists(st.binary(max_size=700), max_size=20))
def test_any_cut_of_the_sound_gives_the_same_frames(chunks: list[bytes]) -> None:
    timeline = Timeline()
    frames = [frame for chunk in chunks for frame in timeline.place(chunk, None, None)[0]]
    whole = b"".join(chunks)
    assert [len(frame.pcm) for frame in frames] == [160] * (len(whole) // 160)
    assert [round(frame.at * 8000) for frame in frames] == [160 * i for i in range(len(frames))]
    assert pcm_of(frames) == ulaw_decode(whole[: 160 * len(frames)]).tolist()


def test_the_first_stamp_is_zero_whatever_it_says() -> None:
    timeline = Timeline()
    assert [place(timeline, 7 + n, 123_456 + 20 * n) for n in range(3)] == ["0", "20", "40"]


def test_holes_are_filled_in_whole_frames() -> None:
    timeline = Timeline()
    assert place(timeline, 1, 0) == "0"
    assert place(timeline, 2, 39) == "20"  # 19 ms are no lost frame yet
    assert place(timeline, 3, 79) == "gap 40 60"  # 39 ms are one
    assert place(timeline, 4, 80) == "80"


def test_a_filled_hole_is_silent_and_what_follows_is_intact() -> None:
    timeline = Timeline()
    timeline.place(FRAME, 1, 0)
    frames, trouble = timeline.place(FRAME, 4, 60)
    assert trouble == ("gap", "0.04 s filled with silence")
    assert [bool(np.any(frame.pcm)) for frame in frames] == [False, False, True]
    assert pcm_of(list(frames[-1:])) == ulaw_decode(FRAME).tolist()


def test_half_taken_frames_count_as_taken() -> None:
    timeline = Timeline()
    assert place(timeline, 1, 0, FRAME + FRAME[:80]) == "0"
    assert place(timeline, 2, 30, FRAME[80:]) == "20"
    assert place(timeline, 3, 40) == "40"


def test_a_chunk_in_step_by_number_but_not_by_size_is_still_placed_right() -> None:
    timeline = Timeline()
    assert place(timeline, 1, 0, FRAME[:80]) == ""
    assert place(timeline, 2, 20, FRAME[:80]) == "0"  # 10 ms are missing: jitter, so far
    assert place(timeline, 3, 40) == "gap 20 40"
    assert place(timeline, 4, 60) == "60"


def test_a_stamp_far_off_either_way_is_a_clock_that_was_set() -> None:
    timeline = Timeline()
    assert place(timeline, 1, 900_000) == "0"
    assert place(timeline, 2, 0) == "leap 20"
    assert place(timeline, 3, 20) == "40"
    assert place(timeline, 4, 60) == "gap 60 80"
    assert place(timeline, 5, 6_000_000) == "leap 100"
    assert place(timeline, 6, 6_000_020) == "120"


def test_a_chunk_is_repeated_only_if_both_its_numbers_say_so() -> None:
    timeline = Timeline()
    assert place(timeline, 1, 0) == "0"
    assert place(timeline, 1, 0) == "late chunk"
    assert place(timeline, 1, None) == "late chunk"
    assert place(timeline, 1, 20) == "20"  # a stuck counter
    assert place(timeline, 2, 20) == "40"  # a stuck clock
    assert place(timeline, 3, 60) == "60"
