"""Layer-wise relevance propagation through recurrent cells: the gate steers, the signal takes all.

In a product of a gate and a signal, all relevance goes to the signal and none to the gate (Arras,
Montavon, Müller and Samek 2017, "Explaining recurrent neural network predictions in sentiment
analysis"); sums go by the epsilon rule of `rnnlens.attribution.methods.lrp.rules`.

- LSTM: ``h' = o phi(c')`` hands all to ``c'``; ``c' = f c + i g`` is a sum of two; ``i g`` hands
  all to the candidate, whose pre-activation is a sum over ``x`` and ``h``. A projection is a sum.
- GRU: ``h' = z h + (1-z) n`` is a sum of two; ``(1-z) n`` hands all to the candidate. Its
  pre-activation is a sum over ``x`` and ``h`` whose weights are ``r U_n`` where the reset gate acts
  after the product (Mirzavand Borujeni, Arras, Srinivasan and Samek 2023, "Explainable
  sequence-to-sequence GRU neural network for pollution forecasting"); where it acts before,
  ``r h`` is a product of a gate and a signal and hands all to ``h``.
- SimpleRNN: no product, one sum a step.
"""

from __future__ import annotations

import numpy as np

from rnnlens.attribution.methods.lrp.rules import (
    Rule,
    Taken,
    hand_back,
    no_rule,
    share_dense,
    share_sum,
)
from rnnlens.engine.cells import Ready, Step
from rnnlens.engine.operations.recurrent import run_cell
from rnnlens.engine.operations.registry import Array, Mask, Multipliers
from rnnlens.engine.step import GRUStep, LSTMStep
from rnnlens.network.cells import GRU, LSTM
from rnnlens.network.layers import Bidirectional, Recurrent
from rnnlens.network.network import layer_kind

__all__: list[str] = []

_States = tuple[Array, ...]


def _through_step(
    cell: Ready, x: Array, saved: Step, R: _States, rule: Rule
) -> tuple[Array, _States]:
    """Hand relevance of the states after a step back to its input and the states before."""
    if isinstance(saved.values, LSTMStep):
        return _lstm(cell, x, saved, R, rule)
    if isinstance(saved.values, GRUStep):
        return _gru(cell, x, saved, R, rule)
    h, (a, _) = saved.before[0], saved.values
    R_x, R_h = share_dense(((x, cell.W), (h, cell.U)), (1.0, 1.0), a, R[0], rule)
    return R_x, (R_h,)


def _lstm(cell: Ready, x: Array, saved: Step, R: _States, rule: Rule) -> tuple[Array, _States]:
    s, (h, c), (R_h, R_c) = saved.values, saved.before, R
    assert isinstance(s, LSTMStep)
    assert isinstance(cell.cell, LSTM)
    if cell.cell.projection is not None:
        P = np.asarray(cell.cell.projection, float)
        (R_h,) = share_dense(((s.o * s.phi_c, P),), (1.0,), s.h, R_h, rule)
    R_before, R_g = share_sum((s.f * c, s.i * s.g), s.c, R_c + R_h, rule)
    W_g, U_g = cell.split(cell.W)[2], cell.split(cell.U)[2]
    R_x, R_h = share_dense(((x, W_g), (h, U_g)), (1.0, 1.0), s.a_g, R_g, rule)
    return R_x, (R_h, R_before)


def _gru(cell: Ready, x: Array, saved: Step, R: _States, rule: Rule) -> tuple[Array, _States]:
    s, (h,) = saved.values, saved.before
    assert isinstance(s, GRUStep)
    assert isinstance(cell.cell, GRU)
    kept, R_n = share_sum((s.z * h, (1 - s.z) * s.n), s.h, R[0], rule)
    W_n, U_n = cell.split(cell.W)[2], cell.split(cell.U)[2]
    if cell.cell.reset_after:
        R_x, R_h = share_dense(((x, W_n), (h, U_n)), (1.0, s.r), s.a_n, R_n, rule)
    else:
        R_x, R_h = share_dense(((x, W_n), (s.q, U_n)), (1.0, 1.0), s.a_n, R_n, rule)
    return R_x, (kept + R_h,)


