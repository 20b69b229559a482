"""How kernels are compiled: once for a machine, kept on disk, and said aloud the first time.

Numba keeps what it compiled beside the source, or in the user's cache folder where that may not be
written (of an installed package always: see `kept`), and compiles anew when the function's own
file has changed. Functions are compiled into those that call them: here a change of any file
counts, of the kernels' package and of the folder that the function stands in.

What a kernel calls is linked into it and optimised with it, once (`linked`). Functions of more than
a few instructions are never inlined.
"""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any, TypeAlias, TypeVar, cast

from numba import njit

from rnnlens.engine.kernels.lowlevel.gate import INTERNALS, REASON
from rnnlens.engine.kernels.lowlevel.kept import folder_for, keep_in

__all__ = [
    "ALLOCATING",
    "INNER",
    "STRICT",
    "Options",
    "addressed",
    "allocating",
    "announcing_compilation",
    "files_of",
    "inner",
    "kernel",
    "linked",
    "uncached",
]

#: What a decorator hands back is called as the function is; Numba's own type is not annotated.
Compiled = TypeVar("Compiled", bound=Callable[..., object])
#: A dictionary, which Numba's annotations do not take.
Options: TypeAlias = Any

#: No Python held, no exception at a division by zero (it would keep loops from being vectorised),
#: and of the liberties of floating point one alone: a product and a sum may be fused.
STRICT: Options = {"nogil": True, "error_model": "numpy", "fastmath": {"contract"}}
#: And the sign of a zero may be lost. NaN and infinity mean what they mean.
_USUAL: Options = {**STRICT, "fastmath": {"contract", "nsz"}}
#: Numba may make arrays: where nothing is said, the caller's word holds.
ALLOCATING: Options = {**_USUAL, "_nrt": True} if INTERNALS else _USUAL
#: For kernels and what they call: memory is lent and given back, and no references are counted.
#: Numba counts one for every slice, which takes as long as a good part of a step.
INNER: Options = {**_USUAL, "_nrt": False} if INTERNALS else _USUAL
#: No way in from Python, or from what knows an address alone: compiles faster.
_NO_CALL: Options = {"no_cpython_wrapper": True} if INTERNALS else {}
_NO_ADDRESS: Options = {"no_cfunc_wrapper": True} if INTERNALS else {}

_PACKAGE = Path(__file__).parents[1]


def files_of(folder: Path) -> list[Path]:
    """List the files that a kernel of a folder may be compiled from."""
    return sorted({*_PACKAGE.rglob("*.py"), *folder.rglob("*.py")})


@cache
def _stamp(folder: Path) -> str:
    """Give a text that changes with any file that a kernel of a folder may be compiled from."""
    digest = sha256(b"".join(file.read_bytes() for file in files_of(folder))).hexdigest()
    return digest if INTERNALS else f"plain {digest}"


@cache
def _folder(source: Path) -> Path | None:
    """Give the folder that holds what is compiled from a folder of source; None for Numba's own."""
    return folder_for(source, _stamp(source)) if INTERNALS else None


def _begun_before(folder: Path) -> bool:
    """Say whether kernels of this state were compiled on this machine before, and remember it."""
    mark = folder / f"rnnlens-compiled-{_stamp(_PACKAGE)[:16]}"
    with suppress(OSError):  # where nothing can be remembered it is said anew
        if mark.exists():
            return True
        folder.mkdir(parents=True, exist_ok=True)
        mark.touch()
    return False


def _compile(function: Compiled, options: Options) -> Compiled:
    if not INTERNALS:
        # Numba's files are named for the function: the fast kernels keep theirs
        function.__qualname__ += "_plain"
    dispatcher: Any = njit(cache=True, **options)(function)
    index: Any = getattr(getattr(dispatcher, "_cache", None), "_cache_file", None)
    if hasattr(index, "_source_stamp"):
        source = Path(function.__code__.co_filename).parent
        index._source_stamp = _stamp(source)
        if INTERNALS:
            from rnnlens.engine.kernels.lowlevel.linked import LinkedCompiler, keep_for_linking

            if options["pipeline_class"] is LinkedCompiler:
                keep_for_linking(dispatcher._cache, function)
        kept = _folder(source)
        if kept is not None:
            keep_in(dispatcher._cache, kept)
    elif index is not None or not INTERNALS:
        # a cache that cannot be told of the other files might hold what is out of date
        return cast("Compiled", njit(**options)(function))
    return cast("Compiled", dispatcher)


