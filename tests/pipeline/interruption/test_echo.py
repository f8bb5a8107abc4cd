"""The agent's echo, and the caller's voice over it, both made of numbers."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from pipeline.audio import FRAME_SAMPLES, LINE_RATE
from pipeline.interruption.echo import LONGEST_S, Echo, Reference
from pipeline.interruption.judge import Interruptions, Verdict
from pipeline.interruption.onset import Onsets
from telephony.g711 import ulaw_decode, ulaw_encode

FRAME_S = FRAME_SAMPLES / LINE_RATE
WINDOW = LINE_RATE // 5


class Believes(Onsets):
    """Takes every onset for speech: only the echo canceller stands before the hush."""

    def __init__(self) -> None:
        pass

    def score(self, sound: NDArray[np.float32], age_ms: int) -> float:
        return 1.0


def voice(seed: int, seconds: float, rms: float = 3000.0) -> NDArray[np.float32]:
    """Something like speech: a gliding pitch with harmonics, syllables, and some breath."""
    rng = np.random.default_rng(seed)
    count = int(seconds * LINE_RATE)
    time = np.arange(count) / LINE_RATE
    glide = np.sin(2 * np.pi * rng.uniform(0.3, 0.9) * time + rng.uniform(0, 6))
    phase = 2 * np.pi * np.cumsum(rng.uniform(90, 220) * (1 + 0.2 * glide)) / LINE_RATE
    harmonics = sum(np.sin(n * phase + n) / n**0.8 for n in range(1, 14))
    syllables = 0.55 + 0.45 * np.sin(2 * np.pi * rng.uniform(3, 5) * time + rng.uniform(0, 6))
    sound = (harmonics + 0.5 * rng.standard_normal(count)) * syllables
    return (sound * rms / np.sqrt(np.mean(sound**2))).astype(np.float32)


def line(sound: NDArray[np.float32]) -> NDArray[np.int16]:
    """As it comes off the wire, with the hiss of the line."""
    hiss = np.random.default_rng(9).standard_normal(len(sound)) * 8
    return ulaw_decode(ulaw_encode(np.clip(sound + hiss, -32000, 32000).astype(np.int16)))


def echo_of(agent: NDArray[np.float32], delay_s: float, down_db: float) -> NDArray[np.float32]:
    """Later, weaker, and smeared by a short filter."""
    taps = np.array([1.0, 0.5, -0.3, 0.2, 0.1])
    smeared = np.convolve(agent, taps / np.sqrt(np.sum(taps**2)))[: len(agent)]
    late = np.concatenate([np.zeros(round(delay_s * LINE_RATE)), smeared * 10 ** (-down_db / 20)])
    return late[: len(agent)].astype(np.float32)


def carried(agent: NDArray[np.float32], caller: NDArray[np.float32]) -> list[Verdict]:
    """The verdicts on each frame of the caller's side, all of them voiced."""
    judge, heard = Interruptions(Believes()), line(caller)
    verdicts = []
    for start in range(0, len(heard) - FRAME_SAMPLES + 1, FRAME_SAMPLES):
        part = slice(start, start + FRAME_SAMPLES)
        judge.sent(agent[part].astype(np.int16), start / LINE_RATE)
        loud = float(np.sqrt(np.mean(heard[part].astype(float) ** 2))) > 100
        verdicts.append(judge.feed(heard[part], loud, start / LINE_RATE))
    return verdicts


@given(
    delay_s=st.floats(0.08, 0.5),
    down_db=st.floats(15, 35),
    seed=st.integers(0, 50),
)
@settings(max_examples=15, deadline=None)
def test_an_echo_at_any_delay_and_level_does_not_interrupt(
    delay_s: float, down_db: float, seed: int
) -> None:
    agent = voice(seed, 3.0)
    assert Verdict.INTERRUPTS not in carried(agent, echo_of(agent, delay_s, down_db))


