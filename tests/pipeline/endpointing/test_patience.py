"""How long we wait, from what was said and from how often we were wrong about this caller."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pipeline.config_timing import TurnSettings
from pipeline.endpointing.patience import Patience

SETTINGS = TurnSettings()


def test_the_wait_grows_as_the_words_sound_less_finished() -> None:
    patience = Patience(SETTINGS)
    waits = [patience.wait_ms(finished) for finished in (1.0, 0.85, 0.3, 0.1, 0.0)]
    assert waits == [
        SETTINGS.end_ms,
        SETTINGS.end_ms,
        SETTINGS.unsure_ms,
        SETTINGS.unfinished_ms,
        SETTINGS.unfinished_ms,
    ]


def test_a_caller_who_went_on_after_a_pause_that_sounded_final_gets_more_time() -> None:
    patience = Patience(SETTINGS)
    patience.wait_ms(1.0)
    patience.went_on(420)
    assert SETTINGS.unsure_ms > patience.wait_ms(1.0) > 420


def test_a_pause_that_was_short_anyway_changes_nothing() -> None:
    patience = Patience(SETTINGS)
    patience.wait_ms(1.0)
    patience.went_on(200)
    assert patience.wait_ms(1.0) == SETTINGS.end_ms


def test_going_on_after_a_pause_that_sounded_unfinished_changes_nothing() -> None:
    patience = Patience(SETTINGS)
    patience.wait_ms(0.2)
    patience.went_on(700)
    assert patience.wait_ms(1.0) == SETTINGS.end_ms


def test_turns_that_go_well_win_the_time_back() -> None:
    patience = Patience(SETTINGS)
    for _ in range(3):
        patience.wait_ms(1.0)
        patience.went_on(500)
    patience.settled()
    waits = []
    for _ in range(8):
        waits.append(patience.wait_ms(1.0))
        patience.settled()
    assert waits == sorted(waits, reverse=True)
    assert waits[-1] <= SETTINGS.end_ms + 5


@given(st.lists(st.sampled_from(["judge", "went_on", "settled"]), max_size=60))
def test_no_history_makes_us_wait_less_than_the_least_or_more_than_the_unsure_wait(
    history: list[str],
) -> None:
    patience = Patience(SETTINGS)
    for event in history:
        if event == "judge":
            assert SETTINGS.end_ms <= patience.wait_ms(0.9) <= SETTINGS.unsure_ms
        elif event == "went_on":
            patience.went_on(2000)
        else:
            patience.settled()
