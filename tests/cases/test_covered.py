"""Every small input that once failed has tests of its kind: three others beside itself at least."""

import ast
import tomllib
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
COVERED: dict[str, list[str]] = tomllib.loads(
    Path(__file__).with_name("covered.toml").read_text(encoding="utf-8")
)
#: The file itself, and as many others of its kind.
FEWEST = 4
#: What the folder says of itself.
NO_CASE = {"README.md"}


def _texts(folder: Path) -> str:
    return "\n".join(path.read_text(encoding="utf-8") for path in sorted(folder.rglob("*.py")))


@pytest.mark.parametrize("file", COVERED)
def test_the_tests_of_a_kind_are_there(file):
    makers = _texts(TESTS / "makers")
    assert len(set(COVERED[file])) >= FEWEST
    for entry in COVERED[file]:
        name, _, test = entry.partition("::")
        function, _, member = test.partition("[")
        text = (TESTS / name).read_text(encoding="utf-8")
        functions = {
            node.name for node in ast.walk(ast.parse(text)) if isinstance(node, ast.FunctionDef)
        }
        assert not function or (function.startswith("test_") and function in functions), entry
        words = {member, member.replace(" ", "_")}  # a member may be named by its function
        assert any(word in text or word in makers for word in words), entry


def test_every_file_is_in_a_row(shared):
    folder = shared / "cases"
    files = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert files - NO_CASE == set(COVERED)
