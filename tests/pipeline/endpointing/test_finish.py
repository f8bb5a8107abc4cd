"""How finished an utterance sounds: phone talk of both kinds, and what may not sway a judgement."""

from __future__ import annotations

import pytest

from pipeline.endpointing.finish import Ending, ending_of, sounds_finished

THRESHOLD = 0.7

UNFINISHED = [
    "I'd like to",
    "I would really like to book a",
    "So what I wanted to ask is",
    "My number is",
    "My phone number is five five five",
    "You can reach me at 312-555",
    "Yes, it's 5, 5, 5, 0, 1",
    "The area code is 415",
    "Call me back at three one two five five five oh one",
    "My account number is 4471",
    "My email is",
    "My email address is jane dot doe",
    "It's jane.doe at acme dot",
    "jane at",
    "That's S-M-I",
    "It's spelled J, O, H",
    "S as in Sam",
    "Um",
    "Well, uh",
    "Let me see",
    "Hold on a second",
    "I'm calling about the",
    "I'm calling because",
    "I was wondering if",
    "Can you tell me",
    "Could you",
    "Do you have",
    "What time do you",
    "I need a table for",
    "Tuesday, no wait",
    "On Tuesday, sorry",
    "Make it three, or rather",
    "At three, I mean",
    "Send it to my",
    "The problem is",
    "I think that",
    "If it is after five",
    "When I called yesterday",
    "Please put me through to the",
    "It's between",
    "Yes, and",
    "Yes, but",
    "No, because",
    "My name is",
    "I've been waiting for",
    "There's a problem with",
    "Hi. I'd like",
    "Thank you. I also want to",
]

FINISHED = [
    "Yes",
    "No",
    "Yes please",
    "No, thank you",
    "Sure, go ahead",
    "That's right",
    "That's all, thanks",
    "Not interested",
    "I'm not interested",
    "Tuesday at three works",
    "Tomorrow morning works for me",
    "What time do you open?",
    "How much does it cost?",
    "Can you call me back tomorrow?",
    "Who is this from?",
    "What is this about?",
    "Do you have a table for two?",
    "Where are you?",
    "Yes, it is",
    "No, we don't",
    "I don't know",
    "I think so",
    "Goodbye",
    "Have a nice day",
    "My phone number is 312-555-0142",
    "It's three one two, five five five, oh one four two",
    "You can reach me at 1-312-555-0142",
    "My email is jane dot doe at acme dot com",
    "It's jane@acme.com",
    "I'd like to speak to someone else, please",
    "Can I come in tomorrow instead?",
    "Let's do Friday at four",
    "Wednesday",
    "Okay, sounds good",
    "Hello?",
]


@pytest.mark.parametrize("text", UNFINISHED)
def test_what_lacks_something_sounds_unfinished(text: str) -> None:
    assert sounds_finished(text) <= 0.1, ending_of(text)


@pytest.mark.parametrize("text", FINISHED)
def test_what_lacks_nothing_sounds_finished(text: str) -> None:
    assert sounds_finished(text) >= THRESHOLD, ending_of(text)


@pytest.mark.parametrize("text", UNFINISHED)
@pytest.mark.parametrize("closing", [None, 0.5])
def test_writing_does_not_flip_what_is_unfinished(text: str, closing: float | None) -> None:
    for written in (text.upper(), text.lower(), f"{text}.", f"{text},", f" {text}... "):
        assert sounds_finished(written, closing) < THRESHOLD, written


@pytest.mark.parametrize("text", FINISHED)
def test_case_and_a_full_stop_do_not_flip_what_is_finished(text: str) -> None:
    plain = text.rstrip("?")
    for written in (text.upper(), text.lower(), f"{plain}.", f"{plain}!", plain):
        assert sounds_finished(written) >= THRESHOLD, written


