"""Model output, whole and in pieces."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pipeline.llm.fragments import LONGEST_CALL, Fragments
from pipeline.turn import Say, ToolCall

CALL = '<tool_call>{"name": "lookup_contact", "arguments": {"phone": "me"}}</tool_call>'
PARSED = ToolCall("lookup_contact", {"phone": "me"})


def read(pieces: list[str]) -> list[Say | ToolCall]:
    """Everything found, with neighbouring speech joined."""
    fragments = Fragments()
    found = [item for piece in pieces for item in fragments.feed(piece)] + fragments.finish()
    joined: list[Say | ToolCall] = []
    for item in found:
        if joined and isinstance(item, Say) and isinstance(joined[-1], Say):
            joined[-1] = Say(joined[-1].text + item.text)
        else:
            joined.append(item)
    return joined


def test_speech_passes_through_at_once() -> None:
    assert Fragments().feed("Hello") == [Say("Hello")]


def test_a_message_means_the_same_however_it_is_split() -> None:
    text = f"One moment. {CALL} Done <b> < tool."
    whole = [Say("One moment. "), PARSED, Say(" Done <b> < tool.")]
    assert read([text]) == whole
    assert read(list(text)) == whole
    for cut in range(len(text)):
        assert read([text[:cut], text[cut:]]) == whole


def test_two_calls_in_a_row_are_two() -> None:
    assert read([CALL + CALL]) == [PARSED, PARSED]


def test_a_whole_call_without_its_end_tag_counts() -> None:
    assert read([CALL.removesuffix("</tool_call>")]) == [PARSED]


def test_what_is_no_call_is_dropped_and_kept_for_the_log() -> None:
    for body in ("{", "[]", '{"name": 1}', '{"name": "x", "arguments": []}', ""):
        fragments = Fragments()
        assert fragments.feed(f"<tool_call>{body}</tool_call>") == []
        assert fragments.broken == [body]


def test_an_endless_call_is_dropped() -> None:
    fragments = Fragments()
    fragments.feed("<tool_call>")
    for _ in range(LONGEST_CALL // 100 + 1):
        assert fragments.feed("x" * 100) == []
    assert fragments.broken
    assert fragments.feed("So.") == [Say("So.")]


@given(st.lists(st.sampled_from(["<", "tool", "_call>", "</", "a ", CALL, "{", "<tool_call>"])))
def test_rubbish_raises_nothing(pieces: list[str]) -> None:
    read(pieces)


@given(st.text(alphabet="<tolca_l> ab/", max_size=60).filter(lambda t: "<tool_call>" not in t))
def test_speech_without_a_whole_tag_is_never_lost(text: str) -> None:
    assert "".join(item.text for item in read(list(text)) if isinstance(item, Say)) == text
