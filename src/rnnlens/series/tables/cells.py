"""What cells hold: numbers, and what stands for none."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from rnnlens.errors import DataError

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["NO_VALUE", "numbers_from_array", "numbers_from_text", "texts_from_array"]

#: Texts that stand for no value, in small letters.
NO_VALUE = frozenset({"", "na", "n/a", "nan", "null", "none", "nat", "<na>"})


def numbers_from_text(
    where: str,
    name: str,
    cells: Sequence[str],
    row: Callable[[int], str],
    *,
    comma: bool = False,
    may_miss: bool = False,
) -> NDArray[np.float64]:
    """Read the cells of a column as numbers, with NaN where they may hold none: (row,)."""
    text = [cell.replace(",", ".") for cell in cells] if comma else cells
    numbers = np.array([_number(cell) for cell in text], dtype=np.float64)
    for at in map(int, np.flatnonzero(~np.isfinite(numbers))):
        if not (may_miss and cells[at].strip().lower() in NO_VALUE):
            raise _bad_value(where, row(at), name, cells[at])
    return numbers


def _number(text: str) -> float:
    """Read a number, rounded right; NaN where it is none."""
    try:
        return math.nan if "_" in text else float(text)
    except ValueError:
        return math.nan


def numbers_from_array(
    where: str, name: str, given: Any, row: Callable[[int], str], *, may_miss: bool = False
) -> NDArray[np.float64]:
    """Take the numbers of a column in memory, with NaN where it may hold none: (row,)."""
    import pandas as pd

    array = np.asarray(given)
    if array.dtype.kind in "Mmc":
        raise DataError(f"{where}: column {name!r} must hold numbers and holds {array.dtype}")
    numbers = np.array(pd.to_numeric(pd.Series(array), errors="coerce"), np.float64)
    masked = np.ma.getmaskarray(given) if isinstance(given, np.ma.MaskedArray) else None
    if masked is not None:
        numbers[masked] = np.nan
    for at in map(int, np.flatnonzero(~np.isfinite(numbers))):
        held = "masked" if masked is not None and masked[at] else array[at]
        if may_miss and (held == "masked" or str(held).strip().lower() in NO_VALUE):
            continue
        raise _bad_value(where, row(at), name, held)
    return numbers


def texts_from_array(given: Any) -> NDArray[np.str_]:
    """Take the texts of a column in memory; whole numbers as they are written: (row,)."""
    import pandas as pd

    column = pd.Series(given)
    missing = column.isna().to_numpy()
    if column.dtype.kind == "f":
        cells = [str(int(each)) if each.is_integer() else str(each) for each in column]
    else:
        cells = [str(each) for each in column]
    return np.array(
        ["" if none else cell for cell, none in zip(cells, missing, strict=True)], dtype=np.str_
    )


def _bad_value(where: str, row: str, name: str, value: object) -> DataError:
    text = str(value).strip()
    if text.lower() not in NO_VALUE | {"masked"}:
        return DataError(
            f"{where}, {row}, column {name!r} holds {text!r}; it must be a finite number: fill it "
            "in, or take the row out (windows do not cross a missing row)"
        )
    what = f"holds {text!r}, which stands for no value" if text else "is empty"
    return DataError(
        f"{where}, {row}, column {name!r} {what}; it must be a finite number: fill it in, or say "
        'in the sidecar what it is, missing = "drop" (a gap, which windows do not cross), '
        'missing = "hold" with a limit, or the number that training filled in'
    )
