"""The states of recurrent layers over many windows, and what each unit takes in and lets go.

A cell state is a store: ``c_t = f c_(t-1) + i g``. Its *inflow* is the mean size of ``i g``, its
*loss rate* the share of what is stored that a step lets go, ``sum (1 - f)|c_(t-1)| / sum
|c_(t-1)|``, and its *residence time* one over that, in steps: how long what is stored stays on
average. Of a GRU ``h_t = z h_(t-1) + (1 - z) n`` it is the same with z and ``(1 - z) n``; a plain
recurrent cell has no gate that lets go.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rnnlens.engine.forward import Run, forward, inputs_of
from rnnlens.engine.operations.registry import Array
from rnnlens.engine.recurrent_layers import LayerLocation
from rnnlens.engine.schedule.plan import chunks
from rnnlens.engine.trace import LayerTrace, LSTMTrace, ProjectedLSTMTrace, layer_traces
from rnnlens.names import declared
from rnnlens.network.layers import Embedding
from rnnlens.network.network import Network

__all__ = ["Store", "inputs_read", "newest_step", "states_in", "stores"]


@dataclass(frozen=True, eq=False)
class Store:
    """What each unit of a layer takes in and lets go, over windows and steps.

    Parameters
    ----------
    inflow : array (unit,)
        Mean size of what a step adds.
    loss_rate : array (unit,)
        Share of what is stored that a step lets go; NaN where nothing is ever stored.
    residence_time : array (unit,)
        One over that, in steps; infinite where nothing is let go.
    residence_hours : array (unit,), optional
        The same in hours, where the length of a step is known.
    """

    inflow: Array = declared("unit", long_name="mean size of what a step adds")
    loss_rate: Array = declared("unit", long_name="share of what is stored that a step lets go")
    residence_time: Array = declared("unit", long_name="mean time that it stays", unit="steps")
    residence_hours: Array | None = declared(
        "unit", optional=True, long_name="mean time that it stays", unit="h"
    )


#: Names of a layer and of one of its states.
Named = tuple[str, str]


def newest_step(place: LayerLocation, steps: int) -> int:
    """Give the step after which a layer has read its whole sequence."""
    return 0 if place.layer.go_backwards else steps - 1


def _passes(
    network: Network, inputs: Mapping[str, Array]
) -> Iterator[tuple[Run, dict[str, LayerTrace]]]:
    for chunk in chunks(network, inputs, runs=3):
        run = forward(network, inputs_of(inputs, chunk))
        yield run, layer_traces(run)


def _state(trace: LayerTrace, state: str) -> Array:
    """Give a state of a trace after each step, the hidden one as it is handed on."""
    if state == "cell":
        assert isinstance(trace, LSTMTrace)
        return trace.cell
    return trace.projected if isinstance(trace, ProjectedLSTMTrace) else trace.hidden


def states_in(
    network: Network,
    inputs: Mapping[str, Array],
    wanted: Sequence[tuple[LayerLocation, str]],
    steps: NDArray[np.int64] | None = None,
) -> dict[Named, Array]:
    """Give states after some steps, or after the last that each layer reads.

    Shapes: steps (step,) -> dict of (sample, step, unit).
    """
    parts: dict[Named, list[Array]] = {(place.name, state): [] for place, state in wanted}
    for _, traces in _passes(network, inputs):
        for place, state in wanted:
            whole = _state(traces[place.name], state)
            which = [newest_step(place, whole.shape[1])] if steps is None else steps
            parts[place.name, state].append(whole[:, which])
    return {name: np.concatenate(pieces) for name, pieces in parts.items()}


def inputs_read(network: Network, inputs: Mapping[str, Array]) -> dict[str, Array]:
    """Give every input as numbers, tokens as what their table holds for them.

    Shapes: gives dict of (sample, step, number), (sample, number) for inputs without steps.
    """
    tables = {
        node.inputs[0][0]: node.name for node in network.nodes if isinstance(node.layer, Embedding)
    }
    numbers: dict[str, list[Array]] = {name: [] for name in inputs}
    for chunk in chunks(network, inputs):
        part = inputs_of(inputs, chunk)
        run = forward(network, part) if set(tables) & set(inputs) else None
        for name, array in part.items():
            read = array if run is None or name not in tables else run.value((tables[name], 0))
            flat = read if read.ndim < 3 else read.reshape(*read.shape[:2], -1)
            numbers[name].append(flat[:, None] if flat.ndim == 1 else flat)
    return {name: np.concatenate(pieces) for name, pieces in numbers.items()}


def stores(
    network: Network, inputs: Mapping[str, Array], places: Sequence[LayerLocation]
) -> dict[str, Store]:
    """Say of every unit that has a gate over its state what it takes in and lets go."""
    gated = [place for place in places if place.layer.cell.kind in {"LSTM", "GRU"}]
    sums = {place.name: np.zeros((4, place.layer.cell.units)) for place in gated}
    for _, traces in _passes(network, inputs) if gated else ():
        for place in gated:
            sums[place.name] += _flows(place, traces[place.name])
    return {name: _store(total) for name, total in sums.items()}


def _flows(place: LayerLocation, trace: LayerTrace) -> Array:
    """Sum up over windows and real steps but the first read: (4, unit).

    They are the steps, the size of the inflow, of what was stored and of what was let go.
    """
    gate = trace.gate_value
    if isinstance(trace, LSTMTrace):
        stored, keep, inflow = trace.cell, gate[:, :, 1], gate[:, :, 0] * gate[:, :, 2]
    else:
        stored, keep = trace.hidden, gate[:, :, 0]
        inflow = (1 - keep) * gate[:, :, 2]
    before, after = (slice(1, None), slice(None, -1))
    if not place.layer.go_backwards:
        before, after = after, before
    held, keep, inflow = np.abs(stored[:, before]), keep[:, after], np.abs(inflow[:, after])
    real = ~np.isnan(keep)
    parts = (real, inflow, np.where(real, held, 0.0), (1 - keep) * held)
    return np.stack([np.nansum(part, axis=(0, 1)) for part in parts])


def _store(sums: Array) -> Store:
    steps, inflow, held, lost = sums
    nothing = np.full(len(steps), np.nan)
    rate = np.divide(lost, held, out=nothing.copy(), where=held > 0)
    with np.errstate(divide="ignore"):
        time = np.where(rate > 0, 1 / np.where(rate > 0, rate, 1.0), np.inf)
    time = np.where(np.isnan(rate), np.nan, time)
    return Store(np.divide(inflow, steps, out=nothing, where=steps > 0), rate, time)
