"""Where a network's points of rest appear, vanish or change stability while one input is moved."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from rnnlens.api.inside.fixed_points import HELD_AT, LONGEST
from rnnlens.api.shared.given.arguments import checked
from rnnlens.api.shared.linear_algebra import one_blas_thread
from rnnlens.arguments import NAME, either, many, number, whole
from rnnlens.errors import DataError, InputError

if TYPE_CHECKING:
    import xarray as xr
    from numpy.typing import ArrayLike

    from rnnlens.api.shared.given.case import Case
    from rnnlens.api.shared.given.network_given import NetworkLike
    from rnnlens.attribution.options import Target
    from rnnlens.series.joint.windows import WindowsByInput
    from rnnlens.series.windows import Windows

__all__ = ["bifurcations"]

_VALUES = many(number(), "two or more numbers, rising", fewest=2)
_FEATURE = either(NAME, whole(), what="the name or the number of a feature")


@checked(
    feature=_FEATURE, values=_VALUES, at=HELD_AT, order=whole(1, LONGEST), period=whole(1, LONGEST)
)
@one_blas_thread
def bifurcations(
    net: NetworkLike,
    X: Windows | WindowsByInput | ArrayLike | Mapping[str, ArrayLike],
    feature: str | int,
    values: ArrayLike,
    *,
    at: str | int | Mapping[str, float] | ArrayLike = "mean",
    order: int = 1,
    period: int = 1,
    layer: str | None = None,
    target: Target | str | int | None = None,
    of: str | Sequence[str] | None = None,
    seed: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> xr.Dataset:
    """Move one held input, and say where points of rest appear, vanish or change stability.

    At each value points are searched for and proven as by `rnnlens.fixed_points`, and followed to
    the next by Newton's method. Where they do not all go on as they were, the interval is halved
    until the change lies between two values near each other. What is said of a value is proven
    there; that points of two values are one branch is computed. Points that come and go between two
    values do not show.

    Parameters
    ----------
    net : Network, path or live model
        What `rnnlens.read` takes, or what it gave.
    X : Windows, array (sample, step, feature), or mapping of input name to array
        In the network's own units: the search begins at the states that these visit.
    feature : str or int
        The feature that is moved.
    values : array (value,)
        Where it is held, rising, in its own unit where ``X`` is Windows.
    at, order, period, layer, target, of, seed
        As in `rnnlens.fixed_points`; ``at`` is where the other features are held
        (none are, where there is one).
    progress : callable, optional
        Called with work done and work in all.

    Returns
    -------
    xarray.Dataset
        ``location (value, branch, phase, state)``, ``there``, ``unstable`` and ``radius (value,
        branch)``; ``points``, ``stable`` and ``proven (value)``; ``change_low`` and ``change_high
        (change)``, two values between which something happens, with ``points_before``,
        ``points_after``, ``stable_before`` and ``stable_after``; ``forecast (value, branch,
        phase)`` where one target is asked about.

    Raises
    ------
    DataError
        If values do not rise, or an array or the input to hold does not fit the network.
    InputError
        If there is no such layer or feature.
    UnsupportedModel
        If no one step takes the layers on, or an activation cannot be enclosed.

    Examples
    --------
    >>> import numpy as np, rnnlens
    >>> from rnnlens.demo.weather import demo_files
    >>> net = rnnlens.read(demo_files().network)
    >>> X = np.random.default_rng(0).normal(size=(20, 24, 10))
    >>> moved = rnnlens.bifurcations(net, X, 0, [-1.0, 1.0], target=0)
    >>> moved.points.values.tolist(), moved.sizes["change"], moved.proven.values.tolist()
    ([1, 1], 0, [True, True])
    """
    from rnnlens.api.shared.given.joint.making import make_case
    from rnnlens.api.shared.given.network_given import as_network
    from rnnlens.api.shared.labels.bifurcations import labelled_branches
    from rnnlens.api.shared.settling.forecasts import forecasts_at_rest, some_windows
    from rnnlens.api.shared.settling.held_input import held_input, one_held_at
    from rnnlens.dynamics.fixed_points.along import laid_out
    from rnnlens.dynamics.fixed_points.branches import Path, branches
    from rnnlens.dynamics.fixed_points.recurrence import recurrence

    net = as_network(net, X)
    case = make_case(net, X, of, as_given=True)
    stack = recurrence(case.network, layer)
    held = held_input(case, stack, at, period)
    name, places = _feature(case, feature), np.asarray(values, float)
    if not bool((np.diff(places) > 0).all()):
        raise DataError(
            "values must rise from each to the next, each once: sort them, as numpy.unique does"
        )
    moved = [one_held_at(case, held, name, float(value)) for value in places]
    path = Path(
        lambda value: stack.map(one_held_at(case, held, name, value).inputs).repeated(order),
        stack.visited(some_windows(case)),
        held.period,
    )
    found = branches(path, places, seed=seed, progress=progress)
    told = [
        forecasts_at_rest(case, stack, one, settling.points, target)
        for one, settling in zip(moved, found.settlings, strict=True)
    ]
    forecasts = [one for one, _ in told if one is not None]
    result = laid_out(
        found, path.at(float(places[0])), forecasts if len(forecasts) == len(places) else None
    )
    return labelled_branches(case, stack, (held, order), (name, places), result, told[0][1])


def _feature(case: Case, feature: str | int) -> str:
    """Give the name of the feature that is moved."""
    names = list(case.features)
    if isinstance(feature, str):
        return feature
    if feature >= len(names):
        raise InputError(
            f"feature={feature} is none: there are {len(names)}, from 0 to {len(names) - 1}"
        )
    return names[feature]
