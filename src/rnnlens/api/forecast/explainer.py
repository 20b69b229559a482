"""Explaining one window after another, with all that can be found out beforehand found out once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from rnnlens.api.shared.given.arguments import checked
from rnnlens.arguments import NAME, either, numbers
from rnnlens.attribution.options import Target

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike, NDArray

    from rnnlens.api.shared.given.network_given import NetworkLike
    from rnnlens.attribution.question import Question
    from rnnlens.series.windows import Windows

__all__ = ["Contributions", "Explainer", "explainer"]

_BASELINE = either(NAME, numbers(allowed="any"), what="a baseline's name, or an array")
#: Baselines that are made of the windows that are explained, which are not there beforehand.
OF_THE_WINDOW = ("persistence", "conditional")


class Contributions(NamedTuple):
    """What an `Explainer` gives, in the target's own unit.

    Parameters
    ----------
    contribution : array (sample, lag, feature)
        Lag 1, the newest step, first.
    forecast : array (sample,)
        What the network forecasts.
    baseline_forecast : array (sample,)
        What it forecasts for the baseline: contributions sum to the difference.
    """

    contribution: NDArray[np.float64]
    forecast: NDArray[np.float64]
    baseline_forecast: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Explainer:
    """Explains one window after another: what `rnnlens.explainer` gives. Threads may share it.

    Parameters
    ----------
    question : Question
        What is asked, of windows that are others at every call.
    features : tuple of str
        Names of the features, in the order of the network's.
    target, unit : str
        What is forecast, and in what unit.
    """

    question: Question
    features: tuple[str, ...]
    target: str
    unit: str

    def __call__(self, x: ArrayLike) -> Contributions:
        """Split the forecasts of some windows: x (sample, step, feature) in the network's units.

        Parameters
        ----------
        x : array (sample, step, feature)
            In the network's own units.

        Returns
        -------
        Contributions
            By lag and feature; they sum to forecast minus baseline forecast.

        Raises
        ------
        DataError
            If the windows do not fit the network, or hold what is not finite.
        NotAdditive
            If contributions do not sum to the change of the forecast.
        """
        from dataclasses import replace

        from rnnlens.attribution.methods.secant import secant
        from rnnlens.engine.forward import entries

        asked = self.question
        inputs = entries(asked.network, x, asked.inputs[asked.of].dtype.name)
        found = secant(replace(asked, inputs=inputs))
        return Contributions(found.contribution, found.forecast, found.baseline_forecast)


@checked(baseline=_BASELINE)
def explainer(
    net: NetworkLike,
    X: Windows | ArrayLike,
    *,
    target: Target | str | int | None = None,
    baseline: str | ArrayLike = "mean",
    held: Sequence[str] | None = None,
    precision: str = "float64",
) -> Explainer:
    """Make what explains one window after another by the secant method, in a service or a stream.

    What `rnnlens.explain` finds out, checks and names at every call is found out once.

    Parameters
    ----------
    net : Network, path or live model
        What `rnnlens.read` takes, or what it gave; with one input.
    X : Windows or array (sample, step, feature)
        Real windows, in the network's own units: what the baseline is made from, and, of `Windows`,
        names, units and the scaling of the target.
    target : Target, str or int, optional
        What is explained; may be left out where there is one.
    baseline : str or array
        ``"mean"``, ``"zero"`` or ``"background"`` of `X`, or an array as in `rnnlens.explain`.
    held : sequence of str, optional
        Features that keep their values when others are hidden.
    precision : {"float64", "float32"}
        What is computed in.

    Returns
    -------
    Explainer
        Takes an array (sample, step, feature) and gives `Contributions`: plain arrays.

    Raises
    ------
    InputError
        If the baseline is one that is made of each window, or an option is not what it must be.
    DataError
        If the network has several inputs, or an array or a name does not fit.

    Examples
    --------
    >>> import rnnlens
    >>> from rnnlens.demo.weather import demo_files, weather_windows
    >>> past = weather_windows()
    >>> explain = rnnlens.explainer(demo_files().network, past, target="temp")
    >>> found = explain(past.values[-1:])
    >>> found.contribution.shape
    (1, 24, 10)
    >>> gap = found.contribution.sum() - (found.forecast - found.baseline_forecast)
    >>> bool(abs(gap[0]) < 1e-9)
    True
    """
    from rnnlens.api.shared.given.baselines import one_baseline
    from rnnlens.api.shared.given.joint.making import make_case
    from rnnlens.api.shared.given.network_given import as_network
    from rnnlens.api.shared.given.target import one_target
    from rnnlens.attribution.baselines.grouped import CALENDAR
    from rnnlens.attribution.options import as_target
    from rnnlens.errors import DataError, InputError

    if isinstance(baseline, str) and baseline in {*OF_THE_WINDOW, *CALENDAR}:
        raise InputError(
            f"the baseline {baseline!r} is made of each window: an explainer takes 'mean', 'zero', "
            "'background' or an array, and rnnlens.explain takes any"
        )
    net = as_network(net, X)
    if len(net.inputs) > 1:
        raise DataError(
            f"the network has {len(net.inputs)} inputs ({', '.join(net.inputs)}), and an explainer "
            "takes one: call rnnlens.explain"
        )
    case = make_case(net, X, None, precision, output=as_target(target).output)
    chosen = one_target(case, target)
    stands_in, _ = one_baseline(case, baseline, held, None, 0)
    question = case.question(chosen.resolved, stands_in)
    return Explainer(question, tuple(case.features), chosen.name, chosen.unit)
