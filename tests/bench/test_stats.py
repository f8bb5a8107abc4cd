from bench.stats import milliseconds, shown, summary


def test_percentiles_are_values_that_occurred() -> None:
    figures = summary(float(value) for value in range(1, 101))
    assert figures == {"n": 100, "mean": 50.5, "p50": 50, "p95": 95, "p99": 99, "max": 100}


def test_of_few_values_the_tail_is_the_worst_one() -> None:
    assert summary([3.0, 1.0, 2.0])["p99"] == 3.0


def test_nothing_has_only_a_count() -> None:
    assert summary([]) == {"n": 0}
    assert shown(summary([]), "p50", "max") == ["-", "-"]


def test_what_is_not_known_is_left_out() -> None:
    assert milliseconds([0.5, None, 1.0]) == [500.0, 1000.0]
