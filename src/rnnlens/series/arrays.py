"""Windows that are cut already: arrays ``(sample, step, feature)``."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from rnnlens.errors import DataError
from rnnlens.series.sidecar import Sidecar
from rnnlens.series.tables.npy import array_in
from rnnlens.series.tables.read import NPZ_START, read_arrays, start_of
from rnnlens.series.windows import Windows, described

if TYPE_CHECKING:
    from collections.abc import Mapping
    from os import PathLike

    from numpy.typing import ArrayLike, NDArray

__all__ = ["holds_windows", "read_windows", "windows_from_arrays", "windows_from_npz"]

NPY_START = b"\x93NUMPY"


def windows_from_arrays(
    X: ArrayLike,
    y: ArrayLike | None = None,
    *,
    sidecar: Sidecar | None = None,
    scaled: bool = False,
    times: ArrayLike | None = None,
) -> Windows:
    """Describe windows that are cut already.

    Shapes: X (sample, step, feature), y (sample, target), times (sample,).
    """
    values = _checked_values(X)
    happened = None if y is None else _checked_actual(y, len(values))
    plain = sidecar is None
    if sidecar is None:
        outputs = values.shape[2] if happened is None else happened.shape[1]
        sidecar = Sidecar.plain(
            [f"feature {number}" for number in range(values.shape[2])],
            values.shape[1],
            targets=[f"output {number}" for number in range(outputs)],
        )
    for axis, wanted, what in (
        (1, sidecar.window, "steps"),
        (2, len(sidecar.features), "features"),
    ):
        if values.shape[axis] != wanted:
            raise DataError(
                f"X has {values.shape[axis]} {what} a window, and {wanted} are expected: the "
                "sidecar says so or, where there is none, the network"
            )
    if happened is not None and happened.shape[1] != len(sidecar.targets):
        raise DataError(
            f"y has the shape {happened.shape}, and (sample, {len(sidecar.targets)}) is expected: "
            "the sidecar says so or, where there is none, the network; list what y holds under "
            "[targets] of a sidecar, with horizons where they are future steps of one, or leave y "
            "out"
        )
    if scaled and happened is not None:
        happened = sidecar.target_transforms.undo(sidecar.target_scaling.undo(happened))
    valid = _valid_times(times, len(values))
    length = sidecar.step_length if valid.dtype.kind == "M" else 1
    leads = sidecar.leads
    issued = np.full_like(valid, "NaT") if length is None else valid - min(leads) * length
    each = (
        None if len(set(leads)) == 1 else np.stack([issued + k * (length or 0) for k in leads], 1)
    )
    made = described(
        values.copy() if scaled else sidecar.feature_scaling.apply(values),
        sidecar,
        times=valid,
        issued=issued,
        actual=happened,
        step=sidecar.step_text,
        target_times=each,
    )
    return replace(made, plain=plain)


def holds_windows(path: str | PathLike[str], start: bytes) -> bool:
    """Say whether a file holds windows and no table, by its first bytes and its arrays."""
    return start.startswith(NPY_START) or (
        start.startswith(NPZ_START) and "X" in _with_x(read_arrays(path))
    )


def read_windows(path: str | PathLike[str]) -> dict[str, NDArray[Any]]:
    """Read the arrays of a file of windows: X, and what belongs to it."""
    if not start_of(path).startswith(NPY_START):
        return _with_x(read_arrays(path))
    return {"X": array_in(path)}


def _with_x(arrays: dict[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """Call the one array with three axes X, where no other is called so: no table has one."""
    windows = [name for name, array in arrays.items() if array.ndim == 3]
    if "X" in arrays or len(windows) != 1:
        return arrays
    return {"X": arrays[windows[0]], **arrays}


def windows_from_npz(
    arrays: Mapping[str, np.ndarray], sidecar: Sidecar | None, where: str
) -> Windows:
    """Describe the windows of an ``.npz`` file, see `rnnlens.series.build.windows`."""
    flag = arrays.get("scaled", np.array(False))
    if flag.dtype.kind != "b" or flag.size != 1:
        raise DataError(f"{where}: scaled must be one True or False and is {flag}")
    try:
        return windows_from_arrays(
            arrays["X"],
            arrays.get("y"),
            sidecar=sidecar,
            scaled=bool(flag),
            times=arrays.get("times"),
        )
    except DataError as error:
        raise DataError(f"{where}: {error}") from None


def _floats(name: str, given: ArrayLike) -> NDArray[np.float64]:
    array = np.asarray(given)
    if array.dtype.kind not in "biuf":
        raise DataError(f"{name} must hold numbers and is of type {array.dtype}")
    return array.astype(np.float64)


def _valid_times(times: ArrayLike | None, samples: int) -> NDArray[Any]:
    if times is None:
        return np.arange(samples)
    array = np.asarray(times)
    if array.shape != (samples,) or array.dtype.kind not in "Mi":
        raise DataError(
            f"times must be {samples} times or whole numbers and has the shape {array.shape} and "
            f"the type {array.dtype}"
        )
    return array.astype("datetime64[ns]") if array.dtype.kind == "M" else array


def _checked_values(X: ArrayLike) -> NDArray[np.float64]:
    values = _floats("X", X)
    if values.ndim != 3 or not values.size:
        raise DataError(f"X must be (sample, step, feature) and has the shape {values.shape}")
    if not np.isfinite(values).all():
        sample, step, feature = (int(place) for place in np.argwhere(~np.isfinite(values))[0])
        raise DataError(
            f"X[{sample}, {step}, {feature}] is {values[sample, step, feature]}; it must be a "
            "finite number"
        )
    return values


def _checked_actual(y: ArrayLike, samples: int) -> NDArray[np.float64]:
    happened = _floats("y", y)
    happened = happened[:, None] if happened.ndim == 1 else happened
    if happened.ndim != 2 or len(happened) != samples:
        as_numbers = (
            f": where its second axis is future steps, give y.reshape({samples}, -1)"
            if happened.ndim > 2 and len(happened) == samples
            else ""
        )
        raise DataError(
            f"y must be (sample, target) with {samples} samples and has the shape "
            f"{happened.shape}{as_numbers}"
        )
    return happened
