"""The kernels know Numba in one place, which may be replaced by plain Numba."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from pathlib import Path
from types import FunctionType

import numpy as np
import pytest

import plain_kernels
import rnnlens.evidence.proof.zonotope.bounds
from rnnlens.engine.kernels.lowlevel import gate
from rnnlens.engine.kernels.lowlevel.compiling import files_of

PACKAGE = Path(gate.__file__).parents[3]
LOWLEVEL = Path(gate.__file__).parent
KERNELS = LOWLEVEL.parent
ZONOTOPE = Path(rnnlens.evidence.proof.zonotope.bounds.__file__).parent

#: Attributes by which Numba's dispatchers and compiled functions are reached into.
INSIDE = {
    "_cache",
    "_cache_file",
    "_cache_path",
    "_index_path",
    "_nrt",
    "_source_stamp",
    "fndesc",
    "llvm_cfunc_wrapper_name",
    "overloads",
    "targetoptions",
}


#: Packages that are known in one place.
KNOWN = {"llvmlite", "numba"}


def reaching_in(text: str) -> list[str]:
    """Every import of Numba or llvmlite, and every step into what they compiled."""
    if not any(word in text for word in KNOWN | INSIDE):
        return []  # as in nearly every file: to parse all takes long
    reached = []
    for node in ast.walk(ast.parse(text)):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [node.module or ""]
        reached += [name for name in names if name.split(".")[0] in KNOWN]
        if isinstance(node, ast.Attribute) and node.attr in INSIDE:
            reached.append(node.attr)
        if isinstance(node, ast.Constant) and node.value in INSIDE:
            reached.append(node.value)
    return reached


def test_numba_is_known_in_lowlevel_alone():
    found = {
        str(path.relative_to(PACKAGE)): reached
        for path in sorted(PACKAGE.rglob("*.py"))
        if LOWLEVEL not in path.parents
        and (reached := reaching_in(path.read_text(encoding="utf-8")))
    }
    assert found == {}


@pytest.mark.parametrize(
    "text",
    [
        "def f():\n    from numba.core import cgutils",
        "import llvmlite.binding as llvm",
        "stamp = dispatcher._cache._cache_file",
        'options = {"_nrt": False}',
    ],
)
def test_a_planted_step_into_numba_is_found(text):
    assert reaching_in(text)


def test_generated_code_and_undocumented_options_stand_behind_the_gate():
    """What plain kernels load must do without: llvmlite and Numba's core."""
    code = (
        "import sys, plain_kernels\n"
        "from rnnlens.engine.kernels.lowlevel import gate\n"
        "assert not gate.INTERNALS\n"
        "inside = ('.lowlevel.generated', '.lowlevel.linked')\n"
        "print([name for name in sys.modules if any(part in name for part in inside)])"
    )
    assert child(["-c", code]).strip() == "[]"


#: Functions of more than eight parameters: what compiled code gains by it, function by function.
MORE_THAN_EIGHT: dict[str, str] = {
    "_step_of_block": "called at its address, with each array's place and size in registers",
    "_step_back_of_block": "likewise",
    "_step_of_given_block": "likewise",
}


def wide_functions(path: Path) -> list[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return [
        node.name
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef)
        and len(node.args.posonlyargs + node.args.args + node.args.kwonlyargs) > 8
    ]


def test_no_kernel_takes_more_than_eight_parameters():
    paths = [*KERNELS.rglob("*.py"), *ZONOTOPE.rglob("*.py")]
    wide = {name for path in paths for name in wide_functions(path)}
    assert wide == set(MORE_THAN_EIGHT)


def compiled_functions(module) -> list[FunctionType]:
    own = (getattr(value, "py_func", None) for value in vars(module).values())
    return [function for function in own if function is not None]


def called_from(function: FunctionType, seen: set[FunctionType]) -> None:
    """Gather every function of ours that a compiled one reaches by its names."""
    if function in seen:
        return
    seen.add(function)
    code = [function.__code__]
    while code:
        one = code.pop()
        code += [const for const in one.co_consts if hasattr(const, "co_names")]
        for name in one.co_names:
            value = function.__globals__.get(name)
            inner = getattr(value, "py_func", getattr(value, "_defn", value))
            if isinstance(inner, FunctionType):
                called_from(inner, seen)


