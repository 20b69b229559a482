"""Everything that happened inside every recurrent layer, step by step."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import numpy as np
from numpy.typing import NDArray

from rnnlens.engine import step
from rnnlens.engine.forward import Run
from rnnlens.engine.kernels.run import packed, trace_cell
from rnnlens.engine.operations.described import gate_values
from rnnlens.engine.operations.recurrent import CellRun, run_cell
from rnnlens.engine.operations.registry import Array, Mask, Tape
from rnnlens.names import declared
from rnnlens.network.cells import LSTM
from rnnlens.network.layers import Bidirectional, DescribedRecurrent, Layer, Recurrent
from rnnlens.network.network import Network

__all__ = [
    "LSTMTrace",
    "LayerTrace",
    "ProjectedLSTMTrace",
    "gate_names",
    "gates_of",
    "layer_traces",
    "nothing_to_trace",
    "traces_of",
]


@dataclass(frozen=True, eq=False)
class LayerTrace:
    """What every recurrent layer has at each step, oldest step first.

    Parameters
    ----------
    preactivation : array (sample, step, gate, unit)
        What went into each gate's activation. NaN at masked steps, where nothing was taken over.
    gate_value : array (sample, step, gate, unit)
        What came out of it. NaN at masked steps.
    hidden : array (sample, step, unit)
        Hidden state after the step; at a masked step the one before it.
    """

    preactivation: Array = declared(
        "sample", "step", "gate", "unit", long_name="pre-activation of each gate"
    )
    gate_value: Array = declared("sample", "step", "gate", "unit", long_name="value of each gate")
    hidden: Array = declared("sample", "step", "unit", long_name="hidden state")


@dataclass(frozen=True, eq=False)
class LSTMTrace(LayerTrace):
    """The trace of an LSTM.

    Parameters
    ----------
    cell : array (sample, step, unit)
        Cell state after the step; at a masked step the one before it.
    """

    cell: Array = declared("sample", "step", "unit", long_name="cell state")


@dataclass(frozen=True, eq=False)
class ProjectedLSTMTrace(LSTMTrace):
    """The trace of an LSTM that projects its hidden state: ``hidden`` is ``o * phi(c')``.

    Parameters
    ----------
    projected : array (sample, step, output)
        What the layer hands on, to its next step and to the next layer: ``hidden P``; at a masked
        step the one before it.
    """

    projected: Array = declared("sample", "step", "output", long_name="hidden state as projected")


def layer_traces(run: Run) -> dict[str, LayerTrace]:
    """Lay out what happened in every recurrent layer of a run."""
    traces = {}
    for node in run.network.nodes:
        mask = None
        if isinstance(node.layer, Recurrent | Bidirectional):
            name, number = node.inputs[0]
            mask = run.tapes[name].masks[number]
        traces |= traces_of(node.name, node.layer, run.tapes[node.name], mask)
    return _joined(run.network, traces)


def traces_of(name: str, layer: Layer, tape: Tape, mask: Mask) -> dict[str, LayerTrace]:
    """Lay out what happened in one layer, each direction apart; nothing where it has no cell."""
    if isinstance(layer, DescribedRecurrent):
        return {name: _described(layer, tape)}
    if isinstance(layer, Recurrent):
        return {name: _trace(layer, tape, mask)}
    if not isinstance(layer, Bidirectional):
        return {}
    forward, backward = tape.saved[0]
    return {
        f"{name}.forward": _trace(layer.forward, forward, mask),
        f"{name}.backward": _trace(layer.backward, backward, mask),
    }


def _joined(network: Network, traces: dict[str, LayerTrace]) -> dict[str, LayerTrace]:
    """Lay the calls of one cell, one step each, out as the steps of one layer: decoders do so."""
    calls: dict[int, list[str]] = {}
    for node in network.nodes:
        if node.name in traces and traces[node.name].hidden.shape[1] == 1:
            calls.setdefault(id(node.layer), []).append(node.name)
    for first, *others in calls.values():
        every = [traces[first], *(traces.pop(name) for name in others)]
        if others:
            names = [spec.name for spec in fields(every[0])]
            whole = {k: np.concatenate([getattr(t, k) for t in every], axis=1) for k in names}
            traces[first] = replace(every[0], **whole)
    return traces


def _described(layer: DescribedRecurrent, tape: Tape) -> LayerTrace:
    """Lay out the gates and states of a cell that is described by its own graph."""
    before, after = gate_values(layer, tape.saved)
    order = slice(None, None, -1 if layer.go_backwards else 1)
    hidden, cell = (np.stack(one, axis=1)[:, order] for one in (tape.saved.hidden, tape.saved.cell))
    if len(layer.sizes) == 2 and layer.sizes[0] == layer.sizes[1]:
        return LSTMTrace(before, after, hidden, cell)
    return LayerTrace(before, after, hidden)


def _trace(layer: Recurrent, tape: Tape, mask: Mask) -> LayerTrace:
    """Take the steps of a layer again from what it took in the run, and keep them all."""
    x, *states = tape.inputs
    weights = packed(layer.cell, x.dtype) if x.shape[1] else None
    if weights is None:
        return _layout(run_cell(layer, tape.inputs, mask)[0], layer)
    kept = trace_cell(weights, x, mask, layer.go_backwards, tuple(states))
    pre, value = kept.preactivation, kept.gate_value
    real = None if mask is None else np.broadcast_to(mask, x.shape[:2])
    if real is not None:
        masked = ~real[:, :, None, None]
        pre, value = np.where(masked, np.nan, pre), np.where(masked, np.nan, value)
    if isinstance(layer.cell, LSTM) and layer.cell.projection is not None:
        shown = kept.shown if real is None else _held(kept.shown, real, layer.go_backwards)
        return ProjectedLSTMTrace(pre, value, shown, kept.cell, kept.hidden)
    if isinstance(layer.cell, LSTM):
        return LSTMTrace(pre, value, kept.hidden, kept.cell)
    return LayerTrace(pre, value, kept.hidden)


def _held(shown: Array, real: NDArray[np.bool_], backwards: bool) -> Array:
    """Put at every masked step what the last real one gave, zero before the first."""
    order = slice(None, None, -1 if backwards else 1)
    steps = np.where(real[:, order], np.arange(1, real.shape[1] + 1), 0)
    last = np.maximum.accumulate(steps, axis=1)[:, :, None]
    padded = np.concatenate([np.zeros_like(shown[:, :1]), shown[:, order]], axis=1)
    return np.take_along_axis(padded, last, axis=1)[:, order]


def _pairs(values: object) -> list[tuple[Array, Array]]:
    """Give each gate's pre-activation and value, in the order of the cell's gates."""
    if isinstance(values, step.LSTMStep):
        v = values
        return [(v.a_i, v.i), (v.a_f, v.f), (v.a_g, v.g), (v.a_o, v.o)]
    if isinstance(values, step.GRUStep):
        v = values
        return [(v.a_z, v.z), (v.a_r, v.r), (v.a_n, v.n)]
    assert isinstance(values, tuple)
    return [values]


def _layout(cell_run: CellRun, layer: Recurrent) -> LayerTrace:
    order = slice(None, None, -1) if layer.go_backwards else slice(None)
    states = cell_run.states_after(backwards=layer.go_backwards)
    pairs = [_pairs(saved.values) for saved in cell_run.steps]
    pre, value = (
        np.stack([np.stack([gate[k] for gate in gates], axis=1) for gates in pairs], axis=1)
        for k in (0, 1)
    )
    if cell_run.mask is not None:
        real = cell_run.mask.T[:, :, None, None]
        pre, value = np.where(real, pre, np.nan), np.where(real, value, np.nan)
    if isinstance(layer.cell, LSTM) and layer.cell.projection is not None:
        hidden = _unprojected(cell_run)[:, order]
        return ProjectedLSTMTrace(pre[:, order], value[:, order], hidden, states[1], states[0])
    if len(states) == 2:
        return LSTMTrace(pre[:, order], value[:, order], states[0], states[1])
    return LayerTrace(pre[:, order], value[:, order], states[0])


def _unprojected(cell_run: CellRun) -> Array:
    """Give ``o * phi(c')`` at every step; at a masked step the one before it."""
    hidden, last = [], None
    for t, saved in enumerate(cell_run.steps):
        assert isinstance(saved.values, step.LSTMStep)
        here = saved.values.o * saved.values.phi_c
        if cell_run.mask is not None:
            keep = cell_run.mask[t][:, None]
            here = np.where(keep, here, 0.0 if last is None else last)
        hidden.append(here)
        last = here
    return np.stack(hidden, axis=1)


def nothing_to_trace(network: Network) -> str:
    """Say why a network has no trace, with what its reader left out."""
    said = "the network has no recurrent layer, so there is no cell to trace"
    return "; ".join([said, *(f"left out: {one}" for one in network.origin.left_out)])


def gate_names(network: Network) -> dict[str, tuple[str, ...]]:
    """Name the gates of every recurrent layer, in the order of its trace."""
    named: dict[str, tuple[str, ...]] = {}
    for node in network.nodes:
        named |= gates_of(node.name, node.layer)
    return named


def gates_of(name: str, layer: Layer) -> dict[str, tuple[str, ...]]:
    """Name the gates of one layer, each direction apart."""
    if isinstance(layer, DescribedRecurrent):
        return {name: tuple(gate.name for gate in layer.gates)}
    if isinstance(layer, Recurrent):
        return {name: tuple(layer.cell.gates)}
    if not isinstance(layer, Bidirectional):
        return {}
    return {
        f"{name}.forward": tuple(layer.forward.cell.gates),
        f"{name}.backward": tuple(layer.backward.cell.gates),
    }
