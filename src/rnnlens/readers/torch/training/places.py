"""Which number of which parameter each number of a network as read came from.

A module is read once as it is, and once as a copy whose parameters are numbered through: what
stands in the second network says where to look. The places are then checked on the numbers
themselves, so that they are true or not used. After that the network is brought up to date by
looking its numbers up, which takes microseconds, where reading a module takes a second.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from rnnlens.errors import InputError
from rnnlens.network.network import Network
from rnnlens.readers.options import ReadOptions
from rnnlens.readers.torch.live import readings
from rnnlens.readers.torch.signature.copied import copied
from rnnlens.readers.torch.signature.unwrap import unwrapped
from rnnlens.readers.torch.training.rebuilt import arrays_within, with_arrays

if TYPE_CHECKING:
    import torch

__all__ = ["Places", "places_of"]

#: The first number of a parameter: far from any that a model is likely to hold.
FIRST = 1 << 22
#: Whole numbers up to here are exact in float32.
EXACT = 1 << 24


class _Computed(Exception):
    """An array is computed from parameters and not one of them; never seen outside."""


@dataclass(frozen=True, eq=False)
class Places:
    """Where the numbers of a network stand in a module's parameters and buffers, end to end."""

    module: torch.nn.Module
    network: Network
    #: One an array of the network, of its shape; None for what no parameter gives.
    places: list[NDArray[np.int64] | None]

    def now(self) -> Network:
        """Give the network with the numbers that the module has now."""
        held = _laid_out(self.module)
        arrays = [
            array if places is None else held[places].astype(array.dtype, copy=False)
            for array, places in zip(arrays_within(self.network), self.places, strict=True)
        ]
        return with_arrays(self.network, arrays)


def places_of(module: torch.nn.Module, network: Network, example: object) -> Places | None:
    """Find the places of a network's numbers; None where they are computed from several."""
    import torch

    numbered, source = copied(module), unwrapped(module)
    names, own = (
        [(name, tensor.shape) for name, tensor in _tensors(one)] for one in (numbered, source)
    )
    total = sum(tensor.numel() for _, tensor in _tensors(numbered))
    if names != own or total > EXACT - FIRST:
        return None
    begun = FIRST
    with torch.no_grad():
        for _, tensor in _tensors(numbered):
            count = torch.arange(begun, begun + tensor.numel(), dtype=torch.float64)
            tensor.copy_(count.reshape(tensor.shape))
            begun += tensor.numel()
    try:
        for reading in readings(numbered, ReadOptions(example=example)):
            found = Places(source, network, _read_off(reading.network, network, total))
            if _right(found):
                return found
    except (InputError, _Computed):  # numbers that no training gives may be refused
        return None
    return None


def _read_off(numbered: Network, network: Network, total: int) -> list[NDArray[np.int64] | None]:
    """Read places off the numbered network; none where the two have other arrays."""
    ours, theirs = arrays_within(network), arrays_within(numbered)
    if [one.shape for one in ours] != [one.shape for one in theirs]:
        return []
    return [_places(one, other, total) for one, other in zip(ours, theirs, strict=True)]


def _places(own: np.ndarray, numbers: np.ndarray, total: int) -> NDArray[np.int64] | None:
    """Give the places of an array's numbers; None for one that no parameter moves."""
    if own.dtype.kind != "f" or not own.size or (own == numbers).all():
        return None
    places = np.rint(numbers).astype(np.int64) - FIRST
    if (places + FIRST != numbers).any() or places.min() < 0 or places.max() >= total:
        raise _Computed
    return places


def _right(found: Places) -> bool:
    """Say whether every array is what stands at its places now."""
    ours = arrays_within(found.network)
    if len(found.places) != len(ours):
        return False
    held = _laid_out(found.module)
    return any(places is not None for places in found.places) and all(
        places is None or (held[places].astype(one.dtype) == one).all()
        for one, places in zip(ours, found.places, strict=True)
    )


def _tensors(module: torch.nn.Module) -> Iterator[tuple[str, torch.Tensor]]:
    for name, tensor in (*module.named_parameters(), *module.named_buffers()):
        if tensor.is_floating_point():
            yield name, tensor


def _laid_out(module: torch.nn.Module) -> np.ndarray:
    """Give every number of a module's parameters and buffers, end to end."""
    parts = [tensor.detach().cpu().double().numpy().ravel() for _, tensor in _tensors(module)]
    return np.concatenate([np.zeros(0), *parts])
