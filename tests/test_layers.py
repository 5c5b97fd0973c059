"""Imports go one way: flows → tasks → tuner → storage."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
LAYERS = ["storage", "tuner", "tasks", "flows"]
MAY_IMPORT_PREFECT = {"flows", "tasks/trial.py"}
MAY_IMPORT_KERAS = {"tuner/callbacks.py", "tuner/applications/augment_layers.py"}


def modules():
    return [p for layer in LAYERS for p in sorted((ROOT / layer).rglob("*.py"))]


def imports(tree: ast.Module, *, at_import: bool = False):
    """Names of imported modules; with `at_import` only those that run with the module."""
    nodes = tree.body if at_import else ast.walk(tree)
    for node in nodes:
        match node:
            case ast.Import(names):
                yield from (alias.name for alias in names)
            case ast.ImportFrom(module, _, level):
                assert level == 0, f"relative import of {module}"
                yield module


def wrong_imports(layer: str, source: str) -> list[str]:
    above = LAYERS[LAYERS.index(layer) + 1 :]
    return [name for name in imports(ast.parse(source)) if name.split(".")[0] in above]


@pytest.mark.parametrize("path", modules(), ids=lambda p: str(p.relative_to(ROOT)))
def test_no_module_imports_from_a_layer_above(path):
    layer = path.relative_to(ROOT).parts[0]
    assert wrong_imports(layer, path.read_text()) == []


def test_a_wrong_import_is_found_wherever_it_stands():
    assert wrong_imports("storage", "import tuner.trial") == ["tuner.trial"]
    assert wrong_imports("tuner", "def f():\n    from flows.search import search") == [
        "flows.search"
    ]
    assert wrong_imports("tasks", "from tuner import Tuner") == []


@pytest.mark.parametrize("path", modules(), ids=lambda p: str(p.relative_to(ROOT)))
def test_prefect_and_keras_are_imported_only_where_they_may_be(path):
    name = path.relative_to(ROOT).as_posix()
    tree = ast.parse(path.read_text())
    heads = {module.split(".")[0] for module in imports(tree)}
    eager = {module.split(".")[0] for module in imports(tree, at_import=True)}
    if not {name, name.split("/")[0]} & MAY_IMPORT_PREFECT:
        assert "prefect" not in heads
    if name not in MAY_IMPORT_KERAS:
        assert not {"keras", "tensorflow"} & eager


def test_importing_tuner_and_storage_imports_neither_tensorflow_nor_prefect():
    script = (
        "import sys, tuner, storage, tuner.oracles, tasks.runner, tasks.training;"
        "print([m for m in ('tensorflow', 'keras', 'prefect', 'torch', 'jax') if m in sys.modules])"
    )
    run = subprocess.run(
        [sys.executable, "-c", script], check=True, capture_output=True, text=True, timeout=60
    )
    assert run.stdout.strip() == "[]"


def test_flows_run_without_the_commands():
    above = {"cli.py", "__main__.py"}
    for path in (ROOT / "flows").rglob("*.py"):
        if path.parent.name != "commands" and path.name not in above:
            names = imports(ast.parse(path.read_text()))
            assert not [name for name in names if name.startswith("flows.commands")], path
