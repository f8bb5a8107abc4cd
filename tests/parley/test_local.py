"""What the settings give an address for is not started; the rest is, and ends with the server."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import aiohttp
import asyncpg
import pytest

from parley import local
from parley.child import Child, running
from pipeline.config import DatabaseSettings, LlmSettings, Settings
from pipeline.errors import WeightsError
from tests.parley.test_guard import is_gone


def quiet(_line: str) -> None:
    """Reports to nobody."""


def test_what_has_an_address_is_yours_and_nothing_is_started() -> None:
    settings = Settings(
        database=DatabaseSettings(url="postgresql://db.example/calls"),
        llm=LlmSettings(url="http://gpu0:8000/v1", model="big"),
    )

    async def main() -> local.Local:
        async with local.local_services(settings, quiet) as services:
            return services

    services = asyncio.run(main())
    assert services.children == ()
    assert services.database_url == "postgresql://db.example/calls"
    assert (services.llm_url, services.llm_model) == ("http://gpu0:8000/v1", "big")


def test_weights_that_are_not_there_are_told_before_anything_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PARLEY_CACHE", str(tmp_path))
    with pytest.raises(WeightsError, match="parley models fetch"):
        local.vllm(LlmSettings())


def test_a_model_in_a_folder_is_served_under_the_folders_name(tmp_path: Path) -> None:
    (tmp_path / "tuned").mkdir()
    assert local.served_name(LlmSettings(model=str(tmp_path / "tuned"))) == "tuned"
    assert local.served_name(LlmSettings(model="owner/model")) == "owner/model"


@pytest.mark.parametrize(("cpus", "threads"), [(1, "1"), (2, "1"), (3, "1"), (8, "4")])
def test_vllm_takes_half_of_the_cpus(cpus: int, threads: str) -> None:
    assert local.cpu_environment(cpus)["OMP_NUM_THREADS"] == threads


@pytest.mark.parametrize(("temperature", "guesses"), [(0.0, True), (0.8, False)])
def test_words_are_guessed_only_where_the_likeliest_is_taken(
    temperature: float, guesses: bool, tmp_path: Path
) -> None:
    settings = LlmSettings(temperature=temperature)
    command = local.vllm_command(settings, tmp_path, 8000, on_cpu=True)
    assert ("--speculative-config" in command) is guesses


def test_a_free_port_can_be_listened_on() -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", local.free_port()))


def test_only_the_latest_logs_of_processes_that_are_gone_are_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PARLEY_CACHE", str(tmp_path))
    ours = local.log_file("vllm")
    ours.write_text("alive")
    os.utime(ours, (0, 0))
    for index in range(9):
        gone = ours.with_name(f"vllm-{10**8 + index}.log")
        gone.write_text("")
        os.utime(gone, (index + 1, index + 1))
    local.log_file("vllm")
    left = {path.name for path in ours.parent.iterdir()}
    assert ours.name in left
    assert left - {ours.name} == {f"vllm-{10**8 + index}.log" for index in (5, 6, 7, 8)}


# -- Real servers -----------------------------------------------------------------------------

POSTGRES_THEN_WAIT = """
import asyncio, sys
from pathlib import Path
from parley.child import Child, running
from parley.local import postgres
from pipeline.config import DatabaseSettings

async def main():
    child = Child(postgres(DatabaseSettings(data_dir=Path(sys.argv[1]))), lambda line: None)
    async with running(child):
        print(await child.wait_ready(), flush=True)
        await asyncio.Event().wait()

asyncio.run(main())
"""


@pytest.mark.real
def test_postgresql_is_stopped_in_order_when_the_server_is_killed(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    command = [sys.executable, "-c", POSTGRES_THEN_WAIT, str(folder)]
    server = subprocess.Popen(command, stdout=subprocess.PIPE)
    assert server.stdout is not None
    assert server.stdout.readline().startswith(b"postgresql://")
    postmaster = int((folder / "postmaster.pid").read_text().split()[0])
    server.send_signal(signal.SIGKILL)
    server.communicate()
    assert is_gone(postmaster, within_s=20)
    assert "database system is shut down" in (folder / "log").read_text()


@pytest.mark.real
def test_postgresql_that_dies_is_started_again_with_its_data(tmp_path: Path) -> None:
    folder = tmp_path / "data"

    async def main() -> tuple[int, int]:
        died = asyncio.Event()

        def report(line: str) -> None:
            if "died" in line:
                died.set()

        settings = DatabaseSettings(data_dir=folder)
        child = Child(local.postgres(settings), report, first_pause_s=0.01)
        async with running(child):
            connection = await asyncpg.connect(await child.wait_ready())
            await connection.execute("CREATE TABLE kept AS SELECT 42 AS number")
            await connection.close()
            os.kill(int((folder / "postmaster.pid").read_text().split()[0]), signal.SIGKILL)
            await died.wait()
            connection = await asyncpg.connect(await child.wait_ready())
            number = await connection.fetchval("SELECT number FROM kept")
            await connection.close()
            return number, child.restarts

    assert asyncio.run(main()) == (42, 1)


@pytest.mark.real
def test_our_own_vllm_obeys_a_schema_once_it_is_told_to_call_a_tool() -> None:
    told: list[str] = []
    arguments = {
        "type": "object",
        "properties": {"at": {"type": "string", "maxLength": 20}},
        "additionalProperties": False,
    }
    schema = {
        "type": "object",
        "properties": {"name": {"const": "schedule_callback"}, "arguments": arguments},
        "required": ["name", "arguments"],
        "additionalProperties": False,
    }
    tag = {
        "begin": "<tool_call>",
        # Without this bound, stock SmolLM2 writes line after empty line.
        "content": {"type": "json_schema", "json_schema": schema, "max_whitespace_cnt": 1},
        "end": "</tool_call>",
    }
    form = {"type": "triggered_tags", "triggers": ["<tool_call>"], "tags": [tag]}

    async def main() -> str:
        child = Child(local.vllm(LlmSettings()), told.append)
        async with running(child), aiohttp.ClientSession() as session:
            body = {
                "model": local.served_name(LlmSettings()),
                "messages": [{"role": "user", "content": "Call me at five."}],
                "max_tokens": 120,
                "temperature": 0,
                "response_format": {
                    "type": "structural_tag",
                    "format": {**form, "at_least_one": True, "stop_after_first": True},
                },
            }
            async with session.post(f"{child.address}/chat/completions", json=body) as response:
                assert response.status == 200, await response.text()
                return str((await response.json())["choices"][0]["message"]["content"])

    said = asyncio.run(main())
    call = json.loads(said.removeprefix("<tool_call>").removesuffix("</tool_call>"))
    assert call["name"] == "schedule_callback"
    assert set(call["arguments"]) <= {"at"}
    assert any("loading weights" in line for line in told)
