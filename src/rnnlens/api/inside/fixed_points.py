"""What a network settles to when its input is held, with proof."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from rnnlens.api.shared.given.arguments import checked
from rnnlens.api.shared.linear_algebra import one_blas_thread
from rnnlens.arguments import NAME, either, mapping, number, numbers, whole

if TYPE_CHECKING:
    import xarray as xr
    from numpy.typing import ArrayLike

    from rnnlens.api.shared.given.network_given import NetworkLike
    from rnnlens.attribution.options import Target
    from rnnlens.series.joint.windows import WindowsByInput
    from rnnlens.series.windows import Windows

__all__ = ["HELD_AT", "LONGEST", "fixed_points"]

#: Steps that a cycle may have.
LONGEST = 128

#: The kinds of input that may be held.
HELD_AT = either(
    NAME,
    whole(-(2**63)),
    mapping(number(), "a mapping"),
    numbers("finite numbers"),
    what="'mean', the number of a window, a mapping of feature to value, or an array (feature,) or "
    "(phase, feature) of finite numbers",
)


@checked(at=HELD_AT, order=whole(1, LONGEST), period=whole(1, LONGEST))
@one_blas_thread
def fixed_points(
    net: NetworkLike,
    X: Windows | WindowsByInput | ArrayLike | Mapping[str, ArrayLike],
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
    """Find and prove the states at which a network rests, or goes round, while its input is held.

    A point is a state that one step leaves as it is, ``F(s) = s``. Newton's method looks for points
    from the states that the windows visit; interval arithmetic (Krawczyk 1969) then proves that
    each exists and is alone in a box, and how many of its directions are unstable. What has no
    proof is a slow point at the most, and is not counted. Where every state stays within bounds the
    signs of det(I - F') of all points sum to 1: ``index_sum`` says what those found sum to, and
    another number says that points are missing.

    Parameters
    ----------
    net : Network, path or live model
        What `rnnlens.read` takes, or what it gave.
    X : Windows, array (sample, step, feature), or mapping of input name to array
        In the network's own units: the search begins at the states that these visit.
    at : str, int, mapping or array, optional
        The input that is held: ``"mean"`` of the windows; the newest step (the newest ``period``
        steps) of a window, by its number; values by feature, the others at their mean, in the
        features' own units where ``X`` is Windows; or an array (feature,) or (phase, feature) in
        the network's units, a regime's mean for one.
    order : int
        Cycles of this many periods of the input are looked for; 1 for points.
    period : int
        Steps after which the input comes back: 24 for the hours of a day. With an array this is
        its number of phases.
    layer : str, optional
        One recurrent layer alone, by its full name; the whole stack if left out.
    target : Target, str or int, optional
        The number of the output that is forecast at rest.
    of : str, optional
        The input that holds the windows, where there are several; the others are held at their
        mean.
    seed : int
        Of the search.
    progress : callable, optional
        Called with work done and work in all, while points are looked for and proven.

    Returns
    -------
    xarray.Dataset
        ``location (point, phase, state)`` in the states' own units, the most stable first;
        ``radius``, ``alone_within``, ``unstable`` and ``index (point)``, proven;
        ``eigenvalue_real``, ``eigenvalue_imag``, ``time_constant`` and ``turn (point, eigenvalue)``
        in steps; ``slow_location (slow_point, phase, state)`` with its ``speed``; ``forecast
        (point, phase)`` where one target is asked about. The attributes say what the input was held
        at, ``index_sum`` and whether it must be 1.

    Raises
    ------
    DataError
        If an array or the input to hold does not fit the network.
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
    >>> rest = rnnlens.fixed_points(net, X, target=0)
    >>> rest.unstable.values.tolist(), rest.attrs["index_sum"], bool(rest.radius[0] < 1e-9)
    ([0], 1, True)
    """
    from rnnlens.api.shared.given.joint.making import make_case
    from rnnlens.api.shared.given.network_given import as_network
    from rnnlens.api.shared.labels.fixed_points import labelled_points
    from rnnlens.api.shared.settling.forecasts import forecasts_at_rest, some_windows
    from rnnlens.api.shared.settling.held_input import held_input
    from rnnlens.dynamics.fixed_points.find import find
    from rnnlens.dynamics.fixed_points.recurrence import recurrence
    from rnnlens.dynamics.fixed_points.result import described

    net = as_network(net, X)
    case = make_case(net, X, of, as_given=True)
    stack = recurrence(case.network, layer)
    held = held_input(case, stack, at, period)
    step = stack.map(held.inputs).repeated(order)
    visited = stack.visited(some_windows(case))
    settling = find(step, visited, period=held.period, seed=seed, progress=progress)
    forecast, told = forecasts_at_rest(case, stack, held, settling.points, target)
    result = described(step, settling, forecast)
    return labelled_points(case, stack, (held, order), (result, settling), told)
