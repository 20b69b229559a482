"""How much of a forecast came from each lag and feature, and how much of all forecasts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from rnnlens.api.shared.labelling import labelled
from rnnlens.attribution.options import Effort, Target, as_target
from rnnlens.errors import DataError

if TYPE_CHECKING:
    import xarray as xr
    from numpy.typing import ArrayLike

    from rnnlens.api.shared.case import Case
    from rnnlens.attribution.registry import AttributionMethod
    from rnnlens.network.network import Network
    from rnnlens.series.windows import Windows

__all__ = ["explain", "on_logits"]


def explain(
    net: Network,
    X: Windows | ArrayLike | Mapping[str, ArrayLike],
    *,
    target: Target | str | int | Sequence[str | int] | None = None,
    method: str = "auto",
    baseline: str | ArrayLike | None = None,
    held: Sequence[str] | None = None,
    newest: int | None = None,
    groups: Mapping[str, Sequence[int | str]] | None = None,
    background: Windows | ArrayLike | None = None,
    initial_state: Mapping[str, Sequence[ArrayLike]] | None = None,
    of: str | None = None,
    effort: Effort = Effort(),
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
        in the network's own units. It is part of the answer. Where not given: ``mean``
        (``zero`` for tokens); with ``auto``, ``background`` where that takes secant.
    held : sequence of str, optional
        Features that keep their values when others are hidden (calendar, markers); those of the
        windows where not given.
    newest : int, optional
        Lags that are taken one by one; the older ones stand together.
    groups : mapping of str to sequence of int or str, optional
        Lags (numbers) or features (names) that stand together, by the group's name.
    background : Windows or array (window, step, feature), optional
        The data for the baselines that need some; the explained windows where not given.
    initial_state : mapping of str to sequence of array (sample, unit), optional
        States carried into the windows, by recurrent layer: a contribution of their own.
    of : str, optional
        The input that is explained, where the network has several; the others keep their values.
    effort : Effort
        What the answer may cost and how exact it must be: the budget, the tolerance of sampling,
        the precision and the seed.
    progress : callable, optional
        Called with windows done and windows in all, as they are done.

    Returns
    -------
    xarray.Dataset
        ``contribution (sample, lag, feature)`` (``(sample, lag)`` for the tree) in the target's own
        unit, ``forecast``, ``baseline_forecast`` and ``residual (sample)``, ``actual (sample)``
        where known; ``standard_error`` where sampled, ``carried`` where a state is carried in;
        another variable for methods that do not sum (attribute ``kind`` says which). Lag 1 is the
        newest step fed in; ``lag_to`` is the last lag of a group. Attributes name target, unit,
        method, baseline and largest residual.

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
    >>> found = rnnlens.explain(net, X, target=0)
    >>> change = found.forecast - found.baseline_forecast
    >>> bool(np.allclose(found.contribution.sum(["lag", "feature"]), change))
    True
    """
    from rnnlens.api.shared.case import make_case
    from rnnlens.api.shared.each_target import asks_for_more_than_one, explain_each
    from rnnlens.attribution.registry import method_named

    options = {
        "newest": newest,
        "groups": groups,
        "initial_state": initial_state,
        "budget": effort.budget,
        "tolerance": effort.tolerance,
    }
    chosen = method_named(method, options)
    asked = as_target(target)
    case = make_case(net, X, of, effort.precision)
    case, explained_on = on_logits(case, asked.output, asked.logits)
    settings = _Settings(
        method, asked.output, baseline, held, background, options, explained_on, effort.seed,
        progress,
    )  # fmt: skip
    one = partial(_explain_one, case, chosen, settings)
    if asks_for_more_than_one(asked.name, asked.horizon):
        return explain_each(case, asked.name, asked.horizon, asked.output, one)
    return one(asked.name, asked.horizon)


@dataclass(frozen=True, eq=False)
class _Settings:
    """What `explain` was asked, the same for every target and horizon."""

    method: str
    output: int | str
    baseline: str | ArrayLike | None
    held: Sequence[str] | None
    background: Windows | ArrayLike | None
    options: Mapping[str, Any]
    explained_on: str
    seed: int
    progress: Callable[[int, int], None] | None


def _explain_one(
    case: Case, chosen: AttributionMethod, settings: _Settings, target: Any, horizon: Any
) -> xr.Dataset:
    """Explain one target at one horizon."""
    from rnnlens.api.shared.baselines import about_baseline, baseline_of, real_steps_of
    from rnnlens.api.shared.padding import from_the_last_real_step
    from rnnlens.attribution.baselines.conditional import GaussianConditional, refuse_conditional
    from rnnlens.attribution.games.players import make_groups
    from rnnlens.attribution.options import Effort
    from rnnlens.attribution.runners import MethodOptions, run_method

    case, lags_from = from_the_last_real_step(case, real_steps_of(case))
    what, name, unit = case.target(target, horizon, settings.output)
    if settings.explained_on == "logits":
        what, unit = replace(what, scale=1.0, offset=0.0), "logit"
    places, held_names = case.held(settings.held)

    def stand_in(named: str | ArrayLike) -> Any:
        return baseline_of(case, named, settings.held, settings.background, settings.seed)[0]

    given = settings.baseline
    if given is None:
        given = "zero" if case.tokens else "mean"  # tokens have no mean
    made = stand_in(given) if chosen.hides else None
    if isinstance(made, GaussianConditional) and not chosen.conditional:
        refuse_conditional(settings.method)
    parts = make_groups(
        settings.options["groups"], steps=case.x.shape[1], features=case.features, held=places
    )
    question = case.question(
        what,
        made,
        groups=parts if settings.options["groups"] else None,
        newest=settings.options["newest"],
        initial_state=settings.options["initial_state"],
    )
    options = MethodOptions(
        effort=Effort(
            budget=settings.options["budget"],
            tolerance=settings.options["tolerance"],
            seed=settings.seed,
        ),
        background=(
            stand_in("background") if chosen.background and settings.baseline is None else None
        ),
        progress=settings.progress,
    )
    found = run_method(settings.method, question, options)
    about = {"target": name, "unit": unit, "held": held_names, "method": settings.method}
    about |= found.about | {"explained_on": settings.explained_on, "lags_from": lags_from}
    against = found.baseline or made
    if against is not None:
        about |= about_baseline(case, against, settings.background)
    if found.max_residual is not None:
        about |= {"max_residual": found.max_residual}
    if found.cells is not None:
        about |= {"cells": found.cells}
    return labelled(case, found.arrays, chosen, about)


def on_logits(case: Case, output: int | str, logits: bool | None) -> tuple[Case, str]:
    """Leave the last activation out where classes are explained; say what is explained."""
    from rnnlens.network.logits import LOGITS, before_activation, last_activation

    number = case.output_number(output)
    last = last_activation(case.network, number)
    if logits is None:
        scaled = case.windows is not None and number == 0
        logits = "softmax" in last or (last in LOGITS and not scaled)
    elif logits and last not in LOGITS:
        raise DataError(
            f"the network ends in {last}, which makes no probabilities: logits are what "
            f"{', '.join(LOGITS)} are taken of"
        )
    if not logits:
        return case, "output"
    return replace(case, network=before_activation(case.network, number)), "logits"
