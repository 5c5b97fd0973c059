"""Imports go one way: flows → tasks → tuner → storage, and down the rooms of each."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
LAYERS = ["storage", "tuner", "tasks", "flows"]
ROOMS = {
    "tuner": [
        "errors",
        "core",
        "journal",
        "oracles",
        "search",
        "training",
        "results",
        "tuners",
        "applications",
        "keras_tuner",
        "compat",
        "testing",
    ],
    "tasks": [
        "messages",
        "slots",
        "hardware",
        "process",
        "dask",
        "prefect",
        "engines",
        "runner",
        "trial",
    ],
}
"""Rooms of a package from the ground up; each imports only those before it."""
MAY_IMPORT_PREFECT = {"flows", "tasks/trial.py", "tasks/prefect/pool.py"}
MAY_IMPORT_KERAS = {"tuner/training/callbacks.py", "tuner/applications/augment_layers.py"}


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
    assert wrong_imports("storage", "import tuner.core.trial") == ["tuner.core.trial"]
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
        "import sys, tuner, storage, tuner.oracles, tasks.runner, tasks.process.child;"
        "print([m for m in ('tensorflow', 'keras', 'prefect', 'torch', 'jax') if m in sys.modules])"
    )
    run = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True)
    assert run.stdout.strip() == "[]"


def test_flows_run_without_the_commands():
    above = {"cli.py", "__main__.py"}
    for path in (ROOT / "flows").rglob("*.py"):
        if path.parent.name != "commands" and path.name not in above:
            names = imports(ast.parse(path.read_text()))
            assert not [name for name in names if name.startswith("flows.commands")], path


def names_of_modules():
    """Module name by path, of all packages."""
    found = {}
    for path in modules():
        parts = path.relative_to(ROOT).with_suffix("").parts
        found[path] = ".".join(parts).removesuffix(".__init__")
    return found


def imported_modules(tree: ast.Module, known: set[str]):
    """The project's modules that a file imports, for the type checker and in functions included."""
    for node in ast.walk(tree):
        match node:
            case ast.Import(names):
                yield from (alias.name for alias in names if alias.name in known)
            case ast.ImportFrom(module, names):
                for alias in names:
                    whole = f"{module}.{alias.name}"
                    yield whole if whole in known else module


def graph_of(names) -> dict[str, set[str]]:
    known = set(names.values())
    return {
        name: {m for m in imported_modules(ast.parse(path.read_text()), known) if m in known}
        for path, name in names.items()
    }


def circle_in(graph: dict[str, set[str]]) -> list[str] | None:
    """Members of a circle of imports, None if there is none."""
    done: set[str] = set()

    def visit(name, trail):
        if name in trail:
            return trail[trail.index(name) :]
        if name in done:
            return None
        for other in sorted(graph.get(name, ())):
            if other != name and (found := visit(other, [*trail, name])):
                return found
        done.add(name)
        return None

    return next((found for name in sorted(graph) if (found := visit(name, []))), None)


def room_of(name: str) -> str:
    package, *rest = name.split(".")
    return package if package == "storage" or not rest else f"{package}.{rest[0]}"


def test_there_is_no_circle_of_files_nor_of_rooms():
    graph = graph_of(names_of_modules())
    assert circle_in(graph) is None
    rooms: dict[str, set[str]] = {}
    for name, others in graph.items():
        rooms.setdefault(room_of(name), set()).update(map(room_of, others))
    assert circle_in(rooms) is None


def test_a_circle_is_found():
    assert circle_in({"a": {"b"}, "b": {"c"}, "c": {"b"}}) == ["b", "c"]
    assert circle_in({"a": {"a", "b"}, "b": set()}) is None


@pytest.mark.parametrize("path", modules(), ids=lambda p: str(p.relative_to(ROOT)))
def test_no_module_imports_from_a_room_above_its_own(path):
    package, *rest = path.relative_to(ROOT).with_suffix("").parts
    order = ROOMS.get(package, [])
    if not order or rest == ["__init__"]:
        return  # the public names, from all rooms
    own = order.index(rest[0])
    for name in imports(ast.parse(path.read_text())):
        if name.startswith(f"{package}."):
            assert order.index(name.split(".")[1]) <= own, name
