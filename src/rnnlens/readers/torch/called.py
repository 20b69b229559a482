"""A module that was read, called on what the network takes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

import numpy as np

from rnnlens.readers.torch.export import quiet
from rnnlens.readers.torch.signature.copied import copied
from rnnlens.readers.torch.signature.nested import leaves

if TYPE_CHECKING:
    import torch

    from rnnlens.readers.torch.signature.subject import Subject

__all__ = ["LAYOUTS", "Finest", "ModuleLayout", "called"]


@dataclass(frozen=True)
class ModuleLayout:
    """How a module takes and gives what the network takes and gives samples first."""

    #: The axis of the samples of each.
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    #: What type of numbers each input is.
    dtypes: tuple[torch.dtype, ...]
    #: How it is called with them.
    subject: Subject
    #: Whether the network holds numbers of the code that are rounded to the module's precision.
    rounded: bool = False


#: Roundings by which two ways to compute the same may differ, of numbers about 1: a recurrence of a
#: hundred steps adds up some; another path through the code moves outputs by 1e-3 and more.
ROUNDINGS = 1e4
#: Roundings of what the code states that a copy in double precision may differ by.
STATED = 32.0

#: The layout of every module that was read, for the check of fidelity.
LAYOUTS: WeakKeyDictionary[torch.nn.Module, ModuleLayout] = WeakKeyDictionary()


def called(
    module: torch.nn.Module,
    layout: ModuleLayout,
    inputs: Mapping[str, np.ndarray],
    earlier: Sequence[Mapping[str, np.ndarray]] = (),
) -> list[np.ndarray]:
    """Call a module: inputs mapping of str to (sample, ...) -> outputs, samples first."""
    import torch

    device = next((p.device for p in module.parameters()), torch.device("cpu"))

    def tensors(arrays: Mapping[str, np.ndarray]) -> list[torch.Tensor]:
        # new ones, for code may write into what it takes
        return [
            torch.tensor(np.moveaxis(array, 0, batch), device=device, dtype=dtype)
            for array, batch, dtype in zip(
                arrays.values(), layout.inputs, layout.dtypes, strict=True
            )
        ]

    given = tensors(inputs)
    order = layout.subject.longest_first(given)
    if order is not None:
        given = [one.index_select(k, order) for one, k in zip(given, layout.inputs, strict=True)]
    with torch.no_grad(), quiet():
        given_back = layout.subject.runs(
            module, given, layout.inputs, [tensors(one) for one in earlier]
        )
    flat = [one for one in leaves(given_back) if one is not None]
    arrays = [
        np.moveaxis(one.detach().cpu().double().numpy(), batch, 0)
        for one, batch in zip(flat, layout.outputs, strict=True)
    ]
    if order is not None:
        arrays = [array[order.argsort().cpu().numpy()] for array in arrays]
    return [array[:, None] if array.ndim == 1 else array for array in arrays]


class Finest:
    """A copy of a module that reckons in double precision, where its code lets it.

    Parameters
    ----------
    module : torch.nn.Module
        The module, which stays as it is.
    """

    def __init__(self, module: torch.nn.Module) -> None:
        self.module = module
        self._double: torch.nn.Module | None = None

    def run(
        self,
        layout: ModuleLayout,
        inputs: Mapping[str, np.ndarray],
        earlier: Sequence[Mapping[str, np.ndarray]] = (),
    ) -> tuple[list[np.ndarray], float]:
        """Call the module, after others, and say by how much a number of about 1 may differ.

        A number that the code states, as in ``torch.full(size, 0.1)``, is of the module's own
        precision in the network, and exact in the copy.
        """
        import torch

        own = [p.dtype for p in self.module.parameters() if p.dtype.is_floating_point]
        rounding = float(torch.finfo(own[0] if own else torch.float32).eps)
        if self._double is None:
            self._double = copied(self.module).double()
        wide = [torch.float64 if one.is_floating_point else one for one in layout.dtypes]
        before = torch.get_default_dtype()
        try:
            # what the code makes anew, as by torch.zeros, is of the usual type
            torch.set_default_dtype(torch.float64)
            outputs = called(self._double, replace(layout, dtypes=tuple(wide)), inputs, earlier)
        except Exception:  # code that makes numbers of another type fails in many ways
            torch.set_default_dtype(before)
            outputs = called(self.module, layout, inputs, earlier)
        else:
            stated = min(rounding, float(torch.finfo(torch.float32).eps))
            fine = float(torch.finfo(torch.float64).eps)
            wider = layout.rounded and rounding > fine
            return outputs, max(ROUNDINGS * fine, STATED * stated if wider else 0.0)
        finally:
            torch.set_default_dtype(before)
        return outputs, rounding * ROUNDINGS
