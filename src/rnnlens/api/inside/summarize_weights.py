"""The weights of recurrent layers as numbers worth reading."""

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

__all__ = ["summarize_weights"]


@checked()
@one_blas_thread
def summarize_weights(
    net: NetworkLike,
    X: Windows | WindowsByInput | ArrayLike | Mapping[str, ArrayLike] | None = None,
    *,
    target: Target | str | int | None = None,
    of: str | Sequence[str] | None = None,
) -> xr.DataTree:
    """Measure the weights of every recurrent layer by gate, and what its units do with data.

    `rnnlens.weights` gives the arrays themselves. Which number answers which question is in
    ``docs/weights.md``.

    Parameters
    ----------
    net : Network, path or live model
        What `rnnlens.read` takes, or what it gave.
    X : Windows, array (sample, step, feature), or mapping of input name to array, optional
        In the network's own units. Without it only what the weights themselves say is given.
    target, of
        As in `rnnlens.explain`: the forecast that units influence, and the input that holds the
        windows. Without ``X`` they say nothing.

    Returns
    -------
    xarray.DataTree
        One node a recurrent layer and direction. By gate: ``input_frobenius``, ``input_spectral``,
        ``recurrent_frobenius``, ``recurrent_spectral``, ``spectral_radius``, ``bias_low``,
        ``bias_mean`` and ``bias_high (gate)``, ``input_singular_value (gate, rank)`` and
        ``recurrent_singular_value (gate, recurrent_rank)``. By unit: ``copy_of`` and ``copy_sign
        (unit)``, -1 and 0 for units that copy none. With data ``gate_mean``, ``closed`` (below
        0.1), ``open`` (above 0.9) and ``saturated (gate, unit)``, shares of steps, for candidates
        the share at which their size is above 0.9; ``hidden_spread``, ``constant``, ``dead``,
        ``moves_with``, ``correlation``, ``influence`` and ``influence_rank (unit)``. The influence
        is by derivatives: the mean size of what reaches the forecast through the unit's gates, to
        first order, in the target's own unit. The attribute ``summary`` says it in words.

    Raises
    ------
    InputError
        If the network has no recurrent layer of a cell that has a name.
    DataError
        If an array does not fit the network.

    Examples
    --------
    >>> import numpy as np, rnnlens
    >>> from rnnlens.demo.weather import demo_files
    >>> net = rnnlens.read(demo_files().network)
    >>> lstm = rnnlens.summarize_weights(net)["lstm"]
    >>> dict(lstm["input_singular_value"].sizes)
    {'gate': 4, 'rank': 10}
    >>> X = np.random.default_rng(0).normal(size=(20, 24, 10))
    >>> lstm = rnnlens.summarize_weights(net, X, target=0)["lstm"]
    >>> int(lstm["dead"].sum()), lstm["open"].dims
    (0, ('gate', 'unit'))
    """
    from rnnlens.api.shared.given.network_given import as_network
    from rnnlens.api.shared.labels.weights import summary_tree
    from rnnlens.api.shared.weights_question import asked_of_weights, refuse_without_cells
    from rnnlens.dynamics.weights.summary import summarized

    net = as_network(net, X)
    refuse_without_cells(net)
    asked = None if X is None else asked_of_weights(net, X, target, of)
    question = None if asked is None else asked.question
    return summary_tree(net, asked, summarized(net if asked is None else asked.network, question))
