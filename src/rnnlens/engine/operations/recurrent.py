"""Recurrent layers: a cell over the steps, one direction or two, masks as Keras means them.

At a masked step the states stay as they are and the output is the one before it (zero before the
first real step), or zero where the layer says so. ``go_backwards`` reads the newest step first and
gives its sequence in that order; the mask that leaves the layer keeps the input's order.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from rnnlens.engine.activations import within_one
from rnnlens.engine.arrays import (
    as_numpy,
    as_tensor,
    broadcast,
    is_tensor,
    reversed_first,
    stack,
    where,
    zeros,
)
from rnnlens.engine.cells import Ready, States, Step, ready
from rnnlens.engine.device.cells import ready_on
from rnnlens.engine.device.choice import chosen
from rnnlens.engine.kernels.cells.packing import CellWeights
from rnnlens.engine.kernels.inference import run_outputs
from rnnlens.engine.kernels.run import (
    ForwardRecord,
    Reading,
    packed,
    run_backward,
    run_forward,
)
from rnnlens.engine.operations.calls import KINDS
from rnnlens.engine.operations.registry import (
    Array,
    Mask,
    Multipliers,
    Tape,
    always_finite,
    infer,
    join,
    pull,
    run,
)
from rnnlens.network.cells import GRU, LSTM, SimpleRNN
from rnnlens.network.layers import Bidirectional, Recurrent

__all__ = [
    "Advance",
    "CellRun",
    "directed",
    "merged_tape",
    "pull_cell",
    "reading_of",
    "run_by_equations",
    "run_cell",
    "unmerged",
]

#: One step of a cell: its place in the window, ``x W + b`` (sample, gate * unit), and the states.
Advance = Callable[[int, Array, States], tuple[States, Step]]


@dataclass(frozen=True, eq=False)
class CellRun:
    """One cell's way over the steps, in the order in which it read them.

    Parameters
    ----------
    ready : Ready
        The cell.
    steps : list of Step
        One a step, as computed; at a masked step the states did not take them over.
    final : tuple of array (sample, unit)
        States at the end.
    mask : array (step, sample) of bool, or None
        Which steps were real.
    """

    ready: Ready
    steps: list[Step]
    final: tuple[Array, ...]
    mask: Mask

    def states_after(self, *, backwards: bool) -> tuple[Array, ...]:
        """Give every state after every step, oldest first: tuple of (sample, step, unit)."""
        order = slice(None, None, -1 if backwards else 1)
        after = [*(saved.before for saved in self.steps[1:]), self.final]
        return tuple(np.stack(one, axis=1)[:, order] for one in zip(*after, strict=True))


def run_cell(
    layer: Recurrent,
    inputs: tuple[Array, ...],
    mask: Mask,
    advance: Advance | None = None,
    cell: Ready | None = None,
) -> tuple[CellRun, Array]:
    """Run a layer by the equations of `rnnlens.engine.step`, keeping every step.

    Shapes: mask (sample, step) of bool.
    """
    x = inputs[0]
    cell = ready(layer.cell) if cell is None else cell
    states = tuple(inputs[1:]) or cell.start(len(x))
    xW = cell.project(x).swapaxes(0, 1)
    real = None if mask is None else broadcast(mask, x.shape[:2]).swapaxes(0, 1)
    if layer.go_backwards:
        xW, real = reversed_first(xW), None if real is None else reversed_first(real)
    width = layer.cell.state_sizes[0]
    outputs = zeros((x.shape[1], len(x), width), xW)
    output = zeros((len(x), width), xW)
    steps = []
    for t, xW_t in enumerate(xW):
        if advance is None:
            after, saved = cell.advance(xW_t, states)
        else:
            place = len(xW) - 1 - t if layer.go_backwards else t
            after, saved = advance(place, xW_t, states)
        if real is None:
            states, output = after, after[0]
        else:
            keep = real[t][:, None]
            states = tuple(where(keep, new, old) for new, old in zip(after, states, strict=True))
            output = where(keep, after[0], 0.0 if layer.zero_output_for_mask else output)
        steps.append(saved)
        outputs[t] = output
    return CellRun(cell, steps, states, real), outputs


def reading_of(layer: Recurrent) -> Reading:
    """Say how a layer reads its steps."""
    return Reading(layer.go_backwards, layer.return_sequences, layer.zero_output_for_mask)


def _kernels_of(layer: Recurrent, x: Array) -> CellWeights | None:
    """Give the packed weights of a layer where kernels compute it: x (sample, step, feature)."""
    if not x.shape[1] or x.dtype not in KINDS:
        return None
    return packed(layer.cell, x.dtype)


def _run_by_kernels(
    layer: Recurrent, inputs: tuple[Array, ...], mask: Mask
) -> ForwardRecord | None:
    """Run the layer by kernels, where they have its cell and activations."""
    x = inputs[0]
    weights = _kernels_of(layer, x)
    return None if weights is None else run_forward(weights, x, mask, reading_of(layer), inputs[1:])


@always_finite.register
def _(layer: Recurrent) -> bool:
    """Say so where a state grows by no more than one at each step."""
    cell = layer.cell
    if isinstance(cell, LSTM | GRU):
        return within_one(cell.activation) and within_one(cell.recurrent_activation)
    return isinstance(cell, SimpleRNN) and within_one(cell.activation)


@always_finite.register
def _(layer: Bidirectional) -> bool:
    return all(map(always_finite, _directions(layer)))


@run.register
def _(layer: Recurrent, inputs: tuple[Array, ...], masks: tuple[Mask, ...], forced: Mask) -> Tape:
    mask = masks[0]
    if device := chosen():
        return _run_on_device(layer, inputs, mask, device)
    saved = _run_by_kernels(layer, inputs, mask)
    if saved is None:
        return run_by_equations(layer, inputs, mask)
    value = saved.outputs if layer.return_sequences else saved.outputs[:, 0]
    return _tape(layer, inputs, mask, value, saved.finals, saved)


@infer.register
def _(layer: Recurrent, inputs: tuple[Array, ...], masks: tuple[Mask, ...], forced: Mask) -> Tape:
    weights = None
    if masks[0] is None and len(inputs) == 1 and not chosen():
        weights = _kernels_of(layer, inputs[0])
    if weights is None:
        return run(layer, inputs, masks, forced)
    value, final = run_outputs(weights, inputs[0], reading_of(layer), finals=layer.return_state)
    return _tape(layer, inputs, None, value if layer.return_sequences else value[:, 0], final, None)


def run_by_equations(
    layer: Recurrent, inputs: tuple[Array, ...], mask: Mask, advance: Advance | None = None
) -> Tape:
    """Run a layer by the equations and give what a run of the network keeps of it."""
    cell_run, outputs = run_cell(layer, inputs, mask, advance)
    value = outputs.swapaxes(0, 1) if layer.return_sequences else outputs[-1]
    value, *final = _as_given(inputs[0], value, *cell_run.final)
    return _tape(layer, inputs, mask, value, tuple(final), cell_run)


def _run_on_device(layer: Recurrent, inputs: tuple[Array, ...], mask: Mask, device: str) -> Tape:
    """Run the layer by the equations in tensors; its steps stay on the device for the way back."""
    x = inputs[0]
    cell = ready_on(layer.cell, device, x.dtype)
    taken = tuple(as_tensor(one, cell.W) for one in inputs)
    real = None if mask is None else as_tensor(mask, cell.W)
    cell_run, outputs = run_cell(layer, taken, real, cell=cell)
    value = outputs.swapaxes(0, 1) if layer.return_sequences else outputs[-1]
    value, *final = (as_numpy(one) for one in (value, *cell_run.final))
    return _tape(layer, inputs, mask, value, tuple(final), cell_run)


def _as_given(x: Array, *arrays: Array) -> list[Array]:
    """Turn what the equations gave, float64, into the type of the inputs."""
    dtype = x.dtype if x.dtype == np.float32 else np.dtype(np.float64)
    return [np.asarray(as_numpy(array), dtype) for array in arrays]


def _tape(
    layer: Recurrent,
    inputs: tuple[Array, ...],
    mask: Mask,
    value: Array,
    final: tuple[Array, ...],
    saved: CellRun | ForwardRecord | None,
) -> Tape:
    states = final[: len(layer.cell.states)] if layer.return_state else ()
    out_mask = mask if layer.return_sequences else None
    return Tape(inputs, (value, *states), (out_mask, *(None for _ in states)), saved)


def _output_multipliers(layer: Recurrent, cell_run: CellRun, m: Array | None) -> list[Array | None]:
    """Give the multipliers of each step's output, in the order in which steps were read."""
    length = len(cell_run.steps)
    if m is None:
        return [None] * length
    if layer.return_sequences:
        return list(m.swapaxes(0, 1))
    return [*([None] * (length - 1)), m]


