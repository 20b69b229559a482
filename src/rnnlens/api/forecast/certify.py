"""How far a forecast can move while one lag runs through a range: proven, not sampled."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from rnnlens.errors import DataError, InputError

if TYPE_CHECKING:
    import xarray as xr
    from numpy.typing import ArrayLike, NDArray

    from rnnlens.api.shared.case import Case
    from rnnlens.attribution.target import ResolvedTarget
    from rnnlens.network.network import Network
    from rnnlens.series.windows import Windows

    Ends = tuple[NDArray[np.float64], NDArray[np.float64]]

__all__ = ["certify"]

#: Share of the forecasts' standard deviation that does not matter, unless a tolerance is given.
TOLERANCE = 0.01


def certify(  # noqa: PLR0913 - each is a choice of its own
    net: Network,
    X: Windows | ArrayLike | Mapping[str, ArrayLike],
    *,
    lag: int | Sequence[int],
    features: str | int | Sequence[str | int] | None = None,
    range: float | tuple[float, float] | Mapping[str, Any] | None = None,
    quantiles: tuple[float, float] = (0.001, 0.999),
    tolerance: float | None = None,
    target: str | int | None = None,
    horizon: int | None = None,
    output: int | str = 0,
    background: Windows | ArrayLike | None = None,
    gap: float | None = None,
    budget: int | None = None,
    deviation: float = 0.0,
    source: Any = None,
    of: str | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> xr.Dataset:
    """Prove how far each forecast can move while one lag's features run through a range.

    For every window and lag: a bound that no value in the range exceeds, all other inputs as they
    are, and a change that some value attains. The verdict is ``proven`` where the bound is within
    the tolerance, ``refuted`` where a value moves the forecast further, ``undecided`` where the
    budget ended before, and ``structural`` where the weights alone keep the features from the
    forecast. It is a statement about this network and these windows, not about the world; how the
    bound is made to hold to the last bit is in ``docs/soundness.md``.

    Parameters
    ----------
    net : Network
        The network.
    X : Windows, array (sample, step, feature), or mapping of input name to array
        The windows, in the network's own units.
    lag : int or sequence of int
        Which lags, 1 the newest step; each is a question of its own.
    features : str, int or sequence of them, optional
        Which features of the lag are free, together; all that are not held where not given. One to
        three are decided, more may stay undecided.
    range : float, pair of float, or mapping of feature to either, optional
        In the feature's own unit: one number is the error of a sensor, added to and taken off the
        window's own value; two are the ends of the range, which must hold it. Where not given, the
        quantiles of the data, widened to hold it.
    quantiles : tuple of float
        Which quantiles of the background a range goes from and to, where none is given.
    tolerance : float, optional
        The change that does not matter, in the target's own unit; 1 % of the standard deviation of
        the background's forecasts where not given.
    target, horizon, output, of
        As in `rnnlens.explain`.
    background : Windows or array (sample, step, feature), optional
        The data that quantiles and the usual tolerance are taken from; `X` where not given.
    gap : float, optional
        Where a larger change was attained, how near to it the bound is brought; the tolerance where
        not given, infinity to stop at the counter-example.
    budget : int, optional
        Boxes that a question may take; 2000 where not given.
    deviation : float
        By how much the framework that the network came from was seen to differ from exact
        arithmetic, in the target's own unit; twice this is added to every bound. It is measured,
        not proven.
    source : live model, path, or array or sequence of arrays (sample, ...), optional
        What the network was read from, or the outputs that it gave for these windows: the deviation
        is measured against it, at the windows as they are and (where it can be run) at the ends of
        every range.
    progress : callable, optional
        Called with questions answered and questions in all.

    Returns
    -------
    xarray.Dataset
        ``bound``, ``attained``, ``verdict`` and ``boxes (sample, lag)``, ``value``, ``low`` and
        ``high (sample, lag, feature)``, ``forecast (sample)``; by lag how many windows have each
        verdict, the ``worst`` window, ``largest_bound`` and ``largest_attained``. Changes are in
        the target's own unit, values in the features'.

    Raises
    ------
    DataError
        If a lag, a feature, a range or an array does not fit.
    InputError
        If the tolerance is not above zero, or another option is out of its range.

    Examples
    --------
    >>> import numpy as np, rnnlens
    >>> from rnnlens.demo.weather import demo_files
    >>> net = rnnlens.read(demo_files().network)
    >>> X = np.random.default_rng(0).normal(size=(4, 24, 10))
    >>> found = rnnlens.certify(net, X, lag=[1, 20], features=5, range=0.5, target=0)
    >>> bool((found.attained <= found.bound).all()), found.verdict.dims
    (True, ('sample', 'lag'))
    >>> found.attrs["range"]
    'feature 5: own value +- 0.5'
    """
    from rnnlens.api.shared.case import make_case
    from rnnlens.api.shared.certificate_deviation import measured_deviation
    from rnnlens.evidence.proof.certificate import BUDGET
    from rnnlens.evidence.proof.certificate import certify as prove

    case = make_case(net, X, of)
    if case.inputs[case.of].ndim != 3:
        raise DataError(f"a certificate needs windows (step, feature), and {case.of!r} has tokens")
    what, name, unit = case.target(target, horizon, output)
    lags = [lag] if isinstance(lag, int | np.integer) else list(lag)
    free = free_features(case, features)
    data = data_of(case, background)
    ends, text = ranges_of(case, lags, free, range, quantiles, data)
    size = usual_tolerance(case, what, data) if tolerance is None else float(tolerance)
    against = "as given" if deviation else "not measured"
    if source is not None:
        if deviation:
            raise InputError("give a deviation, or a source to measure it against, not both")
        deviation, against = measured_deviation(
            case, source, what, lags=lags, features=free, ends=ends
        )
    found = prove(
        net,
        case.inputs,
        what,
        of=case.of,
        lags=lags,
        features=free,
        low=ends[0],
        high=ends[1],
        tolerance=size,
        gap=gap,
        budget=BUDGET if budget is None else budget,
        deviation=deviation,
        progress=progress,
    )
    about = {"target": name, "unit": unit, "range": text, "deviation_against": against}
    return _labelled(case, found, lags, free, about)


def free_features(case: Case, given: str | int | Sequence[str | int] | None) -> list[int]:
    if given is None:
        held, names = case.held(None)
        if len(held) == len(case.features):
            raise DataError(f"every feature is held ({', '.join(names)}): name those to be free")
        return [k for k, _ in enumerate(case.features) if k not in held]
    chosen = [given] if isinstance(given, str | int | np.integer) else list(given)
    return [_feature(case, one) for one in chosen]


def _feature(case: Case, given: str | int) -> int:
    if isinstance(given, str) and given in case.features:
        return case.features.index(given)
    if not isinstance(given, str) and 0 <= given < len(case.features):
        return int(given)
    raise DataError(f"no feature is called {given!r}: give one of {', '.join(case.features)}")


def data_of(case: Case, background: Any) -> NDArray[np.float64]:
    from rnnlens.engine.forward import entries
    from rnnlens.series.windows import Windows

    if background is None:
        return case.inputs[case.of]
    values = background.values if isinstance(background, Windows) else background
    if len(case.inputs) == 1:
        return entries(case.network, values)[case.of]
    array = np.asarray(values, float)
    if array.ndim != 3 or array.shape[2] != case.x.shape[2]:
        raise DataError(f"the background must be (sample, step, {case.x.shape[2]})")
    return array


def usual_tolerance(case: Case, target: ResolvedTarget, data: NDArray[np.float64]) -> float:
    from rnnlens.engine.forward import predict

    inputs = {case.of: data} if len(case.inputs) == 1 else case.inputs
    outputs = predict(case.network, inputs)
    size = float(target.pick(outputs if isinstance(outputs, tuple) else (outputs,)).std())
    if not size > 0:
        raise DataError("the forecasts of these windows do not differ: give a tolerance")
    return TOLERANCE * size


def ranges_of(
    case: Case,
    lags: Sequence[int],
    free: list[int],
    given: Any,
    quantiles: tuple[float, float],
    data: NDArray[np.float64],
) -> tuple[Ends, str]:
    """Give the ends of every range in the network's own units, and say what they are."""
    from rnnlens.evidence.proof.ranges import checked_places

    steps, count = case.x.shape[1:]
    checked_places((steps, count), lags, free)
    own = case.x[:, [steps - lag for lag in lags]][:, :, free]
    stated = _stated(case, free, given)
    low, high, texts = np.empty_like(own), np.empty_like(own), []
    for k, feature in enumerate(free):
        part = own[:, :, k : k + 1]
        ends, text = _range(case, feature, part, lags, stated[k], quantiles, data)
        low[:, :, k : k + 1], high[:, :, k : k + 1] = ends
        texts.append(f"{case.features[feature]}: {text}")
    return (low, high), "; ".join(texts)


