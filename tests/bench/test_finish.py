"""The cases of the finish bench, and its arithmetic; no weights are needed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bench.finish import area, ends_known, judge, report_of
from bench.finish_cases import BEHIND_S, Case, as_asked, finish_cases
from pipeline.audio import LINE_RATE, level_dbfs
from pipeline.config import Settings
from pipeline.turn import Transcript


@pytest.fixture(scope="module")
def repository_cases(tmp_path_factory: pytest.TempPathFactory) -> list[Case]:
    """What there is without the Debian packages."""
    return finish_cases(tmp_path_factory.mktemp("empty"))


def test_the_repository_has_ends_and_pauses_of_every_clip(repository_cases: list[Case]) -> None:
    assert {case.half for case in repository_cases} == {"harness"}
    assert sum(case.kind == "end" for case in repository_cases) == 17
    assert sum(case.kind == "pause" for case in repository_cases) > 34


def test_behind_every_cut_is_silence_and_before_it_speech(repository_cases: list[Case]) -> None:
    for case in repository_cases:
        behind = round(BEHIND_S * LINE_RATE)
        assert level_dbfs(case.pcm[-behind:]) < -55.0, case.name
        assert level_dbfs(case.pcm[:-behind]) > -40.0, case.name


def test_no_prompt_is_on_both_sides() -> None:
    sides: dict[str, set[str]] = {}
    path = Path("bench/speech/finish.tsv")
    for line in path.read_text(encoding="utf-8").splitlines()[1:]:
        source, half, *_ = line.split("\t")
        sides.setdefault(source, set()).add(half)
    assert all(len(halves) == 1 for halves in sides.values())


def test_as_asked_makes_no_click() -> None:
    loud = np.full(800, 8000, np.int16)
    asked = as_asked(loud, seed=1).astype(np.int64)
    assert len(asked) == 800 + BEHIND_S * LINE_RATE
    assert abs(np.diff(asked[700:])).max() < 1000


def test_area_and_ends_known_of_clear_cases() -> None:
    ends, pauses = np.array([0.8, 0.9, 1.0]), np.linspace(0.0, 0.5, 100)
    assert area(ends, pauses) == 1.0
    known, threshold = ends_known(ends, pauses)
    assert known == 1.0
    assert (pauses > threshold).mean() <= 0.04
    assert area(pauses, pauses) == pytest.approx(0.5)


def test_the_report_says_when_only_words_were_judged(repository_cases: list[Case]) -> None:
    judged = [judge(case, Transcript(case.said)) for case in repository_cases]
    report = report_of(judged, Settings(engines="fake"))
    assert report.results["halves"]["harness"]["both"]["ends"] == 17
    assert any("words" in note for note in report.notes)
