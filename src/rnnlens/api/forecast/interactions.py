"""What pairs of lags do together, and which lags are enough."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from rnnlens.api.shared.given.arguments import checked

if TYPE_CHECKING:
    import xarray as xr
    from numpy.typing import ArrayLike

    from rnnlens.api.shared.given.network_given import NetworkLike
    from rnnlens.attribution.options import Target
    from rnnlens.series.joint.windows import WindowsByInput
    from rnnlens.series.windows import Windows

__all__ = ["interactions"]


@checked()
def interactions(
    net: NetworkLike,
    X: Windows | WindowsByInput | ArrayLike | Mapping[str, ArrayLike],
    *,
    target: Target | str | int | None = None,
    baseline: str | ArrayLike | Mapping[str, str | ArrayLike] | None = None,
    held: Sequence[str] | None = None,
    newest: int = 10,
    groups: Mapping[str, Sequence[int]] | None = None,
    background: Windows | WindowsByInput | ArrayLike | Mapping[str, ArrayLike] | None = None,
    of: str | Sequence[str] | None = None,
    seed: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> xr.Dataset:
    """Say what lags do in pairs, and which few lags are enough.

    Parameters
    ----------
    net : Network, path or live model
        What `rnnlens.read` takes, or what it gave.
    X : Windows, array (sample, step, feature), or mapping of input name to array
        In the network's own units.
    target, baseline, held, background, of, seed, progress
        As in `rnnlens.explain`.
    newest : int
        Lags that are taken one by one; the older ones stand together. The cost doubles with each.
    groups : mapping of str to sequence of int, optional
        Lags that stand together, by the group's name.

    Returns
    -------
    xarray.Dataset
        ``contribution (sample, lag)``: exact Shapley values. ``interaction (sample, lag,
        with_lag)``: what lags do alone (on the diagonal) and in pairs; rows sum to the
        contributions. ``closest`` and ``farthest (sample, shown)``: the forecasts nearest to and
        furthest from the whole window's that any choice of so many lags gives, with
        ``closest_lags`` and ``farthest_lags (sample, shown, lag)`` saying which. Of several inputs
        the same by ``player`` and ``with_player``: lags of each, and static vectors.

    Raises
    ------
    DataError
        If an array or a name does not fit, or there are too many lags.

    Examples
    --------
    >>> import numpy as np, rnnlens
    >>> from rnnlens.demo.weather import demo_files
    >>> net = rnnlens.read(demo_files().network)
    >>> X = np.random.default_rng(0).normal(size=(3, 24, 10))
    >>> readings = rnnlens.interactions(net, X, target=0, newest=6)
    >>> bool(np.allclose(readings.interaction.sum("with_lag"), readings.contribution))
    True
    """
    import xarray as xr

    from rnnlens.api.shared.given.baselines import about_baseline, usual_baseline
    from rnnlens.api.shared.given.joint.baselines import baseline_of
    from rnnlens.api.shared.given.joint.making import make_case
    from rnnlens.api.shared.given.network_given import as_network
    from rnnlens.api.shared.given.target import one_target
    from rnnlens.api.shared.labels.joint import by_player
    from rnnlens.api.shared.labels.network_provenance import network_provenance
    from rnnlens.attribution.games.players import make_groups
    from rnnlens.attribution.methods.interaction import tree_readings
    from rnnlens.attribution.options import as_target
    from rnnlens.errors import DataError
    from rnnlens.results.label import label

    net = as_network(net, X)
    case = make_case(net, X, of, several=True, output=as_target(target).output)
    what, name, unit = one_target(case, target)
    stand_in, held_names = baseline_of(case, usual_baseline(case, baseline), held, background, seed)
    parts = None
    if groups and case.layout is None:
        parts = make_groups(groups, steps=case.x.shape[1], features=case.features)
    elif groups:
        raise DataError(
            "groups are of lags of one sequence, but several inputs are asked about: name one "
            "sequence with of="
        )
    readings = tree_readings(
        case.question(what, stand_in, groups=parts, newest=newest), progress=progress
    )
    values = readings.values
    coords: dict[str, object] = {
        "lag": np.arange(len(values.lag_from)) if case.layout else values.lag_from,
        "lag_to": ("lag", values.lag_to),
        "with_lag": np.arange(len(values.lag_from)) if case.layout else values.lag_from,
        "shown": np.arange(readings.subsets.closest.shape[1]),
        **case.sample_coords(name),
    }
    if values.players and case.layout is None:
        coords["player"] = ("lag", list(values.players))
    about = {"target": name, "unit": unit, "held": held_names, "cells": values.cells}
    about |= case.about_steps | case.about_inputs
    attrs = network_provenance(
        case.network,
        method="tree",
        settings={"newest": newest},
        extra=about | about_baseline(case, stand_in, background) | {"kind": "interaction"},
    )
    units: dict[str, str] = dict.fromkeys(
        ("contribution", "interaction", "closest", "farthest", "forecast", "baseline_forecast"),
        unit or "network units",
    )
    sets = [
        label(p, coords=coords, units=units)
        for p in (values, readings.interaction, readings.subsets)
    ]
    if case.layout is not None:
        sets = [by_player(one, values.players) for one in sets]
    return xr.merge(sets, join="exact", compat="equals").assign_attrs(attrs)
