"""Where recurrent layers are computed: by the kernels of this processor, or on a device of PyTorch.

A device is asked for by `rnnlens.on_device`, or by the environment variable ``RNNLENS_DEVICE``. The
name ``cpu`` means the kernels, which are several times as fast there as PyTorch.
"""

from __future__ import annotations

import os
from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from importlib.util import find_spec
from typing import Any

import numpy as np

from rnnlens.errors import InputError, MissingLibrary

__all__ = ["chosen", "named", "placed", "sums_dtype"]

VARIABLE = "RNNLENS_DEVICE"

#: The device that is asked for in this context: empty for the kernels, None where nobody asked.
_CHOSEN: ContextVar[str | None] = ContextVar("device", default=None)


@contextmanager
def placed(name: str) -> Generator[None]:
    """Compute on a device of PyTorch that is known to be there; on the kernels where it is empty.

    Here ``cpu`` is PyTorch's: tests hold its tensors against the kernels.
    """
    token = _CHOSEN.set(name)
    try:
        yield
    finally:
        _CHOSEN.reset(token)


def chosen() -> str:
    """Name the device that recurrent layers are computed on; empty for the kernels."""
    asked = _CHOSEN.get()
    if asked is not None:
        return asked
    stated = os.environ.get(VARIABLE, "").strip()
    return named(stated, f"{VARIABLE}={stated}") if stated else ""


def sums_dtype(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """Say in what precision values of many runs are summed: in double where a device gave them."""
    return np.dtype(np.float64) if chosen() else dtype


@cache
def named(name: str, said: str) -> str:
    """Check that a device is there, once; the processor's own is the kernels'."""
    if name == "cpu":
        return ""
    if find_spec("torch") is None:
        raise MissingLibrary(
            f"{said} needs PyTorch, which is not installed: `pip install torch`, or leave the "
            "device out"
        )
    import torch

    try:
        torch.zeros(1, device=torch.device(name)).cpu()
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        reason = str(error).partition("\n")[0].rstrip(".")
        raise InputError(
            f"{said} names a device that PyTorch {torch.__version__} cannot use here ({reason}): "
            "leave the device out, and the kernels of this processor compute"
        ) from None
    return name
