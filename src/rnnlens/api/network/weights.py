"""Every array by its gate, labelled."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rnnlens.api.shared.given.arguments import checked
from rnnlens.arguments import NAME, many

if TYPE_CHECKING:
    import xarray as xr

    from rnnlens.api.shared.given.network_given import NetworkLike
    from rnnlens.network.inventory import NamedArray
    from rnnlens.network.network import Network
    from rnnlens.results.array_tree import ArrayTree

__all__ = ["weights"]

_FEATURES = many(NAME, "a sequence of names")


@checked(features=_FEATURES)
def weights(net: NetworkLike, *, features: Sequence[str] | None = None) -> ArrayTree:
    """Give every array of a network by its name, layer by layer and gate by gate.

    Parameters
    ----------
    net : Network, path, live model or arrays
        What `rnnlens.read` takes, or what it gave; or arrays as ``model.get_weights()`` gives
        them, a state dict, or a file of weights alone. Arrays without names are told by their
        shapes: the attribute ``notes`` says what convention that assumes, where it is ambiguous,
        and what would prove it (`rnnlens.identify`).
    features : sequence of str, optional
        Names of the network's inputs, for the layers that take them as they are.

    Returns
    -------
    xarray.DataTree
        Arrays by their full names, as ``rnnlens inspect`` prints them: ``"lstm.W_i"`` (feature,
        unit), ``"lstm.U_i"`` (from_unit, unit), ``"lstm.b_i"`` (unit); their attributes say the
        gate, the meaning and where each came from. It has one node a layer, such as ``"lstm"``.

    Raises
    ------
    InputError
        If there are no arrays, or their shapes are those of no recurrent layer.

    Examples
    --------
    >>> import rnnlens
    >>> from rnnlens.demo.weather import demo_files
    >>> arrays = rnnlens.weights(demo_files().network)
    >>> arrays["lstm.W_f"].shape, arrays["lstm.W_f"].attrs["source"]
    ((10, 32), 'lstm/kernel[:, 32:64]')

    Arrays without names, as a model of Keras gives them:

    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> shapes = [(3, 8), (2, 8), (8,), (2, 1), (1,)]
    >>> arrays = rnnlens.weights([rng.normal(size=shape) for shape in shapes])
    >>> arrays["lstm.W_f"].attrs["source"], arrays["dense.W"].attrs["source"]
    ('arrays[0][:, 2:4]', 'arrays[3]')
    """
    import xarray as xr

    from rnnlens.api.shared.given.network_given import network_or_arrays
    from rnnlens.api.shared.labels.network_provenance import network_provenance, unsure
    from rnnlens.network.inventory import inventory
    from rnnlens.network.network import Network
    from rnnlens.results.array_tree import ArrayTree
    from rnnlens.results.label import node_path

    held = network_or_arrays(net)
    if isinstance(held, Network):
        listed = inventory(held)
    else:
        listed = [array for group in held.groups for array in group.arrays]
    nodes: dict[str, dict[str, xr.DataArray]] = {}
    for array in listed:
        layer, _, name = array.name.rpartition(".")
        data = _labelled(array, name)
        if features is not None and isinstance(held, Network) and _fit(held, array, features):
            data = data.assign_coords(feature=list(features))
        nodes.setdefault(layer, {})[name] = data
    attributes = network_provenance(
        held, method="weights", extra={"notes": "; ".join(held.origin.notes)}
    )
    return ArrayTree.from_dict({
        "/": xr.Dataset(attrs=attributes),
        **{
            node_path(layer): xr.Dataset(of, attrs={"layer": layer, **unsure(held.origin)})
            for layer, of in nodes.items()
        },
    })


def _labelled(array: NamedArray, name: str) -> xr.DataArray:
    """Give an array with its dimensions, its meaning and where it came from."""
    import xarray as xr

    attributes = {
        "long_name": f"{array.meaning}, {array.gate} gate" if array.gate else array.meaning,
        "gate": array.gate,
        "meaning": array.meaning,
        "source": array.source.text,
        "stored_at": array.source.stored_at,
    }
    dims = array.dimensions or tuple(f"{name}_axis_{k}" for k in range(array.values.ndim))
    return xr.DataArray(array.values.copy(), None, dims, name, attributes)


def _fit(net: Network, array: NamedArray, features: Sequence[str]) -> bool:
    """Say whether an array's features are the network's own inputs, so that they have names."""
    if "feature" not in array.dimensions:
        return False
    direct = any(name in net.inputs for name, _ in net[array.layer].inputs)
    return direct and array.values.shape[array.dimensions.index("feature")] == len(features)
