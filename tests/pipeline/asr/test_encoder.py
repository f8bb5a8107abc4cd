"""Who else runs decides how many threads encode."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.asr.encoder import others_running


@pytest.mark.parametrize(("runnable", "others"), [(0, 0), (1, 0), (2, 1), (7, 6)])
def test_the_thread_that_asks_is_not_counted(tmp_path: Path, runnable: int, others: int) -> None:
    loadavg = tmp_path / "loadavg"
    loadavg.write_text(f"0.20 0.18 0.12 {runnable}/80 11206\n")
    assert others_running(loadavg) == others


def test_a_machine_that_does_not_tell_counts_as_busy(tmp_path: Path) -> None:
    assert others_running(tmp_path / "loadavg") > 64
