"""The hourglass holds: a package imports only what stands before it."""

from __future__ import annotations

import ast
import shutil
from collections import Counter
from functools import cache
from pathlib import Path

import pytest

PACKAGE = "rnnlens"

CORE = {"arguments", "errors", "names"}
ABOVE_ENGINE = CORE | {"network", "engine"}

#: What each room may import of ours, itself always included.
MAY_IMPORT: dict[str, set[str]] = {
    "adapters": CORE | {"network", "readers", "series"},
    "arguments": {"errors"},
    "errors": set(),
    "names": set(),
    "network": CORE,
    "pickles": CORE,
    "readers": CORE | {"network", "pickles"},
    "writers": CORE | {"network", "readers"},
    "series": CORE | {"pickles"},
    "engine": CORE | {"network"},
    "attribution": ABOVE_ENGINE,
    "evidence": ABOVE_ENGINE | {"attribution"},
    "dynamics": ABOVE_ENGINE,
    "checks": ABOVE_ENGINE | {"attribution", "readers"},
    "results": CORE,
    "views": CORE | {"results"},
    "plot": CORE | {"results", "views"},
    "bulk": ABOVE_ENGINE | {"attribution", "dynamics", "readers", "results", "series"},
}
#: Glue: it may import every room, and no room may import it.
GLUE = {"__init__", "__main__", "accessor", "api", "cli", "demo"}

#: Libraries that only some rooms may import.
LIBRARY_ROOMS: dict[str, set[str]] = {
    "xarray": {"adapters", "results", "views", "plot", "bulk"} | GLUE,
    "altair": {"accessor", "cli", "plot", "views"},
    "jinja2": {"views"},
    "vl_convert": {"views"},
    "h5py": {"readers", "writers"},
    "keras": {"readers"},
    "tensorflow": {"readers"},
    "torch": {"adapters", "engine", "readers"},
    "darts": {"adapters"},
    "neuralforecast": {"adapters"},
    "pytorch_forecasting": {"adapters"},
    "onnx": {"readers", "writers"},
    "onnxruntime": {"readers"},
    "typer": {"cli"},
}
#: Libraries that must be imported inside the function that needs them, wherever they may stand.
LAZY = {
    "altair",
    "darts",
    "h5py",
    "jax",
    "jinja2",
    "keras",
    "onnx",
    "onnxruntime",
    "tensorflow",
    "torch",
}


class Import:
    """One imported module: where, what, and whether it waits inside a function."""

    def __init__(self, module: str, line: int, target: str, *, lazy: bool) -> None:
        self.module, self.line, self.target, self.lazy = module, line, target, lazy


def modules_of(package: Path) -> dict[str, Path]:
    """Dotted module name to file."""
    found = {}
    for path in sorted(package.rglob("*.py")):
        parts = [PACKAGE, *path.relative_to(package).with_suffix("").parts]
        if parts[-1] == "__init__" and len(parts) > 2:
            parts.pop()
        found[".".join(parts)] = path
    return found


@cache
def statements(text: str) -> list[tuple[ast.AST, bool]]:
    """What imports in a file, and whether it waits: inside a function or for a type checker."""
    found: list[tuple[ast.AST, bool]] = []

    def visit(node: ast.AST, lazy: bool) -> None:
        if isinstance(node, ast.Import | ast.ImportFrom) or is_call_of_import(node):
            found.append((node, lazy))
        inside = lazy or isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        for child in ast.iter_child_nodes(node):
            visit(child, inside or is_type_checking(node))

    visit(ast.parse(text), False)
    return found


def imports_of(module: str, path: Path, modules: set[str]) -> list[Import]:
    """Every import of one file, those inside functions and `TYPE_CHECKING` blocks too."""
    found: list[Import] = []
    here = module.split(".") if path.name == "__init__.py" else module.split(".")[:-1]
    if module.endswith(".__init__"):
        here = [PACKAGE]
    for node, lazy in statements(path.read_text(encoding="utf-8")):
        targets: list[str] = []
        if isinstance(node, ast.Import):
            targets = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = here[: len(here) - node.level + 1] if node.level else []
            stem = ".".join([*base, *([node.module] if node.module else [])])
            if stem == PACKAGE and [alias.name for alias in node.names] == ["__version__"]:
                continue  # a text that is there before anything is loaded
            below = [f"{stem}.{alias.name}" for alias in node.names]
            targets = [name if name in modules else stem for name in below]
        elif isinstance(node, ast.Call):
            targets = [arg.value for arg in node.args[:1] if isinstance(arg, ast.Constant)]
        found.extend(Import(module, node.lineno, name, lazy=lazy) for name in targets)
    return found


