"""How kernels are compiled, and functions that kernels alone call: with the kernel, and only once.

Numba optimises every function by itself and makes machine code of it, and does so again in each
function that calls it, for all that it calls is linked into it. Nobody runs such a function by
itself: here what it was lowered to is kept as it is, and the kernel is optimised with all of it,
once.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import llvmlite.binding as llvm
from numba.core.caching import CompileResultCacheImpl
from numba.core.codegen import JITCodeLibrary
from numba.core.compiler import Compiler, CompileResult
from numba.core.compiler_machinery import PassManager

__all__ = ["KernelCompiler", "LinkedCompiler", "keep_for_linking"]

#: What Numba looks for in every function and kernels never have: blocks that Python runs, functions
#: within functions and comprehensions, callees to be copied in before types are known or after it,
#: and sums of whole arrays, whose loops it would put together.
_NEVER_NEEDED = frozenset({
    "WithLifting",
    "InlineClosureLikes",
    "InlineInlinables",
    "InlineOverloads",
    "NopythonRewrites",
})
#: And where names end: where no references are counted, nothing is done there.
_NEVER_COUNTED = _NEVER_NEEDED | {"IRLegalization"}


class _NoEnvironments:
    """Stands for the code generator where there is no machine code to give an environment to."""

    def set_env(self, name: str, environment: object) -> None:
        """Do nothing."""


class _LinkedLibrary(JITCodeLibrary):
    """What a function was lowered to, with all it calls: for linking alone."""

    codegen: Any = _NoEnvironments()

    def _optimize_final_module(self) -> None:
        """Leave it as it is."""

    def _finalize_final_module(self) -> None:
        """Hand nothing to the engine, which would make machine code of it."""
        self._finalize_dynamic_globals()
        self._verify_declare_only_symbols()
        self._finalized = True

    def get_pointer_to_function(self, name: str) -> int:
        """Say that there is no machine code."""
        self._ensure_finalized()
        return 0

    def serialize_using_object_code(self) -> Any:
        """Give what is kept on disk where Numba keeps machine code."""
        return self.serialize_using_bitcode()


class KernelCompiler(Compiler):
    """Compiles functions of the kernels, without looking for what they never have."""

    def define_pipelines(self) -> list[Any]:
        """Give Numba's passes but those."""
        spared = _NEVER_NEEDED if self.state.flags.nrt else _NEVER_COUNTED
        pipelines = []
        for usual in super().define_pipelines():
            passes = PassManager(usual.pipeline_name)
            passes.passes.extend(one for one in usual.passes if one[0].__name__ not in spared)
            passes.finalize()
            pipelines.append(passes)
        return pipelines


class LinkedCompiler(KernelCompiler):
    """Compiles functions into libraries for linking alone."""

    def __init__(self, typing: Any, target: Any, library: Any, *others: Any) -> None:
        if library is None:
            library = _LinkedLibrary(target.codegen(), "linked")
            library.enable_object_caching()
        super().__init__(typing, target, library, *others)


class _Target:
    """Stands for the target's context while a library for linking alone is read back."""

    def __init__(self, target: Any) -> None:
        self._target = target

    def __getattr__(self, name: str) -> Any:
        return getattr(self._target, name)

    def codegen(self) -> _Target:
        """Give what reads libraries back."""
        return self

    def unserialize_library(self, kept: tuple[str, str, bytes]) -> _LinkedLibrary:
        """Read a library back."""
        name, _, bitcode = kept
        library = _LinkedLibrary(self._target.codegen(), name)
        library._final_module = llvm.parse_bitcode(bitcode)
        library._finalize_final_module()
        return library


class _LinkedCache(CompileResultCacheImpl):
    """Reads compiled functions back as libraries for linking alone."""

    def rebuild(self, target_context: Any, payload: Any) -> CompileResult:
        """Read one back."""
        found = CompileResult._rebuild(_Target(target_context), *payload)
        return found._replace(target_context=target_context)


def keep_for_linking(cache: Any, function: Callable[..., object]) -> None:
    """Have a dispatcher's cache keep what its function was lowered to, and no machine code."""
    cache._impl = _LinkedCache(function)
