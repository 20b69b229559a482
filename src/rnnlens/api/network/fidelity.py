"""Proving that a network was read right."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from rnnlens.api.shared.given.arguments import checked

if TYPE_CHECKING:
    import xarray as xr
    from numpy.typing import ArrayLike

    from rnnlens.api.shared.given.network_given import NetworkLike
    from rnnlens.series.joint.windows import WindowsByInput
    from rnnlens.series.windows import Windows

__all__ = ["fidelity"]


@checked()
def fidelity(
    net: NetworkLike,
    source: object,
    X: Windows | WindowsByInput | ArrayLike | Mapping[str, ArrayLike],
    *,
    against: str | None = None,
) -> xr.Dataset:
    """Prove that the network was read right: compare it with its source on the same windows.

    Parameters
    ----------
    net : Network, path or live model
        The network as read, or what `rnnlens.read` takes.
    source : live model, path, or array or sequence of arrays (sample, ...)
        What it was read from (a path needs Keras or onnxruntime), or the outputs that it gave
        for these windows.
    X : Windows, array (sample, step, feature), or mapping of input name to array
        In the network's own units.
    against : str, optional
        What to call the source in the result.

    Returns
    -------
    xarray.Dataset
        ``largest_difference (target)`` and the numbers ``largest``, ``tolerance``, ``agrees``,
        ``samples`` as attributes, with ``against``: what ran, and ``rounds``: what the source
        rounds to where that is coarser than single precision, which the tolerance includes. Where
        it agrees, what was assumed when the network was read is shown, and later results of it do
        not say so any more.

    Raises
    ------
    DataError
        If the outputs do not have the shapes of the network's.
    InputError
        If the source is neither a model that can be run nor an array.
    MissingLibrary
        If the source is a path and the library that runs it is not installed.
    """
    from rnnlens.api.shared.given.joint.by_input import arrays_for
    from rnnlens.api.shared.given.network_given import as_network
    from rnnlens.api.shared.given.steps import values_for
    from rnnlens.api.shared.labels.network_provenance import network_provenance
    from rnnlens.checks.fidelity import fidelity as compare
    from rnnlens.network.network import mark_shown
    from rnnlens.results.label import label
    from rnnlens.series.joint.windows import WindowsByInput
    from rnnlens.series.windows import Windows

    net = as_network(net, X)
    given = values_for(net, X) if isinstance(X, Windows) else X
    if isinstance(given, WindowsByInput):
        given = arrays_for(net, given)
    compared = compare(net, source, given, against=against)
    if compared.agrees:
        mark_shown(net.origin)
    named = isinstance(X, Windows | WindowsByInput) and len(X.targets) == len(
        compared.largest_difference
    )
    return label(
        compared,
        coords={"target": list(X.targets)}
        if isinstance(X, Windows | WindowsByInput) and named
        else {},
        attrs=network_provenance(
            net,
            method="fidelity",
        ),
        keep=("largest", "tolerance", "agrees", "samples", "against", "rounds"),
    )
