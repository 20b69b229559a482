"""Two networks, or two epochs of one, side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from rnnlens.api.shared.given.arguments import checked
from rnnlens.api.shared.linear_algebra import one_blas_thread

if TYPE_CHECKING:
    import xarray as xr
    from numpy.typing import ArrayLike

    from rnnlens.api.shared.given.network_given import NetworkLike
    from rnnlens.attribution.options import Target
    from rnnlens.series.joint.windows import WindowsByInput
    from rnnlens.series.windows import Windows

__all__ = ["compare_weights"]


@checked()
@one_blas_thread
def compare_weights(
    net: NetworkLike,
    other: NetworkLike,
    X: Windows | WindowsByInput | ArrayLike | Mapping[str, ArrayLike] | None = None,
    *,
    target: Target | str | int | None = None,
    of: str | Sequence[str] | None = None,
) -> xr.DataTree:
    """Put the weights of two networks, or of two epochs of one, side by side, units matched.

    The units of a layer may stand in any order and, with an odd activation, each with either sign,
    and the network computes the same. So each unit is matched with its partner by the best
    assignment: by their hidden states where data are given, by their incoming weights otherwise.

    Parameters
    ----------
    net, other : Network, path or live model
        What `rnnlens.read` takes, or what it gave: as many recurrent layers, of the same kinds.
    X : Windows, array (sample, step, feature), or mapping of input name to array, optional
        In the networks' own units, which must be the same.
    target, of
        As in `rnnlens.explain`. Without ``X`` they say nothing.

    Returns
    -------
    xarray.DataTree
        One node a recurrent layer and direction, by the names of the first network. The norms,
        radii and biases of `rnnlens.summarize_weights` as ``(network, gate)``;
        ``input_difference``, ``recurrent_difference`` and ``bias_difference (gate)``, the norm of
        the difference once units are matched, in parts of the first network's norm; ``partner``,
        ``sign``, ``distance`` and ``distance_as_they_stand (unit)``. With data ``gate_mean`` and
        ``saturated (network, gate)``, ``state_correlation (unit)`` and ``influence (network,
        unit)``. The attribute ``matched_by`` says by what units were matched, ``summary`` the rest
        in words, and ``not_given`` what is missing of a layer, and why.

    Raises
    ------
    InputError
        If a network has no recurrent layer of a cell that has a name, or their layers are of other
        kinds.
    DataError
        If an array does not fit a network.

    Examples
    --------
    >>> import rnnlens
    >>> from rnnlens.demo.weather import demo_files
    >>> net = rnnlens.read(demo_files().network)
    >>> lstm = rnnlens.compare_weights(net, net)["lstm"]
    >>> float(lstm["distance"].max()), lstm["partner"].values[:3].tolist()
    (0.0, [0, 1, 2])
    """
    from rnnlens.api.shared.given.network_given import as_network
    from rnnlens.api.shared.labels.weights import comparison_tree
    from rnnlens.api.shared.weights_question import (
        asked_of_weights,
        refuse_of_other_kinds,
        refuse_without_cells,
    )
    from rnnlens.dynamics.weights.comparison import compared

    net, other = as_network(net, X), as_network(other, X)
    for one in (net, other):
        refuse_without_cells(one)
    refuse_of_other_kinds(net, other)
    if X is None:
        return comparison_tree((net, other), None, compared(net, other, None))
    asked, second = (asked_of_weights(one, X, target, of) for one in (net, other))
    found = compared(asked.network, second.network, (asked.question, second.question))
    return comparison_tree((net, other), asked, found)
