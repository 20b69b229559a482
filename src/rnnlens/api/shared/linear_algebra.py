"""Verbs do their linear algebra on one thread.

Theirs is small: a few hundred numbers at the most, in many calls. BLAS shares each of them among as
many threads as there are cores, which wait for each other by spinning; where something else uses a
core, a call then takes a hundred times as long as on one thread.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

__all__ = ["one_blas_thread"]

P = ParamSpec("P")
R = TypeVar("R")


def one_blas_thread(verb: Callable[P, R]) -> Callable[P, R]:
    """Hold BLAS to one thread while a verb is at work."""

    @wraps(verb)
    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        from rnnlens.engine.schedule import threads  # the engine is loaded when it is asked

        with threads.one_blas_thread():
            return verb(*args, **kwargs)

    return call
