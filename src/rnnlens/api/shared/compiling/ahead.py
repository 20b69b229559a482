"""Kernels ahead of what asks for them: all of a machine, or what a question comes to later."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager

from rnnlens.api.shared.compiling.children import compiling, processes
from rnnlens.api.shared.kernels import ALL, CERTIFICATES, Part, compile_part
from rnnlens.evidence.proof.zonotope.called import is_compiled
from rnnlens.network.network import Network

__all__ = ["certificates_ahead", "compile_all"]

#: Parts that may be compiled at once without compiling anything twice.
_AT_ONCE = 3


def compile_all(progress: Callable[[int, int], None] | None = None) -> None:
    """Compile every kernel, in as many processes as there are cores for."""
    children = min(processes(), _AT_ONCE) - 1
    with compiling(ALL, children) as (shared, beside):
        for done in shared.work():
            if progress is not None:
                progress(done, len(ALL))
        if not beside.wait():  # whatever it was that failed there is said here
            for part in ALL:
                compile_part(part)


@contextmanager
def certificates_ahead(networks: Sequence[Network]) -> Generator[Callable[[], bool]]:
    """Have a child compile what certificates of networks need, if it is not compiled yet.

    Gives what waits for it, for whoever comes to them.
    """
    cells = [layer.cell for network in networks for _, layer in network.recurrent()]
    kinds = tuple({cell.kind: None for cell in cells if not is_compiled(cell)})
    if not kinds or processes() == 1:
        yield lambda: True
        return
    with compiling([Part(kinds, CERTIFICATES)], 1) as (_, beside):
        yield beside.wait
