"""A caller against agents that are literals: what is spoken when, and how answers are judged."""

from collections.abc import Callable

import numpy as np
import pytest

from bench.conversation import FRAME_S, Conversation, Greeted, Settled, Speaking
from bench.corpus import Clip
from bench.ear import Ear
from bench.exchange import Exchange, Manners
from tests.bench.sounds import silence, tone

# Audible from 0.1 to 1.1 s, then a silent tail.
CLIP = Clip("clip", np.concatenate([silence(0.1), tone(1.0), silence(0.2)]))
MANNERS = Manners(quiet_s=1.5, patience_s=5.0, greeting_s=2.0)

Agent = Callable[[Ear, float], None]


def converse(agent: Agent, clips: int = 1, manners: Manners = MANNERS) -> Conversation:
    """Run a call to its end; ``agent`` is called for every frame with the ear and the time."""
    ear = Ear()
    conversation = Conversation([CLIP] * clips, ear, manners)
    for frame in range(round(120 / FRAME_S)):
        now = (frame + 1) * FRAME_S
        agent(ear, round(now, 3))
        ear.hear(now)
        conversation.follow(now)
        conversation.next_frame()
        if conversation.is_done:
            return conversation
    raise AssertionError("the conversation did not end within two minutes")


def says(*lines: tuple[float, float]) -> Agent:
    """An agent that sends tones: (when, how long)."""

    def agent(ear: Ear, now: float) -> None:
        for when, seconds in lines:
            if abs(now - when) < FRAME_S / 2:
                ear.play(tone(seconds), now)

    return agent


def only(conversation: Conversation) -> Exchange:
    [exchange] = conversation.exchanges
    return exchange


# The greeting sounds from 0.5 to 1.0; 1.5 s of quiet later, at 2.5, the caller's frame begins.
GREETING = (0.5, 0.5)
SPOKE_UNTIL = 2.48 + 1.1


def test_the_caller_waits_for_the_greeting_to_end_and_then_speaks() -> None:
    exchange = only(converse(says(GREETING)))
    assert exchange.spoke_from == pytest.approx(2.48 + 0.1)
    assert exchange.spoke_until == pytest.approx(SPOKE_UNTIL)


def test_the_caller_speaks_first_when_no_greeting_comes() -> None:
    assert only(converse(says())).spoke_from == pytest.approx(2.0 - FRAME_S + 0.1)


@pytest.mark.parametrize("delay", [0.02, 0.4, 0.8, 4.9])
def test_an_answer_is_timed_from_the_last_word_to_its_first_sound(delay: float) -> None:
    exchange = only(converse(says(GREETING, (SPOKE_UNTIL + delay, 2.0))))
    assert exchange.answered
    assert exchange.v2v_s == pytest.approx(delay, abs=1e-3)
    assert exchange.answer_s == pytest.approx(2.0, abs=1e-3)


def test_no_answer_within_the_callers_patience_is_none() -> None:
    conversation = converse(says(GREETING, (SPOKE_UNTIL + 5.2, 1.0)))
    exchange = only(conversation)
    assert not exchange.answered
    assert exchange.v2v_s is None


def test_an_answer_withdrawn_in_its_first_second_is_a_false_start_and_the_next_one_counts() -> None:
    answers = says(GREETING, (SPOKE_UNTIL + 0.6, 2.0), (SPOKE_UNTIL + 1.8, 2.0))

    def agent(ear: Ear, now: float) -> None:
        if abs(now - SPOKE_UNTIL - 1.0) < FRAME_S / 2:
            ear.clear(now)
        answers(ear, now)

    exchange = only(converse(agent))
    assert exchange.false_starts == 1
    assert exchange.v2v_s == pytest.approx(1.8, abs=1e-3)


def test_an_answer_cut_short_later_is_still_the_answer() -> None:
    answers = says(GREETING, (SPOKE_UNTIL + 0.6, 3.0))

    def agent(ear: Ear, now: float) -> None:
        answers(ear, now)
        if abs(now - SPOKE_UNTIL - 1.8) < FRAME_S / 2:
            ear.clear(now)

    exchange = only(converse(agent))
    assert exchange.false_starts == 0
    assert exchange.v2v_s == pytest.approx(0.6, abs=1e-3)
    assert exchange.answer_s == pytest.approx(1.2, abs=0.02)


def test_an_agent_that_cuts_in_and_falls_silent_has_not_answered_yet() -> None:
    answers = says(GREETING, (SPOKE_UNTIL - 0.5, 2.0), (SPOKE_UNTIL + 0.9, 2.0))

    def agent(ear: Ear, now: float) -> None:
        if abs(now - SPOKE_UNTIL - 0.1) < FRAME_S / 2:
            ear.clear(now)
        answers(ear, now)

    exchange = only(converse(agent))
    assert exchange.cut_ins == 1
    assert not exchange.premature
    assert exchange.v2v_s == pytest.approx(0.9, abs=1e-3)


