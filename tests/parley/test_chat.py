"""Scripts of the text chat: what is read, and in whose zone."""

from __future__ import annotations

from datetime import timedelta

import pytest

from parley.chat import parse_dialogue
from pipeline.errors import SettingsError

LINE = (
    '{"id": "d1", "now": "2026-03-02T10:00:00-06:00",'
    ' "contact": {"name": "Jane", "phone": "+13125550143"}, "turns": ["hello"]}'
)


def test_a_line_is_a_dialogue() -> None:
    dialogue = parse_dialogue(LINE, 1)
    assert dialogue.turns == ["hello"]
    assert dialogue.now.utcoffset() == timedelta(hours=-6)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("{", "line 3: the line: Invalid JSON"),
        (LINE.replace("-06:00", ""), "line 3: now"),
        (LINE.replace('"turns"', '"lines"'), "line 3: turns"),
        (LINE.replace('"phone"', '"fax"'), "line 3: contact.phone"),
    ],
)
def test_a_wrong_line_is_named(line: str, words: str) -> None:
    with pytest.raises(SettingsError) as caught:
        parse_dialogue(line, 3)
    assert str(caught.value).startswith(words)
