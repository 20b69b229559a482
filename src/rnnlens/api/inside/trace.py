"""Everything that happened at each step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from rnnlens.api.shared.given.arguments import checked
from rnnlens.api.shared.linear_algebra import one_blas_thread

if TYPE_CHECKING:
    import xarray as xr
    from numpy.typing import ArrayLike

    from rnnlens.api.shared.given.network_given import NetworkLike
    from rnnlens.series.joint.windows import WindowsByInput
    from rnnlens.series.windows import Windows

__all__ = ["trace"]

#: The axes of weights of attention, after the samples.
ATTENTION = ("head", "query", "attended")


@checked()
@one_blas_thread
def trace(
    net: NetworkLike,
    X: Windows | WindowsByInput | ArrayLike | Mapping[str, ArrayLike],
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
        reads the newest first. Gates are NaN at masked steps. A cell without a name has its
        activations as gates, by their part in its equations or by number; a cell that a decoder
        calls step by step is one node, its calls the steps. A layer that is applied to every step
        of a window alone (``TimeDistributed``) has an axis ``outer_step`` behind the samples, the
        window's steps, while ``step`` counts within each. And one node for each attention, by
        the name of its softmax: ``weight (sample, head, query, attended)``, which sums to one over
        what is attended to, steps from the oldest on or features; one head and one query where
        there is no such axis.

    Raises
    ------
    DataError
        If an array does not fit the network or holds NaN.
    InputError
        If the network has no recurrent layer.

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
    from rnnlens.api.shared.given.joint.kinds import has_steps
    from rnnlens.api.shared.given.joint.making import make_case
    from rnnlens.api.shared.given.network_given import as_network
    from rnnlens.api.shared.labels.network_provenance import network_provenance, starting_states
    from rnnlens.engine.applied_trace import applied_gate_names, applied_traces
    from rnnlens.engine.attention import attention_traces
    from rnnlens.engine.forward import forward
    from rnnlens.engine.kernels.ready import TRACE
    from rnnlens.engine.schedule.little import runs_of_windows
    from rnnlens.engine.trace import gate_names, layer_traces, nothing_to_trace
    from rnnlens.errors import InputError
    from rnnlens.results.label import label_tree

    net = as_network(net, X, partly=True)
    sequences = [name for name in net.inputs if has_steps(net, name)]
    case = make_case(net, X, of=next(iter([*sequences, *net.inputs])), as_given=True)
    with runs_of_windows(case.network, case.inputs, TRACE, runs=2):
        run = forward(case.network, case.inputs, initial_state=initial_state)
        applied, attention = applied_traces(run), attention_traces(run)
        traces = layer_traces(run) | applied
    gates = gate_names(net) | applied_gate_names(net)
    if not traces and not attention:
        raise InputError(nothing_to_trace(net))
    coords: dict[str, dict[str, object]] = {
        name: {
            "step": range(one.hidden.shape[-2]),
            "gate": list(gates[name]),
            **({"outer_step": range(one.hidden.shape[1])} if name in applied else {}),
            **case.sample_coords(),
        }
        for name, one in traces.items()
    }
    coords |= {
        name: {
            **{axis: range(n) for axis, n in zip(ATTENTION, one.weight.shape[1:], strict=True)},
            **case.sample_coords(),
        }
        for name, one in attention.items()
    }
    return label_tree(
        {**traces, **attention},
        coords=coords,
        attrs=network_provenance(
            case.network, method="trace", extra=starting_states(net, initial_state)
        ),
        long_names={"step": "step (0 = oldest)"},
    )