def _pull_masked(
    layer: Recurrent, tapes: tuple[CellRun, CellRun], t: int, here: Array | None, states: States
) -> tuple[Array, States, Array | None]:
    # Gives the multipliers of xW, of the states before, and of the output before, which masked
    # samples repeat.
    cell_run, cell_run0 = tapes
    assert cell_run.mask is not None
    keep = cell_run.mask[t][:, None]
    fresh = 0.0 if here is None else where(keep, here, 0.0)
    reached = tuple(where(keep, s, 0.0) for s in states)
    reached = (reached[0] + fresh, *reached[1:])
    into, before = cell_run.ready.pull(cell_run.steps[t], cell_run0.steps[t], reached)
    states = tuple(where(keep, b, s) for b, s in zip(before, states, strict=True))
    if here is None or layer.zero_output_for_mask:
        return into, states, None
    return into, states, where(keep, 0.0, here)


def _pull_by_kernels(layer: Recurrent, tape: Tape, tape0: Tape, m: Multipliers) -> Multipliers:
    value = m[0] if m[0] is None or layer.return_sequences else m[0][:, None]
    finals: tuple[Array, ...] = ()
    if layer.return_state:
        pairs = zip(m[1:], tape.saved.finals, strict=False)
        finals = tuple(np.zeros_like(s) if part is None else part for part, s in pairs)
    m_x, m_states = run_backward(tape.saved, tape0.saved, value, finals)
    return (m_x, *(m_states[: len(layer.cell.states)] if len(tape.inputs) > 1 else ()))


