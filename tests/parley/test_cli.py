"""The command ends as a user expects: JSON alone on stdout, errors in one line, exit codes."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from parley import cli


def parley(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    """Run the command in this process; its exit code."""
    monkeypatch.setattr(sys, "argv", ["parley", *arguments])
    try:
        cli.main()
    except SystemExit as end:
        return int(end.code or 0)
    return 0


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PARLEY_CACHE", str(tmp_path / "cache"))


def test_every_command_of_the_contract_explains_itself(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    commands = ("serve", "call", "chat", "doctor", "models fetch", "models verify", "models list")
    for command in commands:
        assert parley(monkeypatch, *command.split(), "--help") == 0
        assert "Usage: parley " + command in capsys.readouterr().out


def test_the_list_is_json_alone_when_asked(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert parley(monkeypatch, "models", "list", "--json") == 0
    entries = {entry["name"]: entry for entry in json.loads(capsys.readouterr().out)}
    assert entries["whisper-base"]["kind"] == "whisper"
    assert entries["whisper-base"]["fetched"] is False


def test_verify_fails_where_weights_are_missing_and_says_what_to_do(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert parley(monkeypatch, "models", "verify", "whisper-base", "--json") == 1
    (result,) = json.loads(capsys.readouterr().out)
    assert result["ok"] is False
    assert "parley models fetch" in result["remedy"]


def test_an_error_is_one_line_and_exit_code_2(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    config = tmp_path / "wrong.toml"
    config.write_text("[asr]\nmodle = 1\n")
    for command in ("serve", "chat", "models fetch"):
        assert parley(monkeypatch, *command.split(), "--config", str(config)) == 2
        told = capsys.readouterr()
        assert told.out == ""
        assert told.err.startswith("parley: asr.modle: is not a setting.")
        assert told.err.count("\n") == 1


def test_a_weight_that_we_do_not_know_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert parley(monkeypatch, "models", "fetch", "whisper-bass") == 2
    assert "whisper-bass: is not a name we know. Known: whisper-base" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["local", "gpu", "fakes"])
def test_the_settings_that_we_ship_are_valid(name: str) -> None:
    from pipeline.config import load_settings

    load_settings(cli.CONFIGS / f"{name}.toml")
