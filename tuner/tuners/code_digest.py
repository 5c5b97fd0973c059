"""Tells whether the code of a study has changed: a digest of it, comments and layout left out."""

from __future__ import annotations

import ast
import hashlib
import inspect
import site
import sys
import sysconfig
import textwrap
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from tuner.core.hypermodel import DefaultHyperModel

OURS = Path(__file__).resolve().parents[1]


def digest_of_files(paths: Iterable[Path]) -> str | None:
    """The digest of files and of what they import from the folders they lie in.

    None where one cannot be read.
    """
    found: dict[Path, str] = {}
    try:
        for path in paths:
            _collect(path.resolve(), path.resolve().parent, found)
    except (OSError, SyntaxError, ValueError):
        return None
    return _digest(found[path] for path in sorted(found)) if found else None


def digest_of(parts: Iterable[Any]) -> str | None:
    """The digest of the code that functions and objects are made of, None if unknown.

    That of their files, or of themselves where they were typed into a notebook.
    """
    files, typed = set(), []
    for own in map(_code_of, parts):
        module = sys.modules.get(own.__module__)
        path = Path(getattr(module, "__file__", None) or "")
        if path.is_file():
            files.add(path.resolve())
        else:
            typed.append(_source(own))
    own_files = [path for path in files if not _is_installed(path)]
    if None in typed or not (own_files or typed):
        return None
    digest = digest_of_files(own_files) if own_files else ""
    texts = sorted(text for text in typed if text is not None)
    return None if digest is None else _digest([digest, *texts])


def _code_of(part: Any) -> Any:
    """The function or the class of a function, an object or a hypermodel."""
    if isinstance(part, DefaultHyperModel):
        part = part._build  # noqa: SLF001 - ours
    part = getattr(part, "func", part)  # of a `functools.partial`
    return part if inspect.isroutine(part) or inspect.isclass(part) else type(part)


def _source(part: Any) -> str | None:
    try:
        return _shape(textwrap.dedent(inspect.getsource(part)))
    except (OSError, TypeError, SyntaxError):
        return None


def _collect(path: Path, root: Path, found: dict[Path, str]) -> None:
    """Adds a file, and those that it imports from its folder or from the study's."""
    if path in found:
        return
    tree = ast.parse(path.read_bytes())
    found[path] = ast.dump(tree)
    for name in _imports(tree):
        for each in _files_of(name, (path.parent, root)):
            _collect(each, root, found)


def _files_of(name: str, folders: Iterable[Path]) -> Iterator[Path]:
    """The files that an import of this name runs, packages included."""
    words = name.split(".")
    for folder in folders:
        for count in range(1, len(words) + 1):
            module = folder.joinpath(*words[:count])
            files = (module.with_name(f"{module.name}.py"), module / "__init__.py")
            yield from (file for file in files if file.is_file())


def _imports(tree: ast.Module) -> Iterator[str]:
    """Names of the modules that a file may import, also those that it does in a function."""
    for node in ast.walk(tree):
        match node:
            case ast.Import(names):
                yield from (alias.name for alias in names)
            case ast.ImportFrom(module, names):
                yield from filter(None, [module])
                yield from (".".join(filter(None, [module, alias.name])) for alias in names)


def _shape(source: str) -> str:
    return ast.dump(ast.parse(source))


def _digest(texts: Iterable[str]) -> str:
    return hashlib.sha256("\n".join(texts).encode()).hexdigest()[:16]


def _is_installed(path: Path) -> bool:
    """Whether a file belongs to a package rather than to the study."""
    folders = [OURS, *map(Path, [*site.getsitepackages(), sysconfig.get_path("stdlib")])]
    return any(path.is_relative_to(folder.resolve()) for folder in folders)
