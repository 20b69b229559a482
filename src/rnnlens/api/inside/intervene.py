"""What happens to a forecast when something inside the network is held."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from rnnlens.api.shared.given.arguments import DATA, checked
from rnnlens.api.shared.linear_algebra import one_blas_thread
from rnnlens.attribution.options import Intervention
from rnnlens.errors import InputError
from rnnlens.names import clauses

if TYPE_CHECKING:
    import xarray as xr
    from numpy.typing import ArrayLike

    from rnnlens.api.shared.given.case import Case
    from rnnlens.api.shared.given.network_given import NetworkLike
    from rnnlens.attribution.options import Target
    from rnnlens.series.joint.windows import WindowsByInput
    from rnnlens.series.windows import Windows

__all__ = ["intervene"]


@checked(background=DATA)
@one_blas_thread
def intervene(
    net: NetworkLike,
    X: Windows | WindowsByInput | ArrayLike | Mapping[str, ArrayLike],
    interventions: Intervention | Sequence[Intervention],
    *,
    target: Target | str | int | None = None,
    background: Windows | WindowsByInput | ArrayLike | Mapping[str, ArrayLike] | None = None,
    of: str | None = None,
) -> xr.Dataset:
    """Hold something inside the network and see what becomes of each forecast.

    An `Intervention` does one of three things to a recurrent layer: it clamps a gate (``gate``),
    freezes units (``freeze``), or patches a state from another window (``patch_from``). In one step
    gates are clamped first, then units are frozen, then states are patched. At masked steps nothing
    happens.

    Parameters
    ----------
    net : Network, path or live model
        What `rnnlens.read` takes, or what it gave.
    X : Windows, array (sample, step, feature), or mapping of input name to array
        In the network's own units.
    interventions : Intervention or sequence of Intervention
        What is done; several are done at once.
    target, of
        As in `rnnlens.explain`.
    background : Windows, array or mapping, optional
        The data over which a gate's mean is taken; the windows themselves where not given.

    Returns
    -------
    xarray.Dataset
        ``forecast``, ``forecast_intervened`` and ``effect (sample)``, the second less the first, in
        the target's own unit. The attributes ``interventions`` and ``mean_size`` say what was done
        and how large the effect is on average.

    Raises
    ------
    InputError
        If it is not one intervention, or a layer, gate or state is not there.
    DataError
        If a lag, step, unit or window is out of range, or an array does not fit.

    Examples
    --------
    >>> import numpy as np, rnnlens
    >>> from rnnlens.demo.weather import demo_files
    >>> net = rnnlens.read(demo_files().network)
    >>> X = np.random.default_rng(0).normal(size=(5, 24, 10))
    >>> forget = rnnlens.Intervention(gate="forget", clamp=1.0, lags=[1, 2, 3])
    >>> held = rnnlens.intervene(net, X, forget, target=0)
    >>> held.attrs["interventions"]
    'lstm: forget gate clamped to 1 at lags 1 to 3'
    >>> bool((held.forecast_intervened - held.forecast == held.effect).all())
    True
    """
    from rnnlens.api.shared.given.inside.interventions import prepared
    from rnnlens.api.shared.given.joint.making import make_case
    from rnnlens.api.shared.given.network_given import as_network
    from rnnlens.api.shared.given.target import one_target
    from rnnlens.api.shared.labels.inside import data_of, labelled
    from rnnlens.attribution.inside.gate_effects import effect_of
    from rnnlens.attribution.options import as_target

    net = as_network(net, X)
    case = make_case(net, X, of, output=as_target(target).output)
    what, name, unit = one_target(case, target)
    asked = [interventions] if isinstance(interventions, Intervention) else list(interventions)
    case = _in_steps(case, asked, make_case(net, X, of, as_given=True))
    data = data_of(case, background)
    made = [prepared(case, one, data) for one in asked]
    result = effect_of(case.question(what), [part for one in made for part in one.parts])
    about = {
        "target": name,
        "unit": unit,
        "interventions": clauses(one.text for one in made),
        "mean_effect": float(result.effect.mean()),
        "mean_size": float(np.abs(result.effect).mean()),
        "kind": "effect",
        **case.about_steps,
        **case.about_inputs,
    }
    return labelled(case, result, "intervene", about)


def _in_steps(case: Case, asked: Sequence[Intervention], as_given: Case) -> Case:
    """Give the windows as they came where steps were named: these count from the oldest fed in."""
    named = [one for one in asked if one.steps is not None]
    if not named or case.padding is None:
        return case
    if case.padding.moved and any(one.lags is not None for one in asked):
        raise InputError(
            "these windows are padded after their newest real step, so that lags and steps count "
            "from different places in each: name lags alone, or steps alone"
        )
    return as_given