@pytest.mark.parametrize("article", ["a", "an", "the", "my", "your", "and", "or", "of", "um"])
@pytest.mark.parametrize("text", FINISHED)
def test_a_hanging_word_makes_anything_unfinished(text: str, article: str) -> None:
    for mark in ("", ".", "?"):
        assert sounds_finished(f"{text.rstrip('?')} {article}{mark}") <= 0.1


def test_a_telephone_number_is_open_until_its_last_digit() -> None:
    digits = "3125550142"
    for lead in ("My number is", "It's", "You can reach me at"):
        for count in range(3, 10):
            for gap in (" ", ", ", "-"):
                said = f"{lead} {gap.join(digits[:count])}"
                assert sounds_finished(said) <= 0.3, said
        assert sounds_finished(f"{lead} {' '.join(digits)}.") > 0.9


def test_a_telephone_number_is_counted_alike_in_words_and_figures() -> None:
    words = ["three", "one", "two", "five", "five", "five", "oh", "one", "four", "two"]
    figures = "3125550142"
    for count in range(1, 11):
        said = f"my phone number is {' '.join(words[:count])}"
        assert ending_of(said) is ending_of(f"my phone number is {figures[:count]}"), said


def test_no_sound_closes_half_a_number_or_a_hanging_word() -> None:
    for text in ("My number is 555, 01.", "I'd like to.", "It's on the.", "Tuesday, no wait."):
        assert sounds_finished(text, closing=1.0) < 0.1


@pytest.mark.parametrize("text", ["Can you start over", "I live in", "It is under"])
def test_a_particle_is_left_to_the_sound(text: str) -> None:
    assert sounds_finished(text, 0.1) < 0.2 < THRESHOLD < sounds_finished(text, 0.97)


@pytest.mark.parametrize("text", ["Yes.", "no", "Okay", "Goodbye.", "Not interested", "Yes please"])
def test_a_short_answer_needs_no_sound(text: str) -> None:
    assert sounds_finished(text, 0.05) >= THRESHOLD
    assert sounds_finished(text.rstrip(".") + ",", 0.05) < THRESHOLD


def test_the_sound_decides_where_words_leave_it_open() -> None:
    text = "Please leave your message after the tone"
    assert sounds_finished(text, 0.2) < 0.4 < THRESHOLD < sounds_finished(text, 0.8)


@pytest.mark.parametrize("text", [*UNFINISHED, *FINISHED, "", "..."])
def test_more_closing_never_sounds_less_finished(text: str) -> None:
    odds = [sounds_finished(text, step / 20) for step in range(21)]
    assert odds == sorted(odds)
    assert all(0.0 <= value <= 1.0 for value in odds)


@pytest.mark.parametrize("text", ["5", "The blue one", "Cancelled", "My password", "At noon"])
def test_no_sound_makes_it_certain_that_something_is_missing(text: str) -> None:
    """Which is told by words alone, and waited for longest."""
    assert sounds_finished(text, 0.0) > 0.1 > sounds_finished(f"{text} and", 0.0)


@pytest.mark.parametrize("text", ["", "   ", "...", "?!", "\u2014"])
def test_nothing_understood_is_no_opinion(text: str) -> None:
    assert ending_of(text) is Ending.NOTHING
    assert sounds_finished(text, 0.9) == 0.5


def test_only_the_last_sentence_counts() -> None:
    assert sounds_finished("I'd like a. Sorry, what did you say?") >= THRESHOLD
    assert sounds_finished("What did you say? I'd like to") <= 0.1


@pytest.mark.parametrize(
    "text", ["at 3:30", "it costs $500", "fifty percent", "On May 5, 2026", "a table for 4"]
)
def test_numbers_that_nobody_dictates_are_left_alone(text: str) -> None:
    assert ending_of(text) is not Ending.DICTATING


def test_hours_of_rubbish_are_judged_and_never_refused() -> None:
    for text in ("\x00", "a" * 10_000, "5 " * 2_000, "- " * 500, "ok " * 3_000, "@", "1-1-1-1"):
        assert 0.0 <= sounds_finished(text) <= 1.0
