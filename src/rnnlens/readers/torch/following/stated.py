"""Whether numbers that code states or works out are rounded to the module's own precision.

The network takes what the module's code makes of no input as the module has it, in single precision
as a rule; a copy of the module in double precision has it finer. Here the same is worked out in
double precision beside it: where nothing differs, the two networks hold the same numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from rnnlens.readers.torch.graph.values import numbers_of

if TYPE_CHECKING:
    import torch

__all__ = ["StatedNumbers"]


class StatedNumbers:
    """What a graph makes of no input, in double precision too."""

    def __init__(self) -> None:
        self._fine: dict[torch.fx.Node, Any] = {}
        #: Whether a number of the graph is not the one that double precision has.
        self.rounded = False

    def take(self, node: torch.fx.Node, made: Any, *, stated: bool) -> None:
        """Take what the module holds, which is exact, or numbers that its code states."""
        if _is_narrow(made):
            self._compare(node, made, _as_stated(made) if stated else made.double())

    def work_out(self, node: torch.fx.Node, made: Any, taken: Mapping[torch.fx.Node, Any]) -> None:
        """Work out in double precision what was made by a call on what is known."""
        import torch
        from torch.fx.node import map_arg

        if not _is_narrow(made):
            return
        arguments, named = map_arg(
            (node.args, node.kwargs), lambda one: self._fine.get(one, taken[one])
        )
        named = {
            name: torch.float64 if isinstance(one, torch.dtype) else one
            for name, one in named.items()
        }
        if "dtype" in _optional(node) and "dtype" not in named:
            named["dtype"] = torch.float64
        try:
            with torch.no_grad():
                fine = cast("Callable[..., Any]", node.target)(*arguments, **named)
        except Exception:  # some operations take one type of numbers alone
            self.rounded = True
        else:
            self._compare(node, made, fine)

    def _compare(self, node: torch.fx.Node, made: torch.Tensor, fine: torch.Tensor) -> None:
        import torch

        self._fine[node] = fine
        same = torch.equal(made.double().nan_to_num(), fine.nan_to_num())
        self.rounded = self.rounded or not same


def _is_narrow(made: object) -> bool:
    """Tell a tensor of numbers in less than double precision."""
    import torch

    return (
        isinstance(made, torch.Tensor) and made.is_floating_point() and made.dtype != torch.float64
    )


def _as_stated(made: torch.Tensor) -> torch.Tensor:
    """Give the numbers with the fewest digits that are stored so, which are what code states."""
    import torch

    return torch.as_tensor(numbers_of(made).astype(str).astype(np.float64))


def _optional(node: torch.fx.Node) -> set[str]:
    """Give the names of what a call of an operation may be told by name alone."""
    schema = getattr(node.target, "_schema", None)
    return {one.name for one in schema.arguments if one.kwarg_only} if schema else set()
