"""What is read of a model that a library holds in memory: a module of PyTorch, and an example."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from rnnlens.adapters.versions import named
from rnnlens.names import told

if TYPE_CHECKING:
    import torch

__all__ = ["LiveModel", "laid_out", "scaled_note"]

#: Windows of an example.
DRAWN = 2


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


def laid_out(
    module: torch.nn.Module,
    shapes: Mapping[str, tuple[int, ...]],
    library: str,
    name: str,
    notes: tuple[str, ...] = (),
) -> LiveModel:
    """Give a module of several inputs with an example of each; one without numbers is left out."""
    import torch

    rng = np.random.default_rng(0)
    dtype = next(module.parameters()).dtype
    example = {
        which: torch.as_tensor(rng.normal(size=(DRAWN, *shape)), dtype=dtype)
        for which, shape in shapes.items()
        if all(shape)
    }
    return LiveModel(
        module=module.eval(), example=example, library=named(library), name=name, notes=notes
    )


def scaled_note(by: str, of: str, steps: str) -> str:
    """Say that each window is scaled by numbers of its own, which are the input `of`."""
    return told(
        "each window is scaled by {by}, which are the input {window}; what {past} cannot reach may "
        "still move the forecast through them",
        by=by,
        window=repr(of),
        past=repr(steps),
    )
