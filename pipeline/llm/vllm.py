"""The language model, behind vLLM's OpenAI-compatible server: a prompt in, text and calls out.

One POST per reply, read as server-sent events. Closing the stream closes the connection, upon which
vLLM aborts the request and frees its slot; nothing else is needed to cancel.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import orjson

from pipeline.config import LlmSettings
from pipeline.errors import EngineFailed
from pipeline.llm.fragments import Fragments
from pipeline.turn import Message, Prompt, Say, ToolCall, ToolSpec

_LOG = logging.getLogger(__name__)

_MOST_CONNECTIONS = 1_024
"""Replies at once from this process; one more waits for a connection within its own deadline."""


_UNDATED_S = 1.0
"""A prompt that names no deadline is wanted within this time of being asked."""


@asynccontextmanager
async def open_vllm(
    url: str, model: str, settings: LlmSettings, api_key: str | None = None
) -> AsyncIterator[VllmEngine]:
    """An engine on the server at ``url`` (which ends in ``/v1``), with a connection pool.

    If cancelled, the pool is closed; requests in flight are aborted by their own tasks.
    """
    headers = {"Authorization": f"Bearer {api_key}"} if api_key else {}
    connector = aiohttp.TCPConnector(limit=_MOST_CONNECTIONS, keepalive_timeout=75)
    async with aiohttp.ClientSession(connector=connector, headers=headers) as session:
        yield VllmEngine(session, url.rstrip("/"), model, settings)


class VllmEngine:
    """``Engine[Prompt, Say | ToolCall]``."""

    def __init__(
        self, session: aiohttp.ClientSession, url: str, model: str, settings: LlmSettings
    ) -> None:
        self._session = session
        self._url = f"{url}/chat/completions"
        self._model = model
        self._settings = settings

    async def stream(self, request: Prompt, /) -> AsyncGenerator[Say | ToolCall, None]:
        """One reply: speech in pieces as they are generated, tool calls when they are whole.

        If cancelled or closed, the server stops generating.

        Raises:
            EngineFailed: the server cannot be reached, refuses the request, or sends nothing for
                ``timeout_s``.
        """
        forced = _tool(request, request.must_call) if request.must_call else None
        fragments = Fragments()
        arguments: list[str] = []
        pieces = self._pieces(self._body(request, forced))
        try:
            async for piece in pieces:
                if forced is not None:
                    arguments.append(piece)
                    continue
                for item in fragments.feed(piece):
                    yield item
        finally:
            await pieces.aclose()
        if forced is not None:
            yield _forced_call(forced, "".join(arguments))
        for item in fragments.finish():
            yield item
        for broken in fragments.broken:
            _LOG.warning("the model wrote a tool call that cannot be read: %r", broken)

    async def _pieces(self, body: dict[str, Any]) -> AsyncGenerator[str, None]:
        """The reply's text deltas."""
        timeout = aiohttp.ClientTimeout(
            total=None, connect=self._settings.timeout_s, sock_read=self._settings.timeout_s
        )
        try:
            async with self._session.post(
                self._url, data=orjson.dumps(body), timeout=timeout, headers=_JSON
            ) as response:
                if response.status != 200:
                    raise EngineFailed("vllm", await _complaint(response))
                async for line in response.content:
                    if line.startswith(b"data: {"):
                        piece = _delta(line[6:])
                        if piece:
                            yield piece
        except TimeoutError as error:
            problem = f"sent nothing for {self._settings.timeout_s:g} s"
            raise EngineFailed("vllm", problem) from error
        except aiohttp.ClientError as error:
            raise EngineFailed("vllm", f"cannot be asked: {error}") from error

    def _body(self, request: Prompt, forced: ToolSpec | None) -> dict[str, Any]:
        body: dict[str, Any] = {
            "model": self._model,
            "messages": [_as_json(message) for message in request.messages],
            "stream": True,
            "max_tokens": request.most_tokens or self._settings.max_tokens,
            "temperature": self._settings.temperature,
        }
        if self._settings.url is None:
            # Our own server schedules by it; another may refuse a request that has one.
            now = asyncio.get_running_loop().time()
            due = now + _UNDATED_S if request.due is None else request.due
            body["priority"] = int(due * 1000)
        if forced is not None:
            # The call's opening is put into the model's mouth and prefilled in one step; only the
            # arguments are generated, under their schema.
            opening = f'<tool_call>{{"name": "{forced.name}", "arguments": '
            body["messages"].append({"role": "assistant", "content": opening})
            body["add_generation_prompt"] = False
            body["continue_final_message"] = True
            body["structured_outputs"] = {"json": dict(forced.parameters)}
        elif request.tools:
            body["structured_outputs"] = {"structural_tag": _tags(request.tools)}
        return body


_JSON = {"Content-Type": "application/json"}


def _tags(tools: tuple[ToolSpec, ...]) -> str:
    """vLLM's structural tag: free text until a call begins, then that tool's schema.

    XGrammar's format; see docs.vllm.ai, "Structured outputs".
    """
    tags = [
        {
            "type": "tag",
            "begin": f'<tool_call>{{"name": "{tool.name}", "arguments": ',
            # Without the limit, a small model fills its call with white space.
            "content": {
                "type": "json_schema",
                "json_schema": dict(tool.parameters),
                "max_whitespace_cnt": 1,
            },
            "end": "}</tool_call>",
        }
        for tool in tools
    ]
    chosen = {"type": "triggered_tags", "triggers": ["<tool_call>"], "tags": tags}
    return json.dumps({"type": "structural_tag", "format": chosen})


def _tool(request: Prompt, name: str) -> ToolSpec:
    for tool in request.tools:
        if tool.name == name:
            return tool
    raise ValueError(f"must_call names {name!r}, which is not among the prompt's tools")


def _forced_call(tool: ToolSpec, text: str) -> ToolCall:
    try:
        arguments = json.loads(text)
    except json.JSONDecodeError as error:
        # The grammar allows nothing else, so the reply was cut at max_tokens.
        raise EngineFailed("vllm", f"did not finish its call of {tool.name}") from error
    return ToolCall(tool.name, arguments)


def _as_json(message: Message) -> dict[str, str]:
    return {"role": message.role, "content": message.content}


def _delta(data: bytes) -> str:
    """The text of one event; empty where it has none (role, usage)."""
    event = orjson.loads(data)
    if "error" in event:
        raise EngineFailed("vllm", f"gave up: {event['error'].get('message', event['error'])}")
    choices = event.get("choices")
    return (choices[0]["delta"].get("content") or "") if choices else ""


async def _complaint(response: aiohttp.ClientResponse) -> str:
    text = (await response.text())[:300]
    return f"answered {response.status}: {text}"
