"""Weights are found by name, and told apart from what they should be."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pipeline import weights
from pipeline.errors import WeightsError


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PARLEY_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def model(folder: Path) -> Path:
    """A Whisper folder with a record."""
    folder.mkdir(parents=True)
    (folder / "model.bin").write_bytes(b"weights")
    (folder / "config.json").write_text("{}")
    weights.write_record(folder)
    return folder


def test_every_entry_says_what_it_is_and_pins_what_it_takes() -> None:
    for name, entry in weights.load_catalogue().items():
        assert entry.name == name
        assert entry.about
        assert entry.licence
        assert all("==" in package for package in entry.packages)
        assert all(len(file.sha256) == 64 and file.parts for file in entry.files)
        kept = {file.path for file in entry.kept} | set(entry.made)
        assert kept >= set(weights.MUST_HAVE[entry.kind])


def test_the_cache_follows_the_users_wish(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert weights.cache_dir() == tmp_path / "cache"
    monkeypatch.delenv("PARLEY_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert weights.cache_dir() == tmp_path / "xdg" / "parley"


def test_what_was_not_fetched_is_an_error_with_the_command() -> None:
    with pytest.raises(WeightsError, match=r"whisper-base: .*parley models fetch"):
        weights.find("whisper-base", "whisper")


def test_a_name_of_another_kind_is_refused() -> None:
    with pytest.raises(WeightsError, match="is a voice model, not a llm model"):
        weights.find("en_US-joe-medium", "llm")


@pytest.mark.parametrize("name", ["whisper-bass", "./nowhere", "/no/where", "a/b/c"])
def test_a_name_that_means_nothing_is_refused_with_those_that_do(name: str) -> None:
    with pytest.raises(WeightsError, match=r"Known: whisper-base, whisper-tiny\.en"):
        weights.find(name, "whisper")


def test_a_repository_has_its_place_in_the_cache(cache: Path) -> None:
    place = weights.locate("Systran/faster-whisper-small.en", "whisper")
    assert place == cache / "weights" / "Systran--faster-whisper-small.en"


def test_a_folder_that_lacks_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "model.bin").write_text("")
    with pytest.raises(WeightsError, match=r"has no config.json, so it holds no whisper model"):
        weights.find(str(tmp_path), "whisper")


def test_unchanged_weights_are_found_and_counted(tmp_path: Path) -> None:
    folder = model(tmp_path / "own")
    assert weights.find(str(folder), "whisper") == folder
    assert weights.verify(str(folder), "whisper") == len(b"weights{}")


def test_a_file_cut_short_is_noticed_without_reading_it(tmp_path: Path) -> None:
    folder = model(tmp_path / "own")
    (folder / "model.bin").write_bytes(b"weigh")
    with pytest.raises(WeightsError, match="has 5 bytes instead of 7"):
        weights.find(str(folder), "whisper")


def test_a_missing_file_is_noticed(tmp_path: Path) -> None:
    folder = model(tmp_path / "own")
    (folder / "more.bin").write_text("")
    weights.write_record(folder)
    (folder / "more.bin").unlink()
    with pytest.raises(WeightsError, match=r"more.bin is missing"):
        weights.find(str(folder), "whisper")


def test_a_copy_with_new_times_and_old_contents_is_fine(tmp_path: Path) -> None:
    folder = model(tmp_path / "own")
    os.utime(folder / "model.bin", (1, 1))
    assert weights.find(str(folder), "whisper") == folder


def test_a_changed_byte_is_noticed_by_verify_even_under_an_old_time(tmp_path: Path) -> None:
    folder = model(tmp_path / "own")
    seen = (folder / "model.bin").stat()
    (folder / "model.bin").write_bytes(b"Weights")
    os.utime(folder / "model.bin", ns=(seen.st_atime_ns, seen.st_mtime_ns))
    weights.find(str(folder), "whisper")
    with pytest.raises(WeightsError, match=r"model.bin has sha256 \S+ instead of"):
        weights.verify(str(folder), "whisper")


def test_a_record_that_cannot_be_read_is_told_with_what_to_remove(cache: Path) -> None:
    folder = model(cache / "weights" / "owner--name")
    (folder / weights.RECORD).write_text("{")
    with pytest.raises(WeightsError, match=rf"Remove {folder}, then: parley models fetch"):
        weights.find("owner/name", "whisper")
