"""A pause is cut into when the agent becomes audible in it, withdrawn or not; and it is counted."""

import numpy as np
import pytest

from bench.corpus import Clip, Pause
from bench.cut_ins import NO_PAUSES, cut_in_table, cut_ins_of, rate_shown
from bench.ear import Ear
from bench.exchange import Exchange, Manners
from tests.bench.sounds import silence, tone
from tests.bench.test_conversation import FRAME_S, GREETING, Agent, says
from tests.bench.test_conversation import Conversation as Script

# The caller's frame begins at 2.48 s: audible 2.48 to 3.48, a pause, 3.98 to 4.98, a pause between
# sentences, 5.58 to 6.58.
CLIP = Clip(
    "pausing",
    np.concatenate([tone(1.0), silence(0.5), tone(1.0), silence(0.6), tone(1.0)]),
    pauses=(Pause(1.0, 1.5, "inside"), Pause(2.5, 3.1, "between")),
)
BEGAN = 2.48
SPOKE_UNTIL = BEGAN + 4.1


def exchange_with(agent: Agent, hang_up_s: float | None = None) -> Exchange:
    ear = Ear()
    manners = Manners(quiet_s=1.5, patience_s=3.0, greeting_s=2.0, hang_up_s=hang_up_s)
    script = Script([CLIP], ear, manners)
    for frame in range(2000):
        now = (frame + 1) * FRAME_S
        agent(ear, round(now, 3))
        ear.hear(now)
        script.follow(now)
        script.next_frame()
        if script.is_done:
            [exchange] = script.exchanges
            return exchange
    raise AssertionError("the conversation did not end")


def withdrawn(agent: Agent, at: float) -> Agent:
    def clears(ear: Ear, now: float) -> None:
        if abs(now - at) < FRAME_S / 2:
            ear.clear(now)
        agent(ear, now)

    return clears


def test_an_agent_that_waits_cuts_into_no_pause() -> None:
    exchange = exchange_with(says(GREETING, (SPOKE_UNTIL + 0.4, 1.0)))
    assert [pause.cut_in_s for pause in exchange.pauses] == [None, None]
    assert [pause.lasted_s for pause in exchange.pauses] == pytest.approx([0.5, 0.6])
    figures = cut_ins_of([exchange])
    assert figures["inside"]["cut_in_rate"] == figures["between"]["cut_in_rate"] == 0.0
    assert figures["elsewhere"] == 0


@pytest.mark.parametrize("after_s", [0.3, 0.7])
def test_a_cut_in_that_is_withdrawn_at_once_is_one_and_its_pause_is_named(after_s: float) -> None:
    # After 0.7 s the caller has gone on already: the answer was on its way.
    at = BEGAN + 1.0 + after_s
    agent = says(GREETING, (at, 1.0), (SPOKE_UNTIL + 0.4, 1.0))
    exchange = exchange_with(withdrawn(agent, at + 0.1))
    inside, between = exchange.pauses
    assert inside.cut_in_s == pytest.approx(after_s, abs=FRAME_S)
    assert between.cut_in_s is None
    # The caller goes on with its clip, and is timed to its true end.
    assert exchange.v2v_s == pytest.approx(0.4, abs=FRAME_S)
    assert not exchange.premature
    assert cut_ins_of([exchange])["inside"]["cut_in_rate"] == 1.0


def test_kinds_of_pauses_have_rates_of_their_own() -> None:
    at = BEGAN + 2.5 + 0.4
    agent = says(GREETING, (at, 0.1), (SPOKE_UNTIL + 0.4, 1.0))
    figures = cut_ins_of([exchange_with(agent), exchange_with(says(GREETING))])
    assert figures["inside"]["cut_in_rate"] == 0.0
    assert figures["between"]["cut_in_rate"] == 0.5
    assert figures["between"]["cut_ins"] == 1


def test_a_cut_in_that_no_pause_invited_is_counted_apart() -> None:
    exchange = exchange_with(says(GREETING, (BEGAN + 0.5, 0.1), (SPOKE_UNTIL + 0.4, 1.0)))
    figures = cut_ins_of([exchange])
    assert figures["elsewhere"] == 1
    assert figures["inside"]["cut_ins"] == 0


def test_a_pause_that_the_caller_never_came_to_was_not_offered() -> None:
    exchange = exchange_with(says(GREETING), hang_up_s=BEGAN + 1.2)
    assert [pause.kind for pause in exchange.pauses] == ["inside"]


def test_no_rate_is_told_of_no_pauses() -> None:
    figures = cut_ins_of([])
    assert figures["inside"]["cut_in_rate"] is None
    assert rate_shown(figures["inside"]) == NO_PAUSES
    shown = cut_in_table(figures, {"n": 3, "p50": 400.0, "p95": 500.0})
    assert NO_PAUSES in list(shown.columns[1].cells)
    assert "400" in list(shown.columns[4].cells)
