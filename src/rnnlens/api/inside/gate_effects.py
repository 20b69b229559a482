"""Which gate did it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from rnnlens.api.shared.given.arguments import DATA, checked
from rnnlens.api.shared.linear_algebra import one_blas_thread
from rnnlens.arguments import LARGEST, many, whole
from rnnlens.errors import DataError

if TYPE_CHECKING:
    import xarray as xr
    from numpy.typing import ArrayLike

    from rnnlens.api.shared.given.network_given import NetworkLike
    from rnnlens.attribution.options import Target
    from rnnlens.series.joint.windows import WindowsByInput
    from rnnlens.series.windows import Windows

__all__ = ["gate_effects"]

_GROUPS = many(
    many(whole(-LARGEST), "a pair", fewest=2, most=2),
    "a sequence of pairs, the first and the last lag of each group",
)


@checked(groups=_GROUPS, background=DATA)
@one_blas_thread
def gate_effects(
    net: NetworkLike,
    X: Windows | WindowsByInput | ArrayLike | Mapping[str, ArrayLike],
    *,
    layer: str | None = None,
    groups: Sequence[tuple[int, int]] | None = None,
    target: Target | str | int | None = None,
    background: Windows | WindowsByInput | ArrayLike | Mapping[str, ArrayLike] | None = None,
    of: str | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> xr.Dataset:
    """Say which gate did it: clamp each gate to its mean at each group of lags.

    Parameters
    ----------
    net : Network, path or live model
        What `rnnlens.read` takes, or what it gave.
    X : Windows, array (sample, step, feature), or mapping of input name to array
        In the network's own units.
    layer : str, optional
        Full name of the recurrent layer; may be left out where there is one.
    groups : sequence of (int, int), optional
        First and last lag of each group; by default 1, 2, 3 to 4, 5 to 8 and so on, each twice as
        long as the one before.
    target, of
        As in `rnnlens.explain`.
    background : Windows, array or mapping, optional
        The data over which the means are taken; the windows themselves where not given.
    progress : callable, optional
        Called with experiments done and experiments in all.

    Returns
    -------
    xarray.Dataset
        ``effect (sample, lag, gate)`` in the target's own unit, ``mean_size (lag, gate)``,
        ``whole_effect (sample, gate)`` and ``whole_mean_size (gate)`` of every lag at once,
        ``gate_mean (gate, unit)`` and ``forecast (sample)``. ``lag`` and ``lag_to`` bound each
        group. Effects are experiments, each of its own: they do not sum.

    Raises
    ------
    InputError
        If there is no such layer.
    DataError
        If a group lies outside the window.

    Examples
    --------
    >>> import numpy as np, rnnlens
    >>> from rnnlens.demo.weather import demo_files
    >>> net = rnnlens.read(demo_files().network)
    >>> X = np.random.default_rng(0).normal(size=(20, 24, 10))
    >>> effects = rnnlens.gate_effects(net, X, target=0)
    >>> effects.mean_size.dims, effects.lag.values.tolist(), effects.lag_to.values.tolist()
    (('lag', 'gate'), [1, 2, 3, 5, 9, 17], [1, 2, 4, 8, 16, 24])
    """
    from rnnlens.api.shared.given.inside.interventions import layer_steps
    from rnnlens.api.shared.given.joint.making import make_case
    from rnnlens.api.shared.given.network_given import as_network
    from rnnlens.api.shared.given.target import one_target
    from rnnlens.api.shared.labels.inside import by_step_of, data_of, labelled
    from rnnlens.attribution.inside import gate_effects as method
    from rnnlens.attribution.options import as_target
    from rnnlens.engine.recurrent_layers import locate_layer

    net = as_network(net, X)
    case = make_case(net, X, of, output=as_target(target).output)
    what, name, unit = one_target(case, target)
    place = locate_layer(case.network, layer)
    chosen = _groups(groups, layer_steps(case, place))
    means = method.gate_means(case.network, data_of(case, background), place)
    effects = method.gate_effects(
        case.question(what), place, groups=chosen, means=means, progress=progress
    )
    about = {"target": name, "unit": unit, "layer": place.name, "kind": "effect"}
    about |= case.about_steps | case.about_inputs
    coords = {
        "lag": [first for first, _ in chosen],
        "lag_to": ("lag", [last for _, last in chosen]),
        "gate": list(place.layer.cell.gates),
    }
    found = labelled(case, effects, "gate_effects", about, coords)
    return by_step_of(case, place, found)


def _groups(given: Sequence[tuple[int, int]] | None, count: int) -> list[tuple[int, int]]:
    if given is None:
        last = [1, *(2**k for k in range(1, count.bit_length()) if 2**k < count), count]
        last = sorted(set(last))
        return [(a + 1, b) for a, b in zip([0, *last[:-1]], last, strict=True)]
    chosen = [tuple(int(lag) for lag in group) for group in given]
    for group in chosen:
        if len(group) != 2 or not 1 <= group[0] <= group[1] <= count:
            raise DataError(
                f"a group of lags is its first and its last, from 1 to {count}, not {group}"
            )
    if not chosen:
        raise DataError("no group of lags was named: leave groups out for those that double")
    return [(first, last) for first, last in chosen]
