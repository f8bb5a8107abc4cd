import pytest

from bench.exchange import Exchange
from bench.ledger import control_url, pair, speculation_of, turns_of


def exchange(index: int, v2v_s: float | None = 0.7) -> Exchange:
    return Exchange(
        index=index,
        clip=f"clip{index}",
        spoke_from=1.0,
        spoke_until=2.0,
        answered=v2v_s is not None,
        v2v_s=v2v_s,
        premature=False,
        false_starts=0,
        cut_ins=0,
        gaps_s=(),
        answer_s=1.0,
        hushed_s=None,
        hushed_by_clear=False,
    )


def turn(caller: str | None, sent: float | None = 0.7) -> dict[str, object]:
    return {"caller": caller, "marks": {} if sent is None else {"sent": sent}}


@pytest.mark.parametrize(
    ("media", "control"),
    [
        ("ws://127.0.0.1:8765/twilio", "http://127.0.0.1:8080"),
        ("wss://agent.example/twilio", "https://agent.example:8080"),
        ("ws://[::1]:8765/twilio", "http://[::1]:8080"),
    ],
)
def test_the_control_plane_is_looked_for_on_the_same_host(media: str, control: str) -> None:
    assert control_url(media) == control


def test_the_greeting_is_no_turn_of_the_caller() -> None:
    call = {"turns": [turn(None), turn("Hello."), turn("")]}
    assert [t["caller"] for t in turns_of(call)] == ["Hello.", ""]
    assert turns_of(None) == []


def test_as_many_turns_as_exchanges_are_paired_in_order() -> None:
    turns = [turn("one"), turn("two")]
    assert pair([exchange(0), exchange(1)], ["", ""], turns) == turns


def test_an_answer_that_was_begun_anew_is_paired_with_its_last_turn() -> None:
    begun, stands, second = (
        turn("please enter your"),
        turn("please enter your phone number starting with the area code"),
        turn("who sent this message"),
    )
    said = ["Please enter your phone number, starting with the area code.", "Who sent this message"]
    assert pair([exchange(0), exchange(1)], said, [begun, stands, second]) == [stands, second]


def test_without_words_the_time_of_the_answer_decides() -> None:
    slow, quick = turn("a", 2.0), turn("b", 0.4)
    spare = turn("c", 9.0)
    assert pair([exchange(0, 2.05), exchange(1, 0.45)], ["", ""], [slow, quick, spare]) == [
        slow,
        quick,
    ]


def test_an_exchange_that_the_server_never_heard_has_no_turn() -> None:
    heard = turn("nobody is available")
    said = ["Which folder should I save it to?", "Nobody is available."]
    assert pair([exchange(0, None), exchange(1)], said, [heard]) == [None, heard]


def test_speculation_is_counted_where_the_server_tells_of_it() -> None:
    told = [
        {"speculative": True, "resumed": 1, "rung": None},
        {"speculative": False, "resumed": 0, "rung": "filler"},
        {"speculative": True, "resumed": 0, "rung": "filler"},
    ]
    assert speculation_of(told) == {
        "turns": 3,
        "speculative": 2,
        "share": 0.6667,
        "resumed": 1,
        "rungs": {"filler": 2},
    }
    assert speculation_of([turn("an older server")])["share"] is None
