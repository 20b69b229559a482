"""Recurrent layers: a cell over the steps, one direction or two, masks as Keras means them.

At a masked step the states stay as they are and the output is the one before it (zero before the
first real step), or zero where the layer says so. ``go_backwards`` reads the newest step first and
gives its sequence in that order; the mask that leaves the layer keeps the input's order.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rnnlens.engine.cells import Ready, States, Step, ready
from rnnlens.engine.operations.registry import Array, Mask, Multipliers, Tape, join, pull, run
from rnnlens.network.layers import Bidirectional, Recurrent

__all__ = ["Course"]


@dataclass(frozen=True, eq=False)
class Course:
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


def _course(layer: Recurrent, inputs: tuple[Array, ...], mask: Mask) -> tuple[Course, Array]:
    x = inputs[0]
    cell = ready(layer.cell)
    states = tuple(inputs[1:]) or cell.start(len(x))
    order = slice(None, None, -1) if layer.go_backwards else slice(None)
    xW = cell.project(x).swapaxes(0, 1)[order]
    real = None if mask is None else np.broadcast_to(mask, x.shape[:2]).T[order]
    width = layer.cell.state_sizes[0]
    outputs = np.zeros((x.shape[1], len(x), width))
    output = np.zeros((len(x), width))
    steps = []
    for t, xW_t in enumerate(xW):
        after, saved = cell.advance(xW_t, states)
        if real is None:
            states, output = after, after[0]
        else:
            keep = real[t][:, None]
            states = tuple(np.where(keep, new, old) for new, old in zip(after, states, strict=True))
            output = np.where(keep, after[0], 0.0 if layer.zero_output_for_mask else output)
        steps.append(saved)
        outputs[t] = output
    return Course(cell, steps, states, real), outputs


@run.register
def _(layer: Recurrent, inputs: tuple[Array, ...], masks: tuple[Mask, ...], forced: Mask) -> Tape:
    mask = masks[0]
    course, outputs = _course(layer, inputs, mask)
    value = outputs.swapaxes(0, 1) if layer.return_sequences else outputs[-1]
    states = course.final if layer.return_state else ()
    out_mask = mask if layer.return_sequences else None
    return Tape(inputs, (value, *states), (out_mask, *(None for _ in states)), course)


def _output_multipliers(layer: Recurrent, course: Course, m: Array | None) -> list[Array | None]:
    """Give the multipliers of each step's output, in the order of the course."""
    length = len(course.steps)
    if m is None:
        return [None] * length
    if layer.return_sequences:
        return list(m.swapaxes(0, 1))
    return [*([None] * (length - 1)), m]


def _pull_masked(
    layer: Recurrent, tapes: tuple[Course, Course], t: int, here: Array | None, states: States
) -> tuple[Array, States, Array | None]:
    # Gives the multipliers of xW, of the states before, and of the output before, which masked
    # samples repeat.
    course, course0 = tapes
    assert course.mask is not None
    keep = course.mask[t][:, None]
    fresh = 0.0 if here is None else np.where(keep, here, 0.0)
    reached = tuple(np.where(keep, s, 0.0) for s in states)
    reached = (reached[0] + fresh, *reached[1:])
    into, before = course.ready.pull(course.steps[t], course0.steps[t], reached)
    states = tuple(np.where(keep, b, s) for b, s in zip(before, states, strict=True))
    if here is None or layer.zero_output_for_mask:
        return into, states, None
    return into, states, np.where(keep, 0.0, here)


@pull.register
def _(layer: Recurrent, tape: Tape, tape0: Tape, m: Multipliers) -> Multipliers:
    course, course0 = tape.saved, tape0.saved
    outer = _output_multipliers(layer, course, m[0])
    samples = len(next(part for part in m if part is not None))
    states: States = course.ready.start(samples)
    if layer.return_state:
        states = tuple(
            z if given is None else given for z, given in zip(states, m[1:], strict=True)
        )
    m_xW = []
    held: Array | None = None
    for t in reversed(range(len(course.steps))):
        here = join(outer[t], held)
        if course.mask is None:
            reached = states if here is None else (states[0] + here, *states[1:])
            into, states = course.ready.pull(course.steps[t], course0.steps[t], reached)
        else:
            into, states, held = _pull_masked(layer, (course, course0), t, here, states)
        m_xW.append(into)
    # collected in the order of going back: turn it to the order of the input
    stacked = np.stack(m_xW if layer.go_backwards else m_xW[::-1], axis=1)
    given = states if len(tape.inputs) > 1 else ()
    return (stacked @ course.ready.W.T, *given)


def _directions(layer: Bidirectional) -> tuple[Recurrent, Recurrent]:
    return layer.forward, layer.backward


def _two(layer: Bidirectional, inputs: tuple[Array, ...]) -> list[tuple[Array, ...]]:
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
        for direction, given in zip(_directions(layer), _two(layer, inputs), strict=True)
    )
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
    mask = masks[0] if layer.forward.return_sequences else None
    out_masks = (*(mask for _ in merged), *(None for _ in states))
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


@pull.register
def _(layer: Bidirectional, tape: Tape, tape0: Tape, m: Multipliers) -> Multipliers:
    m_u, m_v = _unmerge(layer, tape, tape0, m)
    states = m[2:] if layer.merge_mode is None else m[1:]
    half = len(states) // 2
    given = [(m_u, *states[:half]), (_flip(layer, m_v), *states[half:])]
    pulled = []
    for k, direction in enumerate(_directions(layer)):
        if all(part is None for part in given[k]):
            pulled.append((None,) * len(tape.saved[0][k].inputs))
        else:
            pulled.append(pull(direction, tape.saved[0][k], tape0.saved[0][k], given[k]))
    return (join(pulled[0][0], pulled[1][0]), *pulled[0][1:], *pulled[1][1:])