@given(
    delay_s=st.floats(0.08, 0.5),
    down_db=st.floats(15, 35),
    seed=st.integers(0, 50),
)
@settings(max_examples=15, deadline=None)
def test_speech_over_an_echo_interrupts_and_not_before_it_begins(
    delay_s: float, down_db: float, seed: int
) -> None:
    agent = voice(seed, 3.0)
    caller = echo_of(agent, delay_s, down_db)
    begins = 2 * LINE_RATE
    caller[begins:] += voice(seed + 1000, 1.0, rms=1500.0)
    verdicts = carried(agent, caller)
    assert Verdict.INTERRUPTS in verdicts
    late_s = (verdicts.index(Verdict.INTERRUPTS) + 1) * FRAME_S - 2.0
    assert 0.1 <= late_s <= 0.3


def test_the_delay_is_found_to_the_millisecond() -> None:
    echo, agent = Echo(), voice(4, 2.0)
    assert echo.delay_s is None
    echo.sent(agent.astype(np.int16), 0.0)
    left = echo.without(echo_of(agent, 0.25, 20)[-WINDOW:], 2.0)
    assert echo.delay_s == pytest.approx(0.25, abs=0.001)
    assert np.sum(left**2) < 0.1 * np.sum(echo_of(agent, 0.25, 20)[-WINDOW:] ** 2)


@pytest.mark.parametrize("late_s", [0.0, 0.08, 0.1])
def test_a_reference_that_was_placed_too_late_still_explains_its_echo(late_s: float) -> None:
    agent = voice(4, 2.0)
    echo = Echo()
    echo.sent(agent.astype(np.int16), late_s)
    heard = echo_of(agent, 0.0, 20.0)[8000:12000]
    left = echo.without(heard.astype(np.float32), 1.5)
    assert np.dot(left, left) < 0.1 * np.dot(heard, heard)
    assert echo.delay_s == pytest.approx(-late_s, abs=0.002)


def test_another_voice_is_left_as_it_was() -> None:
    echo, heard = Echo(), voice(5, 0.2)
    echo.sent(voice(6, 2.0).astype(np.int16), 0.0)
    assert np.array_equal(echo.without(heard, 2.0), heard)


def test_without_a_reference_there_is_no_echo() -> None:
    heard = voice(5, 0.2)
    assert np.array_equal(Echo().without(heard, 2.0), heard)


@given(st.lists(st.integers(1, 900), max_size=30))
@settings(max_examples=30)
def test_a_reference_split_differently_is_the_same(cuts: list[int]) -> None:
    agent = voice(7, 1.5).astype(np.int16)
    whole, split = Reference(), Reference()
    whole.sent(agent, 0.5)
    start = 0
    for cut in [*cuts, len(agent)]:
        split.sent(agent[start : start + cut], 0.5 + start / LINE_RATE)
        start += cut
    end = int(2.0 * LINE_RATE)
    assert np.array_equal(whole.before(end, WINDOW), split.before(end, WINDOW))


@given(st.floats(-0.05, 0.05))
def test_jitter_in_the_time_of_sending_moves_nothing(jitter_s: float) -> None:
    agent = voice(7, 1.0).astype(np.int16)
    reference = Reference()
    reference.sent(agent[:4000], 1.0)
    reference.sent(agent[4000:], 1.5 + jitter_s)
    assert np.array_equal(reference.before(16000, 8000), agent.astype(np.float32))


def test_what_was_cleared_is_no_reference() -> None:
    reference = Reference()
    reference.sent(np.full(8000, 1000, np.int16), 1.0)
    reference.cleared(1.5)
    assert np.all(reference.before(12000, 4000) == 1000)
    assert np.all(reference.before(16000, 4000) == 0)


def test_a_reference_is_forgotten_and_never_wraps_around() -> None:
    reference = Reference()
    for second in range(9):
        reference.sent(np.full(8000, second + 1, np.int16), float(second))
    reach = round(LONGEST_S * LINE_RATE)
    assert np.all(reference.before(9 * 8000, reach) == 9)
    assert np.all(reference.before(4 * 8000, 8000) == 0)
