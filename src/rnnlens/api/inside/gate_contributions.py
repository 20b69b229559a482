"""Which gate carried the change of a forecast, and when."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
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

__all__ = ["gate_contributions"]


@checked()
@one_blas_thread
def gate_contributions(
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
    progress: Callable[[int, int], None] | None = None,
) -> xr.Dataset:
    """Split the change of each forecast by the gate that carried it, exactly: gate x lag x unit.

    Players are the gates of one layer at each step, each at its value on the window or on the
    baseline. The state that they carry is multilinear in them, so that Shapley values are exact
    (Owen 1972); an LSTM's output gate and what it lets through share their product evenly, and a
    head that bends is passed by its secants. This says which gate carried the change, at the values
    that the gates took; `paths` says through which gate the inputs entered.

    Parameters
    ----------
    net : Network, path or live model
        What `rnnlens.read` takes, or what it gave.
    X : Windows, array (sample, step, feature), or mapping of input name to array
        In the network's own units.
    layer : str, optional
        Full name of an LSTM or a GRU that is read at one step; may be left out where there is one
        recurrent layer.
    target, baseline, held, background, of, seed
        As in `rnnlens.explain`.
    progress : callable, optional
        Called with windows done and windows in all.

    Returns
    -------
    xarray.Dataset
        ``contribution (sample, lag, gate, unit)`` in the target's own unit; ``forecast``,
        ``baseline_forecast`` and, as what does not pass through this layer, ``elsewhere
        (sample)``. A GRU's players are its update gate and its candidate: its reset gate acts
        within the candidate.

    Raises
    ------
    DataError
        If an array, a name or the baseline does not fit.
    InputError
        If there is no such layer.
    UnsupportedModel
        If the layer has no gates, or its state is read at several steps.

    Examples
    --------
    >>> import numpy as np, rnnlens
    >>> from rnnlens.demo.weather import demo_files
    >>> net = rnnlens.read(demo_files().network)
    >>> X = np.random.default_rng(0).normal(size=(5, 24, 10))
    >>> carried = rnnlens.gate_contributions(net, X, target=0)
    >>> carried.contribution.dims, bool(abs(carried.elsewhere).max() < 1e-9)
    (('sample', 'lag', 'gate', 'unit'), True)
    """
    from rnnlens.api.shared.given.inside.change import asked_of_change
    from rnnlens.api.shared.labels.inside import by_step_of, labelled
    from rnnlens.attribution.inside import gate_contributions as method
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
    split = method.gate_contributions(asked.question, layer=place.name, progress=progress)
    coords: dict[str, object] = {
        "lag": np.arange(1, split.contribution.shape[1] + 1),
        "gate": list(method.GATES[place.layer.cell.kind]),
    }
    found = labelled(case, split, "gate_contributions", about, coords)
    return by_step_of(case, place, found)
