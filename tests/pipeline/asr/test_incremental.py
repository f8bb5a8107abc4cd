"""At the end of an utterance only its tail is left, however long it was."""

from __future__ import annotations

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.corpus import speech_clips
from bench.words import word_error_rate
from pipeline.asr.incremental import LONGEST_S, PIECE_S, Utterance
from pipeline.asr.whisper import Whisper
from pipeline.audio import FRAME_SAMPLES, LINE_RATE, Pcm
from pipeline.config import AsrSettings
from pipeline.turn import Speech, Transcript
from pipeline.weights import find

PAUSE = np.zeros(LINE_RATE * 3 // 10, np.int16)


def speech(seconds: float, seed: int = 1) -> Pcm:
    """Something loud without a pause, no two samples of which are told apart by chance alone."""
    rng = np.random.default_rng(seed)
    return (rng.standard_normal(int(seconds * LINE_RATE)) * 3000).astype(np.int16)


def frames(pcm: Pcm) -> list[Pcm]:
    return [pcm[i : i + FRAME_SAMPLES] for i in range(0, len(pcm), FRAME_SAMPLES)]


def spoken(utterance: Utterance, pcm: Pcm) -> list[Speech]:
    """Add all of it, transcribing pieces the moment they are due; returns the pieces."""
    pieces = []
    for frame in frames(pcm):
        utterance.add(frame)
        piece = utterance.piece()
        if piece is not None:
            pieces.append(piece)
            utterance.done(Transcript(f"piece {len(pieces)}"))
    return pieces


@settings(deadline=None, max_examples=20)
@given(st.lists(st.floats(0.3, 15.0), min_size=1, max_size=6))
def test_pieces_and_tail_join_to_the_whole(lengths: list[float]) -> None:
    whole = np.concatenate([np.concatenate((speech(length), PAUSE)) for length in lengths])
    utterance = Utterance(LINE_RATE)
    pieces = spoken(utterance, whole)
    joined = np.concatenate([*(piece.pcm for piece in pieces), utterance.tail().speech.pcm])
    assert np.array_equal(joined, whole)


@settings(deadline=None, max_examples=20)
@given(st.lists(st.floats(0.3, 5.0), min_size=1, max_size=12))
def test_the_tail_is_bounded_however_long_the_utterance(lengths: list[float]) -> None:
    whole = np.concatenate([np.concatenate((speech(length), PAUSE)) for length in lengths])
    utterance = Utterance(LINE_RATE)
    spoken(utterance, whole)
    assert utterance.tail().speech.duration <= LONGEST_S + 0.2


def test_a_short_utterance_is_all_tail() -> None:
    utterance = Utterance(LINE_RATE)
    assert not spoken(utterance, speech(PIECE_S - 0.1))
    tail = utterance.tail(due=3.0)
    assert tail.speech.due == 3.0
    words = Transcript("Hello.", 0.7, closing=0.9)
    assert tail.joined(words) == words


def test_it_is_cut_in_the_pause() -> None:
    utterance = Utterance(LINE_RATE)
    (piece,) = spoken(utterance, np.concatenate((speech(5.0), PAUSE, speech(2.0))))
    assert 5.0 < piece.duration < 5.3


def test_without_a_pause_it_waits_for_one_but_not_for_ever() -> None:
    utterance = Utterance(LINE_RATE)
    assert not spoken(utterance, speech(LONGEST_S - 0.1))
    assert len(spoken(utterance, speech(0.4))) == 1


def test_one_piece_at_a_time_and_the_tail_has_it_until_it_is_done() -> None:
    utterance = Utterance(LINE_RATE)
    for frame in frames(np.concatenate((speech(5.0), PAUSE, speech(2.0)))):
        utterance.add(frame)
    piece = utterance.piece(due=9.0)
    assert piece is not None
    assert piece.due == 9.0
    assert utterance.piece() is None
    early = utterance.tail()
    utterance.done(Transcript("piece"))
    late = utterance.tail()
    assert early.speech.duration == pytest.approx(piece.duration + late.speech.duration)
    assert early.joined(Transcript("all of it")).text == "all of it"
    assert late.joined(Transcript("rest")).text == "piece rest"


def test_a_piece_that_failed_is_tail_again_and_may_be_asked_for_again() -> None:
    utterance = Utterance(LINE_RATE)
    for frame in frames(np.concatenate((speech(5.0), PAUSE, speech(2.0)))):
        utterance.add(frame)
    first = utterance.piece()
    utterance.failed()
    again = utterance.piece()
    assert first is not None
    assert again is not None
    assert np.array_equal(first.pcm, again.pcm)


def test_the_words_are_joined_and_the_end_is_the_tails() -> None:
    utterance = Utterance(LINE_RATE)
    for frame in frames(np.concatenate((speech(5.0), PAUSE, speech(2.0)))):
        utterance.add(frame)
    utterance.piece()
    utterance.done(Transcript("one two", 1.0, fell_back=True))
    whole = utterance.tail().joined(Transcript("last it", 0.5, closing=0.3))
    assert whole == Transcript("one two last it", 0.75, fell_back=True, closing=0.3)
    # Nothing was said after the piece.
    assert utterance.tail().joined(Transcript("", 0.0)).text == "one two"


@pytest.mark.real
def test_forty_seconds_of_speech_are_waited_for_no_longer_than_their_tail() -> None:
    asr = AsrSettings()
    whisper = Whisper(find(asr.model, "whisper"), asr, asr.model)
    whisper.warm_up()
    clips = speech_clips()[:12]
    whole = np.concatenate([part for clip in clips for part in (clip.pcm, PAUSE)])
    assert len(whole) > 40 * LINE_RATE
    utterance = Utterance(LINE_RATE)
    for frame in frames(whole):
        utterance.add(frame)
        piece = utterance.piece()
        if piece is not None:
            utterance.done(whisper.transcribe(piece))
    began = time.process_time()
    tail = utterance.tail()
    heard = tail.joined(whisper.transcribe(tail.speech))
    tail_s = time.process_time() - began
    began = time.process_time()
    whisper.transcribe(Speech(whole, LINE_RATE))
    assert tail_s < (time.process_time() - began) / 2
    assert (word_error_rate([" ".join(clip.text for clip in clips)], [heard.text]) or 0.0) < 0.06
