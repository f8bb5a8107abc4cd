from pathlib import Path

import pytest

from bench.overrides import room_for, with_changes
from pipeline.config import load_settings
from pipeline.errors import SettingsError

LOCAL = Path("configs/local.toml")


def test_what_is_changed_is_read_back_and_the_rest_stays(tmp_path: Path) -> None:
    greeting = 'He said "wait \\ here": 10 °C.\nThen he left.'
    changes = {"agent": {"greeting": greeting}, "turns": {"floor_dbfs": -48.5}}
    changed = load_settings(with_changes(LOCAL, changes, tmp_path / "server.toml"))
    before = load_settings(LOCAL)
    assert changed.agent.greeting == greeting
    assert changed.turns.floor_dbfs == -48.5
    assert changed.asr == before.asr
    assert changed.agent.company == before.agent.company


def test_every_kind_of_value_survives(tmp_path: Path) -> None:
    config = tmp_path / "a.toml"
    config.write_text(
        'engines = "fake"\n[agent]\nexamples = [["Who?", "{name}."], ["Why?", "\\"So\\"."]]\n'
    )
    changes: dict[str, dict[str, object]] = {"server": {"max_calls": 3, "drain_s": 0.5}}
    changed = load_settings(with_changes(config, changes, tmp_path / "b.toml"))
    assert changed.engines == "fake"
    assert changed.agent.examples == (("Who?", "{name}."), ("Why?", '"So".'))
    assert (changed.server.max_calls, changed.server.drain_s) == (3, 0.5)


def test_without_changes_the_configuration_is_used_as_it_is(tmp_path: Path) -> None:
    assert with_changes(LOCAL, {}, tmp_path / "server.toml") == LOCAL
    assert not list(tmp_path.iterdir())


def test_a_value_that_is_no_setting_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError):
        with_changes(LOCAL, {"turns": {"silence": 3}}, tmp_path / "server.toml")


def test_a_server_gets_room_for_all_calls_and_never_less_than_it_had(tmp_path: Path) -> None:
    most = load_settings(LOCAL).server.max_calls
    assert room_for(most - 1, LOCAL) == {}
    changed = with_changes(LOCAL, room_for(16, LOCAL), tmp_path / "server.toml")
    assert load_settings(changed).server.max_calls >= 17
