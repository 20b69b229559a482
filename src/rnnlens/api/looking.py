"""Looking inside: arrays by name, and everything that happened at each step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from os import PathLike

    import xarray as xr
    from numpy.typing import ArrayLike

    from rnnlens.network.inventory import NamedArray
    from rnnlens.network.network import Network
    from rnnlens.series.windows import Windows

__all__ = ["describe", "trace", "weights"]


def describe(net: Network | str | PathLike[str]) -> dict[str, Any]:
    """Say what a network is made of, as a plain dictionary.

    Parameters
    ----------
    net : Network or path
        The network. The path of a file of weights alone serves too, though `rnnlens.read` refuses
        it: its arrays are named by their shapes, and the notes say what they leave unknown.

    Returns
    -------
    dict
        What ``rnnlens inspect --json`` prints: ``format``, ``parameters``, ``time_steps`` and
        ``layers``, each with its ``arrays``: name, gate, shape, source.

    Examples
    --------
    >>> import rnnlens
    >>> from rnnlens.demo.weather import demo_files
    >>> about = rnnlens.describe(rnnlens.read(demo_files().network))
    >>> [array["name"] for array in about["layers"][1]["arrays"]][:4]
    ['lstm.W_i', 'lstm.W_f', 'lstm.W_c', 'lstm.W_o']
    """
    from rnnlens.network.arrays import Arrays, describe_arrays
    from rnnlens.network.describe import describe as of_network
    from rnnlens.network.network import Network
    from rnnlens.readers.open import look

    found = net if isinstance(net, Network) else look(net)
    return describe_arrays(found) if isinstance(found, Arrays) else of_network(found)


def weights(net: Network, *, features: Sequence[str] | None = None) -> xr.DataTree:
    """Give every array of a network by its name, layer by layer and gate by gate.

    Parameters
    ----------
    net : Network
        The network.
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

    from rnnlens.network.inventory import inventory
    from rnnlens.results.label import node_path
    from rnnlens.results.provenance import provenance

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
    origin = net.origin
    root = xr.Dataset(
        attrs=provenance(
            method="weights",
            network_digest=origin.digest,
            network_format=origin.format,
            network_path=origin.path,
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


def trace(
    net: Network,
    X: Windows | ArrayLike | Mapping[str, ArrayLike],
    *,
    initial_state: Mapping[str, Sequence[ArrayLike]] | None = None,
) -> xr.DataTree:
    """Give every gate, candidate, cell and hidden state at every step.

    Parameters
    ----------
    net : Network
        The network.
    X : Windows, array (sample, step, feature), or mapping of input name to array
        In the network's own units. All of it is kept: a trace of N windows holds
        ``N T (2 G + 2) H`` numbers a layer.
    initial_state : mapping of str to sequence of array (sample, unit), optional
        States to start from, by recurrent layer; zero where not given.

    Returns
    -------
    xarray.DataTree
        One node a recurrent layer and direction: ``preactivation`` and ``gate_value (sample, step,
        gate, unit)``, ``hidden`` and, for an LSTM, ``cell (sample, step, unit)``; an LSTM that
        projects its hidden state has ``projected (sample, step, output)``, what it hands on, and
        ``hidden`` is what it projects. Steps count from 0, the oldest, also for a direction that
        reads the newest first. Gates are NaN at masked steps.

    Raises
    ------
    DataError
        If an array does not fit the network or holds NaN.

    Examples
    --------
    >>> import numpy as np, rnnlens
    >>> from rnnlens.demo.weather import demo_files
    >>> net = rnnlens.read(demo_files().network)
    >>> lstm = rnnlens.trace(net, np.random.default_rng(0).normal(size=(2, 24, 10)))["lstm"]
    >>> i, f, g = (lstm["gate_value"].sel(gate=name) for name in ("input", "forget", "cell"))
    >>> c = lstm["cell"]
    >>> bool(np.allclose(c[:, 1:], f[:, 1:] * c[:, :-1].values + i[:, 1:] * g[:, 1:]))
    True
    """
    from rnnlens.api.shared.case import make_case
    from rnnlens.engine.forward import forward
    from rnnlens.engine.trace import gate_names, layer_traces
    from rnnlens.results.label import label_tree
    from rnnlens.results.provenance import provenance

    case = make_case(net, X, of=next(iter(net.inputs)))
    traces = layer_traces(forward(net, case.inputs, initial_state=initial_state))
    coords: dict[str, dict[str, Any]] = {
        name: {
            "step": range(one.hidden.shape[1]),
            "gate": list(gate_names(net)[name]),
            **case.sample_coords(),
        }
        for name, one in traces.items()
    }
    return label_tree(
        traces,
        coords=coords,
        attrs=provenance(method="trace", **case.attributes()),
        long_names={
            "preactivation": "pre-activation of each gate",
            "gate_value": "value of each gate",
            "hidden": "hidden state",
            "cell": "cell state",
            "projected": "hidden state as projected",
            "step": "step (0 = oldest)",
        },
    )
