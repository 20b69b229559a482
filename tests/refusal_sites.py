"""The places in the code that refuse, found in the source: each ``raise`` of an error of ours."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import rnnlens

__all__ = ["SITES", "helpers_in", "places", "site_of"]

PACKAGE = Path(rnnlens.__file__).parent

#: What refuses: the files or folders that read, write and check models.
WHERE = (
    "readers",
    "writers",
    "checks",
    "adapters",
    "bulk",
    "api/shared/archives",
    "api/network/convert.py",
    "api/shared/conversion.py",
    "api/shared/given/inside/probing.py",
    "dynamics/probes",
)

#: What one part says to another and never to a user: that a formula is not of a kind, that weights
#: are computed from others, that the page cannot run a layer, which the page then says, or that a
#: call is to be followed in another way, or on windows of other shapes.
INNER = frozenset({"NoFormula", "NotRecorded", "NotServed", "_CannotRun", "_Computed", "_NoMatch"})


def _files() -> Iterator[Path]:
    for where in WHERE:
        path = PACKAGE / where
        yield from [path] if path.is_file() else sorted(path.rglob("*.py"))


def _refuses(node: ast.AST, helpers: frozenset[str]) -> bool:
    """Tell a ``raise`` of our own error, or a call of a function that does nothing but raise."""
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
        return isinstance(node.value.func, ast.Name) and node.value.func.id in helpers
    if not isinstance(node, ast.Raise) or node.exc is None:
        return False
    raised = node.exc.func if isinstance(node.exc, ast.Call) else node.exc
    inner = isinstance(raised, ast.Name) and raised.id in INNER
    return not inner and not (isinstance(raised, ast.Name) and hasattr(builtins, raised.id))


def _statements_in(node: ast.AST) -> Iterator[ast.AST]:
    """Give the statements within a node, and what holds others: no expression holds any."""
    for field in ("body", "handlers", "orelse", "finalbody", "cases"):
        inside = getattr(node, field, ())
        yield from inside if isinstance(inside, list) else ()


def helpers_in(node: ast.AST) -> Iterator[str]:
    """Give the functions that do nothing but raise, as their annotation says."""
    for child in _statements_in(node):
        returns = child.returns if isinstance(child, ast.FunctionDef) else None
        if isinstance(child, ast.FunctionDef) and returns and ast.unparse(returns) == "NoReturn":
            yield child.name
        yield from helpers_in(child)


def places(node: ast.AST, name: str, helpers: frozenset[str]) -> Iterator[tuple[str, ast.stmt]]:
    """Give the places within a node by the qualified name of their function, in order."""
    for child in _statements_in(node):
        if isinstance(child, ast.FunctionDef | ast.ClassDef):
            yield from places(child, f"{name}.{child.name}".lstrip("."), helpers)
            continue
        if isinstance(child, ast.stmt) and _refuses(child, helpers):
            yield name, child
        yield from places(child, name, helpers)


@cache
def _places() -> dict[str, dict[str, tuple[int, int]]]:
    """Give the places by file, and where each begins and ends."""
    trees = {path: ast.parse(path.read_text(encoding="utf-8")) for path in _files()}
    helpers = frozenset(name for tree in trees.values() for name in helpers_in(tree))
    by_file: dict[str, dict[str, tuple[int, int]]] = {}
    for path, tree in trees.items():
        count: dict[str, int] = {}
        own = by_file[str(path)] = {}
        for function, node in places(tree, "", helpers):
            count[function] = count.get(function, 0) + 1
            module = path.relative_to(PACKAGE).with_suffix("").as_posix()
            own[f"{module}: {function} {count[function]}"] = (node.lineno, node.end_lineno or 0)
    return by_file


#: Every place, "module: function number".
SITES: frozenset[str] = frozenset(site for own in _places().values() for site in own)


def site_of(file: str, line: int) -> str | None:
    """Give the place that a line of a file belongs to, if any."""
    own = _places().get(file, {})
    return next((site for site, (first, last) in own.items() if first <= line <= last), None)
