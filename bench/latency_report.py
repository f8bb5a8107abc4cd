"""The figures of a latency run: what was heard, what the server says of itself, and its cost."""

from __future__ import annotations

from typing import Any

from bench.cut_ins import cut_in_table, cut_ins_of
from bench.latency import LatencyPlan, LatencyRun
from bench.ledger import pair, speculation_of
from bench.pacing import Pacing
from bench.plots import draw_latency
from bench.report import Report, table
from bench.stats import milliseconds, shown, summary
from bench.words import word_error_rate
from pipeline.config import Settings
from pipeline.turn import MARKS


def results_of(run: LatencyRun) -> dict[str, Any]:
    """All figures of a run, and each turn of it."""
    turns = [turn for index in range(len(run.calls)) for turn in _turns(run, index)]
    exchanges = [exchange for call in run.calls for exchange in call.exchanges]
    marks = [turn["ledger"]["marks"] for turn in turns if turn["ledger"]]
    gaps = [gap for exchange in exchanges for gap in exchange.gaps_s]
    pacing = Pacing()
    for call in run.calls:
        pacing.include(call.pacing)
    return {
        "void": pacing.is_void,
        "pacing": pacing.as_json(),
        "calls": len(run.calls),
        "problems": [call.problem for call in run.calls if call.problem],
        "turns": _counts(run),
        "different_replies": len({turn["ledger"]["agent"] for turn in turns if turn["ledger"]}),
        "v2v_ms": summary(milliseconds(exchange.v2v_s for exchange in exchanges)),
        "cut_ins": cut_ins_of(exchanges),
        "speculation": speculation_of([turn for turns in run.ledgers for turn in turns]),
        "hushed_ms": summary(milliseconds(x.hushed_s for x in exchanges if x.hushed_by_clear)),
        "greeting_ms": summary(milliseconds(call.greeting_s for call in run.calls)),
        "connect_ms": summary(milliseconds(call.connect_s for call in run.calls)),
        "gap_ms": summary(milliseconds(gaps)),
        "ledger_ms": {
            name: summary(milliseconds(turn.get(name) for turn in marks)) for name in MARKS
        },
        "heard_wer": word_error_rate(
            [turn["text"] for turn in turns if turn["ledger"]],
            [turn["ledger"]["caller"] or "" for turn in turns if turn["ledger"]],
        ),
        "load": _load(run),
        "per_turn": turns,
    }


def report_of(results: dict[str, Any], plan: LatencyPlan, settings: Settings | None) -> Report:
    """Tables and picture of a run's figures."""
    v2v = [turn["v2v_s"] * 1000 for turn in results["per_turn"] if turn["v2v_s"] is not None]
    heard = [
        (name, *shown(results[key], "n", "mean", "p50", "p95", "p99", "max"))
        for name, key in (
            ("voice to voice", "v2v_ms"),
            ("greeting after answer", "greeting_ms"),
            ("silent after interruption", "hushed_ms"),
            ("gaps in answers", "gap_ms"),
            ("connecting", "connect_ms"),
        )
        if results[key]["n"]
    ]
    marks = [
        (name.replace("_", " "), *shown(figures, "n", "p50", "p95", "max"))
        for name, figures in results["ledger_ms"].items()
        if figures["n"]
    ]
    title = f"one call of {plan.turns} turns"
    if plan.calls > 1:
        title = f"{plan.calls} calls of {plan.turns} turns, {plan.rate:g} arriving a second"
    return Report(
        bench="latency",
        results=results,
        tables=[
            table(f"Heard by the caller, ms: {title}", _HEARD, heard),
            cut_in_table(results["cut_ins"], results["v2v_ms"]),
            table("Server's ledger, ms after the last speech sample", _MARKS, marks),
            table("Counted", ("", ""), [*_count_rows(results), *_load_rows(results["load"])]),
        ],
        draw=lambda figure: draw_latency(figure, v2v, results["ledger_ms"], title),
        settings=settings,
        notes=_notes(results),
    )


_HEARD = ("", "n", "mean", "p50", "p95", "p99", "max")
_MARKS = ("mark", "n", "p50", "p95", "max")


