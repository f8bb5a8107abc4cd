"""Windows, cuts, loops and the judgement of what is speech, on plain numbers."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.asr import windows
from pipeline.audio import Pcm

RATE = 8_000


def tone(seconds: float, amplitude: int = 8_000) -> Pcm:
    pcm: Pcm = (np.sin(np.arange(int(seconds * RATE)) * 0.7) * amplitude).astype(np.int16)
    return pcm


# -- windows ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("model", "word_s", "sentence_s"),
    [
        ("whisper-base", 5.0, 2.0),
        ("whisper-tiny.en", 8.0, 8.0),
        ("Systran/faster-whisper-base", 5.0, 2.0),
        ("/models/faster-whisper-tiny.en/", 8.0, 8.0),
        ("whisper-small", 30.0, 30.0),
        ("whisper-base.en", 30.0, 30.0),
        ("/models/mine", 30.0, 30.0),
    ],
)
def test_padding_is_short_only_for_models_on_which_it_was_measured(
    model: str, word_s: float, sentence_s: float
) -> None:
    assert windows.pad_s_of(model, 0.7) == word_s
    assert windows.pad_s_of(model, 3.0) == sentence_s


@pytest.mark.parametrize("model", ["whisper-base", "whisper-tiny.en", "whisper-small"])
@pytest.mark.parametrize("pad_s", [0.0, 2.0, 5.0, 8.0])
def test_each_further_try_is_wider_until_the_window_is_full(model: str, pad_s: float) -> None:
    tries = [pad_s]
    while tries[-1] < windows.FULL_WINDOW_S:
        tries.append(windows.next_pad_s(model, tries[-1]))
    assert tries == sorted(set(tries))
    assert len(tries) <= 3


@given(st.integers(0, 1_000_000), st.floats(0, 30))
def test_a_window_is_whole_positions_and_never_over_30_s(speech: int, pad_s: float) -> None:
    samples = windows.window_samples(speech, pad_s)
    assert samples % 320 == 0
    assert samples <= 480_000
    assert samples == 480_000 or samples >= speech + int(pad_s * 16_000)


def test_the_full_window_is_30_s_however_short_the_speech() -> None:
    assert windows.window_samples(0, windows.FULL_WINDOW_S) == 480_000


# -- cuts -------------------------------------------------------------------------------------


def test_a_short_utterance_is_one_piece() -> None:
    pcm = tone(20)
    assert [piece.tolist() for piece in windows.split_quietest(pcm, RATE)] == [pcm.tolist()]


def test_a_long_utterance_is_cut_in_its_pause() -> None:
    pcm = np.concatenate([tone(22), tone(0.3, amplitude=5), tone(20)])
    first, second = windows.split_quietest(pcm, RATE)
    assert 22.0 <= len(first) / RATE <= 22.3
    assert np.array_equal(np.concatenate([first, second]), pcm)


@given(st.floats(0, 130), st.integers(0, 2**32 - 1))
def test_pieces_join_to_the_whole_and_none_is_too_long(seconds: float, seed: int) -> None:
    pcm = np.random.default_rng(seed).integers(-99, 99, int(seconds * 100)).astype(np.int16)
    pieces = list(windows.split_quietest(pcm, 100, longest_s=29.0))
    assert all(len(piece) <= 2900 for piece in pieces)
    assert np.array_equal(np.concatenate(pieces), pcm)


# -- loops ------------------------------------------------------------------------------------

SENTENCE = [10, 11, 12, 13, 14, 15]


def looped(tokens: list[int], duration_s: float, text: str = "") -> bool:
    return windows.looks_looped(tokens, text, windows.most_tokens(duration_s), duration_s)


def test_a_sentence_is_no_loop() -> None:
    assert not looped(SENTENCE, 2.0, "Press one to call this number.")


def test_a_text_that_never_ends_is_a_loop() -> None:
    assert looped(list(range(windows.most_tokens(2.0))), 2.0)


def test_a_sentence_twice_in_the_time_of_one_is_a_loop() -> None:
    assert looped(SENTENCE * 2, 2.0)
    assert looped([*SENTENCE, *SENTENCE, *SENTENCE[:2]], 2.0)


def test_a_sentence_said_twice_is_no_loop() -> None:
    assert not looped(SENTENCE * 2, 4.0)


def test_a_word_said_again_and_again_is_no_loop() -> None:
    assert not looped([20, 21, 20, 21, 20], 1.0, "No, no, no")


def test_a_text_that_packs_too_well_is_a_loop() -> None:
    assert looped(list(range(12)), 8.0, "I see. " * 12)


@pytest.mark.parametrize(
    ("tokens", "kept"),
    [
        (SENTENCE, SENTENCE),
        ([], []),
        (SENTENCE * 3, SENTENCE),
        ([1, 2, *SENTENCE * 2, *SENTENCE[:3]], [1, 2, *SENTENCE]),
        ([7] * 9, [7]),
    ],
)
def test_of_a_loop_the_first_round_is_kept(tokens: list[int], kept: list[int]) -> None:
    assert tokens[: windows.first_round(tokens)] == kept


TIME = 1000  # the token of second 0.00; 50 tokens a second


def test_timestamps_are_no_text() -> None:
    assert windows.without_echo([TIME, 1, 2, TIME + 50, TIME + 60, 3, TIME + 90], TIME, 2.0) == [
        1,
        2,
        5,
    ]


def test_a_segment_that_begins_after_the_speech_is_an_echo() -> None:
    tokens = [TIME, 1, 2, TIME + 100, TIME + 160, 3, TIME + 200]
    assert windows.without_echo(tokens, TIME, 2.0) == [1, 2]


# -- speech or not ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("no_speech", "log_probability", "has_words"),
    [
        (0.02, -0.1, True),
        (0.3, -2.0, True),  # a doubtful word, and surely a voice
        (0.45, -0.3, True),  # a clear word in noise
        (0.5, -2.9, False),  # a keypad tone: "Oh"
        (0.86, -0.2, False),  # silence: "Thank you."
    ],
)
def test_the_models_doubt_decides_whether_anyone_spoke(
    no_speech: float, log_probability: float, has_words: bool
) -> None:
    assert windows.has_words_in(no_speech, log_probability) is has_words


@pytest.mark.parametrize(
    ("pcm", "audible"),
    [
        (tone(0.5), True),
        (tone(0.1), True),
        (np.zeros(RATE, np.int16), False),
        (np.zeros(0, np.int16), False),
        (tone(1.0, amplitude=20), False),  # -63 dBFS
        (np.concatenate([tone(0.02), np.zeros(RATE, np.int16)]), False),  # a click
    ],
)
def test_silence_and_clicks_are_not_asked_about(pcm: Pcm, audible: bool) -> None:
    assert windows.is_audible(pcm, RATE) is audible
