"""A copy of a module that predicts: without gradients, wrappers and what hangs on it besides."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from rnnlens.errors import UnsupportedModel
from rnnlens.readers.refusals import first_line
from rnnlens.readers.torch.signature.unwrap import unwrapped
from rnnlens.readers.torch.weights.plain_copy import plain_copy

if TYPE_CHECKING:
    import torch

__all__ = ["copied", "copied_plainly"]


def copied(source: torch.nn.Module) -> torch.nn.Module:
    """Copy a module onto the CPU, in evaluation mode; the module itself stays as it is."""
    return copied_plainly(source)[0]


def copied_plainly(source: torch.nn.Module) -> tuple[torch.nn.Module, bool]:
    """Copy a module, and say whether it rounds within quantised layers, as the copy does not."""
    try:
        module, rounded = plain_copy(source, _uncopied(source))
    except (RuntimeError, TypeError, AttributeError) as error:
        raise UnsupportedModel(
            f"the module {type(source).__name__} cannot be copied ({first_line(error, 200)}): give "
            "one that copy.deepcopy copies, or its state dict"
        ) from error
    for part in list(module.modules()):
        for name, child in list(part.named_children()):
            if unwrapped(child) is not child:
                setattr(part, name, unwrapped(child))
    return module, rounded


def _uncopied(source: torch.nn.Module) -> dict[int, Any]:
    """Give what a copy takes as it is, by its place in memory: what cannot be copied.

    Tensors within a graph of gradients are taken without it. A trainer, a logger or a lock that
    hangs on the module is no part of what it computes.
    """
    import torch

    taken: dict[int, Any] = {}
    for part in source.modules():
        for value in _own(part):
            if isinstance(value, torch.Tensor):
                if not value.is_leaf:
                    taken[id(value)] = value.detach().clone()
            elif id(value) not in taken and not _is_copied(value):
                taken[id(value)] = value
    return taken


def _own(part: torch.nn.Module) -> Iterator[Any]:
    """Give the attributes of a module that are no module, and what their containers hold."""
    import torch

    kept = {"_parameters", "_modules"}
    waiting = [value for name, value in vars(part).items() if name not in kept]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            waiting += value.values()
        elif isinstance(value, list | tuple | set):
            waiting += value
        elif value is not None and not isinstance(value, torch.nn.Module):
            yield value


def _is_copied(value: Any) -> bool:
    import torch

    if isinstance(value, bool | int | float | str | torch.dtype | torch.device) or callable(value):
        return True
    if type(value).__module__.partition(".")[0] in {"lightning", "pytorch_lightning"}:
        return False  # a trainer holds the data and much else
    try:
        copy.deepcopy(value)
    except Exception:  # anything may be in the way of copying an object
        return False
    return True