def _stated(case: Case, free: list[int], given: Any) -> list[Any]:
    if not isinstance(given, Mapping):
        return [given] * len(free)
    names = [case.features[feature] for feature in free]
    for name in given:
        if name not in names:
            raise DataError(
                f"a range is given for {name!r}, which is not free: free are {', '.join(names)}"
            )
    return [given.get(name) for name in names]


def _range(  # noqa: PLR0917
    case: Case,
    feature: int,
    own: NDArray[np.float64],
    lags: Sequence[int],
    given: Any,
    quantiles: tuple[float, float],
    data: NDArray[np.float64],
) -> tuple[Ends, str]:
    from rnnlens.evidence.proof.ranges import around, between_quantiles

    if given is None:
        ends = between_quantiles(data, own, [feature], quantiles)
        low, high = (f"{100 * share:g}" for share in quantiles)
        return ends, f"{low} to {high} % of the data"
    scaling = None if case.windows is None else case.windows.feature_scaling[[feature]]
    unit = "" if case.windows is None else f" {case.windows.units[feature]}"
    numbers = np.asarray(given, float)
    if numbers.ndim == 0:
        error = numbers if scaling is None else numbers / scaling.scale
        return around(own, error), f"own value +- {float(numbers):g}{unit}"
    if numbers.shape != (2,):
        raise InputError(
            f"a range is one number (the error of a sensor) or two (its ends), not {given!r}"
        )
    text = f"{numbers[0]:g} to {numbers[1]:g}{unit}"
    _check_ends(own if scaling is None else scaling.undo(own), numbers, lags, unit, case, feature)
    ends = numbers[:, None] if scaling is None else scaling.apply(numbers[:, None])
    return (ends[0], ends[1]), text


