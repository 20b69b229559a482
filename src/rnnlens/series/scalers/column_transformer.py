"""A ``ColumnTransformer``: its scalers side by side, in the order of the columns that it gives."""

from __future__ import annotations

from collections import UserList
from collections.abc import Callable, Mapping

import numpy as np

from rnnlens.series.scalers.arrays import plain
from rnnlens.series.scalers.inert import Estimator, Refused, shown
from rnnlens.series.scalers.lines import MOST_COLUMNS, Columns, Line, texts_of

__all__ = ["side_by_side"]


def side_by_side(fields: Mapping[str, object], read: Callable[[object, int], Columns]) -> Columns:
    """Give the columns of a fitted ColumnTransformer.

    `fields` are its own; `read` says what one of its scalers does to so many columns.
    """
    parts = fields.get("transformers_")
    if not isinstance(parts, list) or not parts:
        raise Refused(
            "its ColumnTransformer has no transformers_, so it was never fitted: write it after fit"
        )
    names = texts_of(fields.get("feature_names_in_")) or texts_of(fields.get("_df_columns"))
    width = next(
        (fields[key] for key in ("n_features_in_", "_n_features") if type(fields.get(key)) is int),
        None,
    )
    known = _Inputs(names, len(names) if names else width if isinstance(width, int) else None)
    lines: list[Line] = []
    places: list[str | int] = []
    notes: list[str] = []
    for part in parts:
        if not isinstance(part, tuple) or len(part) != 3:
            raise Refused("its ColumnTransformer has a part that is none; write the scaler again")
        _, scaler, chosen = part
        if scaler == "drop":
            continue
        columns = known.chosen(plain(chosen))
        if not columns:
            continue
        if scaler is None or scaler == "passthrough":
            made = Columns((Line(),) * len(columns))
        else:
            made = read(scaler, len(columns))
        if len(made) != len(columns):
            raise Refused(
                f"its ColumnTransformer makes {len(made)} columns of {len(columns)}; only scalers "
                "that give one column for each are understood"
            )
        lines += made.lines
        places += columns
        notes += made.notes
    if not lines or len(lines) > MOST_COLUMNS:
        raise Refused("its ColumnTransformer scales no column; give the scaler that was used")
    return Columns(tuple(lines), known.named(places), tuple(notes))


class _Inputs:
    """The columns that a ColumnTransformer was given."""

    def __init__(self, names: tuple[str, ...] | None, width: int | None) -> None:
        self.names, self.width = names, width

    def chosen(self, stated: object) -> list[str | int]:
        """Read which columns a part takes: names, numbers, flags, or a slice of numbers."""
        if isinstance(stated, Estimator):
            stated = plain(stated.fields.get("data"))  # its list of the columns that remain
        if isinstance(stated, UserList):
            stated = stated.data
        if isinstance(stated, slice):
            stated = self._cut(stated)
        if isinstance(stated, np.ndarray):
            stated = stated.tolist() if stated.ndim == 1 else None
        if isinstance(stated, str) or type(stated) is int:
            stated = [stated]
        items = list(stated) if isinstance(stated, list | tuple) else [None]
        if items and all(isinstance(item, bool) for item in items):
            return [place for place, taken in enumerate(items) if taken]
        chosen = [self._place(item) for item in items if type(item) is int or type(item) is str]
        if len(chosen) == len(items) <= MOST_COLUMNS:
            return chosen
        raise Refused(
            f"its ColumnTransformer chooses columns by {shown(type(stated).__name__)}; names, "
            "numbers, flags and slices of numbers are understood"
        )

    def _cut(self, stated: slice) -> list[int] | None:
        ends = (stated.start, stated.stop, stated.step)
        if self.width is None or not 0 < self.width <= MOST_COLUMNS or stated.step == 0:
            return None
        sound = all(end is None or type(end) is int for end in ends)
        return list(range(self.width))[stated] if sound else None

    def _place(self, number: str | int) -> str | int:
        if isinstance(number, str):
            return number
        if self.width is not None and -self.width <= number < 0:
            return number + self.width
        if not 0 <= number < (self.width or MOST_COLUMNS):
            raise Refused("its ColumnTransformer takes a column that is not there; it is damaged")
        return number

    def named(self, places: list[str | int]) -> tuple[str, ...] | None:
        """Give the names of columns, where they are known of all."""
        names = []
        for place in places:
            if isinstance(place, int) and (self.names is None or place >= len(self.names)):
                return None
            names.append(place if isinstance(place, str) else self.names[place])  # type: ignore[index]
        return tuple(names)
