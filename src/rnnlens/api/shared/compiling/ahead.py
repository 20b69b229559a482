"""Kernels ahead of what asks for them: all of a machine, or what a question comes to later."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar
from types import MappingProxyType
from typing import TypeAlias

from rnnlens.api.shared.compiling.children import compiling, processes
from rnnlens.api.shared.kernels import ALL, CERTIFICATES, Part, compile_part
from rnnlens.evidence.proof.zonotope.called import is_compiled
from rnnlens.network.network import Network

__all__ = ["certificates_ahead", "compile_all"]

#: Waits for children, and says whether they did what they were to.
Ready: TypeAlias = Callable[[], bool]
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


#: What waits for certificates of each kind of cell that are being compiled.
_UNDER_WAY: ContextVar[Mapping[str, Ready]] = ContextVar("under_way", default=MappingProxyType({}))


@contextmanager
def certificates_ahead(networks: Sequence[Network]) -> Generator[Ready]:
    """Have a child compile what certificates of networks need, if it is not compiled yet.

    Gives what waits for it, for whoever comes to them. Within another block that has the same
    compiled, that one's child is waited for.
    """
    cells = [layer.cell for network in networks for _, layer in network.recurrent()]
    kinds = dict.fromkeys(cell.kind for cell in cells if not is_compiled(cell))
    under_way = _UNDER_WAY.get()
    new = tuple(kind for kind in kinds if kind not in under_way)
    with ExitStack() as stack:
        if new and processes() > 1:
            _, beside = stack.enter_context(compiling([Part(new, CERTIFICATES)], 1))
            under_way = {**under_way, **dict.fromkeys(new, beside.wait)}
            stack.callback(_UNDER_WAY.reset, _UNDER_WAY.set(under_way))
        waits = [under_way[kind] for kind in kinds if kind in under_way]
        yield lambda: all(wait() for wait in waits)
