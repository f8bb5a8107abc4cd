"""Percentiles as they were measured: each is a value that occurred, none is interpolated."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

Summary = dict[str, float]
"""``n, mean, p50, p95, p99, max``; only ``n`` (0) of nothing."""


def summary(values: Iterable[float], digits: int = 1) -> Summary:
    """Count, mean, nearest-rank percentiles and maximum."""
    known = np.array([value for value in values if value is not None], np.float64)
    if not len(known):
        return {"n": 0}
    ranks = np.percentile(known, (50, 95, 99), method="inverted_cdf")
    told = {"mean": known.mean(), "p50": ranks[0], "p95": ranks[1], "p99": ranks[2]}
    return {"n": len(known)} | {
        name: round(float(value), digits) for name, value in {**told, "max": known.max()}.items()
    }


def milliseconds(seconds: Iterable[float | None]) -> list[float]:
    """Seconds to milliseconds, unknown ones left out."""
    return [value * 1000.0 for value in seconds if value is not None]


def shown(figures: Summary, *names: str) -> list[str]:
    """Some of a summary as a table shows it; a dash for what is not known."""
    return [f"{figures[name]:,.0f}" if name in figures else "-" for name in names]
