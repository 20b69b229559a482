"""Everything that happened at each step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from rnnlens.api.shared.given.arguments import checked

if TYPE_CHECKING:
    import xarray as xr
    from numpy.typing import ArrayLike

    from rnnlens.api.shared.given.network_given import NetworkLike
    from rnnlens.series.windows import Windows

__all__ = ["trace"]


@checked()
def trace(
    net: NetworkLike,
    X: Windows | ArrayLike | Mapping[str, ArrayLike],
    *,
    initial_state: Mapping[str, Sequence[ArrayLike]] | None = None,
) -> xr.DataTree:
    """Give every gate, candidate, cell and hidden state at every step.

    Parameters
    ----------
    net : Network, path or live model
        What `rnnlens.read` takes, or what it gave.
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
    from rnnlens.api.shared.given.case import make_case
    from rnnlens.api.shared.given.network_given import as_network
    from rnnlens.api.shared.labels.network_provenance import network_provenance
    from rnnlens.engine.forward import forward
    from rnnlens.engine.trace import gate_names, layer_traces
    from rnnlens.results.label import label_tree

    net = as_network(net, X)
    case = make_case(net, X, of=next(iter(net.inputs)), as_given=True)
    traces = layer_traces(forward(case.network, case.inputs, initial_state=initial_state))
    coords: dict[str, dict[str, object]] = {
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
        attrs=network_provenance(case.network, method="trace"),
        long_names={"step": "step (0 = oldest)"},
    )
