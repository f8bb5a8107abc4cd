from bench.frames import measure_steps
from pipeline.config import TurnSettings


def test_the_steps_of_a_frame_fit_the_target_many_times_over() -> None:
    # Far from tight, because the machine may be busy: the sum is about 8 us on an idle one.
    steps = measure_steps(TurnSettings(), repeats=2)
    whole = {name: cost for name, cost in steps.items() if not name.startswith(" ")}
    assert set(whole) == {"message to frame", "voice activity", "endpoint"}
    assert sum(whole.values()) < 60
