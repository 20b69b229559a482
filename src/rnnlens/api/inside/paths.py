"""Through which gate contributions entered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from rnnlens.api.shared.given.arguments import checked
from rnnlens.api.shared.linear_algebra import one_blas_thread

if TYPE_CHECKING:
    import xarray as xr
    from numpy.typing import ArrayLike

    from rnnlens.api.shared.given.network_given import NetworkLike
    from rnnlens.attribution.options import Target
    from rnnlens.series.joint.windows import WindowsByInput
    from rnnlens.series.windows import Windows

__all__ = ["paths"]


@checked()
@one_blas_thread
def paths(
    net: NetworkLike,
    X: Windows | WindowsByInput | ArrayLike | Mapping[str, ArrayLike],
    *,
    layer: str | None = None,
    target: Target | str | int | None = None,
    baseline: str | ArrayLike | None = None,
    held: Sequence[str] | None = None,
    background: Windows | WindowsByInput | ArrayLike | None = None,
    of: str | None = None,
    seed: int = 0,
) -> xr.Dataset:
    """Split the contributions that pass through a layer by the gate by which they entered.

    Parameters
    ----------
    net : Network, path or live model
        What `rnnlens.read` takes, or what it gave.
    X : Windows, array (sample, step, feature), or mapping of input name to array
        In the network's own units.
    layer : str, optional
        Full name of the recurrent layer; may be left out where there is one.
    target, baseline, held, background, of, seed
        As in `rnnlens.explain`.

    Returns
    -------
    xarray.Dataset
        ``contribution (sample, lag, feature, gate)`` in the target's own unit, summed over gates
        what the secant method gives; ``forecast``, ``baseline_forecast`` and, as what does not
        enter through this layer, ``elsewhere (sample)``. Lags and features are those of the
        layer's own input.

    Raises
    ------
    DataError
        If an array, a name or the baseline does not fit.
    InputError
        If there is no such layer.

    Examples
    --------
    >>> import numpy as np, rnnlens
    >>> from rnnlens.demo.weather import demo_files
    >>> net = rnnlens.read(demo_files().network)
    >>> X = np.random.default_rng(0).normal(size=(5, 24, 10))
    >>> by_gate = rnnlens.paths(net, X, target=0).contribution
    >>> whole = rnnlens.explain(net, X, target=0, method="secant").contribution
    >>> by_gate.gate.values.tolist(), bool(np.allclose(by_gate.sum("gate"), whole))
    (['input', 'forget', 'cell', 'output'], True)
    """
    from rnnlens.api.shared.given.inside.change import asked_of_change
    from rnnlens.api.shared.labels.inside import by_step_of, labelled
    from rnnlens.attribution.inside import paths as method
    from rnnlens.engine.recurrent_layers import locate_layer

    asked = asked_of_change(
        net,
        X,
        target=target,
        baseline=baseline,
        held=held,
        background=background,
        of=of,
        seed=seed,
    )
    case, place = asked.case, locate_layer(asked.case.network, layer)
    about = {**asked.about, "layer": place.name}
    split = method.paths(asked.question, layer=place.name)
    coords: dict[str, object] = {
        "lag": np.arange(1, split.contribution.shape[1] + 1),
        "gate": list(place.layer.cell.gates),
    }
    if place.node.inputs[0] == (case.of, 0):
        coords["feature"] = list(case.features)
    found = labelled(case, split, "paths", about, coords)
    return by_step_of(case, place, found)