def _through_steps(
    layer: Recurrent, inputs: tuple[Array, ...], mask: Mask, R: Multipliers, rule: Rule
) -> _States:
    """Hand relevance of a layer's outputs back to its sequence and the states it started from."""
    record, _ = run_cell(layer, inputs, mask)
    order = slice(None, None, -1) if layer.go_backwards else slice(None)
    x = inputs[0].swapaxes(0, 1)[order]
    outer: list[Array | None] = [None] * len(x)
    if R[0] is not None:
        outer = list(R[0].swapaxes(0, 1)) if layer.return_sequences else [*outer[:-1], R[0]]
    states = tuple(np.zeros_like(state) for state in record.final)
    if layer.return_state:
        given = zip(states, R[1:], strict=True)
        states = tuple(s if part is None else part for s, part in given)
    R_x, held = np.zeros_like(x), np.zeros_like(states[0])
    for t in reversed(range(len(x))):
        fresh = outer[t]
        here = held if fresh is None else held + fresh
        keep = np.ones((x.shape[1], 1), bool) if record.mask is None else record.mask[t][:, None]
        # a masked step keeps every state, and repeats the output before or gives zero
        reached = tuple(np.where(keep, s, 0.0) for s in states)
        reached = (reached[0] + np.where(keep, here, 0.0), *reached[1:])
        R_x[t], before = _through_step(record.ready, x[t], record.steps[t], reached, rule)
        states = tuple(np.where(keep, b, s) for b, s in zip(before, states, strict=True))
        held = np.zeros_like(here) if layer.zero_output_for_mask else np.where(keep, 0.0, here)
    return (R_x[order].swapaxes(0, 1), *states)


@hand_back.register
def _(layer: Recurrent, taken: Taken, R: Multipliers, rule: Rule) -> Multipliers:
    return _through_steps(layer, taken.tape.inputs, taken.masks[0], R, rule)


@hand_back.register
def _(layer: Bidirectional, taken: Taken, R: Multipliers, rule: Rule) -> Multipliers:
    inputs, mask = taken.tape.inputs, taken.masks[0]
    half = 1 + (len(inputs) - 1) // 2
    own = (inputs[:half], (inputs[0], *inputs[half:]))
    (R_u, R_v), states = _apart(layer, own, mask, R, rule)
    middle = len(states) // 2
    pulled = [
        _through_steps(one, given, mask, (part, *rest), rule)
        for one, given, part, rest in zip(
            (layer.forward, layer.backward),
            own,
            (R_u, _turned(layer, R_v)),
            (states[:middle], states[middle:]),
            strict=True,
        )
    ]
    return (pulled[0][0] + pulled[1][0], *pulled[0][1:], *pulled[1][1:])


def _turned(layer: Bidirectional, sequence: Array | None) -> Array | None:
    # the second layer gives its sequence newest first, and the merge wants oldest first
    return (
        sequence[:, ::-1] if sequence is not None and layer.forward.return_sequences else sequence
    )


def _apart(
    layer: Bidirectional, own: tuple[tuple[Array, ...], ...], mask: Mask, R: Multipliers, rule: Rule
) -> tuple[Multipliers, Multipliers]:
    """Hand the relevance of the merged output to the two directions; give that of the states."""
    if layer.merge_mode is None:
        return R[:2], R[2:]
    if R[0] is None:
        return (None, None), R[1:]
    if layer.merge_mode == "concat":
        H = layer.forward.cell.state_sizes[0]
        return (R[0][..., :H], R[0][..., H:]), R[1:]
    if layer.merge_mode == "mul":
        no_rule(f"a {layer_kind(layer)} that multiplies its directions")
    outputs = []
    for one, given in zip((layer.forward, layer.backward), own, strict=True):
        sequence = run_cell(one, given, mask)[1]
        outputs.append(sequence.swapaxes(0, 1) if one.return_sequences else sequence[-1])
    share = 2 if layer.merge_mode == "ave" else 1
    u, v = outputs
    if layer.forward.return_sequences:
        v = v[:, ::-1]
    return share_sum((u / share, v / share), (u + v) / share, R[0], rule), R[1:]
