"""The shapes of what a network gives, found out once for windows of each shape."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from rnnlens.engine.forward import outputs
from rnnlens.engine.kernels.ready import FORWARD
from rnnlens.engine.schedule.little import runs_of_windows

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from rnnlens.network.network import Network

    Shapes = tuple[tuple[int, ...], ...]

__all__ = ["shapes_given"]

#: By network, and by the shapes of its inputs: weights may change, but not what they lead to.
_KNOWN: WeakKeyDictionary[Network, dict[object, Shapes]] = WeakKeyDictionary()


def shapes_given(
    network: Network, inputs: Mapping[str, NDArray[np.float64]]
) -> tuple[tuple[int, ...], ...]:
    """Give the shape of each output of one sample, by a run of one where none was made before."""
    known = _KNOWN.setdefault(network, {})
    key = tuple((name, array.shape[1:], len(array) > 0) for name, array in inputs.items())
    if key not in known:
        one = {name: array[:1] for name, array in inputs.items()}
        with runs_of_windows(network, one, FORWARD):
            known[key] = tuple(given.shape[1:] for given in outputs(network, one))
    return known[key]
