"""Reads a study without running it: first mistakes are told before anything is started."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from pathlib import Path

from tuner.tuners.study import locate_study, no_build_tuner

PROJECT = ("directory", "project_name", "overwrite")
"""Keyword arguments that `build_tuner` is called with."""

RETURNS = {
    "build_tuner": "the tuner",
    "load_data": "a dict of keyword arguments for `search`",
}
NO_RESULTS: dict[type[ast.expr], str] = {
    ast.Tuple: "a tuple",
    ast.List: "a list",
    ast.Constant: "a constant",
}
"""What neither of the functions returns, and what it is called."""

KERAS_TUNERS = frozenset(
    {"RandomSearch", "GridSearch", "BayesianOptimization", "AsyncHyperband", "Hyperband"}
)
"""They train what a function of the study builds, on what `load_data` returns."""

Function = ast.FunctionDef | ast.AsyncFunctionDef


def check_study(spec: str) -> Path:
    """Checks what can be seen of a study without running it, in milliseconds.

    Args:
        spec: Path or module name of the study.

    Returns:
        Its file.

    Raises:
        FileNotFoundError: There is no such file or module.
        SyntaxError: It is no Python; with file and line.
        AttributeError: There is no `build_tuner` in it, or no `load_data` for its Keras models.
        TypeError: A function does not take what it is called with, or returns something else than
            it is to; with file and line.
    """
    path = locate_study(spec)
    tree = _parsed(path)
    bound = dict(_bound(tree.body))
    if "build_tuner" not in bound and "*" not in bound:
        raise no_build_tuner(path)
    for name, missing in (("build_tuner", PROJECT), ("load_data", ())):
        if name in bound:
            _check_function(path, name, bound[name], missing)
            _check_returned(path, name, bound[name])
    _check_has_data(path, bound)
    return path


def _parsed(path: Path) -> ast.Module:
    source = path.read_bytes()
    try:
        tree = ast.parse(source)
        compile(source, str(path), "exec", dont_inherit=True)  # sees more than the parser
    except SyntaxError as error:
        line = (error.text or "").strip()
        where = f'"{path}", line {error.lineno}: {error.msg}' + (f": {line}" if line else "")
        raise SyntaxError(f"Expected a study in Python. Received: {where}.") from None
    except ValueError as error:  # a null byte
        raise SyntaxError(f'Expected a study in Python. Received: "{path}": {error}.') from None
    return tree


def _bound(statements: list[ast.stmt]) -> Iterator[tuple[str, ast.stmt]]:
    """The names that a module has, each with what binds it; `*` for those of a whole module."""
    for statement in statements:
        match statement:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                yield name, statement
            case ast.ClassDef(name=name):
                yield name, statement
            case ast.Import(names) | ast.ImportFrom(names=names):
                yield from ((alias.asname or alias.name, statement) for alias in names)
            case _:
                stored = [n for n in ast.walk(statement) if isinstance(n, ast.Name)]
                yield from ((n.id, statement) for n in stored if isinstance(n.ctx, ast.Store))
                for body in ("body", "orelse", "finalbody"):
                    yield from _bound(getattr(statement, body, []))
                for handler in getattr(statement, "handlers", []):
                    yield from _bound(handler.body)


def _check_function(path: Path, name: str, bound: ast.stmt, given: tuple[str, ...]) -> None:
    """Raises TypeError where a function of the study cannot be called with these arguments."""
    where = f'"{path}", line {bound.lineno}'
    if isinstance(bound, ast.Assign) and isinstance(bound.value, ast.Constant):
        raise TypeError(f"Expected `{name}` to be a function. Received: {where}: a constant.")
    if not isinstance(bound, Function) or bound.decorator_list:
        return  # what it takes cannot be seen
    arguments = bound.args
    named = [*arguments.args, *arguments.kwonlyargs]
    taken = {argument.arg for argument in named}
    lacking = [] if arguments.kwarg else [argument for argument in given if argument not in taken]
    unknown = [argument for argument in _required(arguments) if argument not in given]
    if lacking or unknown:
        wanted = f"{name}(**project)" if given else f"{name}()"
        got = ast.unparse(arguments)
        raise TypeError(f"Expected `{wanted}`. Received: {where}: `{name}({got})`.")


def _check_returned(path: Path, name: str, bound: ast.stmt) -> None:
    """Raises TypeError where it can be seen that a function returns something else."""
    if not isinstance(bound, Function) or bound.decorator_list:
        return
    own = list(_own_nodes(bound))
    if any(isinstance(node, ast.Yield | ast.YieldFrom | ast.Raise) for node in own):
        return
    returned = [node for node in own if isinstance(node, ast.Return) and node.value is not None]
    wrong = [node for node in returned if isinstance(node.value, tuple(NO_RESULTS))]
    if wrong or not returned:
        node = wrong[0].value if wrong else None
        received = "no `return`" if node is None else NO_RESULTS[type(node)]
        line = bound.lineno if node is None else node.lineno
        msg = f"Expected `{name}` to return {RETURNS[name]}."
        raise TypeError(f'{msg} Received: "{path}", line {line}: {received}.')


def _own_nodes(node: ast.AST) -> Iterator[ast.AST]:
    """What is inside of a function, but not inside of another one that it makes."""
    for child in ast.iter_child_nodes(node):
        if not isinstance(child, Function | ast.Lambda | ast.ClassDef):
            yield child
            yield from _own_nodes(child)


def _check_has_data(path: Path, bound: Mapping[str, ast.stmt]) -> None:
    """Raises AttributeError where a model of the study would be trained on nothing."""
    builder = bound.get("build_tuner")
    if {"load_data", "*"} & bound.keys() or not isinstance(builder, Function):
        return
    for node in _own_nodes(builder):
        match node:
            case ast.Call(ast.Name(made) | ast.Attribute(attr=made), [ast.Name(model), *_]) if (
                made in KERAS_TUNERS
                and not isinstance(bound.get(made), ast.ClassDef)
                and isinstance(bound.get(model), ast.FunctionDef)
            ):
                msg = (
                    f'Expected a function `load_data()` in "{path}", which returns what '
                    f'`search` trains on, such as {{"x": x, "y": y, "epochs": 10}}. Received: '
                    f"none, for the `{made}` of `{model}` in line {node.lineno}."
                )
                raise AttributeError(msg)


def _required(arguments: ast.arguments) -> list[str]:
    positional = [*arguments.posonlyargs, *arguments.args]
    required = positional[: len(positional) - len(arguments.defaults)]
    keywords = zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
    return [a.arg for a in [*required, *(a for a, default in keywords if default is None)]]
