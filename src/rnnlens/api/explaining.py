"""How much of a forecast came from each lag and feature, and how much of all forecasts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from rnnlens.errors import DataError, InputError

if TYPE_CHECKING:
    import xarray as xr
    from numpy.typing import ArrayLike

    from rnnlens.network.network import Network
    from rnnlens.series.windows import Windows

__all__ = ["METHODS", "explain", "lags"]

#: The methods of `explain`.
METHODS = ("secant", "tree", "gradient")

#: Mahalanobis place beyond which a baseline is flagged as unlike the data.
UNUSUAL = 0.99


def explain(
    net: Network,
    X: Windows | ArrayLike | Mapping[str, ArrayLike],
    *,
    target: str | int | None = None,
    horizon: int | None = None,
    output: int | str = 0,
    method: str = "secant",
    baseline: str | ArrayLike = "mean",
    held: Sequence[str] | None = None,
    newest: int = 12,
    background: Windows | ArrayLike | None = None,
    of: str | None = None,
    seed: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> xr.Dataset:
    """Split each forecast into signed contributions that sum to it.

    Parameters
    ----------
    net : Network
        The network.
    X : Windows, array (sample, step, feature), or mapping of input name to array
        In the network's own units. `Windows` bring names, units, times and the scaler; plain arrays
        are explained in the network's own units.
    target : str or int, optional
        What is explained, by name or number; may be left out where there is one.
    horizon : int, optional
        Which future step, from 1, where the output has several.
    output : int or str
        Which of the network's outputs, by number or layer name.
    method : {"secant", "tree", "gradient"}
        ``secant``: contributions by lag and feature at the cost of four runs. ``tree``: exact
        Shapley values of the newest lags, all older ones together. ``gradient``: derivatives, which
        do not sum and are called sensitivities.
    baseline : str or array
        What stands in for hidden inputs: ``zero``, ``mean``, ``persistence``, ``background``, or an
        array ``(feature,)``, ``(step, feature)`` or ``(background, step, feature)`` in the
        network's own units. It is part of the answer.
    held : sequence of str, optional
        Features that keep their values when others are hidden (calendar, markers); those of the
        windows where not given.
    newest : int
        Lags that the tree takes one by one.
    background : Windows or array (window, step, feature), optional
        The data for the baselines ``mean`` and ``background``; the explained windows where not
        given.
    of : str, optional
        The input that is explained, where the network has several; the others keep their values.
    seed : int
        Of the draw of background windows.
    progress : callable, optional
        Called by the tree with windows done and windows in all.

    Returns
    -------
    xarray.Dataset
        ``contribution (sample, lag, feature)`` (``(sample, lag)`` for the tree) in the target's own
        unit, ``forecast``, ``baseline_forecast`` and ``residual (sample)``, ``actual (sample)``
        where known; ``sensitivity`` for the gradient. Lag 1 is the newest step fed in; ``lag_to``
        is the last lag of a group. Attributes name target, unit, method, baseline and largest
        residual.

    Raises
    ------
    DataError
        If an array, a name or the baseline does not fit.
    InputError
        If the method is unknown.
    NotAdditive
        If contributions do not sum to the change of the forecast.

    Examples
    --------
    >>> import numpy as np, rnnlens
    >>> from rnnlens.demo.weather import demo_files
    >>> net = rnnlens.read(demo_files().network)
    >>> X = np.random.default_rng(0).normal(size=(5, 24, 10))
    >>> found = rnnlens.explain(net, X, target=0)
    >>> change = found.forecast - found.baseline_forecast
    >>> bool(np.allclose(found.contribution.sum(["lag", "feature"]), change))
    True
    """
    from rnnlens.api.case import make_case
    from rnnlens.attribution.baseline import make_baseline, unusual
    from rnnlens.attribution.gradient import gradient
    from rnnlens.attribution.masks import real_steps
    from rnnlens.attribution.secant import secant
    from rnnlens.attribution.shapley_tree import shapley_tree
    from rnnlens.engine.forward import forward
    from rnnlens.series.windows import Windows

    if method not in METHODS:
        raise InputError(f"no method is called {method!r}: give one of {', '.join(METHODS)}")
    case = make_case(net, X, of)
    what, name, unit = case.target(target, horizon, output)
    places, held_names = case.held(held)
    about = {"target": name, "unit": unit, "held": held_names}
    if method == "gradient":
        return _label(case, gradient(net, case.inputs, what, of=case.of), method, about)
    # Only the baseline that holds the newest real step asks for masks ahead of the runs themselves.
    ahead = isinstance(baseline, str) and baseline == "persistence" and _masks(net)
    real = real_steps(forward(net, case.inputs), case.of) if ahead else None
    if isinstance(background, Windows):
        background = background.values
    data = None if background is None else np.asarray(background, dtype=np.float64)
    if data is not None:
        data = data.reshape(*data.shape[:2], -1)
    stand_in = make_baseline(baseline, case.x, real=real, held=places, background=data, seed=seed)
    place = unusual(stand_in, case.x)
    about |= {"baseline": stand_in.text, "baseline_place": place, "unusual": place > UNUSUAL}
    if method == "tree":
        found = shapley_tree(
            net, case.inputs, what, stand_in, of=case.of, newest=newest, progress=progress
        )
        about |= {"cells": found.cells}
    else:
        found = secant(net, case.inputs, what, stand_in, of=case.of)
    about |= {"max_residual": float(np.abs(found.residual).max())}
    return _label(case, found, method, about)


def _masks(net: Network) -> bool:
    from rnnlens.network.layers import Embedding, Masking

    return any(isinstance(node.layer, Masking | Embedding) for node in net.nodes)


def _label(case: Any, found: Any, method: str, about: dict[str, Any]) -> xr.Dataset:
    from rnnlens.results.label import label
    from rnnlens.results.provenance import provenance

    additive = method != "gradient"
    array = found.contribution if additive else found.sensitivity
    count = array.shape[1]
    lag_from = getattr(found, "lag_from", np.arange(1, count + 1))
    lag_to = getattr(found, "lag_to", np.arange(1, count + 1))
    coords: dict[str, Any] = {"lag": lag_from, "lag_to": ("lag", lag_to), **case.sample_coords()}
    if array.ndim == 3:
        coords["feature"] = list(case.features)
    kind = "contribution" if additive else "sensitivity"
    settings = {"newest": count - 1} if method == "tree" else {}
    windows = case.windows
    step = "" if windows is None else windows.step
    extra = {**about, "kind": kind, "step": step, "lead": "" if windows is None else windows.lead}
    name, unit = about["target"], about["unit"] or "network units"
    result = label(
        found,
        coords=coords,
        attrs=provenance(method=method, settings=settings, **case.attributes(), extra=extra),
        long_names={
            "contribution": f"contribution to {name}",
            "sensitivity": f"sensitivity of {name}",
            "forecast": f"forecast of {name}",
            "baseline_forecast": f"forecast of {name} for the baseline",
            "residual": "what the contributions leave unexplained",
            "lag": "lag (1 = newest step fed in)",
            "lag_to": "last lag of the group",
            "time": "time that the forecast is for",
            "issued": "time of the newest step fed in",
        },
        units={
            "contribution": unit,
            "sensitivity": f"{unit} per network unit",
            "forecast": unit,
            "baseline_forecast": unit,
            "residual": unit,
        },
    )
    if windows is not None and windows.actual is not None and about["target"] in windows.targets:
        actual = windows.actual[:, windows.targets.index(about["target"])]
        result["actual"] = ("sample", actual, {"long_name": f"{name} as it came", "units": unit})
    return result


def lags(
    net: Network,
    X: Windows | ArrayLike | Mapping[str, ArrayLike],
    *,
    target: str | int | None = None,
    horizon: int | None = None,
    output: int | str = 0,
    method: str = "secant",
    baseline: str | ArrayLike = "mean",
    held: Sequence[str] | None = None,
    newest: int = 12,
    background: Windows | ArrayLike | None = None,
    of: str | None = None,
    confidence: float = 0.95,
    draws: int = 1000,
    seed: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> xr.Dataset:
    """Give each lag's share in what moved the forecasts, with a block-bootstrap interval.

    ``share_k = mean |contribution_k| / sum over lags of mean |contribution|``, a lag's contribution
    being the sum over its features.

    Parameters
    ----------
    net, X, target, horizon, output, baseline, held, newest, background, of, progress
        As in `explain`.
    method : {"secant", "tree"}
        As in `explain`.
    confidence : float
        Coverage of the interval.
    draws : int
        Bootstrap draws.
    seed : int
        Of the draws, and of background windows.

    Returns
    -------
    xarray.Dataset
        ``share``, ``share_low``, ``share_high``, ``mean_contribution`` and ``mean_size`` (lag).
        Shares sum to one.

    Raises
    ------
    DataError
        If an array or a name does not fit, or there are fewer than 10 windows.
    InputError
        If the method does not give contributions.

    Examples
    --------
    >>> import numpy as np, rnnlens
    >>> from rnnlens.demo.weather import demo_files
    >>> net = rnnlens.read(demo_files().network)
    >>> table = rnnlens.lags(net, np.random.default_rng(0).normal(size=(40, 24, 10)), target=0)
    >>> dict(table.sizes), round(float(table.share.sum()), 12)
    ({'lag': 24}, 1.0)
    """
    if method not in {"secant", "tree"}:
        raise InputError(f"lags needs contributions, method 'secant' or 'tree', not {method!r}")
    explained = explain(
        net,
        X,
        target=target,
        horizon=horizon,
        output=output,
        method=method,
        baseline=baseline,
        held=held,
        newest=newest,
        background=background,
        of=of,
        seed=seed,
        progress=progress,
    )
    return shares_of(explained, confidence=confidence, draws=draws, seed=seed)


def shares_of(
    explained: xr.Dataset, *, confidence: float = 0.95, draws: int = 1000, seed: int = 0
) -> xr.Dataset:
    """Give each lag's share from contributions that are there already.

    Parameters
    ----------
    explained : xarray.Dataset
        A result of `explain` with contributions.
    confidence : float
        Coverage of the interval.
    draws, seed : int
        Of the bootstrap.

    Returns
    -------
    xarray.Dataset
        As `lags` gives it.

    Raises
    ------
    DataError
        If the result holds sensitivities, or fewer than 10 windows.
    """
    from rnnlens.attribution.share import lag_share
    from rnnlens.results.label import label

    if "contribution" not in explained:
        raise DataError("shares need contributions, but this result holds sensitivities")
    contribution = explained["contribution"]
    if "feature" in contribution.dims:
        contribution = contribution.sum("feature")
    found = lag_share(contribution.values, confidence=confidence, draws=draws, seed=seed)
    unit = explained.attrs["unit"] or "network units"
    return label(
        found,
        coords={"lag": explained["lag"].values, "lag_to": ("lag", explained["lag_to"].values)},
        attrs={
            **explained.attrs,
            "kind": "share",
            "samples": explained.sizes["sample"],
            "confidence": confidence,
            "draws": draws,
            "seed": seed,
        },
        keep=("block_length",),
        long_names={
            "share": "share in what moved the forecast",
            "share_low": "lower end of the interval",
            "share_high": "upper end of the interval",
            "mean_contribution": "mean contribution",
            "mean_size": "mean absolute contribution",
            "lag": "lag (1 = newest step fed in)",
        },
        units={"share": "1", "mean_contribution": unit, "mean_size": unit},
    )
