"""What every refusal advises is done by a test, and works."""

import ast
import importlib
from functools import cache
from pathlib import Path

import pytest

import followed
from followed import ACTS, ELSEWHERE, UNTESTED, is_advice
from refused import REFUSALS

TESTS = Path(__file__).parent

for path in sorted(Path(followed.__file__).parent.glob("*.py")):
    importlib.import_module(f"followed.{path.stem}")

pytestmark = [
    pytest.mark.filterwarnings("ignore:Layer .* was passed an input with a mask"),
    pytest.mark.filterwarnings("ignore:You passed `rms_scaling=True`"),  # which is what it says
]


@pytest.mark.parametrize("words", ACTS)
def test_what_is_advised_works(words, tmp_path):
    ACTS[words].does(tmp_path)


def test_every_advice_is_followed_by_a_test_or_said_to_need_none():
    known = [*ACTS, *ELSEWHERE, *UNTESTED]
    open_ = {
        name: sentence
        for name, sentence in REFUSALS.items()
        if is_advice(sentence) and not any(words in sentence for words in known)
    }
    assert open_ == {}


def test_no_advice_is_listed_that_no_refusal_gives():
    sentences = list(REFUSALS.values())
    for words in (*ACTS, *ELSEWHERE, *UNTESTED):
        assert any(words in sentence for sentence in sentences), words


@cache
def functions(name: str) -> set[str]:
    tree = ast.parse((TESTS / name).read_text(encoding="utf-8"))
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


def test_the_tests_that_follow_advice_elsewhere_are_there():
    for words, test in ELSEWHERE.items():
        name, function = test.split("::")
        assert function in functions(name), words