def test_an_agent_that_cuts_in_and_goes_on_answered_too_soon_and_is_not_timed() -> None:
    exchange = only(converse(says(GREETING, (SPOKE_UNTIL - 0.5, 2.0))))
    assert exchange.answered
    assert exchange.premature
    assert exchange.cut_ins == 1
    assert exchange.v2v_s is None


def test_playout_that_runs_dry_inside_an_answer_is_a_gap_and_around_it_is_none() -> None:
    first, second = SPOKE_UNTIL + 0.5, SPOKE_UNTIL + 1.2
    exchange = only(converse(says(GREETING, (first, 0.5), (second, 0.5))))
    assert exchange.gaps_s == pytest.approx((0.2,), abs=1e-3)
    assert exchange.v2v_s == pytest.approx(0.5, abs=1e-3)


def test_an_interruption_is_timed_from_our_first_sound_to_the_agents_last() -> None:
    manners = Manners(quiet_s=1.5, patience_s=5.0, greeting_s=2.0, barge_in_s=1.0)
    # The caller interrupts 1 s into the answer; its clip has 0.1 s of silence before the voice.
    interrupted = SPOKE_UNTIL + 0.5 + 1.0 + 0.1
    answers = says(GREETING, (SPOKE_UNTIL + 0.5, 10.0), (interrupted + 2.0, 1.0))

    def agent(ear: Ear, now: float) -> None:
        if abs(now - interrupted - 0.4) < FRAME_S / 2:
            ear.clear(now)
        answers(ear, now)

    first, second = converse(agent, clips=2, manners=manners).exchanges
    assert first.hushed_s is None
    assert first.answered
    assert first.v2v_s == pytest.approx(0.5, abs=1e-3)
    assert second.hushed_s == pytest.approx(0.4, abs=FRAME_S)
    assert second.hushed_by_clear
    assert second.cut_ins == 0
    assert second.v2v_s == pytest.approx(1.0, abs=FRAME_S)


def test_the_next_clip_waits_for_quiet_after_the_answer() -> None:
    second_until = SPOKE_UNTIL + 0.8 + 2.0 + 1.5 + 1.1
    agent = says(GREETING, (SPOKE_UNTIL + 0.8, 2.0), (second_until + 0.5, 1.0))
    first, second = converse(agent, clips=2).exchanges
    assert second.spoke_from - first.spoke_until == pytest.approx(0.8 + 2.0 + 1.5 + 0.1, abs=0.03)
    assert second.v2v_s == pytest.approx(0.5, abs=0.03)


def test_the_caller_tells_what_happens_in_order() -> None:
    ear = Ear()
    conversation = Conversation([CLIP], ear, MANNERS)
    agent = says(GREETING, (SPOKE_UNTIL + 0.8, 0.5))
    told = []
    for frame in range(500):
        now = (frame + 1) * FRAME_S
        agent(ear, round(now, 3))
        ear.hear(now)
        told += conversation.follow(now)
        conversation.next_frame()
    assert [type(event) for event in told] == [Greeted, Speaking, Settled]


def test_a_line_that_drops_in_mid_answer_leaves_the_answer_standing_and_the_rest_unasked() -> None:
    ear = Ear()
    conversation = Conversation([CLIP, CLIP, CLIP], ear, MANNERS)
    agent = says(GREETING, (SPOKE_UNTIL + 0.3, 5.0))
    for frame in range(round((SPOKE_UNTIL + 1.0) / FRAME_S)):
        now = (frame + 1) * FRAME_S
        agent(ear, round(now, 3))
        ear.hear(now)
        conversation.follow(now)
        conversation.next_frame()
    conversation.hang_up()
    assert conversation.is_done
    assert only(conversation).v2v_s == pytest.approx(0.3, abs=1e-3)
    assert conversation.unasked == 2


def test_a_caller_who_is_in_a_hurry_hangs_up_whatever_is_going_on() -> None:
    manners = Manners(quiet_s=1.5, hang_up_s=SPOKE_UNTIL + 1.0)
    conversation = converse(says(GREETING, (SPOKE_UNTIL + 0.5, 5.0)), clips=4, manners=manners)
    assert only(conversation).v2v_s == pytest.approx(0.5, abs=1e-3)
    assert conversation.unasked == 3


def test_an_agent_that_ends_by_itself_was_not_stopped_and_one_that_talks_on_is_seen() -> None:
    manners = Manners(quiet_s=1.5, patience_s=5.0, greeting_s=2.0, barge_in_s=1.0)
    interrupted = SPOKE_UNTIL + 0.5 + 1.0 + 0.1
    for lasts in (0.15, 3.0):
        answer = (SPOKE_UNTIL + 0.5, 1.1 + lasts)
        agent = says(GREETING, answer, (interrupted + 4.0, 1.0))
        second = converse(agent, clips=2, manners=manners).exchanges[1]
        assert second.hushed_s == pytest.approx(lasts, abs=FRAME_S)
        assert not second.hushed_by_clear
