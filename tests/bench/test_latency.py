"""The calls of a plan: their order of clips, and their pauses."""

from bench.corpus import speech_clips
from bench.latency import LatencyPlan, order_of

CLIPS = speech_clips()


def test_callers_pause_in_every_turn_unless_told_not_to() -> None:
    paused = order_of(LatencyPlan(), CLIPS, 0, 12).clips
    plain = order_of(LatencyPlan(pauses=False), CLIPS, 0, 12).clips
    assert [clip.text for clip in paused] == [clip.text for clip in plain]
    assert all(any(pause.kind == "inside" for pause in clip.pauses) for clip in paused)
    assert all(one.duration > other.duration for one, other in zip(paused, plain, strict=True))
    # What a speaker paused for without our help is a pause too.
    assert sum(len(clip.pauses) for clip in plain) <= 6


def test_no_two_calls_are_the_same_recording_and_each_is_the_same_in_every_run() -> None:
    first, again, other = (order_of(LatencyPlan(), CLIPS, index, 17) for index in (0, 0, 1))
    assert first.clips[0].name != other.clips[0].name
    by_name = {clip.name: clip for clip in other.clips}
    differ = [clip.pauses != by_name[clip.name].pauses for clip in first.clips]
    assert sum(differ) >= 15
    assert [clip.pauses for clip in first.clips] == [clip.pauses for clip in again.clips]
