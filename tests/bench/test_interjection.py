"""Sounds made into an agent's words: when they are made, and what is seen of their effect."""

import asyncio
from itertools import pairwise

import numpy as np
import pytest

from bench.caller import CallOrder, CallRecord, LineNoise, hold_call
from bench.conversation import FRAME_S
from bench.corpus import Clip
from bench.ear import Ear
from bench.echo_path import EchoPath
from bench.interjection import Interjecting, Intrusion, IntrusionHeard
from tests.bench.sounds import silence, tone
from tests.bench.test_caller import Agent as Server
from tests.bench.test_caller import VirtualWire
from tests.bench.test_conversation import Agent, says
from tests.clock import run

# Audible from 0.1 to 0.5 s.
MURMUR = Clip("murmur", np.concatenate([silence(0.1), tone(0.4), silence(0.1)]))


def intrude(
    agent: Agent, count: int = 1, go_on_s: float = 4.0
) -> tuple[list[IntrusionHeard], Interjecting]:
    ear = Ear()
    told: list[IntrusionHeard] = []
    intrusions = [Intrusion(MURMUR, "murmur", after_s=1.0, go_on_s=go_on_s)] * count
    script = Interjecting(intrusions, ear, told, patience_s=3.0)
    for frame in range(3000):
        now = (frame + 1) * FRAME_S
        agent(ear, round(now, 3))
        ear.hear(now)
        script.follow(now)
        script.next_frame()
        if script.is_done:
            return told, script
    raise AssertionError("the call did not end within a minute")


def hushed(agent: Agent, *clears: float) -> Agent:
    def cleared(ear: Ear, now: float) -> None:
        if any(abs(now - clear) < FRAME_S / 2 for clear in clears):
            ear.clear(now)
        agent(ear, now)

    return cleared


# The agent talks from 0.5 s on; 1 s later, at 1.5 s, the caller's frame begins.
AT = 1.5 - FRAME_S + 0.1


def test_a_sound_is_made_when_the_agent_has_talked_for_a_while() -> None:
    [one], _ = intrude(says((0.5, 10.0)))
    assert one.at == pytest.approx(AT, abs=2 * FRAME_S)
    assert one.lasted_s == pytest.approx(0.4, abs=0.01)
    assert not one.stopped
    assert one.went_on_s is None


@pytest.mark.parametrize("after_s", [0.1, 0.3, 0.7])
def test_a_clear_is_timed_from_the_first_audible_sample(after_s: float) -> None:
    [one], script = intrude(hushed(says((0.5, 10.0)), AT + after_s), go_on_s=2.0)
    assert one.stopped
    assert one.clear_s == pytest.approx(after_s, abs=2 * FRAME_S)
    assert one.silent_s == pytest.approx(after_s, abs=2 * FRAME_S)
    assert one.leaked_s <= 0.01
    assert one.went_on_s is None
    assert script.unasked == 0


def test_an_agent_that_goes_on_is_heard_to() -> None:
    agent = hushed(says((0.5, 10.0), (AT + 1.4, 3.0)), AT + 0.2)
    [one], _ = intrude(agent)
    assert one.stopped
    assert one.went_on_s == pytest.approx(1.0, abs=2 * FRAME_S)


def test_an_agent_that_goes_on_while_the_sound_lasts_is_timed_from_its_clear() -> None:
    agent = hushed(says((0.5, 10.0), (AT + 0.35, 3.0)), AT + 0.1)
    [one], _ = intrude(agent)
    assert one.went_on_s == pytest.approx(0.25, abs=FRAME_S)


def test_an_agent_that_is_cleared_and_talks_on_at_once_leaks() -> None:
    agent = hushed(says((0.5, 10.0), (AT + 0.24, 3.0)), AT + 0.2)
    [one], _ = intrude(agent)
    assert one.leaked_s > 0.1


def test_sounds_follow_each_other_while_the_agent_talks_and_the_rest_is_left() -> None:
    told, script = intrude(says((0.5, 9.0)), count=9)
    assert len(told) >= 2
    assert script.unasked == 9 - len(told)
    gaps = [later.at - earlier.at for earlier, later in pairwise(told)]
    assert min(gaps) >= 0.4 + 1.2


def test_who_only_wants_to_stop_the_agent_hangs_up_when_it_has_stopped() -> None:
    told, script = intrude(hushed(says((0.5, 30.0)), AT + 0.2), count=3, go_on_s=0.0)
    assert [one.stopped for one in told] == [True]
    assert script.unasked == 2


def test_an_agent_that_never_talks_is_not_waited_for_for_ever() -> None:
    told, script = intrude(says())
    assert told == []
    assert script.unasked == 1


def held(server: Server, order: CallOrder) -> CallRecord:
    async def hold() -> CallRecord:
        clock = asyncio.get_running_loop().time
        wire = VirtualWire(server)
        return await hold_call(
            wire, order, LineNoise(), lambda event: None, clock=clock, connect_s=0.0
        )

    return run(hold())


@pytest.mark.parametrize(("down_db", "stops"), [(12.0, True), (30.0, False)])
def test_on_a_line_with_echo_the_agent_hears_itself(down_db: float, stops: bool) -> None:
    class Talker(Server):
        """Says a greeting of 6 s, and stops for anything louder than its threshold."""

        def _say(self, seconds: float, name: str, now: float) -> list[dict[str, object]]:
            return super()._say(6.0 if name == "greeting" else seconds, name, now)

    quiet = Clip("silence", silence(2.0))
    told: list[IntrusionHeard] = []
    order = CallOrder(
        "CAecho",
        (),
        script=lambda ear: Interjecting([Intrusion(quiet, "echo")], ear, told),
        echo=EchoPath(0.1, down_db),
    )
    held(Talker(hush_s=1.5), order)
    assert [one.stopped for one in told] == [stops]
