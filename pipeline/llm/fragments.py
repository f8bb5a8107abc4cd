"""Pieces of model output to speech and whole tool calls, sans-I/O.

The model writes free text and, where it wants something done,
``<tool_call>{"name": ..., "arguments": {...}}</tool_call>``: the form in which open instruct models
are trained (Hermes, Qwen, SmolLM2). A tag may arrive in any number of pieces, so text that could be
the beginning of one is held back until it is decided.
"""

from __future__ import annotations

import json

from pipeline.turn import Say, ToolCall

_OPEN = "<tool_call>"
_CLOSE = "</tool_call>"

LONGEST_CALL = 4_000
"""Characters. A call that is longer is a model that lost its way, and is dropped."""


class Fragments:
    """Joins the pieces of one reply. Feed every piece in order, then finish once."""

    def __init__(self) -> None:
        # Text not yet given out: speech that may be the beginning of a tag, or a call's body.
        self._held = ""
        self._in_call = False
        # Calls that could not be read, as the model wrote them; for the log and the ledger.
        self.broken: list[str] = []

    def feed(self, piece: str) -> list[Say | ToolCall]:
        """What ``piece`` completes, in order; often nothing."""
        self._held += piece
        found: list[Say | ToolCall] = []
        while True:
            if self._in_call:
                body, tag, rest = self._held.partition(_CLOSE)
                if not tag:
                    self._drop_if_endless()
                    return found
                self._held, self._in_call = rest, False
                call = self._parse(body)
                if call is not None:
                    found.append(call)
            else:
                speech, tag, rest = self._held.partition(_OPEN)
                if not tag:
                    cut = len(self._held) - _tag_begun(self._held)
                    speech, self._held = self._held[:cut], self._held[cut:]
                    if speech:
                        found.append(Say(speech))
                    return found
                self._held, self._in_call = rest, True
                if speech:
                    found.append(Say(speech))

    def finish(self) -> list[Say | ToolCall]:
        """What is left when the model stops. A call without its end is read if it is whole."""
        held, self._held = self._held, ""
        if not self._in_call:
            return [Say(held)] if held else []
        self._in_call = False
        call = self._parse(held)
        return [call] if call is not None else []

    def _drop_if_endless(self) -> None:
        if len(self._held) > LONGEST_CALL:
            self.broken.append(self._held[:200])
            self._held, self._in_call = "", False

    def _parse(self, body: str) -> ToolCall | None:
        try:
            value = json.loads(body)
        except json.JSONDecodeError:
            value = None
        if isinstance(value, dict) and isinstance(value.get("name"), str):
            arguments = value.get("arguments", {})
            if isinstance(arguments, dict):
                return ToolCall(value["name"], arguments)
        self.broken.append(body[:200])
        return None


def _tag_begun(text: str) -> int:
    """How many characters at the end of ``text`` could be the beginning of an opening tag."""
    for length in range(min(len(_OPEN) - 1, len(text)), 0, -1):
        if _OPEN.startswith(text[-length:]):
            return length
    return 0