def linked(options: Options) -> Options:
    """Give the options of what is only ever a part of kernels: optimised with them, not before."""
    if not INTERNALS:
        return options
    from rnnlens.engine.kernels.lowlevel.linked import LinkedCompiler

    return {**options, **_NO_CALL, **_NO_ADDRESS, "pipeline_class": LinkedCompiler}


def _whole(options: Options) -> Options:
    """Give the options of what is made into machine code."""
    if not INTERNALS:
        return options
    from rnnlens.engine.kernels.lowlevel.linked import KernelCompiler

    return {**options, "pipeline_class": KernelCompiler}


def kernel(function: Compiled) -> Compiled:
    """Compile a function when it is first called, and keep the result on disk."""
    return _compile(function, _whole({**INNER, **_NO_ADDRESS}))


def addressed(function: Compiled) -> Compiled:
    """Compile a function that is called at its address alone, and keep the result on disk."""
    return _compile(function, _whole({**INNER, **_NO_CALL}))


def inner(function: Compiled) -> Compiled:
    """Compile a function for kernels alone, which returns no arrays."""
    return _compile(function, linked(INNER))


def allocating(function: Compiled) -> Compiled:
    """Compile a function for kernels alone that has Numba make arrays."""
    return _compile(function, linked(ALLOCATING))


def uncached(options: Options) -> Callable[[Compiled], Compiled]:
    """Compile a function for kernels alone that is made anew in every process."""
    return cast("Callable[[Compiled], Compiled]", njit(**options))


if INTERNALS:
    from numba.core import event

    class _Announcer(event.Listener):
        """Says once, on a machine, that kernels are compiled when they are first needed."""

        def __init__(self) -> None:
            self.said = False

        def on_start(self, event: event.Event) -> None:
            if self.said:
                return
            self.said = True
            about = getattr(event, "data", None) or {}
            kept = getattr(about.get("dispatcher"), "_cache", None)
            place = getattr(kept, "cache_path", None)
            if place is not None and _begun_before(Path(place)):
                return
            print(
                "rnnlens compiles kernels for this machine, each once, when a question first needs "
                "it; `rnnlens compile` compiles them all at once ...",
                file=sys.stderr,
                flush=True,
            )

        def on_end(self, event: event.Event) -> None:
            """Say nothing."""

    class _Sparing(event.Listener):
        """Keeps Python from looking for garbage, a tenth of the time, while it compiles.

        Whoever stops it has it go on: other threads may begin to listen, or end, at any time.
        """

        def __init__(self) -> None:
            self.depth, self.stopped = 0, False

        def on_start(self, event: event.Event) -> None:
            """Stop collecting before the outermost function."""
            if self.depth == 0 and gc.isenabled():
                self.stopped = True
                gc.disable()
            self.depth += 1

        def on_end(self, event: event.Event) -> None:
            """Collect again after it."""
            self.depth = max(self.depth - 1, 0)
            if self.depth == 0:
                self.release()

        def release(self) -> None:
            """Collect again, if it was stopped here."""
            if self.stopped:
                self.stopped = False
                gc.enable()

    _ANNOUNCER = _Announcer()

    @contextmanager
    def announcing_compilation() -> Generator[None]:
        """Say on stderr, once a machine, that kernels are being compiled if they are."""
        sparing = _Sparing()
        with (
            event.install_listener("numba:compile", _ANNOUNCER),
            event.install_listener("numba:compile", sparing),
        ):
            try:
                yield
            finally:
                sparing.release()

else:

    @cache
    def _say_why_plain() -> None:
        if REASON is not None:  # whoever asked for the plain kernels need not be told
            print(f"rnnlens computes with its plain kernels, which are slower: {REASON}",
                  file=sys.stderr, flush=True)  # fmt: skip

    @contextmanager
    def announcing_compilation() -> Generator[None]:
        """Say on stderr, once a process, why the kernels are slow if nobody asked for it."""
        _say_why_plain()
        yield
