"""Settings: what is accepted, and how what is not is said."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.config import Settings, load_settings, parse_settings
from pipeline.errors import SettingsError

CONFIGS = Path(__file__).parents[2] / "configs"


@pytest.mark.parametrize("path", sorted(CONFIGS.glob("*.toml")), ids=lambda path: path.name)
def test_every_config_that_we_ship_is_valid(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TWILIO_AUTH_TOKEN", "t")
    load_settings(path)


@pytest.mark.parametrize(
    ("raw", "field", "words"),
    [
        ({"sever": {}}, "sever", "is not a setting"),
        ({"server": {"prot": 1}}, "server.prot", "is not a setting"),
        ({"server": {"max_calls": 0}}, "server.max_calls", "greater than or equal to 1"),
        ({"turns": {"soft_end_ms": 600, "end_ms": 500}}, "turns", "must be less than end_ms"),
        ({"agent": {"certain": [["(", "Yes."]]}}, "agent", "is no regular expression"),
        ({"agent": {"examples": [["Hi", "{nmae}"]]}}, "agent", "has a placeholder other than"),
        ({"asr": {"device": "tpu"}}, "asr.device", "'cpu' or 'cuda'"),
    ],
)
def test_a_wrong_setting_is_named_with_a_remedy(
    raw: dict[str, object], field: str, words: str
) -> None:
    with pytest.raises(SettingsError) as caught:
        parse_settings(raw)
    assert caught.value.field == field
    assert words in str(caught.value)
    assert "local.toml" in str(caught.value)


def test_an_open_socket_needs_a_token(monkeypatch: pytest.MonkeyPatch) -> None:
    open_door: dict[str, object] = {"server": {"host": "0.0.0.0"}}
    with pytest.raises(SettingsError, match="auth_token_env"):
        parse_settings(open_door)
    monkeypatch.setenv("PARLEY_TEST_TOKEN", "secret")
    guarded = open_door | {"twilio": {"auth_token_env": "PARLEY_TEST_TOKEN"}}
    assert parse_settings(guarded).twilio.auth_token == "secret"
    monkeypatch.delenv("PARLEY_TEST_TOKEN")
    with pytest.raises(SettingsError, match="PARLEY_TEST_TOKEN, which is not set"):
        parse_settings(guarded)


def test_a_missing_or_broken_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="cannot be read"):
        load_settings(tmp_path / "none.toml")
    broken = tmp_path / "broken.toml"
    broken.write_text("a = [")
    with pytest.raises(SettingsError, match="is not TOML"):
        load_settings(broken)


def test_settings_do_not_change() -> None:
    with pytest.raises(ValueError, match="frozen"):
        Settings().server.max_calls = 3  # type: ignore[misc]