def _check_ends(
    own: NDArray[np.float64],
    ends: NDArray[np.float64],
    lags: Sequence[int],
    unit: str,
    case: Case,
    feature: int,
) -> None:
    """Refuse ends that are empty or do not hold a window's own value, in the user's own units."""
    low, high = (float(end) for end in ends)
    name = case.features[feature]
    if not low < high:
        raise DataError(f"the range of {name} is empty: it goes from {low:g} to {high:g}{unit}")
    outside = np.argwhere((own < low) | (own > high))
    if len(outside):
        n, k = int(outside[0][0]), int(outside[0][1])
        raise DataError(
            f"the range from {low:g} to {high:g}{unit} does not hold the own value "
            f"{own[n, k, 0]:.4g}{unit} of {name} in window {n} at lag {lags[k]}: a certificate "
            "compares with it"
        )


def _labelled(
    case: Case, found: Any, lags: Sequence[int], free: list[int], about: dict[str, Any]
) -> xr.Dataset:
    from dataclasses import replace

    from rnnlens.results.label import label
    from rnnlens.results.provenance import provenance

    units = ["network units"] * len(free)
    if case.windows is not None:
        scaling = case.windows.feature_scaling[free]
        parts = {name: scaling.undo(getattr(found, name)) for name in ("value", "low", "high")}
        found, units = replace(found, **parts), [case.windows.units[k] for k in free]
        about = {**about, "step": case.windows.step}
    name, unit = about["target"], about["unit"] or "network units"
    extra = {
        **about,
        "kind": "certificate",
        "tolerance": found.tolerance,
        "deviation": found.deviation,
        "assumption": "all other inputs as they are; twice the deviation is added, measured and "
        "not proven",
    }
    return label(
        found,
        coords={
            "lag": list(lags),
            "feature": [case.features[k] for k in free],
            "feature_unit": ("feature", units),
            **case.sample_coords(),
        },
        attrs=provenance(method="certify", **case.attributes(), extra=extra),
        long_names={
            "forecast": f"forecast of {name}",
            "bound": f"bound on the change of the forecast of {name}",
            "attained": f"largest change of the forecast of {name} that was attained",
            "value": "value that attained it",
            "low": "lower end of the range",
            "high": "upper end of the range",
            "verdict": "what is shown of the lag",
            "boxes": "boxes bounded",
            "structural": "windows in which the weights alone show it",
            "proven": "windows in which the bound is within the tolerance",
            "refuted": "windows in which a value moves the forecast further",
            "undecided": "windows in which the budget ended before",
            "worst": "window with the largest bound",
            "largest_bound": "largest bound of all windows",
            "largest_attained": "largest attained change of all windows",
            "lag": "lag (1 = newest step)",
            "time": "time that the forecast is for",
            "issued": "time of the newest step fed in",
        },
        units=dict.fromkeys(
            ("forecast", "bound", "attained", "largest_bound", "largest_attained"), unit
        ),
    )
