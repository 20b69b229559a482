"""What a verb takes as its network: a network, or whatever `rnnlens.read` makes one of."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from os import PathLike
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from rnnlens.errors import InputError

if TYPE_CHECKING:
    from rnnlens.network.arrays import Arrays
    from rnnlens.network.network import Network

__all__ = ["NetworkLike", "as_network", "example_of", "network_or_arrays"]

#: A network, the path of a model file, or a live model.
NetworkLike: TypeAlias = "Network | str | PathLike[str] | object"


def as_network(net: NetworkLike, X: object = None, *, partly: bool = False) -> Network:
    """Give a network as it is, and read what is none yet: nothing is kept, for models learn.

    ``partly`` is for what can be asked of the part before a layer that is not read.
    A live PyTorch module is exported on the windows X of the verb: (sample, step, feature).
    """
    from rnnlens.adapters.recognised import adapter_of
    from rnnlens.api.shared.given.reading import read_model
    from rnnlens.network.network import Network
    from rnnlens.readers.open import options_of, read_up_to_refusal
    from rnnlens.readers.options import ReadOptions

    if isinstance(net, Network):
        return net
    if isinstance(net, list | tuple | np.ndarray):
        raise InputError(
            "arrays alone are no network, for they do not say which gate is which: "
            "rnnlens.weights(arrays) names them, and rnnlens.identify(arrays, X, Y).network is the "
            "network that they make, proven by its outputs"
        )
    if adapter_of(net) is not None:
        return read_model(net, ReadOptions())
    if "example" in options_of(net):
        return read_model(net, ReadOptions(example=example_of(net, X)))
    if partly and isinstance(net, str | PathLike):
        return read_up_to_refusal(net)
    return read_model(net, ReadOptions())


def network_or_arrays(net: NetworkLike) -> Network | Arrays:
    """Give a network as it is or read; name the arrays of what makes none by itself."""
    from rnnlens.adapters.recognised import adapter_of
    from rnnlens.network.network import Network
    from rnnlens.readers.open import read_or_name_arrays

    if adapter_of(net) is not None:
        return as_network(net)
    return net if isinstance(net, Network) else read_or_name_arrays(net)


def example_of(module: Any, X: object) -> object:
    """Give what a module is called on to be read: windows of every input, in its own order."""
    from rnnlens.readers.torch.signature.subject import may_take_steps_first
    from rnnlens.series.joint.windows import WindowsByInput
    from rnnlens.series.windows import Windows

    if X is None:
        return None
    given = X.values if isinstance(X, Windows) else X
    if isinstance(given, WindowsByInput):
        given = given.as_arrays()
    if isinstance(given, Mapping):
        taken = inspect.signature(module.forward).parameters
        few = {name: _few(array, steps_first=False) for name, array in given.items()}
        keyed = set(given) <= set(taken) or len(taken) == 1
        return few if keyed else tuple(few.values())
    return _few(given, steps_first=may_take_steps_first(module))


def _few(windows: object, *, steps_first: bool) -> object:
    """Give a few windows; as many as there are steps where either axis may be the samples'."""
    if not hasattr(windows, "detach"):  # a tensor stays one
        try:
            windows = np.asarray(windows)
        except ValueError:  # rows of different lengths: the verb says so of its own argument
            return windows
    shape = getattr(windows, "shape", ())
    if len(shape) < 1 or 0 in shape:
        return windows
    count = shape[1] if steps_first and len(shape) == 3 else min(shape[0], 2)
    return windows[np.arange(count) % shape[0]]  # type: ignore[index]
