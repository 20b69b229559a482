"""The change of a forecast that does not matter, where none is stated."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rnnlens.attribution.question import Question
from rnnlens.engine.forward import predict
from rnnlens.errors import DataError
from rnnlens.names import told
from rnnlens.network.network import Network

__all__ = ["Tolerance", "make_tolerance"]

#: Share of the forecasts' standard deviation.
SHARE = 0.01


@dataclass(frozen=True)
class Tolerance:
    """The change of the forecast that does not matter.

    Parameters
    ----------
    value : float
        In the target's own unit.
    text : str
        Where it comes from.
    """

    value: float
    text: str


def make_tolerance(
    question: Question,
    given: float | None,
    data: NDArray[np.float64],
    every: tuple[Network, Mapping[str, NDArray[np.float64]]] | None = None,
    *,
    forecast: NDArray[np.float64] | None = None,
) -> Tolerance:
    """Give the tolerance that was asked for, or a share of how forecasts differ.

    Forecasts are of windows of the one input, or of `every` input of the network as it was given;
    they are made where they do not come with the question.

    Shapes: data (window, step, feature), inputs of `every` (window, ...), forecast (window,).
    """
    if given is not None:
        return Tolerance(float(given), told("as given"))
    if forecast is None:
        inputs = {question.of: data} if len(question.inputs) == 1 else question.inputs
        network, inputs = (question.network, inputs) if every is None else every
        outputs = predict(network, inputs)
        forecast = question.target.pick(outputs if isinstance(outputs, tuple) else (outputs,))
    size = float(forecast.std())
    if not size > 0:
        raise DataError("the forecasts of these windows do not differ: give a tolerance")
    text = told("{share:g} % of the standard deviation of the forecasts", share=100 * SHARE)
    return Tolerance(SHARE * size, text)
