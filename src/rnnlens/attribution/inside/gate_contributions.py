"""Which gate carried it: exact Shapley values of gate x step, unit by unit.

Players are the gates of a layer at each step, each at its value on the window or on the baseline. A
cell state is multilinear in them (`rnnlens.attribution.inside.multilinear`), and so is the hidden
state of a GRU in its update gate and candidate: their Shapley values are exact, whatever T. An
LSTM's ``h = o phi(c)`` is a product of two more: the output gate gets ``do (phi + phi0) / 2``, and
``dphi (o + o0) / 2`` goes to the players of ``c`` in the proportion of their shares in it, which is
the secant of ``phi``. What follows the layer passes its secant multipliers down: a linear head is
passed exactly, and one that bends is split by the rule of `rnnlens.attribution.methods.secant`.

This says which gate carried the change at the values that the gates took; it does not say which
input moved the gate (`rnnlens.attribution.inside.paths` does), nor what would happen without it
(`rnnlens.attribution.inside.gate_effects`). Cost: the forward runs, and T^2 H multiplications.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from rnnlens.attribution.baselines.baseline import Array
from rnnlens.attribution.inside.at_layer import at_layer, over_stand_ins
from rnnlens.attribution.inside.multilinear import Carried, shapley_of_carried
from rnnlens.attribution.question import Question
from rnnlens.attribution.target import ResolvedTarget
from rnnlens.engine.activations import pull as pull_activation
from rnnlens.engine.forward import Run
from rnnlens.engine.operations.recurrent import CellRun, run_cell
from rnnlens.engine.operations.registry import Multipliers
from rnnlens.engine.recurrent_layers import LayerLocation, locate_layer
from rnnlens.engine.schedule.progress import Progress
from rnnlens.engine.step import GRUStep, LSTMStep
from rnnlens.errors import UnsupportedModel
from rnnlens.names import declared
from rnnlens.network.cells import GRU, LSTM

__all__ = ["GATES", "GateContribution", "gate_contributions"]

#: The players of each cell, by the names of its gates.
GATES = {"LSTM": ("input", "forget", "cell", "output"), "GRU": ("update", "candidate")}


@dataclass(frozen=True, eq=False)
class GateContribution:
    """Contributions by the lag, the gate and the unit that carried them.

    Parameters
    ----------
    contribution : array (sample, lag, gate, unit)
        In the target's own unit; lag 1, the newest step of the layer's input, comes first.
    forecast, baseline_forecast : array (sample,)
        For the window, and for the baseline (the mean over backgrounds).
    elsewhere : array (sample,)
        ``forecast - baseline_forecast - sum of contributions``: what does not pass through this
        layer, such as the other direction's part, or rounding where everything does.
    """

    contribution: Array = declared(
        "sample", "lag", "gate", "unit", long_name="contribution to {target}", unit="{unit}"
    )
    forecast: Array = declared("sample", long_name="forecast of {target}", unit="{unit}")
    baseline_forecast: Array = declared(
        "sample", long_name="forecast of {target} for the baseline", unit="{unit}"
    )
    elsewhere: Array = declared(
        "sample", long_name="what does not pass through this layer", unit="{unit}"
    )


def gate_contributions(
    question: Question, *, layer: str | None = None, progress: Progress | None = None
) -> GateContribution:
    """Split the change of each forecast by the gate, the lag and the unit that carried it."""
    place = locate_layer(question.network, layer)
    if not isinstance(place.layer.cell, LSTM | GRU):
        raise UnsupportedModel(
            f"{place.name!r} is a {place.layer.cell.kind}, which has no gates: gate contributions "
            "are of an LSTM or a GRU; rnnlens.paths serves every cell"
        )
    split, *rest = over_stand_ins(
        question, place, _between, "gate_contributions", runs=6, progress=progress
    )
    return GateContribution(split[:, ::-1], *rest)


def _between(run: Run, run0: Run, target: ResolvedTarget, place: LayerLocation) -> Array:
    """Give the contributions (sample, step, gate, unit) between two runs."""
    tapes, m = at_layer(run, run0, target, place)
    layer, cell = place.layer, place.layer.cell
    assert isinstance(cell, LSTM | GRU)
    samples, steps = tapes[0].inputs[0].shape[:2]
    shape = (samples, steps, len(GATES[cell.kind]), cell.units)
    if all(part is None for part in m):
        return np.zeros(shape)
    mask = run.tapes[place.node.inputs[0][0]].masks[place.node.inputs[0][1]]
    records = [run_cell(layer, tape.inputs, mask)[0] for tape in tapes]
    read, last = _read(m, place, steps)
    order = slice(None, None, -1) if layer.go_backwards else slice(None)
    split = np.zeros(shape)
    kept = split[:, order][:, :last]  # in the order in which the layer read its steps
    kept[...] = _shares(records[0], records[1], read, last, cell)
    return split


def _read(m: Multipliers, place: LayerLocation, steps: int) -> tuple[tuple[Array | None, ...], int]:
    """Give the multipliers of the state that is read, and after how many steps it is."""
    whole, *states = m
    if not place.layer.return_sequences:
        first = [part for part in (whole, states[0] if states else None) if part is not None]
        total = first[0] if first else None
        return (total if len(first) < 2 else first[0] + first[1], *states[1:]), steps
    used = np.flatnonzero(whole.any(axis=(0, 2))) if whole is not None else np.zeros(0, int)
    finals = [part for part in states if part is not None]
    if len(used) > 1 or (len(used) and finals):
        raise UnsupportedModel(
            f"gate contributions are of a layer whose state is read at one step, and that of "
            f"{place.name!r} is read at {len(used) + len(finals)}: name the newest layer with "
            "layer=, or use rnnlens.paths, which serves every layer"
        )
    if whole is None or not len(used):
        return tuple(states) or (None,), steps
    # the layer's own sequence comes out in the order in which it read
    return (whole[:, used[0]],), int(used[0]) + 1


class _Gates(NamedTuple):
    """The gates (step, sample, unit) of the steps up to the one that is read, and its output."""

    carried: Carried
    last: LSTMStep | GRUStep


def _gates(record: CellRun, last: int) -> _Gates:
    """Lay the gates of a run out; at a masked step the state is kept as it is."""
    values = [saved.values for saved in record.steps[:last]]
    begun = record.steps[0].before[-1]
    newest = values[-1]
    assert isinstance(newest, LSTMStep | GRUStep)
    if isinstance(newest, LSTMStep):
        f, i, g = (np.stack([getattr(v, k) for v in values]) for k in ("f", "i", "g"))
    else:
        f, g = (np.stack([getattr(v, k) for v in values]) for k in ("z", "n"))
        i = 1 - f
    if record.mask is not None:
        real = record.mask[:last, :, None]
        f, i = np.where(real, f, 1.0), np.where(real, i, 0.0)
        place = np.where(record.mask[:last], np.arange(last)[:, None], 0).max(axis=0)
        chosen = {
            name: np.stack([getattr(v, name) for v in values])[place, np.arange(len(place))]
            for name in newest._fields
        }
        newest = type(newest)(**chosen)
    start = np.broadcast_to(begun, f.shape[1:]).reshape(-1)
    flat = Carried(f.reshape(last, -1), i.reshape(last, -1), g.reshape(last, -1), start)
    return _Gates(flat, newest)


def _shares(
    record: CellRun,
    record0: CellRun,
    read: tuple[Array | None, ...],
    last: int,
    cell: LSTM | GRU,
) -> Array:
    """Give the contributions (sample, step, gate, unit) of the steps up to the one that is read."""
    here, there = _gates(record, last), _gates(record0, last)
    f, i, g, _ = shapley_of_carried(here.carried, there.carried)
    samples, units = here.last.h.shape[0], cell.units
    f, i, g = (one.reshape(last, samples, units).swapaxes(0, 1) for one in (f, i, g))
    m_h = read[0]
    if isinstance(cell, GRU):
        assert m_h is not None
        # z carries the old state and lets the candidate in: one player
        return np.stack([f + i, g], axis=2) * m_h[:, None, None]
    new, old = here.last, there.last
    assert isinstance(new, LSTMStep)
    assert isinstance(old, LSTMStep)
    weight = np.zeros((samples, units)) if m_h is None else m_h
    if m_h is not None and cell.projection is not None:
        weight = m_h @ np.asarray(cell.projection, float).T
    m_c = pull_activation(cell.activation, new.c, old.c, weight * (new.o + old.o) / 2)
    if len(read) > 1 and read[1] is not None:
        m_c = m_c + read[1]
    out = np.zeros_like(f)
    out[:, -1] = weight * (new.o - old.o) * (new.phi_c + old.phi_c) / 2
    return np.stack([i * m_c[:, None], f * m_c[:, None], g * m_c[:, None], out], axis=2)
