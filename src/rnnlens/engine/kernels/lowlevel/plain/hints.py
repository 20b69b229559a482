"""Plain Numba leaves these questions to the compiler."""

from __future__ import annotations

from rnnlens.engine.kernels.lowlevel.compiling import INNER, uncached

__all__ = ["always_inline", "never_inline", "no_alias"]


@uncached(INNER)
def never_inline() -> None:
    """Say nothing."""


@uncached(INNER)
def always_inline() -> None:
    """Say nothing."""


@uncached(INNER)
def no_alias() -> None:
    """Say nothing."""