def test_a_kernels_stamp_covers_every_file_that_it_is_compiled_from():
    looked_at = 0
    for folder in (KERNELS, ZONOTOPE):
        covered = {str(path) for path in files_of(folder)}
        for name, module in list(sys.modules.items()):
            if Path(getattr(module, "__file__", None) or "/").parent != folder:
                continue
            for function in compiled_functions(module):
                seen: set[FunctionType] = set()
                called_from(function, seen)
                ours = {one.__code__.co_filename for one in seen if "rnnlens" in one.__module__}
                assert ours <= covered, (name, function.__name__)
                looked_at += len(seen)
    assert looked_at > 200


@pytest.mark.parametrize(
    ("versions", "sentence"),
    [
        (("0.59.1", "0.50.0", "x86_64"), "with Numba from 0.60"),
        (("1.2.0", "0.50.0", "x86_64"), "and this is 1.2.0"),
        (("nonsense", "0.50.0", "x86_64"), "and this is nonsense"),
        (("0.68.1", "0.99.0", "x86_64"), "with llvmlite from"),
        (("0.68.1", "0.50.0", "riscv64"), "this machine is riscv64"),
    ],
)
def test_the_gate_says_why_it_is_shut(versions, sentence):
    assert sentence in gate.reason_for_plain(*versions)


def test_the_gate_is_shut_on_machines_of_32_bits_and_open_here():
    assert "with 32" in gate.reason_for_plain("0.68.1", "0.50.0", "x86_64", wide=False)
    assert gate.REASON is None
    assert gate.INTERNALS


def child(arguments: list[str]) -> str:
    tests = Path(plain_kernels.__file__).parent
    paths = os.pathsep.join([str(tests), *sys.path])
    done = subprocess.run(
        [sys.executable, *arguments],
        # optimised less, they compile in a fifth less time, and compute the same sums
        env={
            **os.environ,
            "RNNLENS_PLAIN_KERNELS": "1",
            "NUMBA_OPT": "1",
            "PYTHONPATH": paths,
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "plain kernels" not in done.stderr  # whoever asks for them is not told
    return done.stdout


def plain_results(folder):
    """What the plain kernels give, by the equations and by themselves, from another process."""
    path = folder / "results.npz"
    stated = json.loads(child([plain_kernels.__file__, str(path)]))
    assert stated == {"internals": False}
    with np.load(path) as results:
        return dict(results)


def agree_with_the_equations(plain):
    """Both are float64 sums of a few dozen terms, six steps deep, of numbers of size one; secants
    of points that are a tenth apart lose one digit more.
    """
    compared = 0
    for name, value in plain.items():
        if name.startswith("kernels/"):
            truth = plain[name.replace("kernels/", "equations/")]
            np.testing.assert_allclose(value, truth, rtol=0, atol=2e-12, err_msg=name)
            compared += 1
    assert compared == len(plain_kernels.KINDS) * 4 + 9


def give_what_the_fast_ones_give(plain):
    """The same sums in another order; the tree's values and a certificate's bounds too."""
    fast = plain_kernels.results()
    assert fast.keys() == plain.keys()
    for name, value in fast.items():
        np.testing.assert_allclose(plain[name], value, rtol=0, atol=2e-12, err_msg=name)


def hold_the_network(plain):
    """Tight bounds are wrong by no rounding: values inside the box by the equations stay in."""
    for kind in plain_kernels.CERTIFIED:
        low, high = plain[f"certificate/{kind}/low"], plain[f"certificate/{kind}/high"]
        values = plain[f"certificate/{kind}/values"]
        assert (low[:, None] <= values).all()
        assert (values <= high[:, None]).all()
        assert (high > low).all()


def test_plain_kernels_agree_with_the_equations_and_the_fast_ones_and_their_bounds_hold(tmp_path):
    # one test, for every worker that had one of its own would compile all plain kernels anew
    plain = plain_results(tmp_path)
    agree_with_the_equations(plain)
    give_what_the_fast_ones_give(plain)
    hold_the_network(plain)
