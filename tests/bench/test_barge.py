"""What is tried on an agent that talks, and what is told of it."""

from collections import Counter

from bench.barge import CHANGES, BargePlan, BargeRun, backchannels, trials_of
from bench.barge_report import figures_of, report_of
from bench.interjection import IntrusionHeard
from pipeline.config import parse_settings


def heard(kind: str, clear_s: float | None, name: str = "x-flite-slt") -> IntrusionHeard:
    went_on_s = None if clear_s is None else 0.8
    return IntrusionHeard(name, kind, 5.0, 0.4, clear_s, clear_s, 0.0, went_on_s)


def test_every_kind_of_sound_is_tried_as_often_as_asked_and_alike_for_a_seed() -> None:
    plan = BargePlan(speech=5, noises=3, echoes=2)
    trials = trials_of(plan)
    kinds = Counter(one.kind for trial in trials for one in trial.intrusions)
    assert kinds["speech"] == 5
    assert kinds["cough"] == kinds["click"] == kinds["burst"] == 3
    assert kinds["echo"] == kinds["speech over echo"] == 2
    assert all(trial.echo for trial in trials if "echo" in trial.intrusions[0].kind)
    again = trials_of(plan)
    names = [[one.clip.name for one in trial.intrusions] for trial in trials]
    assert names == [[one.clip.name for one in trial.intrusions] for trial in again]
    assert names != [
        [one.clip.name for one in trial.intrusions]
        for trial in trials_of(BargePlan(seed=2, speech=5, noises=3, echoes=2))
    ]


def test_backchannels_are_of_every_word_and_of_eight_voices_none_of_them_the_agents() -> None:
    clips = backchannels()
    words = Counter(clip.text for clip in clips)
    assert set(words) == {"mm-hm", "uh-huh", "right", "yeah", "okay", "I see"}
    assert set(words.values()) == {8}
    assert all(0.15 < clip.duration < 1.0 for clip in clips)


def test_the_agent_has_enough_to_say() -> None:
    assert len(parse_settings({"agent": dict(CHANGES["agent"])}).agent.greeting) > 1000


def test_shares_are_of_what_was_tried_and_times_of_what_stopped_it() -> None:
    run = BargeRun(
        [
            heard("speech", 0.15),
            heard("speech", 0.25),
            heard("speech", None),
            heard("yeah", 0.3, "yeah-flite-awb"),
            heard("yeah", None, "yeah-flite-slt"),
            heard("okay", None, "okay-flite-slt"),
            heard("cough", None, "cough-1"),
        ]
    )
    figures = figures_of(run)
    assert figures["speech"]["speech"]["tried"] == 3
    assert figures["speech"]["speech"]["stopped"] == 2
    assert figures["speech"]["speech"]["clear_ms"]["p95"] == 250.0
    assert figures["backchannels"]["share"] == 0.3333
    assert figures["backchannels"]["went_on"] == 1
    assert figures["others"]["cough"]["share"] == 0.0
    assert figures["voices"]["flite-slt"]["tried"] == 2
    report = report_of(figures, None)
    assert len(report.tables) == 2
    assert not report.notes
