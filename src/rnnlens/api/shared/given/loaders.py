"""Windows out of what feeds networks: data loaders and data sets of PyTorch, Keras and TensorFlow.

None of their libraries is imported. A loader that shuffles is read in the order of its data set,
for tests over a series need the order of time.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from rnnlens.arguments import shown
from rnnlens.errors import DataError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from rnnlens.series.windows import Windows

__all__ = ["feeds", "opened"]


def feeds(value: object) -> bool:
    """Say whether something gives windows one after another, and is no array or table itself."""
    if hasattr(value, "shape") or hasattr(value, "columns") or hasattr(value, "data_vars"):
        return False
    if isinstance(value, str | bytes | Mapping | Sequence | set | type):
        return False
    return _is_loader(value) or _is_data_set(value) or hasattr(value, "as_numpy_iterator")


def opened(value: object) -> Windows | NDArray[Any] | dict[str, NDArray[Any]]:
    """Read all that a loader gives: windows with their outcomes, or inputs alone.

    Shapes: gives (sample, step, feature), or a mapping of input name to array.
    """
    from rnnlens.series.arrays import windows_from_arrays

    xs: list[Any] = []
    ys: list[Any] = []
    for item in _batches(value):
        x, y = _parts(item)
        xs.append(x)
        ys.append(y)
    if not xs:
        raise DataError(f"{shown(value)} gives no windows")
    if isinstance(xs[0], Mapping):
        return {str(name): _joined([x[name] for x in xs]) for name in xs[0]}
    x = _joined(xs)
    y = None if ys[0] is None else _joined(ys)
    if x.ndim == 2 and x.dtype.kind == "f":
        x = x[..., None]  # one feature may come without its axis
    fits = y is not None and y.ndim <= 2 and y.dtype.kind in "biuf" and len(y) == len(x)
    return windows_from_arrays(x, y, scaled=True) if x.ndim == 3 and fits else x


def _is_loader(value: object) -> bool:
    return hasattr(value, "dataset") and hasattr(value, "__iter__")


def _is_data_set(value: object) -> bool:
    return hasattr(value, "__getitem__") and hasattr(value, "__len__")


def _batches(value: Any) -> Iterator[Any]:
    """Give batch after batch, in the order of the data set where there is one."""
    if hasattr(value, "as_numpy_iterator"):
        yield from value.as_numpy_iterator()
        return
    if not _is_loader(value):
        whole = hasattr(value, "on_epoch_end")  # what Keras calls a data set gives batches
        for number in range(len(value)):
            yield value[number] if whole else _one(value[number])
        return
    inner, size = value.dataset, getattr(value, "batch_size", None)
    collate = getattr(value, "collate_fn", None)
    if size is None or collate is None or not _is_data_set(inner):
        yield from value
        return
    for start in range(0, len(inner), size):
        yield collate([inner[at] for at in range(start, min(start + size, len(inner)))])


def _one(item: Any) -> Any:
    """Make a batch of a single window, or of a window and what came after it."""
    if isinstance(item, tuple | list):
        return tuple(_one(part) for part in item)
    if isinstance(item, Mapping):
        return {name: _one(part) for name, part in item.items()}
    return _array(item)[None]


def _parts(item: Any) -> tuple[Any, Any]:
    """Give the windows of a batch, and what happened where it says so."""
    if not isinstance(item, tuple | list):
        return item, None
    if len(item) == 1:
        return item[0], None
    if len(item) == 2:
        return item[0], item[1]
    raise DataError(
        f"a batch has {len(item)} parts, where windows, or windows and what happened, were "
        "expected: give a mapping of input name to array instead"
    )


def _array(part: Any) -> NDArray[Any]:
    return np.asarray(part.detach().cpu() if hasattr(part, "detach") else part)


def _joined(parts: list[Any]) -> NDArray[Any]:
    arrays = [_array(part) for part in parts]
    shapes = sorted({array.shape[1:] for array in arrays})
    if len(shapes) > 1:
        raise DataError(
            f"batches differ in their shape: windows are {shapes[0]} in one and {shapes[1]} in "
            "another; pad them to one number of steps, as the network's mask expects"
        )
    return np.concatenate(arrays)
