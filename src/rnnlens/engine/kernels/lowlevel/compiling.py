"""How kernels are compiled: once for a machine, kept on disk, and said aloud when it takes time.

Numba keeps what it compiled beside the source, or in the user's cache folder where that may not be
written, and compiles anew when the function's own file has changed. Functions are compiled into
those that call them: here a change of any file of this package counts.

What a kernel calls is linked into it and optimised with it, at every level again: functions of more
than a few instructions stay `apart`, and the levels are few.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any

from llvmlite import ir
from numba import njit, types
from numba.core import event
from numba.extending import intrinsic

__all__ = [
    "OPTIONS",
    "PART",
    "address",
    "announced",
    "apart",
    "disjoint",
    "instruction",
    "kernel",
    "making",
    "part",
    "within",
]

#: No Python held, no exception at a division by zero (it would keep loops from being vectorised),
#: and of the liberties of floating point two alone: a product and a sum may be fused, and the
#: sign of a zero may be lost. NaN and infinity mean what they mean.
OPTIONS: Any = {
    "nogil": True,
    "error_model": "numpy",
    "fastmath": {"contract", "nsz"},
    "_nrt": True,  # arrays may be made: where nothing is said, the caller's word holds
}
#: And for what kernels call: nothing is allocated and no references are counted. Numba counts one
#: for every slice, which takes as long as a good part of a step.
PART: Any = {**OPTIONS, "_nrt": False}
_INSIDE: Any = {"no_cpython_wrapper": True, "no_cfunc_wrapper": True}


def _stamp() -> str:
    """Give a number that changes with any file of this package."""
    files = sorted(Path(__file__).parents[1].rglob("*.py"))
    return sha256(b"".join(file.read_bytes() for file in files)).hexdigest()


_STAMP = _stamp()


def _compiled(function: Callable[..., Any], options: Any) -> Any:
    dispatcher: Any = njit(cache=True, **options)(function)
    index = getattr(dispatcher._cache, "_cache_file", None)
    if index is not None:  # there is no place to keep anything
        index._source_stamp = _STAMP
    return dispatcher


def kernel(function: Callable[..., Any]) -> Any:
    """Compile a function when it is first called, and keep the result on disk."""
    return _compiled(function, OPTIONS)


def part(function: Callable[..., Any]) -> Any:
    """Compile a function for kernels alone: it has no way in from Python, and compiles faster."""
    return _compiled(function, {**PART, **_INSIDE})


def making(function: Callable[..., Any]) -> Any:
    """Compile a function for kernels alone that makes or returns arrays."""
    return _compiled(function, {**OPTIONS, **_INSIDE})


def instruction(code: Callable[..., Any]) -> Any:
    """Let compiled code call what a function generates."""
    return intrinsic(code)


def _stating(state: Callable[[Any], None]) -> tuple[Any, Callable[..., Any]]:
    """Give signature and code generator of what states something of the function it is in."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        state(builder.function)
        return context.get_dummy_value()

    return types.void(), generate


@instruction
def apart(typing_context):
    """Keep the function that this stands in from being copied into those that call it."""
    return _stating(lambda function: function.attributes.add("noinline"))


@instruction
def within(typing_context):
    """Copy the function that this stands in into those that call it, whatever its size."""
    return _stating(lambda function: function.attributes.add("alwaysinline"))


@instruction
def disjoint(typing_context):
    """State that what the function that this stands in writes to overlaps with nothing it reads.

    The compiler then need not compare the places of arrays before each loop, which counts where
    loops are short.
    """

    def state(function):
        for argument in function.args:
            if isinstance(argument.type, ir.PointerType):
                argument.add_attribute("noalias")

    return _stating(state)


def address(function: Any, arguments: tuple[types.Type, ...]) -> int:
    """Compile a kernel for arguments of some types and say where it stands in memory."""
    with announced():
        function.compile(arguments)
    result = function.overloads[arguments]
    return result.library.get_pointer_to_function(result.fndesc.llvm_cfunc_wrapper_name)


class _Announcer(event.Listener):
    """Says once that a compilation has begun."""

    def __init__(self) -> None:
        self.said = False

    def on_start(self, event: event.Event) -> None:
        if not self.said:
            self.said = True
            print(
                "rnnlens compiles its kernels for this machine: once, for some seconds ...",
                file=sys.stderr,
                flush=True,
            )

    def on_end(self, event: event.Event) -> None:
        """Say nothing."""


_ANNOUNCER = _Announcer()


@contextmanager
def announced() -> Generator[None]:
    """Say on stderr, once a process, that kernels are being compiled if they are."""
    with event.install_listener("numba:compile", _ANNOUNCER):
        yield
