"""By how much the framework that a network came from differs from it, where a certificate asks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from rnnlens.checks.fidelity import OUTPUTS
from rnnlens.engine.forward import predict
from rnnlens.errors import DataError, InputError
from rnnlens.names import told
from rnnlens.readers import run as readers_run

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from rnnlens.attribution.question import Question
    from rnnlens.evidence.proof.ranges import Ranges

    Array = NDArray[np.float64]

__all__ = ["measured_deviation", "run_source"]

#: Share of the outputs' size beyond which no precision explains a difference: float16 and bfloat16
#: come near it, and one gate in another's place goes beyond.
ANOTHER = 1e-2


def measured_deviation(question: Question, source: object, ranges: Ranges) -> tuple[float, str]:
    """Run a source where a certificate asks, and say how far it is from the network.

    A source (a live model, a path, or one or more arrays of outputs) that can be run is asked at
    the windows as they are, and with each lag's features at the lower and at the upper ends of
    their ranges.
    """
    stored = [source] if isinstance(source, np.ndarray) else source
    if isinstance(stored, tuple | list) and all(isinstance(a, np.ndarray) for a in stored):
        inputs, name = question.inputs, told("stored outputs")
        theirs = [np.asarray(OUTPUTS.check("source", a)) for a in stored]
    else:
        inputs = _asked(question, ranges)
        theirs, name = run_source(source, inputs)
    return _largest(question, inputs, theirs), told(
        "{source}, {count:,} windows", source=name, count=len(theirs[0])
    )


def run_source(source: object, inputs: Mapping[str, Array]) -> tuple[list[Array], str]:
    """Run a source on inputs, and say what ran it: inputs mapping of str to (sample, ...)."""
    ran = readers_run.source_outputs(source, inputs)
    if ran is None:
        raise InputError(
            "a deviation is measured against a live model of Keras or PyTorch, the file of a "
            "model that can be run, or the outputs it gave, not an object of type "
            f"{type(source).__name__}"
        )
    return ran


def _asked(question: Question, ranges: Ranges) -> dict[str, Array]:
    """Give the windows, and the windows with each lag at either end of its range."""
    x, free = question.inputs[question.of], list(ranges.features)
    many = [x]
    for k, lag in enumerate(ranges.lags):
        for end in (np.asarray(ranges.low), np.asarray(ranges.high)):
            moved = x.copy()
            moved[:, x.shape[1] - lag, free] = end[:, k]
            many.append(moved)
    repeated = {
        name: np.concatenate([array] * len(many)) for name, array in question.inputs.items()
    }
    return {**repeated, question.of: np.concatenate(many)}


def _largest(
    question: Question, inputs: Mapping[str, Array], theirs: Sequence[NDArray[np.generic]]
) -> float:
    outputs = predict(question.network, inputs)
    ours = outputs if isinstance(outputs, tuple) else (outputs,)
    shapes = [np.shape(a) for a in theirs], [a.shape for a in ours]
    if shapes[0] != shapes[1]:
        raise DataError(
            f"the source gives outputs of shapes {shapes[0]}, but the network gives {shapes[1]} "
            "for these windows: measure the deviation against what it was read from"
        )
    same = tuple(np.asarray(a, float) for a in theirs)
    largest = float(
        np.abs(question.target.pick(ours) - question.target.pick(same)).max(initial=0.0)
    )
    if not np.isfinite(largest):
        raise DataError("the source gives forecasts that are not finite: there is no deviation")
    scale = abs(question.target.scale)
    size = max(float(np.abs(array).max(initial=0.0)) for array in ours) * scale
    if largest > ANOTHER * size:
        raise DataError(
            f"the source computes something else: its forecasts differ from the network's by up to "
            f"{largest:.3g}, and rounding in its precision explains {ANOTHER * size:.3g} at the "
            "most; measure the deviation against what the network was read from"
        )
    return largest
