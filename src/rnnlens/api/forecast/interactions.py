"""What pairs of lags do together, and which lags are enough."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from rnnlens.api.shared.given.arguments import checked
from rnnlens.api.shared.linear_algebra import one_blas_thread

if TYPE_CHECKING:
    import xarray as xr
    from numpy.typing import ArrayLike

    from rnnlens.api.shared.given.case import Case
    from rnnlens.api.shared.given.network_given import NetworkLike
    from rnnlens.attribution.games.players import PlayerGroups
    from rnnlens.attribution.options import Target
    from rnnlens.attribution.result import LagContribution
    from rnnlens.series.joint.windows import WindowsByInput
    from rnnlens.series.windows import Windows

__all__ = ["interactions"]


@checked()
@one_blas_thread
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
        the same by ``player`` and ``with_player``: lags of each, steps ahead, static vectors.

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
    from rnnlens.attribution.baselines.undefined import refuse_undefined
    from rnnlens.attribution.methods.interaction import tree_readings
    from rnnlens.attribution.options import as_target
    from rnnlens.results.label import label

    net = as_network(net, X)
    case = make_case(net, X, of, several=True, output=as_target(target).output)
    what, name, unit = one_target(case, target)
    stand_in, held_names = baseline_of(case, usual_baseline(case, baseline), held, background, seed)
    question = case.question(what, stand_in, groups=_groups(case, groups), newest=newest)
    refuse_undefined(question)
    readings = tree_readings(question, progress=progress)
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
    if case.layout is not None or case.future is not None:
        sets = [by_player(one, _titles(case, values)) for one in sets]
    return xr.merge(sets, join="exact", compat="equals").assign_attrs(attrs)


def _groups(case: Case, groups: Mapping[str, Sequence[int | str]] | None) -> PlayerGroups | None:
    """Give the lags that stand together; None where nothing is grouped."""
    from rnnlens.attribution.games.players import make_groups
    from rnnlens.errors import DataError

    if not groups:
        return None
    about = (case.future,) if case.layout is None else case.layout.inputs
    names = [one.name for one in about if one is not None]
    if names:
        raise DataError(
            f"groups are of lags of one sequence, but what is asked about is {', '.join(names)}: "
            "name one sequence with of="
        )
    return make_groups(groups, steps=case.x.shape[1], features=case.features)


def _titles(case: Case, values: LagContribution) -> Sequence[str]:
    """Name the players of several inputs, or the steps of a known future."""
    ahead = case.future
    if ahead is None:
        return values.players
    spans = zip(values.lag_from.tolist(), values.lag_to.tolist(), strict=True)
    return [ahead.title(ahead.steps - last, ahead.steps - first) for first, last in spans]
