import pytest

from bench.words import normalised, number_words, word_error_rate


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Press 1, now!", "press one now"),
        ("Dial 500.", "dial five hundred"),
        ("extension 1234", "extension one two three four"),
        ("the year 1900", "the year nineteen hundred"),
        ("1,000 calls", "one thousand calls"),
        ("agent 007", "agent zero zero seven"),
        ("forty-two", "42"),
        ("Press # or *", "press pound or star"),
        ("I'm sorry, you\u2019re not", "I am sorry you are not"),
        ("We can't; it won't", "we cannot it will not"),
        ("voice mail and mail box", "voicemail and mailbox"),
        ("re-enter it", "reenter it"),
        ("'quoted' words", "quoted words"),
        ("Mr. Dashwood", "mister dashwood"),
    ],
)
def test_two_spellings_of_the_same_words_are_one(one: str, other: str) -> None:
    assert normalised(one) == normalised(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [("press one", "press two"), ("party's", "parties"), ("four", "for"), ("a", "the")],
)
def test_different_words_stay_different(one: str, other: str) -> None:
    assert normalised(one) != normalised(other)


def test_numbers_are_said_as_people_say_them() -> None:
    said = {
        "0": "zero",
        "13": "thirteen",
        "20": "twenty",
        "99": "ninety nine",
        "100": "one hundred",
    }
    said |= {
        "345": "three hundred forty five",
        "2000": "two thousand",
        "12345": "one two three four five",
    }
    assert {digits: number_words(digits) for digits in said} == said


def test_the_rate_is_over_all_words_and_not_a_mean_of_sentences() -> None:
    assert (
        word_error_rate(
            ["one two three four five six seven eight nine", "ten"],
            ["one two three four five six seven eight nine", "hen"],
        )
        == 0.1
    )


def test_the_rate_of_perfect_hearing_is_zero_and_of_no_words_unknown() -> None:
    assert word_error_rate(["Press 1."], ["press one"]) == 0.0
    assert word_error_rate([""], ["something"]) is None
    assert word_error_rate([], []) is None
