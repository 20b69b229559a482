"""What is read of a model that a library holds in memory: a module of PyTorch, and an example."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

__all__ = ["LiveModel"]


@dataclass(frozen=True, eq=False, kw_only=True)
class LiveModel:
    """A module that computes what a library's model forecasts, laid out for its windows.

    Parameters
    ----------
    module : torch.nn.Module
        Takes the windows by input, gives (sample, horizon, target).
    example : object
        What it is called with.
    library : str
        The library and its version, such as ``"darts 0.48.0"``.
    name : str
        The class of the model.
    notes, left_out : tuple of str
        As in `rnnlens.network.network.Origin`.
    """

    module: torch.nn.Module
    example: object
    library: str
    name: str
    notes: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
