"""Runs with something inside a recurrent layer held: gates clamped, units frozen, states patched.

The steps of the layers that are interfered with are taken by the equations of
`rnnlens.engine.step`; what follows them runs as ever on what they then give. In one step gates are
clamped first, then units are frozen, then states are patched. Nothing happens at masked steps.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from rnnlens.engine import step
from rnnlens.engine.activations import value
from rnnlens.engine.cells import Ready, States, Step, ready
from rnnlens.engine.forward import Run
from rnnlens.engine.operations.recurrent import (
    Advance,
    directed,
    merged_tape,
    run_by_equations,
    run_cell,
)
from rnnlens.engine.operations.registry import Array, Tape, run, taken_by
from rnnlens.engine.recurrent_layers import LayerLocation
from rnnlens.engine.trace import layer_traces
from rnnlens.network.cells import GRU, LSTM
from rnnlens.network.layers import Bidirectional, Embedding, Masking, Recurrent
from rnnlens.network.network import Node

__all__ = [
    "Clamp",
    "Freeze",
    "LayerIntervention",
    "Patch",
    "gate_sums",
    "intervene",
    "states_after",
]


@dataclass(frozen=True, eq=False)
class LayerIntervention:
    """Something done inside one recurrent layer.

    Parameters
    ----------
    location : LayerLocation
        The layer.
    steps : array (step,) of bool
        At which steps of the layer's own sequence, 0 the oldest.
    units : array (unit,) of bool
        To which units.
    """

    location: LayerLocation
    steps: NDArray[np.bool_]
    units: NDArray[np.bool_]

    def of_samples(self, samples: slice) -> LayerIntervention:
        """Give what is done to some of the samples."""
        return self

    def kept(self, number: int, natural: Array, before: Array, t: int) -> Array:
        """Give the value that a state has instead of its natural one, before it is read on.

        Shapes: natural, before (sample, unit), of the state of that number at step t.
        """
        return natural


@dataclass(frozen=True, eq=False)
class Clamp(LayerIntervention):
    """A gate that has a stated value, whatever its pre-activation.

    Parameters
    ----------
    gate : str
        Its name, see `rnnlens.names.GATE_LETTERS`.
    to : array (unit,)
        The value.
    """

    gate: str
    to: Array


@dataclass(frozen=True, eq=False)
class Freeze(LayerIntervention):
    """States that keep the value before the step.

    Parameters
    ----------
    states : tuple of int
        Which of the cell's states.
    """

    states: tuple[int, ...]

    def kept(self, number: int, natural: Array, before: Array, t: int) -> Array:  # noqa: D102
        return np.where(self.units, before, natural) if number in self.states else natural


@dataclass(frozen=True, eq=False)
class Patch(LayerIntervention):
    """States that are replaced after the step by those of another window after the same step.

    Parameters
    ----------
    states : tuple of int
        Which of the cell's states.
    donors : tuple of array (1 or sample, step, unit)
        The other window's states, one entry each.
    """

    states: tuple[int, ...]
    donors: tuple[Array, ...]

    def of_samples(self, samples: slice) -> Patch:  # noqa: D102
        donors = tuple(donor if len(donor) == 1 else donor[samples] for donor in self.donors)
        return replace(self, donors=donors)


#: Makes of a gate's name and its natural value the value that it has.
Hold = Callable[[str, Array], Array]
#: Makes of a state's number, its natural value and the value before the value that it has.
Keep = Callable[[int, Array, Array], Array]


def intervene(clean: Run, interventions: Mapping[str, Sequence[LayerIntervention]]) -> Run:
    """Run a network once more with interventions inside some of its recurrent layers."""
    tapes: dict[str, Tape] = {}
    changed: set[str] = set()
    for node in clean.network.nodes:
        before = clean.tapes[node.name]
        names = (node.name, f"{node.name}.forward", f"{node.name}.backward")
        own = [interventions.get(name) for name in names]
        if all(each is None for each in own) and not changed & {name for name, _ in node.inputs}:
            tapes[node.name] = before
            continue
        changed.add(node.name)
        taken, masks = taken_by(node, tapes)
        inputs = (*taken, *before.inputs[len(taken) :])
        if any(each is not None for each in own):
            tapes[node.name] = _run(node, inputs, masks[0], own)
        else:
            forced = before.masks[0] if isinstance(node.layer, Masking | Embedding) else None
            tapes[node.name] = run(node.layer, inputs, masks, forced)
    return Run(clean.network, tapes)


def _run(
    node: Node,
    inputs: tuple[Array, ...],
    mask: NDArray[np.bool_] | None,
    interventions: Sequence[Sequence[LayerIntervention] | None],
) -> Tape:
    layer = node.layer
    if isinstance(layer, Recurrent):
        return run_by_equations(layer, inputs, mask, _advance(layer, interventions[0] or ()))
    assert isinstance(layer, Bidirectional)
    tapes = tuple(
        run(one, given, (mask,), None)
        if own is None
        else run_by_equations(one, given, mask, _advance(one, own))
        for one, given, own in zip(
            (layer.forward, layer.backward), directed(layer, inputs), interventions[1:], strict=True
        )
    )
    return merged_tape(layer, inputs, mask, tapes)


def _advance(layer: Recurrent, interventions: Sequence[LayerIntervention]) -> Advance:
    cell = ready(layer.cell)

    def advance(t: int, xW: Array, states: States) -> tuple[States, Step]:
        here = [intervention for intervention in interventions if intervention.steps[t]]

        def hold(gate: str, natural: Array) -> Array:
            for intervention in here:
                if isinstance(intervention, Clamp) and intervention.gate == gate:
                    natural = np.where(intervention.units, intervention.to, natural)
            return natural

        def keep(number: int, natural: Array, before: Array) -> Array:
            for intervention in here:
                natural = intervention.kept(number, natural, before, t)
            return natural

        after, saved = _step(cell, xW, states, hold, keep)
        for intervention in here:
            if isinstance(intervention, Patch):
                after = _patched(after, intervention, t)
        return after, saved

    return advance


def _patched(states: States, intervention: Patch, t: int) -> States:
    patched = list(states)
    for number, donor in zip(intervention.states, intervention.donors, strict=True):
        patched[number] = np.where(intervention.units, donor[:, t], patched[number])
    return tuple(patched)


def _step(cell: Ready, xW: Array, states: States, hold: Hold, keep: Keep) -> tuple[States, Step]:
    """Take one step with gates held and states kept; the letters are those of the equations."""
    after, saved = cell.advance(xW, states)
    s, of = saved.values, cell.cell
    if isinstance(s, step.LSTMStep):
        assert isinstance(of, LSTM)
        return _lstm_step(of, s, states, hold, keep)
    if isinstance(s, step.GRUStep):
        assert isinstance(of, GRU)
        return _gru_step(of, cell.split(xW)[2], s, states, hold, keep)
    new = keep(0, hold("hidden", after[0]), states[0])
    return (new,), Step(states, (s[0], new))


def _lstm_step(
    of: LSTM, s: step.LSTMStep, states: States, hold: Hold, keep: Keep
) -> tuple[States, Step]:
    h, c = states
    i, f, g = hold("input", s.i), hold("forget", s.f), hold("cell", s.g)
    c = keep(1, f * c + i * g, c)
    # a peephole of the output gate looks at the cell state that is there now
    a_o = s.a_o if of.output.V is None else s.a_o + np.asarray(of.output.V) * (c - s.c)
    o = hold("output", value(of.recurrent_activation, a_o))
    phi_c = value(of.activation, c)
    new = o * phi_c if of.projection is None else (o * phi_c) @ np.asarray(of.projection)
    h = keep(0, new, h)
    s = s._replace(i=i, f=f, g=g, a_o=a_o, o=o, c=c, phi_c=phi_c, h=h)
    return (h, c), Step(states, s)


def _gru_step(
    of: GRU, xW_n: Array, s: step.GRUStep, states: States, hold: Hold, keep: Keep
) -> tuple[States, Step]:
    (h,) = states
    z, r = hold("update", s.z), hold("reset", s.r)
    q = s.q if of.reset_after else r * h
    a_n = xW_n + (r * q if of.reset_after else q @ np.asarray(of.candidate.U, dtype=float))
    n = hold("candidate", value(of.activation, a_n))
    h = keep(0, z * h + (1 - z) * n, h)
    return (h,), Step(states, s._replace(z=z, r=r, q=q, a_n=a_n, n=n, h=h))


def states_after(done: Run, location: LayerLocation) -> tuple[Array, ...]:
    """Give every state of a layer after every step: tuple of (sample, step, unit)."""
    tape = done.tapes[location.node.name]
    if location.side is not None:
        tape = tape.saved[0][location.side]
    source, number = location.node.inputs[0]
    cell_run, _ = run_cell(location.layer, tape.inputs, done.tapes[source].masks[number])
    return cell_run.states_after(backwards=location.layer.go_backwards)


def gate_sums(done: Run, location: LayerLocation) -> tuple[Array, int]:
    """Add up each gate's values over samples and real steps, for its mean over data.

    Shapes: gives tuple of (gate, unit) and int.
    """
    values = layer_traces(done)[location.name].gate_value
    real = ~np.isnan(values[:, :, 0, 0])
    return np.nansum(values, axis=(0, 1)), int(real.sum())
