"""Settings for one run: a configuration with some values replaced, as a file of its own.

A server reads its settings from a file, so a bench that needs other ones writes such a file beside
its results, where it also tells later what was run.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from pathlib import Path

from pipeline.config import load_settings

Changes = Mapping[str, Mapping[str, object]]
"""Section to key to value: str, bool, int, float or a list of them."""


def with_changes(config: Path, changes: Changes, path: Path) -> Path:
    """Write ``config`` with ``changes`` to ``path``. Returns ``path``, or ``config`` if none.

    Raises:
        SettingsError: the settings are wrong, before or after the change.
    """
    if not changes:
        return config
    load_settings(config)
    raw = tomllib.loads(config.read_text(encoding="utf-8"))
    for section, values in changes.items():
        raw[section] = {**raw.get(section, {}), **values}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(_toml(raw), encoding="utf-8")
    load_settings(path)
    return path


def room_for(calls: int, config: Path) -> Changes:
    """What lets a server of ours take this many calls at once; nothing if it does already."""
    # The call that warms up may not have left when the first one comes.
    if load_settings(config).server.max_calls > calls:
        return {}
    return {"server": {"max_calls": calls + 1}}


def _toml(raw: Mapping[str, object]) -> str:
    """Our settings as TOML: plain keys first, then one table for each section."""
    plain = [f"{key} = {_value(value)}" for key, value in raw.items() if not _is_table(value)]
    lines = [*plain, ""]
    for section, values in raw.items():
        if isinstance(values, Mapping):
            lines.append(f"[{section}]")
            lines += [f"{key} = {_value(value)}" for key, value in values.items()]
            lines.append("")
    return "\n".join(lines)


def _is_table(value: object) -> bool:
    return isinstance(value, Mapping)


def _value(value: object) -> str:
    # JSON's strings, numbers, true and false are TOML's too; its lists are as long as their items.
    if isinstance(value, list | tuple):
        return f"[{', '.join(_value(item) for item in value)}]"
    known = value if isinstance(value, str | bool | int | float) else str(value)
    return json.dumps(known, ensure_ascii=False)
