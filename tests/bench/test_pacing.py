from bench.pacing import Pacing


def test_lateness_is_told_in_percentiles_rounded_up_to_the_millisecond() -> None:
    pacing = Pacing()
    for _ in range(990):
        pacing.sent(0.0004)
    for _ in range(10):
        pacing.sent(0.0155)
    assert pacing.percentile_ms(50) == 1
    assert pacing.percentile_ms(99) == 1
    assert pacing.percentile_ms(99.5) == 16
    assert pacing.as_json() == {
        "frames": 1000,
        "late_p50_ms": 1,
        "late_p99_ms": 1,
        "late_max_ms": 15.5,
        "void": False,
    }


def test_a_run_is_void_when_one_frame_in_fifty_is_late_by_more_than_a_frame() -> None:
    pacing = Pacing()
    for _ in range(98):
        pacing.sent(0.0)
    for _ in range(2):
        pacing.sent(0.025)
    assert pacing.is_void


def test_callers_are_counted_together_and_the_worst_is_kept() -> None:
    punctual, late = Pacing(), Pacing()
    punctual.sent(-0.001)
    late.sent(3.0)
    punctual.include(late)
    assert punctual.frames == 2
    assert punctual.worst_ms == 3000.0


def test_nobody_was_late_before_the_first_frame() -> None:
    assert not Pacing().is_void