@pull.register
def _(layer: Recurrent, tape: Tape, tape0: Tape, m: Multipliers) -> Multipliers:
    if isinstance(tape.saved, ForwardRecord):
        return _pull_by_kernels(layer, tape, tape0, m)
    stacked, states = pull_cell(layer, tape.saved, tape0.saved, m)
    x, *started = tape.inputs
    given = states if started else ()
    return tuple(_as_given(x, stacked @ tape.saved.ready.W.T, *given))


def pull_cell(
    layer: Recurrent, cell_run: CellRun, cell_run0: CellRun, m: Multipliers
) -> tuple[Array, States]:
    """Carry multipliers from a layer's outputs back to the input side of its gates."""
    if is_tensor(cell_run.ready.W):
        m = tuple(None if part is None else as_tensor(part, cell_run.ready.W) for part in m)
    outer = _output_multipliers(layer, cell_run, m[0])
    samples = len(next(part for part in m if part is not None))
    states: States = cell_run.ready.start(samples)
    if layer.return_state:
        states = tuple(
            z if given is None else given for z, given in zip(states, m[1:], strict=True)
        )
    m_xW = []
    held: Array | None = None
    for t in reversed(range(len(cell_run.steps))):
        here = join(outer[t], held)
        if cell_run.mask is None:
            reached = states if here is None else (states[0] + here, *states[1:])
            into, states = cell_run.ready.pull(cell_run.steps[t], cell_run0.steps[t], reached)
        else:
            into, states, held = _pull_masked(layer, (cell_run, cell_run0), t, here, states)
        m_xW.append(into)
    # collected in the order of going back: turn it to the order of the input
    return stack(m_xW if layer.go_backwards else m_xW[::-1], axis=1), states


