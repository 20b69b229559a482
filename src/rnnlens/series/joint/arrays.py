"""Windows of several inputs that are cut already: an array of each by its name, in one file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from rnnlens.arguments import did_you_mean
from rnnlens.errors import DataError
from rnnlens.series.arrays import windows_from_arrays
from rnnlens.series.joint.inputs import main_input
from rnnlens.series.joint.windows import WindowsByInput
from rnnlens.series.sidecar import Sidecar

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["by_input_from_arrays", "plain_by_input"]

#: What a file may hold beside an array of each input.
BESIDE = ("y", "times", "scaled")


def plain_by_input(
    arrays: Mapping[str, NDArray[Any]],
    sequences: Sequence[str],
    outputs: Sequence[str],
    y: NDArray[Any] | None = None,
    times: NDArray[Any] | None = None,
) -> WindowsByInput:
    """Describe arrays of which nothing is said: as they stand, features numbered, no units.

    Shapes: arrays mapping of str to (sample, ...), y (sample, target), times (sample,).
    """
    parts = {}
    for name, given in arrays.items():
        steps = given.shape[1] if name in sequences else 1
        values = given.reshape(len(given), steps, -1)
        features = [f"feature {k}" for k in range(values.shape[2])]
        own = Sidecar.plain(features, steps, targets=outputs)
        made = windows_from_arrays(values, y, sidecar=own, scaled=True, times=times)
        parts[name] = replace(made, plain=True)
    static = tuple(name for name in arrays if name not in sequences)
    return WindowsByInput(parts, next(iter([*sequences, *arrays])), static, {})


def by_input_from_arrays(
    arrays: Mapping[str, NDArray[Any]], sidecar: Sidecar, *, where: str = ""
) -> WindowsByInput:
    """Describe windows of several inputs that are cut already, as a sidecar says.

    As of one input they are in original units, or in network units where `arrays` says ``scaled``.

    Shapes: arrays mapping of input name to (sample, step, feature), (sample, feature) or less, with
    ``y`` (sample, target) and ``times`` (sample,).
    """
    names = [one.name for one in sidecar.inputs]
    _require(arrays, names, where)
    counts = {len(arrays[name]) for name in names}
    if len(counts) > 1:
        raise DataError(f"{where}the inputs hold different numbers of samples: {sorted(counts)}")
    parts = {}
    for one in sidecar.inputs:
        steps = one.back(sidecar.window) + one.ahead or 1
        given = arrays[one.name]
        size = (len(given), steps, len(one.features))
        if given.size != np.prod(size):
            raise DataError(
                f"{where}input {one.name!r} must hold {steps} steps of {len(one.features)} "
                f"features a window and has the shape {given.shape}"
            )
        own = replace(sidecar, features=one.features, targets=sidecar.targets, inputs=())
        made = windows_from_arrays(
            given.reshape(size),
            arrays.get("y"),
            sidecar=replace(own, window=steps),
            scaled=bool(arrays.get("scaled", False)),
            times=arrays.get("times"),
        )
        parts[one.name] = replace(made, ahead=one.ahead)
    return WindowsByInput(
        parts,
        main_input(sidecar.inputs).name,
        tuple(one.name for one in sidecar.inputs if one.static),
        {},
    )


def _require(arrays: Mapping[str, object], names: Sequence[str], where: str) -> None:
    missing = next((name for name in names if name not in arrays), None)
    if missing is not None:
        raise DataError(
            f"{where}no array is called {missing!r}, an input that the sidecar describes"
            f"{did_you_mean(missing, list(arrays))}: it holds {', '.join(arrays)}"
        )
    unknown = next((name for name in arrays if name not in {*names, *BESIDE}), None)
    if unknown is not None:
        raise DataError(
            f"{where}the array {unknown!r} is no input that the sidecar describes"
            f"{did_you_mean(unknown, names)}: leave it out, or describe it; beside inputs there "
            f"may be {', '.join(BESIDE)}"
        )
