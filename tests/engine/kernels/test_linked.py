"""What kernels call is kept as it was lowered, and becomes machine code with the kernel alone."""

from __future__ import annotations

from typing import Any

import pytest
from numba import njit, types
from numba.core.compiler import Compiler

from rnnlens.engine.kernels import buffers
from rnnlens.engine.kernels.lowlevel.compiling import INTERNALS
from rnnlens.engine.kernels.lowlevel.linked import (
    _NEVER_COUNTED,
    _NEVER_NEEDED,
    KernelCompiler,
    LinkedCompiler,
    keep_for_linking,
)

NUMBERS = types.Array(types.float64, 1, "C")


def _twice(a):
    for s in range(a.size):
        a[s] *= 2


def linked(folder=None):
    options: Any = {"no_cpython_wrapper": True, "no_cfunc_wrapper": True}
    options |= {"pipeline_class": LinkedCompiler, "cache": folder is not None}
    dispatcher: Any = njit(**options)(_twice)
    if folder is not None:
        index = dispatcher._cache._cache_file
        dispatcher._cache._cache_path = index._cache_path = str(folder)
        index._index_path = str(folder / index._index_name)
        keep_for_linking(dispatcher._cache, _twice)
    return dispatcher


def called(function):
    """Call what has no way in from Python, by a function that has one."""

    @njit
    def run(a):
        function(a)

    return run


def test_it_has_no_machine_code_of_its_own_and_a_caller_computes_with_it(rng):
    function, a = linked(), rng.standard_normal(5)
    expected = 2 * a
    called(function)(a)
    assert (a == expected).all()
    (found,) = function.overloads.values()
    assert found.library._compiled_object is None


def test_it_is_found_again_where_it_was_kept(tmp_path, rng):
    for hits in (0, 1):
        function, a = linked(tmp_path), rng.standard_normal(5)
        expected = 2 * a
        called(function)(a)
        assert (a == expected).all()
        assert sum(function.stats.cache_hits.values()) == hits
    assert list(tmp_path.glob("*.nbc"))


def test_inner_functions_of_the_kernels_are_linked():
    assert INTERNALS
    function = buffers.copy
    function.compile((NUMBERS, NUMBERS))  # type: ignore[attr-defined]
    (found,) = (
        result
        for kinds, result in function.overloads.items()  # type: ignore[attr-defined]
        if kinds == (NUMBERS, NUMBERS)
    )
    assert found.library.get_pointer_to_function("copy") == 0


@pytest.mark.parametrize(("counted", "spared"), [(True, _NEVER_NEEDED), (False, _NEVER_COUNTED)])
def test_passes_that_kernels_do_without_are_among_numbas(counted, spared):
    seen = []

    class Seen(KernelCompiler):
        def define_pipelines(self):
            usual, kept = (
                {one[0].__name__ for pipeline in pipelines for one in pipeline.passes}
                for pipelines in (Compiler.define_pipelines(self), super().define_pipelines())
            )
            seen.append((usual, kept))
            return super().define_pipelines()

    options: Any = {"pipeline_class": Seen, "_nrt": counted}
    function: Any = njit(**options)(_twice)
    function.compile((NUMBERS,))
    ((usual, kept),) = seen
    assert usual - kept == spared
