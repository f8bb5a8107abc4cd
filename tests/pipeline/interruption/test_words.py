"""What counts as a backchannel when it is written down."""

from __future__ import annotations

import time

import pytest

from pipeline.interruption.words import SURE, is_backchannel, wants_floor

BACKCHANNELS = """
Mm-hmm. | mm-hm | mhm | Mhm. | Mmm. | Mm. | Hmm. | Hm. | Hmmmm... | MM-HMM | Uh-huh. | uh huh
Right. | Right, right. | All right. | Alright | Yeah. | yeah yeah | Yeah, yeah, yeah. | Yep. | yup
Okay. | OK | okay, right | ok sure | Okay, got it. | Sure. | I see. | Oh, I see. | Got it.
Of course. | Yes. | Oh. | Ah. | Oh really? | That's right. | Sounds good. | Okay, and then, yeah
[cough] | (coughs) | *sigh* | ... | Great. | Makes sense. | M-hm. | Mkay. | Yeah, okay, mm-hmm.
Aha. | Uh-huh, uh-huh.
"""

SPEECH = """
no | No. | no no | Nope. | stop | Stop! | wait | Wait, wait. | hold on | Hang on. | what | What?
hello? | yes but | Yes, but I | yeah but no | Yeah, and | Okay, so | okay so what | right, well
I see you | Who? | I see a problem. | Sorry? | excuse me | Okay, how much is it? | Uh-uh.
Yeah, I don't know. | Is that okay? | really not | my name is Right | Thank you. | Goodbye.
Uh, no. | five | nein | ja | yeah yeah yeah yeah yeah yeah yeah
"""


def said(table: str) -> list[str]:
    return [text.strip() for line in table.strip().splitlines() for text in line.split("|")]


@pytest.mark.parametrize("text", [*said(BACKCHANNELS), "", "  "])
def test_what_a_listener_says_to_go_on_is_a_backchannel(text: str) -> None:
    assert is_backchannel(text)


@pytest.mark.parametrize("text", said(SPEECH))
def test_what_wants_an_answer_is_none(text: str) -> None:
    assert not is_backchannel(text)


@pytest.mark.parametrize("text", ["mm-hm", "okay, right", "wait", "yes but"])
def test_case_and_punctuation_do_not_matter(text: str) -> None:
    spellings = (text.upper(), text.title(), f" {text}.", f"{text}!", f'"{text}"')
    assert {is_backchannel(spelling) for spelling in spellings} == {is_backchannel(text)}


def test_a_hallucinated_flood_is_judged_at_once() -> None:
    began = time.process_time()
    is_backchannel("uhhhh" * 20_000 + " mmmhmmm" * 20_000)
    is_backchannel("uhh" * 5_000 + "x")
    assert time.process_time() - began < 1.0


MISHEARD = "And then... | Go for it. | I'm sorry. | You at | God. | I.C. | i b | This is... | Bye!"
"""What a model made of "mm-hm", "uh-huh", "yeah" and "I see"."""


@pytest.mark.parametrize("text", said(MISHEARD))
def test_a_few_words_that_were_hardly_heard_do_not_take_the_floor(text: str) -> None:
    assert not wants_floor(text, SURE - 0.05)


@pytest.mark.parametrize("text", ["No.", "stop", "Wait, wait", "Hello?", "Tuesday?", "don\u2019t"])
def test_plain_words_and_questions_take_it_however_badly_heard(text: str) -> None:
    assert wants_floor(text, 0.1)


@pytest.mark.parametrize("text", ["Tuesday.", "Go for it.", "I want to say something else"])
def test_what_was_surely_heard_takes_the_floor(text: str) -> None:
    assert wants_floor(text, SURE)


@pytest.mark.parametrize("text", [*said(BACKCHANNELS), ""])
def test_a_backchannel_never_takes_it(text: str) -> None:
    assert not wants_floor(text, 1.0)
