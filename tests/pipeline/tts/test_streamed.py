"""A waveform in pieces sounds as it would whole, without the silence at its ends."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from pipeline.audio import LINE_RATE, Pcm
from pipeline.tts.streamed import in_frames, to_line, trimmed

RATE = 22_050

Wave = NDArray[np.float32]


def silence(seconds: float) -> Wave:
    return np.zeros(int(seconds * RATE), np.float32)


def voice(seconds: float) -> Wave:
    """A chirp, which any lost or doubled sample would break."""
    time = np.arange(int(seconds * RATE)) / RATE
    return (0.5 * np.sin(2 * np.pi * (200 + 400 * time) * time + 0.5)).astype(np.float32)


CLAUSE = np.concatenate([silence(0.1), voice(0.5), silence(0.3), voice(0.4), silence(0.25)])

borders = st.lists(st.integers(0, len(CLAUSE)), max_size=12).map(sorted)


def split(wave: Wave, places: list[int]) -> Iterator[Wave]:
    yield from np.split(wave, places)


def sound(pieces: Iterator[Wave]) -> Pcm:
    return np.concatenate([frame.pcm for frame in to_line(pieces, RATE)])


@given(borders)
def test_no_border_between_pieces_can_be_heard(places: list[int]) -> None:
    whole = sound(split(CLAUSE, []))
    pieces = sound(split(CLAUSE, places))
    assert len(whole) == len(pieces)
    # soxr rounds differently by one step of 16 bits at most.
    assert np.abs(whole.astype(int) - pieces.astype(int)).max() <= 1


@given(borders)
def test_only_the_silence_at_the_ends_is_cut(places: list[int]) -> None:
    kept = np.concatenate(list(trimmed(split(CLAUSE, places), RATE)))
    start = int(0.1 * RATE) - int(0.01 * RATE)
    end = len(CLAUSE) - int(0.25 * RATE) + int(0.12 * RATE)
    # The chirp's own first and last samples may be below the bound.
    assert abs(len(kept) - (end - start)) < 50
    assert 0.009 < np.flatnonzero(np.abs(kept) > 0.01)[0] / RATE < 0.012
    assert np.array_equal(kept, CLAUSE[start : start + len(kept)])


def test_the_sound_keeps_its_length() -> None:
    assert abs(len(sound(split(voice(1.0), []))) - LINE_RATE * 1.0) < 40


def test_silence_is_nothing() -> None:
    assert [frame for frame in to_line([silence(0.5), silence(0.0)], RATE) if len(frame.pcm)] == []


def test_sound_comes_out_before_the_clause_is_whole() -> None:
    asked: list[int] = []

    def pieces() -> Iterator[Wave]:
        for index, piece in enumerate(np.split(voice(2.0), 4)):
            asked.append(index)
            yield piece

    frames = to_line(pieces(), RATE)
    assert next(frames).duration > 0.1
    assert asked == [0]


def test_what_is_too_loud_is_clipped_and_does_not_wrap_around() -> None:
    pcm = sound(split(voice(0.5) * 3, []))
    assert pcm.max() == 32767
    assert np.abs(np.diff(pcm.astype(int))).max() < 40_000


def test_frames_are_short_and_count_in_samples() -> None:
    frames = list(in_frames(np.ones(LINE_RATE, np.int16), position=80))
    assert [frame.at for frame in frames] == [0.01, 0.21, 0.41, 0.61, 0.81]
    assert all(len(frame.pcm) == 1600 and frame.rate == LINE_RATE for frame in frames)
