"""Processes beside this one that compile parts of the kernels, and keep them on disk.

Numba compiles in one thread at a time. A child is a new interpreter: nothing of this process's
threads is copied. It ends with this process, however that ends, for it reads from it until then.
"""

from __future__ import annotations

import gc
import os
import subprocess
import sys
from collections.abc import Generator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Thread

from rnnlens.api.shared.kernels import Part, compile_part
from rnnlens.engine.kernels.lowlevel.gate import INTERNALS
from rnnlens.engine.kernels.lowlevel.kept import is_kept
from rnnlens.engine.kernels.step_loop import forward
from rnnlens.engine.schedule.threads import threads

__all__ = ["Children", "Shared", "compiling", "processes", "run_child"]

#: What a child runs; it finds its modules where this process does.
_CODE = (
    "import sys; sys.path[:] = {path}; "
    "from rnnlens.api.shared.compiling.children import run_child; run_child({folder}, {parts})"
)


def processes() -> int:
    """Say in how many processes kernels may be compiled at once, this one among them.

    In one where nothing is kept on disk: others would compile for themselves alone.
    """
    if not INTERNALS or not sys.executable or not is_kept(forward):
        return 1
    return threads()


class Shared:
    """Parts that several processes take from, each part once: a file in a folder says so.

    Parameters
    ----------
    folder : Path
        Where they say it.
    parts : sequence of Part
        The parts, in the order in which they are taken.
    """

    def __init__(self, folder: Path, parts: Sequence[Part]) -> None:
        self._folder, self._parts = folder, parts

    def work(self) -> Generator[int]:
        """Compile parts until none is left, and give how many are taken after each."""
        for number, part in enumerate(self._parts):
            try:
                (self._folder / str(number)).touch(exist_ok=False)
            except FileExistsError:
                continue
            compile_part(part)
            yield sum(1 for _ in self._folder.iterdir())


class Children:
    """Children that compile.

    Parameters
    ----------
    started : sequence of Popen
        Their processes.
    """

    def __init__(self, started: Sequence[subprocess.Popen[bytes]]) -> None:
        self._started = started

    def wait(self) -> bool:
        """Wait until all have ended, and say whether all did what they took."""
        ended = [child.wait() for child in self._started]
        return not any(ended)


@contextmanager
def compiling(parts: Sequence[Part], children: int) -> Generator[tuple[Shared, Children]]:
    """Have so many children compile parts meanwhile; those that run yet end with the block."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="rnnlens-")))
        code = _CODE.format(path=sys.path, folder=repr(str(folder)), parts=[*map(tuple, parts)])
        started: list[subprocess.Popen[bytes]] = []
        stack.callback(_end, started)
        with suppress(OSError):  # what cannot be started is compiled here
            for _ in range(children):
                started.append(_start(code))
        yield Shared(folder, parts), Children(started)


def _start(code: str) -> subprocess.Popen[bytes]:
    # what a child has to say is said by this process, which finds what it kept or compiles it
    return subprocess.Popen(
        [sys.executable, "-P", "-c", code],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def _end(children: Sequence[subprocess.Popen[bytes]]) -> None:
    for child in children:
        child.kill()
        child.wait()
        if child.stdin is not None:
            child.stdin.close()


def run_child(folder: str, parts: Sequence[tuple[tuple[str, ...], str]]) -> None:
    """Compile parts that nobody has taken, in a child, until all are taken or the parent ends."""
    Thread(target=_end_with_parent, daemon=True).start()
    for _ in Shared(Path(folder), [Part(*part) for part in parts]).work():
        pass
    gc.freeze()  # or Python looks through all there is again before it ends


def _end_with_parent() -> None:
    sys.stdin.buffer.read()  # nothing is ever written: it ends with the parent
    os._exit(1)
