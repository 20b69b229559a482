"""What holds while work goes on: one round of it, and whether the equations compute it.

Both are set for what is called from where they are set, in the threads of the pool too.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar

__all__ = ["by_equations", "equations", "kernels", "one_round", "round_of_work", "settled"]

_ROUND: ContextVar[object | None] = ContextVar("round_of_work", default=None)


@contextmanager
def one_round(mark: object = None) -> Generator[None]:
    """Mark what is done meanwhile, in the threads of the pool too, as one round of work.

    With a mark it is the same round as all others with that mark.
    """
    token = _ROUND.set(object() if mark is None else mark)
    try:
        yield
    finally:
        _ROUND.reset(token)


def round_of_work() -> object | None:
    """Say which round of work this is: the chunks of one call of `plan.gathered` are one.

    What a network holds is taken to stay as it is within a round.
    """
    return _ROUND.get()


#: Whether the equations compute it; None where nobody said.
_BY_EQUATIONS: ContextVar[bool | None] = ContextVar("by_equations", default=None)


@contextmanager
def equations() -> Generator[None]:
    """Have recurrent layers computed by the NumPy equations and not by the kernels.

    The equations are what the kernels are held against; they are slower and keep every step.

    Examples
    --------
    >>> with equations():
    ...     by_equations()
    True
    >>> by_equations()
    False
    """
    with _said(True):
        yield


@contextmanager
def kernels() -> Generator[None]:
    """Have recurrent layers computed by the kernels, however little they are asked for.

    Examples
    --------
    >>> settled()
    False
    >>> with kernels():
    ...     settled(), by_equations()
    (True, False)
    """
    with _said(False):
        yield


@contextmanager
def _said(by_equations: bool) -> Generator[None]:
    token = _BY_EQUATIONS.set(by_equations)
    try:
        yield
    finally:
        _BY_EQUATIONS.reset(token)


def by_equations() -> bool:
    """Say whether recurrent layers are to be computed by the equations (see `equations`)."""
    return bool(_BY_EQUATIONS.get())


def settled() -> bool:
    """Say whether it was said which of the two computes them: `equations` or `kernels`."""
    return _BY_EQUATIONS.get() is not None
