"""What the equations ask of a library of arrays, in NumPy's arrays and in PyTorch's tensors alike.

Arithmetic, products, slices and `swapaxes` are written alike in both; what is not stands here.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "as_numpy",
    "as_tensor",
    "beside",
    "broadcast",
    "is_tensor",
    "reversed_first",
    "stack",
    "where",
    "zeros",
]

Array = NDArray[Any]


def is_tensor(a: object) -> bool:
    """Say whether something is a tensor of PyTorch, without loading it."""
    return type(a).__module__.partition(".")[0] == "torch"


def as_tensor(a: Array, like: Any) -> Any:
    """Give an array on the device and in the precision of a tensor; of bool as it is."""
    import torch

    if is_tensor(a):
        return a
    dtype = torch.bool if a.dtype == bool else like.dtype
    return torch.as_tensor(np.require(a, requirements=["C", "W"]), dtype=dtype, device=like.device)


def as_numpy(a: Any) -> Array:
    """Give a tensor as an array in memory; an array as it is."""
    return a.cpu().numpy() if is_tensor(a) else a


def broadcast(a: Any, shape: tuple[int, ...]) -> Any:
    """Stretch an array to a shape without copying it."""
    return a.expand(shape) if is_tensor(a) else np.broadcast_to(a, shape)


def zeros(shape: tuple[int, ...], like: Any) -> Any:
    """Give zeros where, and of the kind that, another array is."""
    return like.new_zeros(shape) if is_tensor(like) else np.zeros(shape, like.dtype)


def where(condition: Any, yes: Any, no: Any) -> Any:
    """Choose number by number."""
    if is_tensor(condition):
        import torch

        return torch.where(condition, yes, no)
    return np.where(condition, yes, no)


def stack(parts: Sequence[Any], axis: int) -> Any:
    """Lay arrays along a new axis."""
    if is_tensor(parts[0]):
        import torch

        return torch.stack(list(parts), dim=axis)
    return np.stack(parts, axis=axis)


def beside(parts: Sequence[Any]) -> Any:
    """Lay arrays side by side along their last axis."""
    if is_tensor(parts[0]):
        import torch

        return torch.cat(list(parts), dim=-1)
    return np.concatenate(parts, axis=-1)


def reversed_first(a: Any) -> Any:
    """Turn the first axis round."""
    return a.flip(0) if is_tensor(a) else a[::-1]
