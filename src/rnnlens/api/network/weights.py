"""Every array by its gate, labelled."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rnnlens.api.shared.arguments import checked
from rnnlens.arguments import NAME, many

if TYPE_CHECKING:
    import xarray as xr

    from rnnlens.api.shared.network_given import NetworkLike
    from rnnlens.network.inventory import NamedArray
    from rnnlens.network.network import Network

__all__ = ["weights"]

_FEATURES = many(NAME, "a sequence of names")


@checked(features=_FEATURES)
def weights(net: NetworkLike, *, features: Sequence[str] | None = None) -> xr.DataTree:
    """Give every array of a network by its name, layer by layer and gate by gate.

    Parameters
    ----------
    net : Network, path or live model
        What `rnnlens.read` takes, or what it gave.
    features : sequence of str, optional
        Names of the network's inputs, for the layers that take them as they are.

    Returns
    -------
    xarray.DataTree
        One node a layer (``"lstm"``, ``"bidirectional/forward"``) with its arrays: ``W_i
        (feature, unit)``, ``U_i (from_unit, unit)``, ``b_i (unit)``; their attributes say the
        gate, the meaning and where each came from.

    Examples
    --------
    >>> import rnnlens
    >>> from rnnlens.demo.weather import demo_files
    >>> tree = rnnlens.weights(rnnlens.read(demo_files().network))
    >>> tree["lstm/W_f"].shape, tree["lstm/W_f"].attrs["source"]
    ((10, 32), 'lstm/kernel[:, 32:64]')
    """
    import xarray as xr

    from rnnlens.api.shared.labels.network_provenance import network_provenance
    from rnnlens.api.shared.network_given import as_network
    from rnnlens.network.inventory import inventory
    from rnnlens.results.label import node_path

    net = as_network(net)
    nodes: dict[str, dict[str, xr.DataArray]] = {}
    for array in inventory(net):
        layer, _, name = array.name.rpartition(".")
        attributes = {
            "long_name": f"{array.meaning}, {array.gate} gate" if array.gate else array.meaning,
            "gate": array.gate,
            "meaning": array.meaning,
            "source": array.source.text,
            "stored_at": array.source.stored_at,
        }
        dims = array.dimensions or tuple(f"{name}_axis_{k}" for k in range(array.values.ndim))
        data = xr.DataArray(array.values.copy(), None, dims, name, attributes)
        if features is not None and _names_fit(net, array, features):
            data = data.assign_coords(feature=list(features))
        nodes.setdefault(layer, {})[name] = data
    root = xr.Dataset(
        attrs=network_provenance(
            net,
            method="weights",
        )
    )
    return xr.DataTree.from_dict({
        "/": root,
        **{node_path(layer): xr.Dataset(of, attrs={"layer": layer}) for layer, of in nodes.items()},
    })


def _names_fit(net: Network, array: NamedArray, features: Sequence[str]) -> bool:
    """Say whether an array's features are the network's own inputs, so that they have names."""
    if "feature" not in array.dimensions:
        return False
    direct = any(name in net.inputs for name, _ in net[array.layer].inputs)
    return direct and array.values.shape[array.dimensions.index("feature")] == len(features)
