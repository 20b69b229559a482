"""Cells made ready to run on a device: the same equations, with weights in tensors."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import numpy as np

from rnnlens.engine.arrays import as_tensor
from rnnlens.engine.cells import Ready, ready
from rnnlens.network.cells import Cell

__all__ = ["ready_on"]


def ready_on(cell: Cell, device: str, dtype: np.dtype[Any]) -> Ready:
    """Make a cell ready to run on a device, in a precision."""
    import torch

    like = torch.empty(0, device=device, dtype=getattr(torch, dtype.name))

    def moved(kept: object) -> object:
        if isinstance(kept, np.ndarray):
            return as_tensor(kept, like)
        return tuple(moved(one) for one in kept) if isinstance(kept, tuple) else kept

    made = ready(cell)
    return replace(made, **{spec.name: moved(getattr(made, spec.name)) for spec in fields(made)})
