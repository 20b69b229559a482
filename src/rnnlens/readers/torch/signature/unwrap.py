"""Wrappers around a module that compute what it computes."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

__all__ = ["unwrapped"]


def unwrapped(source: torch.nn.Module) -> torch.nn.Module:
    """Give the module within ``nn.DataParallel`` and ``torch.compile``, or the module itself."""
    import torch

    while True:
        compiled = dict(source.named_children()).get("_orig_mod")
        if isinstance(source, torch.nn.DataParallel | torch.nn.parallel.DistributedDataParallel):
            source = source.module
        elif compiled is not None:
            source = compiled
        else:
            return source
