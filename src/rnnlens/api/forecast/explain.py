"""How much of a forecast came from each lag and feature, and how much of all forecasts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from rnnlens.api.shared.given.arguments import checked
from rnnlens.api.shared.linear_algebra import one_blas_thread
from rnnlens.attribution.options import Effort, Target, as_target

if TYPE_CHECKING:
    import xarray as xr
    from numpy.typing import ArrayLike

    from rnnlens.api.shared.given.network_given import NetworkLike
    from rnnlens.series.joint.windows import WindowsByInput
    from rnnlens.series.windows import Windows

__all__ = ["explain"]


@checked()
@one_blas_thread
def explain(
    net: NetworkLike,
    X: Windows | WindowsByInput | ArrayLike | Mapping[str, ArrayLike],
    *,
    target: Target | str | int | Sequence[str | int] | None = None,
    method: str = "auto",
    baseline: str | ArrayLike | Mapping[str, str | ArrayLike] | None = None,
    held: Sequence[str] | None = None,
    newest: int | None = None,
    groups: Mapping[str, Sequence[int | str]] | None = None,
    background: Windows | WindowsByInput | ArrayLike | Mapping[str, ArrayLike] | None = None,
    initial_state: Mapping[str, Sequence[ArrayLike]] | None = None,
    of: str | Sequence[str] | None = None,
    effort: Effort = Effort(),
    progress: Callable[[int, int], None] | None = None,
) -> xr.Dataset | xr.DataTree:
    """Split each forecast into signed contributions that sum to it.

    Parameters
    ----------
    net : Network, path or live model
        What `rnnlens.read` takes, or what it gave.
    X : Windows, array (sample, step, feature), or mapping of input name to array
        In the network's own units. `Windows` bring names, units, times and the scaler; plain arrays
        are explained in the network's own units.
    target : Target, str, int or sequence of them, optional
        What is explained, by name or number; may be left out where there is one. A sequence, or
        ``"all"``, adds the dimension ``target``. A `Target` says the horizon, the output, and
        whether logits are explained, as well.
    method : str
        ``auto``: exact Owen values of lags and features where their cost allows, else ``secant``
        with an audit against exact values; the result says which. ``secant``: contributions by
        lag and feature at the cost of four runs. ``tree``: exact Shapley values of the newest
        lags, all older ones together. ``owen``: exact values of lags and, within them, features.
        ``permutation``: the same, sampled, with standard errors. For comparison:
        ``integrated_gradients``, ``causal_order`` (these sum too), ``gradient``,
        ``gradient_times_input``, ``occlusion`` (sensitivities, which do not sum), ``lrp``,
        ``contextual_decomposition`` (relevance) and ``carry`` (when the memory was written).
    baseline : str or array, optional
        What stands in for hidden inputs: ``zero``, ``mean``, ``hourly mean``, ``monthly mean``,
        ``seasonal mean``, ``persistence``, ``background``, ``conditional`` (Gaussian, given what is
        shown), or an array ``(feature,)``, ``(step, feature)`` or ``(background, step, feature)``
        in the network's own units; of several inputs a name for all, or a mapping of input name to
        its own. It is part of the answer. Where not given: ``mean``
        (``zero`` for tokens); with ``auto``, ``background`` where that takes secant.
    held : sequence of str, optional
        Features that keep their values when others are hidden (calendar, markers); those of the
        windows where not given. Methods that hide nothing (``gradient``, ``lrp``,
        ``contextual_decomposition``, ``carry``) take none, nor a baseline.
    newest : int, optional
        Lags that are taken one by one; the older ones stand together (with ``occlusion`` in blocks,
        each as long as all newer lags together).
    groups : mapping of str to sequence of int or str, optional
        Lags (numbers) or features (names) that stand together, by the group's name.
    background : Windows, array (window, step, feature) or mapping of input name to array, optional
        The data for the baselines that need some; the explained windows where not given.
    initial_state : mapping of str to sequence of array (sample, unit), optional
        States carried into the windows, by recurrent layer: a contribution of their own.
    of : str or sequence of str, optional
        The inputs that are explained, where the network has several: all of them where not given.
        The others keep their values, and the result names them (``held_inputs``).
    effort : Effort
        What the answer may cost and how exact it must be: the budget, the tolerance of sampling,
        the precision and the seed.
    progress : callable, optional
        Called with how much is done and how much there is, from all parts of the work together;
        the last call, and no other, says that all is done.

    Returns
    -------
    xarray.Dataset, or xarray.DataTree
        ``contribution (sample, lag, feature)`` (``(sample, lag)`` for the tree) in the target's own
        unit, ``forecast``, ``baseline_forecast`` and ``residual (sample)``, ``actual (sample)``
        where known; ``standard_error`` where sampled, ``carried`` where a state is carried in;
        another variable for methods that do not sum (attribute ``kind`` says which). Lag 1 is the
        newest step fed in; ``lag_to`` is the last lag of a group. Attributes name target, unit,
        method, baseline and largest residual, say how good the forecast is (``forecast_check``),
        and warn where it is none (``caution``), see `rnnlens.check`.

        Of several inputs a tree: forecasts at its root, and a node for each input with its own
        ``contribution``. A static vector has features and no lags; a known future counts its steps
        forward (``ahead``). Contributions of all nodes together sum to the change of the forecast.

    Raises
    ------
    DataError
        If an array, a name, the baseline or an option does not fit.
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
    >>> explained = rnnlens.explain(net, X, target=0)
    >>> change = explained.forecast - explained.baseline_forecast
    >>> bool(np.allclose(explained.contribution.sum(["lag", "feature"]), change))
    True
    """
    from rnnlens.api.shared.explanation import ExplainOptions
    from rnnlens.api.shared.forecast.explaining import explained

    options = ExplainOptions(
        method=method,
        baseline=baseline,
        held=held,
        newest=newest,
        groups=groups,
        background=background,
        initial_state=initial_state,
        effort=effort,
    )
    return explained(net, X, as_target(target), options, of=of, progress=progress)