def is_call_of_import(node: ast.AST) -> bool:
    if not isinstance(node, ast.Call):
        return False
    called = getattr(node.func, "attr", getattr(node.func, "id", ""))
    return called.endswith("import_module")


def is_type_checking(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING")


def room_of(module: str) -> str:
    return module.split(".")[1] if "." in module else "__init__"


def violations(package: Path) -> list[str]:
    """Every broken rule of a source tree, one sentence each."""
    modules = modules_of(package)
    broken = []
    for module, path in modules.items():
        room = room_of(module)
        if room not in MAY_IMPORT and room not in GLUE:
            broken.append(f"{module}: the room {room!r} is not in the table of rooms")
            continue
        for found in imports_of(module, path, set(modules)):
            top = found.target.split(".")[0]
            where = f"{module}:{found.line}"
            if top == PACKAGE and room not in GLUE:
                other = room_of(found.target)
                if other != room and other not in MAY_IMPORT[room]:
                    broken.append(f"{where}: {room} may not import {found.target}")
            if top in LIBRARY_ROOMS and room not in LIBRARY_ROOMS[top]:
                broken.append(f"{where}: {top} may not be imported in {room}")
            if top in LAZY and not found.lazy:
                broken.append(f"{where}: {top} must be imported inside the function that needs it")
    return broken


def cycles(package: Path) -> list[str]:
    """Import cycles among modules, over the imports inside functions too."""
    modules = modules_of(package)
    graph = {
        module: {
            found.target
            for found in imports_of(module, path, set(modules))
            if found.target in modules and found.target != module
        }
        for module, path in modules.items()
    }
    while graph:
        leaves = {module for module, targets in graph.items() if not targets & set(graph)}
        if not leaves:
            return sorted(graph)
        graph = {module: targets for module, targets in graph.items() if module not in leaves}
    return []


#: Rooms made of wings that know nothing of each other, and the wing that all may import.
WINGS = {"readers": {"hardening", "rerolled"}, "writers": set()}


def wing_of(module: str, package: Path) -> str | None:
    """Folder of its room that a module lies in; None at the room's top."""
    parts = module.split(".")
    return parts[2] if len(parts) > 2 and package.joinpath(*parts[1:3]).is_dir() else None


def crossings(package: Path) -> list[str]:
    """Every import of one wing by another, one sentence each."""
    modules = modules_of(package)
    crossed = []
    for module, path in modules.items():
        room, wing = room_of(module), wing_of(module, package)
        if room not in WINGS or wing is None:
            continue
        for found in imports_of(module, path, set(modules)):
            if found.target.split(".")[0] != PACKAGE or room_of(found.target) != room:
                continue
            other = wing_of(found.target, package)
            if other not in {None, wing} | WINGS[room]:
                crossed.append(f"{module}:{found.line}: {wing} may not import {found.target}")
    return crossed


#: Files of source that one folder holds at most.
MOST_FILES = 16


def crowded(package: Path) -> list[str]:
    """Every folder of more files than can be taken in, one sentence each."""
    counts = Counter(path.parent for path in package.rglob("*.py"))
    return [
        f"{folder.relative_to(package)} holds {count} files, at most {MOST_FILES} are allowed"
        for folder, count in counts.items()
        if count > MOST_FILES
    ]


@pytest.fixture(scope="module")
def copied(root, tmp_path_factory):
    """A copy of the source tree."""
    package = tmp_path_factory.mktemp("source") / PACKAGE
    shutil.copytree(root / "src" / PACKAGE, package, ignore=shutil.ignore_patterns("__pycache__"))
    return package


@pytest.fixture
def planted(copied):
    """A way to add a line to a file of the copy, which is as before after the test."""
    before: dict[Path, str | None] = {}

    def plant(file: str, text: str) -> Path:
        path = copied / file
        path.parent.mkdir(exist_ok=True)
        whole = path.read_text(encoding="utf-8") if path.exists() else None
        before.setdefault(path, whole)
        path.write_text(f"{whole or ''}\n{text}\n", encoding="utf-8")
        return copied

    yield plant
    for path, whole in before.items():
        if whole is None:
            path.unlink()
        else:
            path.write_text(whole, encoding="utf-8")


def test_every_room_imports_only_what_stands_before_it(root):
    assert violations(root / "src" / PACKAGE) == []


def test_modules_import_each_other_in_no_cycle(root):
    assert cycles(root / "src" / PACKAGE) == []


def test_no_folder_of_the_source_is_crowded(root):
    assert crowded(root / "src" / PACKAGE) == []


def test_a_crowded_folder_is_found(planted):
    for number in range(MOST_FILES):
        package = planted(f"results/x{number}.py", "")
    (found,) = crowded(package)
    assert found.startswith("results holds ")


def test_no_wing_of_a_room_imports_another(root):
    assert crossings(root / "src" / PACKAGE) == []


@pytest.mark.parametrize(
    ("file", "text", "sentence"),
    [
        ("network/cells.py", "import rnnlens.engine.step", "network may not import rnnlens.engine"),
        ("engine/step.py", "from rnnlens.readers import open", "engine may not import"),
        ("engine/step.py", "from ..attribution import secant", "engine may not import"),
        ("errors.py", "from . import names", "errors may not import rnnlens.names"),
        (
            "views/tables/explanation.py",
            "def f():\n    import rnnlens.network",
            "views may not import",
        ),
        (
            "results/label.py",
            "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from rnnlens.api import read",
            "results may not import rnnlens.api",
        ),
        ("series/x.py", "import importlib\nimportlib.import_module('rnnlens.cli')", "rnnlens.cli"),
        ("engine/step.py", "import xarray as xr", "xarray may not be imported in engine"),
        ("series/x.py", "def f():\n    import torch", "torch may not be imported in series"),
        ("readers/x.py", "import keras", "keras must be imported inside the function"),
        ("views/x.py", "import altair", "altair must be imported inside the function"),
        ("helpers/x.py", "", "the room 'helpers' is not in the table of rooms"),
    ],
)
def test_a_planted_import_is_found(planted, file, text, sentence):
    found = violations(planted(file, text))
    assert any(sentence in line for line in found), found


@pytest.mark.parametrize(
    "closing", ["from rnnlens.network import first", "def f():\n    import rnnlens.network.first"]
)
def test_a_planted_cycle_is_found(planted, closing):
    planted("network/first.py", "import rnnlens.network.second")
    package = planted("network/second.py", closing)
    assert {"rnnlens.network.first", "rnnlens.network.second"} <= set(cycles(package))


@pytest.mark.parametrize(
    ("file", "text", "sentence"),
    [
        ("readers/keras/x.py", "import rnnlens.readers.torch", "keras may not import"),
        ("readers/torch/x.py", "def f():\n    from rnnlens.readers.onnx import y", "torch may not"),
        ("readers/onnx/graph/x.py", "from rnnlens.readers import native", "onnx may not import"),
        ("readers/native/x.py", "import rnnlens.readers.keras.keras1", "native may not import"),
        ("readers/hardening/x.py", "from ..torch import y", "hardening may not import"),
        ("writers/keras/x.py", "import rnnlens.writers.onnx", "keras may not import"),
        ("writers/torch/x.py", "def f():\n    from ..keras import y", "torch may not import"),
    ],
)
def test_a_planted_way_from_wing_to_wing_is_found(planted, file, text, sentence):
    crossed = crossings(planted(file, text))
    assert any(sentence in line for line in crossed), crossed


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("readers/keras/x.py", "from rnnlens.readers.hardening import zips"),
        ("readers/torch/x.py", "from rnnlens.readers import options"),
        ("readers/onnx/x.py", "from rnnlens.readers.onnx.graph import y"),
        ("readers/x.py", "import rnnlens.readers.keras, rnnlens.readers.torch"),
        ("writers/keras/x.py", "from rnnlens.writers import packing"),
    ],
)
def test_the_top_and_the_hardening_of_a_room_are_for_all_its_wings(planted, file, text):
    assert crossings(planted(file, text)) == []