def _directions(layer: Bidirectional) -> tuple[Recurrent, Recurrent]:
    return layer.forward, layer.backward


def directed(layer: Bidirectional, inputs: tuple[Array, ...]) -> list[tuple[Array, ...]]:
    """Give the inputs of each direction."""
    half = (len(inputs) - 1) // 2
    return [(inputs[0], *inputs[1 : 1 + half]), (inputs[0], *inputs[1 + half :])]


def _flip(layer: Bidirectional, sequence: Array | None) -> Array | None:
    # The second layer's sequence comes out newest first; the merge wants oldest first.
    if sequence is None or not layer.forward.return_sequences:
        return sequence
    return sequence[:, ::-1]


@run.register
def _(
    layer: Bidirectional, inputs: tuple[Array, ...], masks: tuple[Mask, ...], forced: Mask
) -> Tape:
    tapes = tuple(
        run(direction, given, (masks[0],), None)
        for direction, given in zip(_directions(layer), directed(layer, inputs), strict=True)
    )
    return merged_tape(layer, inputs, masks[0], tapes)


@infer.register
def _(
    layer: Bidirectional, inputs: tuple[Array, ...], masks: tuple[Mask, ...], forced: Mask
) -> Tape:
    tapes = tuple(
        infer(direction, given, (masks[0],), None)
        for direction, given in zip(_directions(layer), directed(layer, inputs), strict=True)
    )
    return merged_tape(layer, inputs, masks[0], tapes)


def merged_tape(
    layer: Bidirectional, inputs: tuple[Array, ...], mask: Mask, tapes: tuple[Tape, ...]
) -> Tape:
    """Merge the runs of two directions: mask (sample, step) of bool."""
    u, v = tapes[0].outputs[0], _flip(layer, tapes[1].outputs[0])
    assert v is not None
    states = (*tapes[0].outputs[1:], *tapes[1].outputs[1:])
    merged: tuple[Array, ...]
    match layer.merge_mode:
        case "concat":
            merged = (np.concatenate([u, v], axis=-1),)
        case "sum":
            merged = (u + v,)
        case "ave":
            merged = ((u + v) / 2,)
        case "mul":
            merged = (u * v,)
        case None:
            merged = (u, v)
    out_mask = mask if layer.forward.return_sequences else None
    out_masks = (*(out_mask for _ in merged), *(None for _ in states))
    return Tape(inputs, (*merged, *states), out_masks, (tapes, u, v))


def _unmerge(layer: Bidirectional, tape: Tape, tape0: Tape, m: Multipliers) -> Multipliers:
    if layer.merge_mode is None:
        return m[:2]
    whole = m[0]
    if whole is None:
        return None, None
    if layer.merge_mode == "concat":
        H = layer.forward.cell.state_sizes[0]
        return whole[..., :H], whole[..., H:]
    if layer.merge_mode == "sum":
        return whole, whole
    if layer.merge_mode == "ave":
        return whole / 2, whole / 2
    (_, u, v), (_, u0, v0) = tape.saved, tape0.saved
    return whole * (v + v0) / 2, whole * (u + u0) / 2


def unmerged(
    layer: Bidirectional, tape: Tape, tape0: Tape, m: Multipliers
) -> tuple[Multipliers, Multipliers]:
    """Give the multipliers of each direction's outputs."""
    m_u, m_v = _unmerge(layer, tape, tape0, m)
    states = m[2:] if layer.merge_mode is None else m[1:]
    half = len(states) // 2
    return (m_u, *states[:half]), (_flip(layer, m_v), *states[half:])


@pull.register
def _(layer: Bidirectional, tape: Tape, tape0: Tape, m: Multipliers) -> Multipliers:
    given = unmerged(layer, tape, tape0, m)
    pulled = []
    for k, direction in enumerate(_directions(layer)):
        if all(part is None for part in given[k]):
            pulled.append((None,) * len(tape.saved[0][k].inputs))
        else:
            pulled.append(pull(direction, tape.saved[0][k], tape0.saved[0][k], given[k]))
    return (join(pulled[0][0], pulled[1][0]), *pulled[0][1:], *pulled[1][1:])
