"""No function asks for more than a reader can hold: options that belong together are objects."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import rnnlens

#: The most parameters of a public verb, and of any other function.
MOST_OF_A_VERB, MOST = 14, 8
#: Functions that may take more, and why.
ALLOWED: dict[str, str] = {
    "api/forecast/report: report": "what a page is written in stands beside what `explain` takes",
    **{
        f"engine/kernels/cells/addressed: _step{which}_block": "called at its address, with each "
        "array's place and size in registers"
        for which in ("_of", "_back_of", "_of_given")
    },
}


def functions_of(path: Path) -> list[tuple[str, int]]:
    """Every function of a file, and how many parameters it takes besides itself."""
    found = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            taken = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
            count = len([one for one in taken if one.arg not in {"self", "cls"}])
            count += bool(node.args.vararg) + bool(node.args.kwarg)
            found.append((getattr(node, "name", "lambda"), count))
    return found


def too_many(package: Path) -> list[str]:
    """Every function that takes more than it may, one line each."""
    named = []
    for path in sorted(package.rglob("*.py")):
        file = path.relative_to(package).with_suffix("").as_posix()
        for name, count in functions_of(path):
            verb = file.startswith("api/") and path.stem == name and name in rnnlens.__all__
            most = MOST_OF_A_VERB if verb else MOST
            if count > most and f"{file}: {name}" not in ALLOWED:
                named.append(f"{file}: {name} takes {count}, of at most {most}")
    return named


def test_no_function_takes_too_many_parameters(root):
    assert too_many(root / "src" / "rnnlens") == []


def test_what_is_allowed_to_take_more_is_there_and_does(root):
    package = root / "src" / "rnnlens"
    for place, why in ALLOWED.items():
        file, _, name = place.partition(": ")
        counts = [count for one, count in functions_of(package / f"{file}.py") if one == name]
        assert counts and max(counts) > MOST, place
        assert why


@pytest.mark.parametrize(
    ("file", "text", "said"),
    [
        ("series/x.py", "def f(a, b, c, d, e, *, g, h, i, j): ...", "f takes 9, of at most 8"),
        ("series/x.py", "async def f(a, b, c, d, e, /, g, h, *i, **j): ...", "f takes 9"),
        ("series/x.py", "class A:\n    def f(self, a, b, c, d, e, g, h, i, j): ...", "f takes 9"),
        ("series/x.py", "f = lambda a, b, c, d, e, g, h, i, j: 0", "lambda takes 9"),
        ("api/forecast/lags.py", f"def lags({', '.join('abcdefghijklmno')}): ...", "takes 15"),
        (
            "api/forecast/lags.py",
            "def f(a, b, c, d, e, g, h, i, j): ...",
            "f takes 9, of at most 8",
        ),
        ("cli/lags.py", f"def lags({', '.join('abcdefghi')}): ...", "lags takes 9, of at most 8"),
    ],
)
def test_a_planted_function_of_too_many_is_found(tmp_path, file, text, said):
    path = tmp_path / file
    path.parent.mkdir(parents=True)
    path.write_text(text, encoding="utf-8")
    assert any(said in line for line in too_many(tmp_path)), too_many(tmp_path)


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("series/x.py", "class A:\n    def f(self, a, b, c, d, e, g, h, i): ..."),
        ("api/forecast/lags.py", f"def lags({', '.join('abcdefghijklmn')}): ..."),
    ],
)
def test_a_function_of_as_many_as_it_may_take_is_let_pass(tmp_path, file, text):
    path = tmp_path / file
    path.parent.mkdir(parents=True)
    path.write_text(text, encoding="utf-8")
    assert too_many(tmp_path) == []
