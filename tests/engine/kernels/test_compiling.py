"""What kernels call counts no references: it may neither make an array nor give one away."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from processes import python
from rnnlens.engine import kernels

MODULES = sorted(Path(kernels.__file__).parent.rglob("*.py"))


def without_references(tree):
    """Give the functions that are compiled so: inner ones, and what is said to serve a cell."""
    serving = {
        argument.id
        for call in ast.walk(tree)
        if isinstance(call, ast.Call) and getattr(call.func, "id", "") == "register_cell"
        for argument in call.args[1:]
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            marks = {mark.id for mark in node.decorator_list if isinstance(mark, ast.Name)}
            if "inner" in marks or node.name in serving:
                yield node


def gives(function):
    """Say whether a function returns anything but a truth."""
    if isinstance(function.returns, ast.Name) and function.returns.id == "bool":
        return False
    return any(isinstance(node, ast.Return) and node.value for node in ast.walk(function))


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_inner_functions_return_nothing(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    assert [one.name for one in without_references(tree) if gives(one)] == []


def test_an_inner_function_that_returned_a_slice_would_be_found():
    tree = ast.parse("@inner\ndef tail(a):\n    return a[1:]\n")
    assert [gives(one) for one in without_references(tree)] == [True]
    tree = ast.parse("@inner\ndef rises(a) -> bool:\n    return a[0] < a[1]\n")
    assert [gives(one) for one in without_references(tree)] == [False]


def test_there_are_inner_functions_to_look_at():
    counts = {
        path.stem: len(list(without_references(ast.parse(path.read_text(encoding="utf-8")))))
        for path in MODULES
    }
    assert min(counts[name] for name in ("step_loop", "lstm", "gru", "simple_rnn", "buffers")) >= 3


def test_an_inner_function_that_makes_an_array_is_refused():
    # in a process of its own: the refusal must come from the compiler, not from a crash
    code = """
import numpy as np
from rnnlens.engine.kernels.lowlevel.compiling import INNER
from numba import njit
from numba.core.errors import NumbaError

def fresh(a):
    b = np.zeros(3)
    a[0] = b[0]

try:
    njit(**INNER)(fresh)(np.ones(3))
except NumbaError as error:
    print("refused", type(error).__name__)
"""
    done = python("-c", code)
    assert done.stdout.startswith("refused"), done.stderr
