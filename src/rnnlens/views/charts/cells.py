"""The cells of the heat maps: gates over the steps of one window, and weights by gate.

Every table stays below `MOST_CELLS`, so that a figure can be read and its file stays small. What
was left out or put together is said in the note that comes with the table.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from rnnlens.names import CANDIDATES
from rnnlens.views.words.language import marked, phrase, say

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr

__all__ = ["MOST_CELLS", "Panel", "gate_panels", "panel_name", "weight_panels"]

#: How many cells the heat maps of one figure have at most.
MOST_CELLS = 4800

#: How the panels of a trace are called.
PANEL_NAMES = {
    "input": marked("input gate"),
    "forget": marked("forget gate"),
    "output": marked("output gate"),
    "cell": marked("candidate (cell gate)"),
    "update": marked("update gate"),
    "reset": marked("reset gate"),
    "candidate": marked("candidate"),
    "hidden": marked("hidden state"),
}


def panel_name(gate: str) -> str:
    """Say what a gate is called; one that is not known by its own name."""
    return phrase(PANEL_NAMES[gate]) if gate in PANEL_NAMES else gate


@dataclass(frozen=True, eq=False)
class Panel:
    """One heat map: its cells, its name and its scale.

    Parameters
    ----------
    name : str
        What is shown, such as ``"forget gate"``.
    table : pandas.DataFrame
        Columns ``x``, ``y`` and ``value``; a missing value stays missing.
    valve : bool
        Whether the values are those of a gate between 0 (closed) and 1 (open).
    largest : float
        The largest absolute value, for a scale that is symmetric around zero.
    """

    name: str
    table: pd.DataFrame
    valve: bool
    largest: float


def gate_panels(
    node: xr.Dataset, *, sample: int = 0, most_units: int = 32, most_steps: int = 168
) -> tuple[list[Panel], str]:
    """Give the gates and states of one window of one layer."""
    window = node.isel(sample=sample)
    arrays = {str(gate): window["gate_value"].sel(gate=gate) for gate in window["gate"].values}
    arrays = {
        panel_name(gate) if gate in PANEL_NAMES else say("{name} gate", name=gate): array
        for gate, array in arrays.items()
    }
    valves = {panel_name(str(gate)) for gate in window["gate"].values} - {
        panel_name(gate) for gate in CANDIDATES
    }
    for name, text in (("cell", say("cell state")), ("hidden", say("hidden state"))):
        if name in window and text not in arrays:
            arrays[text] = window[name]
    units, steps, note = _kept(window, len(arrays), most_units, most_steps)
    panels = []
    for name, array in arrays.items():
        values = array.transpose("step", "unit").values[np.ix_(steps, units)]
        finite = values[np.isfinite(values)]
        inside = bool(np.all((finite >= 0) & (finite <= 1)))
        table = _cells(values, _labels(window, "step")[steps], _labels(window, "unit")[units])
        panels.append(Panel(name, table, name in valves and inside, _largest(values)))
    return panels, note


def weight_panels(node: xr.Dataset, *, kind: str = "W") -> tuple[list[Panel], str]:
    """Give one kind of a layer's weights, gate by gate."""
    if kind == "b":
        return _bias_panel(node)
    wanted = {"W": ("feature", "unit"), "U": ("from_unit", "unit")}[kind]
    arrays = {str(name): array for name, array in node.data_vars.items() if array.dims == wanted}
    largest = max((_largest(array.values) for array in arrays.values()), default=0.0)
    panels, note = [], ""
    for name, array in arrays.items():
        rows, columns = (_labels(node, dimension) for dimension in wanted)
        values, rows, columns, block = _blocks(
            array.values, rows, columns, MOST_CELLS // len(arrays)
        )
        gate = str(array.attrs.get("gate", ""))
        title = f"{name}, {panel_name(gate)}" if gate else name
        panels.append(Panel(title, _cells(values.T, columns, rows), False, largest))
        if block != (1, 1):
            note = say(
                "each cell shows the weight of largest size among {high} x {wide} neighbours",
                high=block[0],
                wide=block[1],
            )
    return panels, note


def _bias_panel(node: xr.Dataset) -> tuple[list[Panel], str]:
    arrays = {str(name): array for name, array in node.data_vars.items() if array.dims == ("unit",)}
    if not arrays:
        return [], ""
    values = np.stack([array.values for array in arrays.values()])
    largest = _largest(values)
    names, units = np.array(list(arrays), dtype=object), _labels(node, "unit")
    width = -(-len(units) // max(1, MOST_CELLS // len(arrays)))
    values, names, units, _ = _grouped(values, names, units, (1, width))
    note = say("each cell shows the number of largest size among {width} neighbours", width=width)
    panel = Panel(say("biases"), _cells(values.T, units, names), False, largest)
    return [panel], note if width > 1 else ""


def _kept(
    window: xr.Dataset, panels: int, most_units: int, most_steps: int
) -> tuple[np.ndarray, np.ndarray, str]:
    hidden = window["hidden"].transpose("step", "unit").values
    steps, units = hidden.shape
    kept_steps = np.arange(steps)[-most_steps:]
    room = max(1, MOST_CELLS // (len(kept_steps) * panels))
    count = min(most_units, room, units)
    span = np.ptp(np.nan_to_num(hidden[kept_steps]), axis=0)
    kept_units = np.sort(np.argsort(-span, kind="stable")[:count])
    notes = []
    if count < units:
        notes.append(
            say(
                "the {count} of {units} units whose hidden state moved most in this window",
                count=count,
                units=units,
            )
        )
    if len(kept_steps) < steps:
        notes.append(say("the newest {kept} of {steps} steps", kept=len(kept_steps), steps=steps))
    note = say("shown: {notes}", notes=say(", ").join(notes)) if notes else ""
    return kept_units, kept_steps, note


def _blocks(
    values: np.ndarray, rows: np.ndarray, columns: np.ndarray, most: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray, tuple[int, int]]:
    high = wide = 1
    while -(-len(rows) // high) * -(-len(columns) // wide) > most:
        if len(rows) / high > len(columns) / wide:
            high += 1
        else:
            wide += 1
    return _grouped(values, rows, columns, (high, wide))


def _grouped(
    values: np.ndarray, rows: np.ndarray, columns: np.ndarray, block: tuple[int, int]
) -> tuple[np.ndarray, np.ndarray, np.ndarray, tuple[int, int]]:
    if block == (1, 1):
        return values, rows, columns, block
    high, wide = block
    grouped = np.array([
        [
            part.flat[np.argmax(np.abs(part))]
            for part in np.array_split(band, range(wide, len(columns), wide), axis=1)
        ]
        for band in np.array_split(values, range(high, len(rows), high), axis=0)
    ])
    return grouped, rows[::high], columns[::wide], block


def _cells(values: np.ndarray, x: np.ndarray, y: np.ndarray) -> pd.DataFrame:
    import pandas as pd

    return pd.DataFrame({
        "x": np.repeat(x, len(y)),
        "y": np.tile(y, len(x)),
        "value": values.ravel(),
    })


def _labels(dataset: xr.Dataset, dimension: str) -> np.ndarray:
    if dimension not in dataset.coords:
        return np.arange(dataset.sizes[dimension])
    values = dataset[dimension].values
    if values.dtype.kind in "iu":
        return values.astype(int)
    return np.array([str(value) for value in values], dtype=object)


def _largest(values: np.ndarray) -> float:
    finite = np.abs(values[np.isfinite(values)])
    return float(finite.max()) if finite.size else 0.0
