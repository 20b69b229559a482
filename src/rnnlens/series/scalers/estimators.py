"""What the scalers of scikit-learn do, told from their names and fields alone.

The same functions read a live object and what is left of a pickled one. Which fields take part is
said by the flags that the class itself looks at: a ``StandardScaler`` that was told
``with_mean=False`` has a ``mean_`` all the same, and does not use it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from rnnlens.names import told
from rnnlens.series.scalers.arrays import plain
from rnnlens.series.scalers.column_transformer import side_by_side
from rnnlens.series.scalers.inert import Estimator, Global, Refused, shown
from rnnlens.series.scalers.lines import (
    Columns,
    Line,
    between,
    numbers_of,
    straight,
    texts_of,
)
from rnnlens.series.transform import Transform

__all__ = ["KNOWN", "REMEDY", "Seen", "columns_of", "estimator_of"]

#: Estimators within an estimator at most: one inside another, and all of a file together.
DEEPEST, MOST = 8, 2000
#: What to do with a scaler that is not understood.
REMEDY = (
    'write its numbers with np.savez("scaler.npz", mean=..., scale=...), one of each a column, and '
    "give that file"
)


@dataclass
class Seen:
    """How deep a reading has come, and how many estimators all of it has looked at."""

    depth: int = 0
    count: list[int] = field(default_factory=lambda: [0])

    def deeper(self) -> Seen:
        """Go one estimator deeper, where that is allowed."""
        self.count[0] += 1
        if self.depth >= DEEPEST or self.count[0] > MOST:
            raise Refused(f"it holds scalers within scalers beyond what a file has; {REMEDY}")
        return Seen(self.depth + 1, self.count)


#: Takes an estimator, how many columns it is given (None: not known), and what was read before.
Reader = Callable[[Estimator, int | None, Seen], Columns]


def estimator_of(value: object) -> Estimator | None:
    """Give a value as an estimator: what a pickle left of one, or a live object of that name."""
    given = plain(value)
    if isinstance(given, Estimator):
        return given
    kind = type(given).__name__
    if kind in KNOWN and hasattr(given, "__dict__"):
        return Estimator(kind, vars(given))
    return None


def columns_of(estimator: Estimator, width: int | None, seen: Seen) -> Columns:
    """Say what an estimator does to each column."""
    seen = seen.deeper()
    read = KNOWN.get(estimator.kind)
    if read is None:
        raise Refused(
            f"it is a {shown(estimator.kind)}, and rnnlens understands {', '.join(KNOWN)}: {REMEDY}"
        )
    columns = read(estimator, width, seen)
    names = texts_of(plain(estimator.fields.get("feature_names_in_")))
    if columns.names is None and names is not None and len(names) == len(columns):
        return replace(columns, names=names)
    return columns


def _fitted(estimator: Estimator, name: str) -> NDArray[np.float64]:
    value = plain(estimator.fields.get(name))
    if value is None:
        raise Refused(
            f"its {estimator.kind} has no {name}, so it was never fitted: write it after fit, the "
            "one that the training data were scaled with"
        )
    return numbers_of(name, value)


def _flag(estimator: Estimator, name: str, *, usual: bool) -> bool:
    value = estimator.fields.get(name, usual)
    if not isinstance(value, bool | np.bool_):
        raise Refused(f"{name} of its {estimator.kind} must be true or false and is neither")
    return bool(value)


def _mean_and_scale(estimator: Estimator, mean: tuple[str, str], scale: tuple[str, str]) -> Columns:
    """Read ``(value - mean) / scale``, each of which a flag may have switched off."""
    centred = _flag(estimator, mean[0], usual=True)
    scaled = _flag(estimator, scale[0], usual=True)
    if not (centred or scaled):
        return _alike(estimator, Line(), None)
    means = _fitted(estimator, mean[1]) if centred else None
    scales = _fitted(estimator, scale[1]) if scaled else None
    if means is None and scales is not None:
        means = np.zeros_like(scales)
    if scales is None and means is not None:
        scales = np.ones_like(means)
    return Columns(straight(*_together(estimator, means, scales)))


def _together(
    estimator: Estimator, *arrays: NDArray[np.float64] | None
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    first, second = (array for array in arrays if array is not None)
    if first.shape != second.shape:
        raise Refused(
            f"its {estimator.kind} has {len(first)} of one number and {len(second)} of another, "
            "and must have one of each a column: it is damaged; write the scaler again"
        )
    return first, second


def _alike(estimator: Estimator, line: Line, width: int | None) -> Columns:
    """Do the same to every column, of which there may be any number."""
    stated = plain(estimator.fields.get("n_features_in_"))
    whole = Columns((line,), any_width=True)
    return whole.of_width(stated if type(stated) is int else width)


def _standard(estimator: Estimator, width: int | None, seen: Seen) -> Columns:
    return _mean_and_scale(estimator, ("with_mean", "mean_"), ("with_std", "scale_"))


def _robust(estimator: Estimator, width: int | None, seen: Seen) -> Columns:
    return _mean_and_scale(estimator, ("with_centering", "center_"), ("with_scaling", "scale_"))


def _max_abs(estimator: Estimator, width: int | None, seen: Seen) -> Columns:
    scale = _fitted(estimator, "scale_")
    return Columns(straight(np.zeros_like(scale), scale), notes=_clipping(estimator, (-1.0, 1.0)))


def _min_max(estimator: Estimator, width: int | None, seen: Seen) -> Columns:
    """Read ``value * scale_ + min_``: here scale_ multiplies, and data_range_ is its reciprocal."""
    factor, shift = _together(estimator, _fitted(estimator, "scale_"), _fitted(estimator, "min_"))
    with np.errstate(divide="ignore", invalid="ignore"):
        lines = straight(-shift / factor, 1 / factor)
    to = numbers_of("feature_range", plain(estimator.fields.get("feature_range", (0, 1))))
    if to.shape != (2,) or not to[0] < to[1]:
        raise Refused(f"feature_range of its {estimator.kind} must be two numbers that rise")
    limits = _limits(estimator, factor, shift, to)
    notes = _clipping(estimator, (float(to[0]), float(to[1])))
    if limits is None:
        return Columns(lines, notes=notes)
    low, high = limits
    return Columns(
        tuple(
            between(float(a), float(b), (float(to[0]), float(to[1]))) if a < b else line
            for a, b, line in zip(low, high, lines, strict=True)
        ),
        notes=notes,
    )


def _limits(
    estimator: Estimator,
    factor: NDArray[np.float64],
    shift: NDArray[np.float64],
    to: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float64]] | None:
    """Give the smallest and largest values seen, where they say the same as scale_ and min_."""
    given = [plain(estimator.fields.get(name)) for name in ("data_min_", "data_max_")]
    if any(value is None for value in given):
        return None
    low, high = (numbers_of("data_min_ and data_max_", value) for value in given)
    if low.shape != factor.shape or high.shape != factor.shape:
        return None
    wide = high > low
    # A column that never changed has no range, and scale_ of the range's width itself.
    as_stated = np.stack([low * factor + shift, high * factor + shift])[:, wide]
    return (low, high) if np.allclose(as_stated, to[:, None], rtol=1e-6, atol=1e-6) else None


def _clipping(estimator: Estimator, to: tuple[float, float]) -> tuple[str, ...]:
    if not _flag(estimator, "clip", usual=False):
        return ()
    return (
        told(
            "the {kind} cuts what it gives off at {low:g} to {high:g} (clip=True) and rnnlens does "
            "not: values beyond those that it was fitted on go in as they are",
            kind=estimator.kind,
            low=to[0],
            high=to[1],
        ),
    )


def _power(estimator: Estimator, width: int | None, seen: Seen) -> Columns:
    method = estimator.fields.get("method", "yeo-johnson")
    if not isinstance(method, str) or method not in {"yeo-johnson", "box-cox"}:
        raise Refused(f"its PowerTransformer has a method that rnnlens does not know; {REMEDY}")
    powers = _fitted(estimator, "lambdas_")
    if not np.isfinite(powers).all():
        raise Refused("its PowerTransformer has a lambda that is no finite number; fit it again")
    kind = method.replace("-", "_")
    bent = tuple(Line(transform=Transform(kind, float(power))) for power in powers)
    if not _flag(estimator, "standardize", usual=True):
        return Columns(bent)
    inner = estimator_of(estimator.fields.get("_scaler"))
    if inner is None or inner.kind != "StandardScaler":
        raise Refused("its PowerTransformer has no StandardScaler within; fit it again")
    after = columns_of(inner, len(bent), seen)
    return Columns(bent).then(after)


def _function(estimator: Estimator, width: int | None, seen: Seen) -> Columns:
    """Read a function of NumPy by its name: those that a line and a curve of ours make up."""
    function = plain(estimator.fields.get("func"))
    name = None if function is None else _name_of(function)
    if name not in CURVES or estimator.fields.get("kw_args"):
        raise Refused(
            f"its FunctionTransformer calls {shown(str(name))}, and rnnlens understands "
            f"{', '.join(str(curve) for curve in CURVES if curve)} of NumPy: scale the column "
            "without it, or give the network's own values"
        )
    return _alike(estimator, CURVES[name], width)


def _name_of(function: object) -> str:
    """Give the name of a function of NumPy, or of another with what it belongs to."""
    if isinstance(function, Global) and function.module == "numpy":
        return function.name
    if isinstance(function, np.ufunc):
        return function.__name__
    return f"another function ({getattr(function, 'path', type(function).__name__)})"


def _pipeline(estimator: Estimator, width: int | None, seen: Seen) -> Columns:
    steps = plain(estimator.fields.get("steps"))
    if not isinstance(steps, list) or not steps:
        raise Refused(f"its Pipeline has no steps; {REMEDY}")
    whole = _alike(estimator, Line(), width)
    for step in steps:
        one = step[1] if isinstance(step, tuple) and len(step) == 2 else None
        if one is not None and one != "passthrough":
            inner = _known_estimator(one, "its Pipeline")
            known = None if whole.any_width else len(whole)
            whole = whole.then(columns_of(inner, known, seen))
    return whole


def _known_estimator(value: object, where: str) -> Estimator:
    inner = estimator_of(value)
    if inner is None:
        raise Refused(f"{where} holds what is no scaler of scikit-learn; {REMEDY}")
    return inner


#: Functions of NumPy that a FunctionTransformer may call, None for none.
CURVES: dict[str | None, Line] = {
    None: Line(),
    "log1p": Line(transform=Transform("log1p")),
    "log": Line(transform=Transform("box_cox", 0.0)),
    # Box and Cox's curve of one half is 2 (sqrt(v) - 1)
    "sqrt": Line(-2.0, 2.0, Transform("box_cox", 0.5)),
}


def _table(estimator: Estimator, width: int | None, seen: Seen) -> Columns:
    def read(value: object, columns: int) -> Columns:
        inner = _known_estimator(value, "its ColumnTransformer")
        return columns_of(inner, columns, seen).of_width(columns)

    return side_by_side({key: plain(value) for key, value in estimator.fields.items()}, read)


KNOWN: dict[str, Reader] = {
    "StandardScaler": _standard,
    "MinMaxScaler": _min_max,
    "RobustScaler": _robust,
    "MaxAbsScaler": _max_abs,
    "PowerTransformer": _power,
    "FunctionTransformer": _function,
    "ColumnTransformer": _table,
    "Pipeline": _pipeline,
}
