"""What happens to a forecast when something inside the network is held."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import xarray as xr
    from numpy.typing import ArrayLike

    from rnnlens.network.network import Network
    from rnnlens.series.windows import Windows

__all__ = ["intervene"]


def intervene(  # noqa: PLR0913  (one keyword for each thing that can be said of an act)
    net: Network,
    X: Windows | ArrayLike | Mapping[str, ArrayLike],
    *,
    layer: str | None = None,
    gate: str | None = None,
    clamp: str | ArrayLike | None = None,
    freeze: bool = False,
    patch_from: int | ArrayLike | None = None,
    state: str | None = None,
    lags: int | Sequence[int] | None = None,
    steps: int | Sequence[int] | None = None,
    units: int | Sequence[int] | None = None,
    also: Sequence[Mapping[str, Any]] = (),
    target: str | int | None = None,
    horizon: int | None = None,
    output: int | str = 0,
    background: Windows | ArrayLike | Mapping[str, ArrayLike] | None = None,
    of: str | None = None,
) -> xr.Dataset:
    """Hold something inside the network and see what becomes of each forecast.

    One of three things is done to a recurrent layer: a gate is clamped (`gate`), units are frozen
    (`freeze`), or a state is patched from another window (`patch_from`). In one step gates are
    clamped first, then units are frozen, then states are patched. At masked steps nothing happens.

    Parameters
    ----------
    net : Network
        The network.
    X : Windows, array (sample, step, feature), or mapping of input name to array
        In the network's own units.
    layer : str, optional
        Full name of the recurrent layer, such as ``"lstm"`` or ``"bidirectional.forward"``; may be
        left out where there is one.
    gate : str, optional
        The gate to clamp: ``input``, ``forget``, ``cell`` or ``output`` of an LSTM, ``update``,
        ``reset`` or ``candidate`` of a GRU, ``hidden`` of a SimpleRNN.
    clamp : "mean", float or array (unit,), optional
        The value that the gate has instead of its own; its mean over the data, unit by unit,
        where not given.
    freeze : bool
        Whether the units' states keep the value that they had before the step.
    patch_from : int or array (step, feature) or (sample, step, feature), optional
        The window from which states are taken after the same step: its number in `X`, or itself.
    state : {"hidden", "cell"}, optional
        What is frozen or patched; every state where not given (of an LSTM that projects its hidden
        state, freezing takes the cell state).
    lags : int or sequence of int, optional
        At which lags of the layer's own sequence, 1 the newest; all of them where not given.
    steps : int or sequence of int, optional
        The same counted from the oldest step, 0; instead of `lags`.
    units : int or sequence of int, optional
        Which units; all of them where not given.
    also : sequence of mapping, optional
        Further interventions done at once, each with the keys ``layer``, ``gate``, ``clamp``,
        ``freeze``, ``patch_from``, ``state``, ``lags``, ``steps``, ``units``.
    target, horizon, output, of
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
    >>> found = rnnlens.intervene(net, X, gate="forget", clamp=1.0, lags=[1, 2, 3], target=0)
    >>> found.attrs["interventions"]
    'lstm: forget gate clamped to 1 at lags 1 to 3'
    >>> bool((found.forecast_intervened - found.forecast == found.effect).all())
    True
    """
    from rnnlens.api.shared.case import make_case
    from rnnlens.api.shared.interior import data_of, labelled
    from rnnlens.api.shared.interventions import acts_of
    from rnnlens.attribution.inside.gate_effects import effect_of

    case = make_case(net, X, of)
    what, name, unit = case.target(target, horizon, output)
    first = {
        "layer": layer,
        "gate": gate,
        "clamp": clamp,
        "freeze": freeze,
        "patch_from": patch_from,
        "state": state,
        "lags": lags,
        "steps": steps,
        "units": units,
    }
    data = data_of(case, background)
    made = [acts_of(case, one, data) for one in (first, *also)]
    found = effect_of(case.question(what), [act for acts, _ in made for act in acts])
    about = {
        "target": name,
        "unit": unit,
        "interventions": "; ".join(text for _, text in made),
        "mean_effect": float(found.effect.mean()),
        "mean_size": float(np.abs(found.effect).mean()),
        "kind": "effect",
    }
    return labelled(case, found, "intervene", about)
