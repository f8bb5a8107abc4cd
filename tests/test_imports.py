"""The house's rules, read off the source: who may import whom, and what no file may do."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
ROOMS = ("pipeline", "telephony", "bench", "parley")
TREES = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): ast.parse(
        path.read_text(encoding="utf-8")
    )
    for room in ROOMS
    for path in (ROOT / room).rglob("*.py")
}

STAGES = ("asr", "gatekeeper", "llm", "tts", "tools")
LINE_NEEDS = {"pipeline." + name for name in ("audio", "call", "config", "errors", "line", "turn")}
MODELS = {"ctranslate2", "faster_whisper", "onnxruntime", "piper", "torch", "transformers", "vllm"}
INPUT_AND_OUTPUT = {"asyncio", "selectors", "socket", "threading", "websockets", "aiohttp"}
VAGUE = ("Manager", "Handler", "Helper", "Processor", "Base", "Utils")


def imports(tree: ast.AST) -> Iterator[str]:
    """Names of the modules that a syntax tree imports, ``from a import b`` as both a and a.b."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "absolute imports only"
            yield str(node.module)
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def ours(name: str) -> set[str]:
    return {module for module in imports(TREES[name]) if module in TREES}


def loaded_with(name: str) -> set[str]:
    """What is imported when a module is, and not only when one of its functions runs."""
    top = (node for node in TREES[name].body if isinstance(node, ast.Import | ast.ImportFrom))
    return {module for node in top for module in imports(node)}


def names_in(tree: ast.AST | None) -> set[str]:
    return {leaf.id for leaf in ast.walk(tree) if isinstance(leaf, ast.Name)} if tree else {"all"}


@pytest.mark.parametrize("name", TREES)
def test_imports_point_one_way(name: str) -> None:
    room, *rest = name.split(".")
    below = ROOMS[: ROOMS.index(room) + 1]
    assert {module.split(".")[0] for module in ours(name)} <= set(below)
    if room == "telephony":
        assert {module for module in ours(name) if module.startswith("pipeline.")} <= LINE_NEEDS
    if room == "pipeline" and rest and rest[0] in STAGES:
        others = {f"pipeline.{stage}" for stage in STAGES} - {f"pipeline.{rest[0]}"}
        entered = {".".join(module.split(".")[:2]) for module in ours(name)}
        assert not entered & (others | {"pipeline.call", "pipeline.brain", "pipeline.build"})


def test_a_machine_without_weights_can_load_everything_but_the_engines() -> None:
    engines = {
        name for name in TREES if {module.split(".")[0] for module in loaded_with(name)} & MODELS
    }
    assert all(name.split(".")[1] in STAGES for name in engines)
    for name in set(TREES) - engines:
        # Only build.py names them, and only inside functions.
        assert not ours(name) & engines or name == "pipeline.build", name
    assert not loaded_with("pipeline.build") & engines


@pytest.mark.parametrize(
    "name", [name for name in TREES if "sans-i/o" in str(ast.get_docstring(TREES[name])).lower()]
)
def test_what_is_marked_sans_io_does_none(name: str) -> None:
    assert not {module.split(".")[0] for module in imports(TREES[name])} & INPUT_AND_OUTPUT


@pytest.mark.parametrize("name", TREES)
def test_what_no_file_may_do(name: str) -> None:
    for node in ast.walk(TREES[name]):
        where = f"{name}, line {getattr(node, 'lineno', 0)}"
        match node:
            case ast.ExceptHandler(type=kind) if name != "telephony.server":
                assert not names_in(kind) & {"all", "Exception", "BaseException"}, (
                    f"{where}: a catch-all"
                )
            case ast.Attribute(value=ast.Name(id="asyncio" | "loop"), attr=attr):
                assert attr not in {"create_task", "ensure_future", "gather"}, (
                    f"{where}: a task outside of a TaskGroup"
                )
            case ast.Global():
                raise AssertionError(f"{where}: module state")
            case ast.ClassDef(name=title):
                assert not title.endswith(VAGUE), f"{where}: {title} says nothing"
            case _:
                pass
