"""The calls of rnnlens that are measured, in float32."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

import rnnlens
from harness.networks import Floats
from rnnlens.attribution.baselines.baseline import Baseline, make_baseline
from rnnlens.attribution.methods.gradient import gradient as sensitivities
from rnnlens.attribution.methods.integrated_gradients import quadrature
from rnnlens.attribution.methods.secant import secant as contributions
from rnnlens.attribution.methods.shapley_tree import shapley_tree
from rnnlens.attribution.question import Question
from rnnlens.attribution.result import Contribution, LagContribution
from rnnlens.attribution.target import ResolvedTarget
from rnnlens.engine.forward import entries as checked
from rnnlens.engine.forward import forward
from rnnlens.network.network import Network

__all__ = ["PRECISION", "explain", "gradient", "integrated_gradients", "predict", "secant", "tree"]

_TARGET = ResolvedTarget((0,))


#: What rnnlens computes in.
PRECISION = "float32"

Array = NDArray[np.floating]


def predict(network: Network, x: Floats) -> Array:
    """Forecast.

    Parameters
    ----------
    network : Network
        The network.
    x : array (sample, step, feature)
        Windows.

    Returns
    -------
    array (sample, target)
        Forecasts.
    """
    forecast = rnnlens.predict(network, x, precision=PRECISION)
    assert isinstance(forecast, np.ndarray), "the networks here have one output"
    return forecast


def explain(network: Network, x: Floats, **options: Any) -> Any:
    """Explain through the public door.

    Parameters
    ----------
    network : Network
        The network.
    x : array (sample, step, feature)
        Windows.
    **options : object
        Of `rnnlens.explain`.

    Returns
    -------
    xarray.Dataset
        What `rnnlens.explain` gives.
    """
    return rnnlens.explain(network, x, **options, effort=rnnlens.Effort(precision=PRECISION))


def gradient(network: Network, x: Array) -> Array:
    """Differentiate the forecast.

    Parameters
    ----------
    network : Network
        The network.
    x : array (sample, step, feature)
        Windows.

    Returns
    -------
    array (sample, step, feature)
        Derivatives, oldest step first as in the windows.
    """
    inputs = checked(network, x, PRECISION)
    return sensitivities(
        Question(network=network, inputs=inputs, target=_TARGET, of=next(iter(inputs)))
    ).sensitivity[:, ::-1]


def integrated_gradients(network: Network, x: Floats, baseline: Floats, nodes: int) -> Array:
    """Integrate gradients along the straight way from a baseline.

    Parameters
    ----------
    network : Network
        The network.
    x, baseline : array (sample, step, feature), (step, feature)
        Windows, and where the way begins.
    nodes : int
        Of the quadrature.

    Returns
    -------
    array (sample, step, feature)
        Contributions, oldest step first.
    """
    inputs = checked(network, x, PRECISION)
    asked = Question(network=network, inputs=inputs, target=_TARGET, of=next(iter(inputs)))
    x0 = np.broadcast_to(baseline, x.shape)
    return quadrature(asked, forward(network, inputs), x0, np.arange(len(x)), nodes)


def _stand_in(inputs: dict[str, Any], baseline: Floats) -> tuple[str, Baseline]:
    of = next(iter(inputs))
    return of, make_baseline(baseline, inputs[of])


def secant(network: Network, x: Floats, baselines: Floats) -> Contribution:
    """Split forecasts by lag and feature, as the mean over backgrounds.

    Parameters
    ----------
    network : Network
        The network.
    x : array (sample, step, feature)
        Windows.
    baselines : array (background, step, feature)
        Backgrounds.

    Returns
    -------
    Contribution
        Newest lag first.
    """
    inputs = checked(network, x, PRECISION)
    of, stand_in = _stand_in(inputs, baselines)
    return contributions(
        Question(network=network, inputs=inputs, target=_TARGET, baseline=stand_in, of=of)
    )


def tree(network: Network, x: Floats, baseline: Floats, newest: int) -> LagContribution:
    """Give the exact Shapley value of every lag.

    Parameters
    ----------
    network : Network
        The network.
    x, baseline : array (sample, step, feature), (step, feature)
        Windows and what stands in for hidden lags.
    newest : int
        Lags that are players.

    Returns
    -------
    LagContribution
        Newest lag first.
    """
    inputs = checked(network, x, PRECISION)
    of, stand_in = _stand_in(inputs, baseline)
    return shapley_tree(
        Question(
            network=network, inputs=inputs, target=_TARGET, baseline=stand_in, of=of, newest=newest
        )
    )
