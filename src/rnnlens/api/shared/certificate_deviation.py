"""By how much the framework that a network came from differs from it, where a certificate asks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from rnnlens.errors import DataError, InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from rnnlens.api.shared.case import Case
    from rnnlens.attribution.target import ResolvedTarget

    Array = NDArray[np.float64]

__all__ = ["measured_deviation"]


def measured_deviation(
    case: Case,
    source: Any,
    target: ResolvedTarget,
    *,
    lags: Sequence[int],
    features: Sequence[int],
    ends: tuple[Array, Array],
) -> tuple[float, str]:
    """Run a source where a certificate asks, and say how far it is from the network.

    A source that can be run is asked at the windows as they are, and with each lag's features at
    the lower and at the upper ends of their ranges.

    Shapes: source live model, path, or array or sequence of (sample, ...), ends tuple of two
    (sample, lag, feature).
    """
    from rnnlens.readers.run import source_outputs

    stored = [source] if isinstance(source, np.ndarray) else source
    if isinstance(stored, tuple | list) and all(isinstance(a, np.ndarray) for a in stored):
        inputs, theirs, name = case.inputs, list(stored), "stored outputs"
    else:
        inputs = _asked(case, lags, features, ends)
        ran = source_outputs(source, inputs)
        if ran is None:
            raise InputError(
                "a deviation is measured against a live model of Keras or PyTorch, the file of a "
                "model that can be run, or the outputs it gave, not an object of type "
                f"{type(source).__name__}"
            )
        theirs, name = ran
    return _largest(case, inputs, theirs, target), f"{name}, {len(theirs[0]):,} windows"


def _asked(
    case: Case, lags: Sequence[int], features: Sequence[int], ends: tuple[Array, Array]
) -> dict[str, Array]:
    """Give the windows, and the windows with each lag at either end of its range."""
    x, free = case.inputs[case.of], list(features)
    many = [x]
    for k, lag in enumerate(lags):
        for end in ends:
            moved = x.copy()
            moved[:, x.shape[1] - lag, free] = end[:, k]
            many.append(moved)
    repeated = {name: np.concatenate([array] * len(many)) for name, array in case.inputs.items()}
    return {**repeated, case.of: np.concatenate(many)}


def _largest(
    case: Case, inputs: dict[str, Array], theirs: list[Array], target: ResolvedTarget
) -> float:
    from rnnlens.engine.forward import predict

    found = predict(case.network, inputs)
    ours = found if isinstance(found, tuple) else (found,)
    shapes = [np.shape(a) for a in theirs], [a.shape for a in ours]
    if shapes[0] != shapes[1]:
        raise DataError(
            f"the source gives outputs of shapes {shapes[0]}, but the network gives {shapes[1]} "
            "for these windows: measure the deviation against what it was read from"
        )
    same = tuple(np.asarray(a, float) for a in theirs)
    largest = float(np.abs(target.pick(ours) - target.pick(same)).max(initial=0.0))
    if not np.isfinite(largest):
        raise DataError("the source gives forecasts that are not finite: there is no deviation")
    return largest
