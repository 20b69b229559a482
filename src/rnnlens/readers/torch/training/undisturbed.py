"""Work beside a training that leaves its random numbers as they are."""

from __future__ import annotations

import random
import sys
from collections.abc import Generator
from contextlib import contextmanager

import numpy as np

__all__ = ["undisturbed"]


@contextmanager
def undisturbed() -> Generator[None]:
    """Put the random numbers of Python, NumPy and PyTorch back to where they were."""
    torch = sys.modules.get("torch")
    python, numpy = random.getstate(), np.random.get_state()  # noqa: NPY002  (others draw from it)
    devices = list(range(torch.cuda.device_count())) if torch and torch.cuda.is_available() else []
    try:
        if torch is None:
            yield
        else:
            with torch.random.fork_rng(devices=devices):
                yield
    finally:
        random.setstate(python)
        np.random.set_state(numpy)  # noqa: NPY002
