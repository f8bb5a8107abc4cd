"""Settings applied to what was heard: who waits longer cuts in less, and is slower."""

import math

import numpy as np
import pytest

from bench.corpus import Clip, Pause
from bench.silences import Hearing, Silence
from bench.turns import (
    TurnPoint,
    apply,
    best_of,
    report_of,
    sounding_of,
    speculation_of,
    swept,
)
from pipeline.config import Settings
from pipeline.config_timing import TurnSettings

TURNS = TurnSettings(
    soft_end_ms=80,
    end_ms=300,
    unsure_ms=700,
    unfinished_ms=1000,
    finished_at=0.5,
    unfinished_at=0.1,
)


def hearing(*pauses: tuple[float, float], end: float = 0.9, late_ms: float = 0.0) -> Hearing:
    """A recording whose pauses are given as length in ms and odds; each lies inside a sentence."""
    known = [Pause(2.0 * n, 2.0 * n + ms / 1000, "inside") for n, (ms, _) in enumerate(pauses, 1)]
    clip = Clip("clip", np.zeros(80, np.int16), pauses=tuple(known))
    silences = [
        Silence(pause.start, ms, 0.0, pause, "words", odds)
        for pause, (ms, odds) in zip(known, pauses, strict=True)
    ]
    return Hearing(clip, (*silences, Silence(9.0, math.inf, late_ms, None, "words", end)))


def applied(*hearings: Hearing, turns: TurnSettings = TURNS, judge_ms: int = 100) -> TurnPoint:
    return apply("test", turns, [hearings], judge_ms)


def test_a_turn_that_sounds_finished_is_given_after_the_short_wait() -> None:
    assert applied(hearing(end=0.9)).wait_ms["max"] == 300
    assert applied(hearing(end=0.3)).wait_ms["max"] == 700
    assert applied(hearing(end=0.05)).wait_ms["max"] == 1000


def test_the_wait_is_told_from_the_last_audible_sample() -> None:
    assert applied(hearing(late_ms=25.0)).wait_ms["max"] == 325
    assert applied(hearing(late_ms=-40.0)).wait_ms["max"] == 260


@pytest.mark.parametrize(
    ("lasted_ms", "odds", "given"),
    [(320, 0.9, 1), (280, 0.9, 0), (600, 0.3, 0), (720, 0.3, 1), (900, 0.05, 0)],
)
def test_a_pause_is_cut_into_when_it_outlasts_its_wait(
    lasted_ms: float, odds: float, given: int
) -> None:
    assert applied(hearing((lasted_ms, odds))).given["inside"] == given


def test_a_pause_that_the_detector_missed_was_offered_and_is_not_cut_into() -> None:
    heard = hearing((500, 0.9))
    missed = Hearing(heard.clip, heard.silences[1:])
    point = applied(missed)
    assert (point.given["inside"], point.offered["inside"]) == (0, 1)
    assert point.rate("inside") == 0.0
    assert point.rate("between") is None


def test_nothing_is_given_before_it_is_judged_unless_all_waits_are_over() -> None:
    assert applied(hearing(end=0.9), judge_ms=400).wait_ms["max"] == 500
    assert applied(hearing(end=0.05), judge_ms=5000).wait_ms["max"] == 700


def test_a_caller_who_went_on_is_given_more_time_and_the_next_caller_is_not() -> None:
    misjudged, plain = hearing((320, 0.9)), hearing()
    once = apply("test", TURNS, [[misjudged, plain], [plain]], 100)
    assert once.wait_ms["max"] > 300
    alone = apply("test", TURNS, [[misjudged], [plain]], 100)
    assert once.wait_ms["n"] == alone.wait_ms["n"] + 1


def test_the_sweep_begins_with_the_present_setting_and_all_of_it_is_valid() -> None:
    settings = list(swept(TURNS))
    assert settings[0] == ("default", TURNS)
    for _, turns in settings:
        assert turns.end_ms <= turns.unsure_ms <= turns.unfinished_ms


def test_no_point_of_the_curve_is_beaten_by_another() -> None:
    heard = [hearing((ms, odds), end=odds) for ms in (250, 350, 650) for odds in (0.05, 0.4, 0.9)]
    points = [apply(name, turns, [heard], 100) for name, turns in swept(TURNS)]
    best = best_of(points)
    figures = [(p.wait_ms["p50"], p.wait_ms["p95"], p.rate() or 0.0) for p in best]
    assert figures == sorted(figures)
    for mine in figures:
        beaten = [
            other for other in figures if all(a < b for a, b in zip(other, mine, strict=True))
        ]
        assert not beaten
    quickest = min(point.wait_ms["p50"] for point in points)
    assert figures[0][0] == quickest
    report = report_of(
        points,
        Settings(),
        100,
        speculation=speculation_of({80: heard}),
        sounding=sounding_of(heard),
        silences=[],
    )
    assert report.results["default"]["pauses"]["inside"] == len(heard)


def test_how_finished_ends_and_pauses_sound_is_told_for_each_threshold() -> None:
    heard = [hearing((500, 0.9), (500, 0.1), end=0.6), hearing(end=0.3)]
    told = sounding_of(heard)
    assert told["0.5"] == {"end": 0.5, "inside": 0.5}
    assert told["0.95"] == {"end": 0.0, "inside": 0.0}


def test_answers_begun_in_vain_are_counted() -> None:
    [told] = speculation_of({80: [hearing((500, 0.9), (200, 0.9)), hearing()]})
    assert told["begun_per_turn"] == 2.0
    assert told["resumed_per_turn"] == 1.0