def _count_rows(results: dict[str, Any]) -> list[tuple[str, object]]:
    turns, pacing = results["turns"], results["pacing"]
    rows = [(name.replace("_", " "), count) for name, count in turns.items()]
    if results["heard_wer"] is not None:
        rows.append(("different replies", results["different_replies"]))
        rows.append(("words transcribed wrong", f"{results['heard_wer'] * 100:.1f} %"))
    rows += _speculation_rows(results["speculation"])
    late = f"{pacing['late_p99_ms']} / {pacing['late_max_ms']:.0f} ms"
    return [*rows, ("callers late, p99 / max", late)]


def _speculation_rows(speculation: dict[str, Any]) -> list[tuple[str, object]]:
    if speculation["share"] is None:
        return []
    share = f"{speculation['share'] * 100:.0f} % of {speculation['turns']}"
    rungs = ", ".join(f"{name} {count}" for name, count in speculation["rungs"].items())
    return [
        ("answered from speculative work", share),
        ("answers begun and thrown away", speculation["resumed"]),
        ("rungs taken", rungs or "none"),
    ]


def _load_rows(load: dict[str, Any]) -> list[tuple[str, object]]:
    turn = load["server_cpu_s_per_turn"]
    rows: list[tuple[str, object]] = [
        (f"{role}: cores, CPU s a turn", f"{cores:.2f}, {turn[role]:.2f}")
        for role, cores in load["server_cores"].items()
    ]
    rows.append(
        ("callers, others: cores", f"{load['caller_cores']:.2f}, {load['other_cores']:.2f}")
    )
    return rows


def _notes(results: dict[str, Any]) -> list[str]:
    notes = list(dict.fromkeys(results["problems"]))
    if results["void"]:
        late = results["pacing"]["late_p99_ms"]
        notes.append(f"VOID: the callers themselves were late, p99 {late} ms. Repeat this run.")
    if results["load"]["other_cores"] > 0.2:
        others = results["load"]["other_cores"]
        notes.append(f"{others:.2f} cores were busy with other things: latencies are too high.")
    return notes


def _counts(run: LatencyRun) -> dict[str, int]:
    exchanges = [exchange for call in run.calls for exchange in call.exchanges]
    answered = sum(exchange.answered for exchange in exchanges)
    unasked = sum(call.unasked for call in run.calls)
    return {
        "asked": len(exchanges),
        "answered": answered,
        "unanswered": len(exchanges) - answered,
        "unasked": unasked,
        "premature": sum(exchange.premature for exchange in exchanges),
        "false_starts": sum(exchange.false_starts for exchange in exchanges),
        "cut_ins": sum(exchange.cut_ins for exchange in exchanges),
        "gaps": sum(len(exchange.gaps_s) for exchange in exchanges),
        "interruptions": sum(exchange.hushed_s is not None for exchange in exchanges),
        "stopped_by_clear": sum(exchange.hushed_by_clear for exchange in exchanges),
    }


def _load(run: LatencyRun) -> dict[str, Any]:
    load = run.load
    asked = max(1, sum(len(call.exchanges) for call in run.calls))
    return {
        "seconds": round(load.seconds, 1),
        "server_cores": {role: load.cores(used) for role, used in load.server.items()},
        "server_cpu_s_per_turn": {role: round(s / asked, 3) for role, s in load.server.items()},
        "caller_cores": load.cores(load.callers),
        "other_cores": load.cores(load.others),
        "server_rss_mib": None if run.memory_mib is None else round(run.memory_mib),
        "held_up_s": round(sum(call.held_up_s for call in run.calls), 3),
    }


def _turns(run: LatencyRun, index: int) -> list[dict[str, Any]]:
    """Every exchange of one call as JSON, with what was said and the server's turn."""
    call, texts = run.calls[index], run.texts[index]
    said = [texts[exchange.index] for exchange in call.exchanges]
    ledger = pair(call.exchanges, said, run.ledgers[index])
    return [
        {"call": call.call_id, **exchange.as_json(), "text": text, "ledger": turn}
        for exchange, text, turn in zip(call.exchanges, said, ledger, strict=True)
    ]
