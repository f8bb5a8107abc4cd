"""The whole offline run, with engines that need no weights."""

from rich.console import Console

from bench.report import Report
from bench.turns_run import by_words_and_voice, run_offline
from pipeline.config import parse_settings
from pipeline.turn import Transcript
from tests.clock import run


def offline(finished: float) -> Report:
    settings = parse_settings({"engines": "fake"})
    console = Console(quiet=True)
    return run(run_offline(settings, 1, 100, console, lambda transcript: finished))


def test_who_takes_every_pause_for_the_end_cuts_in_more_and_waits_less() -> None:
    hasty, patient = (offline(finished).results["default"] for finished in (1.0, 0.0))
    assert hasty["pauses"] == patient["pauses"]
    assert hasty["pauses"]["inside"] >= 17
    assert hasty["rate"]["inside"] > patient["rate"]["inside"] == 0.0
    assert hasty["wait_ms"]["n"] == patient["wait_ms"]["n"] == 17
    assert hasty["wait_ms"]["p50"] < patient["wait_ms"]["p50"]


def test_the_judgement_is_the_calls_own() -> None:
    open_end = by_words_and_voice(Transcript("I would like to"))
    answer = by_words_and_voice(Transcript("Yes, please."))
    assert open_end < 0.2
    assert answer > 0.8
