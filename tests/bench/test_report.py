import json
from pathlib import Path

import pytest

from bench.latency import LatencyPlan, LatencyRun, arrivals
from bench.latency_report import report_of, results_of
from bench.report import publish
from bench.under_test import Load
from pipeline.config import Settings, parse_settings
from tests.bench.test_caller import Agent, call


def a_run() -> LatencyRun:
    """Two calls, one of them with a server that never answers, and one ledger."""
    answered, silent = call(Agent(delay_s=0.8)), call(Agent(delay_s=1e9))
    turns = [
        {
            "caller": "tell me more",
            "agent": "Gladly.",
            "marks": {"soft_end": 0.12, "sent": 0.7 + index / 10},
        }
        for index in range(2)
    ]
    load = Load(10.0, {"server": 2.0, "vllm": 4.0}, 1.0, 0.5)
    said = ["Tell me more!", "Tell me less!"]
    return LatencyRun([answered, silent], [said, said], [turns, []], load, 200.0)


def test_a_report_counts_what_was_answered_and_times_only_that() -> None:
    results = results_of(a_run())
    assert results["turns"]["asked"] == 4
    assert results["turns"]["unanswered"] == 2
    assert results["v2v_ms"]["n"] == 2
    assert results["ledger_ms"]["sent"] == {
        "n": 2,
        "mean": 750.0,
        "p50": 700.0,
        "p95": 800.0,
        "p99": 800.0,
        "max": 800.0,
    }
    assert results["heard_wer"] == pytest.approx(1 / 6)
    assert results["load"]["server_cores"] == {"server": 0.2, "vllm": 0.4}
    assert results["different_replies"] == 1
    assert not results["void"]


def test_publishing_ends_with_one_json_document_and_leaves_a_picture(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    url = "postgresql://parley:hunter2@db.example/parley"
    settings: Settings = parse_settings({"database": {"url": url}})
    publish(report_of(results_of(a_run()), LatencyPlan(calls=2, turns=2), settings), tmp_path)
    out = capsys.readouterr().out
    document = json.loads(out.splitlines()[-1])
    assert document["bench"] == "latency"
    assert document["machine"]["cores"] >= 1
    assert document["results"]["turns"]["answered"] == 2
    assert Path(document["picture"]).read_bytes().startswith(b"\x89PNG")
    assert "hunter2" not in out


def test_calls_arrive_at_random_at_the_rate_asked_for_and_alike_for_a_seed() -> None:
    plan = LatencyPlan(calls=2000, rate=4.0, seed=7)
    starts = arrivals(plan)
    assert starts == arrivals(plan)
    assert starts == sorted(starts)
    assert starts[0] == 0.0
    assert starts[-1] / 2000 == pytest.approx(1 / 4.0, rel=0.1)
    assert starts != arrivals(LatencyPlan(calls=2000, rate=4.0, seed=8))
