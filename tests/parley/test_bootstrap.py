"""Installing asks for nothing it has, stops in a sentence, and pins what it says."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from parley import bootstrap

SCRIPT = bootstrap.ROOT / "parley" / "bootstrap.py"
LOCK = bootstrap.ROOT / "configs" / "cpu.lock"


def test_a_stamp_that_fits_ends_it_at_once_and_offline(tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "python").write_text("")
    (tmp_path / "parley.stamp").write_text(bootstrap.stamp_for("cpu"))
    command = [sys.executable, "-I", str(SCRIPT), "--venv", str(tmp_path)]
    done = subprocess.run(command, check=True, capture_output=True, timeout=10)
    assert done.stderr == b""


def test_the_stamp_knows_a_gpu_box_from_another() -> None:
    assert bootstrap.stamp_for("gpu") != bootstrap.stamp_for("cpu")


def test_a_step_that_fails_is_told_with_its_last_lines_and_the_log(tmp_path: Path) -> None:
    log = tmp_path / "install.log"
    failing = [sys.executable, "-c", "print('no room left'); raise SystemExit(1)"]
    with pytest.raises(bootstrap.CannotInstall) as problem:
        bootstrap.run(failing, log, "Making it")
    assert str(problem.value).startswith("Making it failed. Its last lines:\n    no room left")
    assert str(log) in str(problem.value)
    assert "no room left" in log.read_text()


def test_without_any_source_of_torch_it_says_how_to_bring_it_along(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    monkeypatch.setenv("PIP_TARGET", str(tmp_path / "target"))
    pip = [sys.executable, "-m", "pip"]
    nowhere = "http://127.0.0.1:9/whl"  # the discard port: refused at once
    with pytest.raises(bootstrap.CannotInstall, match="PIP_FIND_LINKS=/that/folder make install"):
        bootstrap.install_torch(pip, tmp_path / "install.log", nowhere)
    assert f"asking {nowhere}" in capsys.readouterr().err


def test_a_module_is_looked_for_in_the_python_that_is_meant() -> None:
    assert bootstrap.has_module(sys.executable, "json")
    assert not bootstrap.has_module(sys.executable, "no_such_module")
    assert not bootstrap.has_module("/no/such/python", "json")


def test_this_python_will_do() -> None:
    assert bootstrap.find_python() == sys.executable


def test_every_package_is_pinned_once_without_a_path_or_an_index() -> None:
    lines = [line for line in LOCK.read_text().splitlines() if line and line[0] != "#"]
    pins = [line.split(";")[0].strip() for line in lines]
    assert all(pin.count("==") == 1 and "/" not in pin and "@" not in pin for pin in pins)
    names = [pin.partition("==")[0].lower().replace("_", "-") for pin in pins]
    assert len(names) == len(set(names))
    assert bootstrap.torch_pin() in pins


def test_what_breaks_transformers_is_not_pinned() -> None:
    lock = LOCK.read_text()
    for name in ("torchvision", "torchaudio", "torchcodec", "triton"):
        assert f"\n{name}==" not in lock


def test_everything_that_the_project_asks_for_is_pinned() -> None:
    import tomllib

    project = tomllib.loads((bootstrap.ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    asked = [*project["dependencies"], *extras["cpu"], *extras["dev"]]
    names = {name.split(">")[0].split("=")[0].strip().lower().replace("_", "-") for name in asked}
    lock = {
        line.partition("==")[0].lower().replace("_", "-")
        for line in LOCK.read_text().splitlines()
        if "==" in line
    }
    assert names - lock == set()
