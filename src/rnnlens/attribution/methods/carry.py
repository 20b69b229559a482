"""The write-time view: when the memory that a forecast reads was written.

An LSTM's cell state, and a GRU's hidden state, are sums of what was written at each step and kept
since:

    c_T = (prod over s of f_s) c_0 + sum over t of e_t,   e_t = (prod over s > t of f_s) i_t g_t
    h_T = (prod over s of z_s) h_0 + sum over t of e_t,   e_t = (prod over s > t of z_s) (1-z_t) n_t

(the algebra of Murdoch and Szlam 2017, "Automatic rule extraction from long short term memory
networks"). A linear head over the last step splits among the writes: for a GRU ``w . e_t``, for
an LSTM along the straight line through the bend of its cell state,

    R_t = w . (o_T phi(c_T) / c_T e_t)

which is the integrated gradient of ``phi`` from 0 and depends on no order of the steps. Cost: T
cell evaluations.

Exact: writes and start sum to the state, and their parts to the forecast. But it answers "when
was the memory written", never "which lag caused the forecast": the gates and candidates of a step
have read the hidden state, and through it every older input. A network that hands on an input
for k steps before it writes puts it all on the step of the write.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rnnlens.attribution.baselines.baseline import Array
from rnnlens.attribution.inside.readout import Direction, Readout, keeps_steps_apart, readout
from rnnlens.attribution.question import Question
from rnnlens.attribution.result import additive
from rnnlens.engine.activations import pull as pull_activation
from rnnlens.engine.activations import value
from rnnlens.engine.forward import Run, forward
from rnnlens.engine.operations.recurrent import run_cell
from rnnlens.engine.operations.registry import Mask
from rnnlens.engine.step import GRUStep, LSTMStep
from rnnlens.errors import UnsupportedModel
from rnnlens.names import declared
from rnnlens.network.cells import GRU, LSTM
from rnnlens.network.layers import Bidirectional, Input, Layer, Recurrent
from rnnlens.network.network import a_layer_kind

__all__ = ["WriteTime", "Writes", "carry", "writes"]


@dataclass(frozen=True, eq=False)
class Writes:
    """What each step wrote into a memory and what is left of it when the memory is read.

    Parameters
    ----------
    written : array (sample, step, unit)
        ``e_t``, in the order of the window, oldest first; zero at steps not taken yet.
    start : array (sample, unit)
        What is left of the state before the first step.
    state : array (sample, unit)
        The cell state of an LSTM, the hidden state of a GRU: the sum of the two above.
    output_gate : array (sample, unit)
        ``o`` of an LSTM at the step that is read; ones for a GRU.
    """

    written: Array = declared("sample", "step", "unit")
    start: Array = declared("sample", "unit")
    state: Array = declared("sample", "unit")
    output_gate: Array = declared("sample", "unit")


@dataclass(frozen=True, eq=False, kw_only=True)
class WriteTime:
    """How much of a forecast is read from what was written at each step.

    Parameters
    ----------
    written : array (sample, layer, lag)
        In the target's own unit; lag 1, the newest step, comes first.
    start : array (sample, layer)
        Read from the state before the first step.
    constant : array (sample,)
        What the head gives where the memory holds nothing.
    forecast : array (sample,)
        For the window.
    residual : array (sample,)
        ``forecast - constant - sum of start and written``.
    layers : tuple of str
        The recurrent layer that is read, each direction apart.
    """

    written: Array = declared("sample", "layer", "lag")
    start: Array = declared("sample", "layer")
    constant: Array = declared("sample")
    forecast: Array = declared("sample")
    residual: Array = declared("sample")
    layers: tuple[str, ...]


def writes(
    layer: Recurrent, inputs: tuple[Array, ...], mask: Mask = None, *, steps: int | None = None
) -> Writes:
    """Take a memory apart into what each step wrote: mask (sample, step) of bool."""
    if not isinstance(layer.cell, LSTM | GRU):
        raise UnsupportedModel(
            f"the write-time view needs a memory that is added to, and a {layer.cell.kind} "
            "overwrites its own at every step: use method 'secant'"
        )
    record, _ = run_cell(layer, inputs, mask)
    length, memory = len(record.steps), record.steps[0].before[-1]
    taken = length if steps is None else steps
    written, left = np.zeros((length, *memory.shape)), np.ones_like(memory)
    output, unread = np.zeros_like(memory), np.ones((len(memory), 1), bool)
    for t in reversed(range(taken)):
        keep, new, gate = _terms(record.steps[t].values)
        real = np.ones_like(unread) if record.mask is None else record.mask[t][:, None]
        written[t] = np.where(real, left * new, 0.0)
        left = np.where(real, left * keep, left)
        output = np.where(unread & real, gate, output)  # a masked step repeats the output before
        unread = unread & ~real
    state = record.final[-1] if taken == length else record.steps[taken].before[-1]
    order = slice(None, None, -1) if layer.go_backwards else slice(None)
    return Writes(written[order].swapaxes(0, 1), left * memory, state, output)


def _terms(values: object) -> tuple[Array, Array, Array]:
    """Give what a step keeps of the memory, what it adds, and its output gate."""
    if isinstance(values, LSTMStep):
        return values.f, values.i * values.g, values.o
    assert isinstance(values, GRUStep)
    return values.z, (1 - values.z) * values.n, np.ones_like(values.z)


def carry(question: Question) -> WriteTime:
    """Split each forecast among the steps at which the memory that it reads was written."""
    parts, layers = [], ()
    for part in question.parts(runs=2):
        run = forward(part.network, part.inputs)
        head = readout(run, part.target, "the write-time view")
        _refuse_other_steps(run, head, part.of)
        layers = tuple(one.name for one in head.directions)
        read = [_read(one, head.mask) for one in head.directions]
        written, start, at_rest = (np.stack(each, axis=1) for each in zip(*read, strict=True))
        constant = head.constant + at_rest.sum(axis=1)
        parts.append((written, start, constant, part.target.pick(run.outputs)))
    written, start, constant, forecast = (np.concatenate(p) for p in zip(*parts, strict=True))
    total = written.sum(axis=(1, 2)) + start.sum(axis=1)
    return WriteTime(
        written=written[:, :, ::-1],
        start=start,
        constant=constant,
        forecast=forecast,
        residual=additive(total, forecast, constant, "carry"),
        layers=layers,
    )


def _read(one: Direction, mask: Mask) -> tuple[Array, Array, Array]:
    """Give what is read from each step (sample, step), from the start, and where c is zero."""
    memory = writes(one.layer, one.inputs, mask, steps=one.steps)
    cell, weight = one.layer.cell, one.weight
    if isinstance(cell, LSTM):
        weight = weight if cell.projection is None else weight @ np.asarray(cell.projection).T
        weight = weight * memory.output_gate
        zero = np.zeros_like(memory.state)
        slope = pull_activation(cell.activation, memory.state, zero, weight)
        at_rest = (weight * value(cell.activation, zero)).sum(axis=1)
    else:
        slope, at_rest = weight * memory.output_gate, np.zeros(len(weight))
    by_step = (memory.written * slope[:, None]).sum(axis=2)
    return by_step, (memory.start * slope).sum(axis=1), at_rest


def _refuse_other_steps(run: Run, head: Readout, of: str) -> None:
    """Refuse a layer whose steps are not the window's own, in the window's order."""
    node = head.node
    while not isinstance(node.layer, Input):
        name, node = node.name, run.network[node.inputs[0][0]]
        layer = node.layer
        if not _hands_steps_on(layer):
            raise UnsupportedModel(
                f"the write-time view needs the steps of {name!r} to be those of the window, but "
                f"{node.name!r}, {a_layer_kind(layer)}, stands before it: use method 'secant'"
            )
    if node.name != of:
        raise UnsupportedModel(
            f"the write-time view follows the steps of input {node.name!r}, which "
            f"{head.node.name!r} reads, but {of!r} was asked for: ask for {node.name!r}"
        )


def _hands_steps_on(layer: Layer) -> bool:
    """Say whether a layer gives one step for each step of its input, in their order."""
    if isinstance(layer, Recurrent):
        return layer.return_sequences and not layer.go_backwards
    if isinstance(layer, Bidirectional):
        return _hands_steps_on(layer.forward)
    return isinstance(layer, Input) or keeps_steps_apart(layer)
