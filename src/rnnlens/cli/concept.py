"""From the concept that was typed to one number of each window."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from rnnlens.cli.inputs import number_of
from rnnlens.cli.output import note
from rnnlens.cli.undoubted import steps_of_windows
from rnnlens.errors import ConfigError, DataError
from rnnlens.names import told

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from rnnlens.cli.several import AnyWindows
    from rnnlens.series.sidecar import Sidecar
    from rnnlens.series.windows import Windows

__all__ = ["concept_typed"]


def concept_typed(
    typed: str, data: Sequence[Path], sidecar: Sidecar, windows: AnyWindows, *, every_step: bool
) -> tuple[AnyWindows, NDArray[np.float64]]:
    """Give the windows of which the concept is known, and it: (sample,) or (sample, step)."""
    from rnnlens.series.tables.npy import array_in
    from rnnlens.series.windows import Windows

    if typed.endswith(".npy"):
        array = array_in(typed)
        if array.dtype.kind not in "biuf":
            raise DataError(f"{typed} holds no numbers: give one number a window")
        return windows, np.asarray(array, dtype=np.float64)
    file, _, column = typed.rpartition(":")
    one = isinstance(windows, Windows)
    if one and not file and column in windows.features:
        values = windows.original[..., windows.features.index(column)]
        return windows, values if every_step else values[:, -1]
    if not one or steps_of_windows(data) is not None:
        raise ConfigError(
            f"{typed!r} is a column, which is read beside a table of one series: give an .npy file "
            "with one number a window"
        )
    return _beside(column, [*data, *([Path(file)] if file else [])], sidecar, windows, every_step)


def _beside(
    column: str, paths: list[Path], sidecar: Sidecar, windows: Windows, every_step: bool
) -> tuple[Windows, NDArray[np.float64]]:
    """Cut the same windows from a column that the network does not take."""
    from rnnlens import api
    from rnnlens.series.column import Column
    from rnnlens.series.variable import Variable
    from rnnlens.series.windows import Windows

    wanted = Variable(column, mean=0.0, scale=1.0, column=Column(missing="drop"))
    targets = sidecar.targets or sidecar.features
    beside = replace(sidecar, features=(*sidecar.features, wanted), targets=targets)
    cut = api.windows(paths, beside)
    assert isinstance(cut, Windows)
    places = {key: place for place, key in enumerate(_keys(cut))}
    found = np.array([places.get(key, -1) for key in _keys(windows)])
    known = found >= 0
    if not known.any():
        raise DataError(f"column {column!r} has no values in these windows: ask about others")
    if not known.all():
        note(
            told(
                "{count} of {whole} windows lack {column}: left out",
                count=int((~known).sum()),
                whole=number_of(windows),
                column=column,
            )
        )
    values = cut.values[found[known], :, -1]
    kept = windows if known.all() else windows.select(known)
    return kept, values if every_step else values[:, -1]


def _keys(windows: Windows) -> list[tuple[object, object]]:
    """Give what tells a window from others: when it was issued, and for which place."""
    groups = [""] * len(windows) if windows.groups is None else windows.groups.tolist()
    return list(zip(windows.issued.tolist(), groups, strict=True))
