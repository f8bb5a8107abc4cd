"""The engine against a real HTTP server that speaks vLLM's wire, and misbehaves on request."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager
from typing import Any

import pytest
from aiohttp import web

from pipeline.config import LlmSettings
from pipeline.errors import EngineFailed
from pipeline.llm.vllm import VllmEngine, open_vllm
from pipeline.turn import Message, Prompt, Say, ToolCall, ToolSpec

SPEC = ToolSpec("look", "Look.", {"type": "object", "properties": {"phone": {"type": "string"}}})
ASK = (Message("system", "S"), Message("user", "hello"))
Write = Callable[[str], Awaitable[None]]


class Server:
    """Sends ``pieces`` for every request; keeps what it was asked."""

    def __init__(self, pieces: list[str | float], status: int = 200) -> None:
        self.pieces = pieces
        self.status = status
        self.bodies: list[dict[str, Any]] = []
        self.headers: list[Any] = []
        self.aborted = asyncio.Event()

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.bodies.append(await request.json())
        self.headers.append(request.headers)
        if self.status != 200:
            return web.Response(status=self.status, text="no such model")
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        try:
            for piece in self.pieces:
                if isinstance(piece, float):
                    await asyncio.sleep(piece)
                    continue
                event = {"choices": [{"delta": {"content": piece}}]}
                await response.write(f"data: {json.dumps(event)}\n\n".encode())
            await response.write(b"data: [DONE]\n\n")
        except (ConnectionResetError, asyncio.CancelledError):
            self.aborted.set()
            raise
        return response


@asynccontextmanager
async def engine(
    server: Server, timeout_s: float = 2.0, url: str | None = None
) -> AsyncIterator[VllmEngine]:
    app = web.Application()
    app.router.add_post("/v1/chat/completions", server.answer)
    runner = web.AppRunner(app, handler_cancellation=True)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    settings = LlmSettings(timeout_s=timeout_s, url=url)
    try:
        async with open_vllm(f"http://127.0.0.1:{port}/v1", "m", settings, "secret") as opened:
            yield opened
    finally:
        await runner.cleanup()


def reply(server: Server, prompt: Prompt, timeout_s: float = 2.0) -> list[Say | ToolCall]:
    async def main() -> list[Say | ToolCall]:
        async with engine(server, timeout_s) as llm, aclosing(llm.stream(prompt)) as pieces:
            return [piece async for piece in pieces]

    return asyncio.run(main())


async def body_of(prompt: Prompt, url: str | None = None) -> dict[str, Any]:
    server = Server(["Hi."])
    async with engine(server, url=url) as llm, aclosing(llm.stream(prompt)) as pieces:
        async for _ in pieces:
            pass
    return server.bodies[0]


def test_an_earlier_deadline_is_a_lower_priority_number_and_none_means_within_a_second() -> None:
    async def main() -> list[int]:
        now = asyncio.get_running_loop().time()
        dues = (now + 0.05, None, now + 5.0)
        return [(await body_of(Prompt(ASK, due=due)))["priority"] for due in dues]

    numbers = asyncio.run(main())
    assert numbers == sorted(set(numbers))


def test_a_server_that_is_not_ours_is_sent_no_priority() -> None:
    assert "priority" not in asyncio.run(body_of(Prompt(ASK, due=1.0), url="http://gpu0:8000/v1"))


def test_a_prompt_may_want_fewer_tokens_than_the_settings() -> None:
    assert asyncio.run(body_of(Prompt(ASK, most_tokens=1)))["max_tokens"] == 1
    assert asyncio.run(body_of(Prompt(ASK)))["max_tokens"] == LlmSettings().max_tokens


def test_text_comes_in_pieces_and_calls_whole() -> None:
    pieces: list[str | float] = [
        "One ",
        "moment. <tool",
        '_call>{"name": "look", ',
        '"arguments": {}}',
    ]
    found = reply(Server([*pieces, "</tool_call>"]), Prompt(ASK, (SPEC,)))
    assert found == [Say("One "), Say("moment. "), ToolCall("look", {})]


def test_a_call_is_constrained_to_its_schema_from_the_moment_it_begins() -> None:
    server = Server(["Hi."])
    reply(server, Prompt(ASK, (SPEC,)))
    tag = json.loads(server.bodies[0]["structured_outputs"]["structural_tag"])
    assert tag["format"]["triggers"] == ["<tool_call>"]
    assert tag["format"]["tags"][0]["content"]["json_schema"] == dict(SPEC.parameters)


def test_a_demanded_call_generates_only_its_arguments() -> None:
    server = Server(['{"pho', 'ne": "me"}'])
    assert reply(server, Prompt(ASK, (SPEC,), must_call="look")) == [
        ToolCall("look", {"phone": "me"})
    ]
    body = server.bodies[0]
    assert body["structured_outputs"] == {"json": dict(SPEC.parameters)}
    assert body["messages"][-1]["content"].endswith('{"name": "look", "arguments": ')
    assert body["continue_final_message"] is True


def test_speech_only_is_not_constrained() -> None:
    server = Server(["Hi."])
    reply(server, Prompt(ASK))
    assert "structured_outputs" not in server.bodies[0]


def test_the_key_is_sent_as_a_bearer_token() -> None:
    server = Server(["Hi."])
    reply(server, Prompt(ASK))
    assert server.headers[0]["Authorization"] == "Bearer secret"


def test_a_refusal_a_stall_and_a_dead_server_are_engine_failures() -> None:
    with pytest.raises(EngineFailed, match="404: no such model"):
        reply(Server([], status=404), Prompt(ASK))
    with pytest.raises(EngineFailed, match=r"sent nothing for 0\.2 s"):
        reply(Server(["Hi", 5.0]), Prompt(ASK), timeout_s=0.2)

    async def ask_nobody() -> None:
        async with open_vllm("http://127.0.0.1:9/v1", "m", LlmSettings()) as llm:
            async for _ in llm.stream(Prompt(ASK)):
                pass

    with pytest.raises(EngineFailed, match="cannot be asked"):
        asyncio.run(ask_nobody())


def test_a_demanded_call_that_is_cut_off_is_an_engine_failure() -> None:
    with pytest.raises(EngineFailed, match="did not finish its call of look"):
        reply(Server(['{"phone": "m']), Prompt(ASK, (SPEC,), must_call="look"))


def test_an_error_in_mid_stream_is_an_engine_failure() -> None:
    async def main() -> None:
        async def answer(request: web.Request) -> web.Response:
            return web.Response(text='data: {"error": {"message": "out of memory"}}\n\n')

        server = Server([])
        server.answer = answer  # type: ignore[method-assign]
        async with engine(server) as llm:
            async for _ in llm.stream(Prompt(ASK)):
                pass

    with pytest.raises(EngineFailed, match="out of memory"):
        asyncio.run(main())


def test_closing_the_stream_makes_the_server_stop() -> None:
    async def main() -> None:
        server = Server(["Hi. ", 30.0, "never"])
        async with engine(server) as llm:
            async with aclosing(llm.stream(Prompt(ASK))) as pieces:
                assert await anext(pieces) == Say("Hi. ")
            await asyncio.wait_for(server.aborted.wait(), 5)

    asyncio.run(main())
