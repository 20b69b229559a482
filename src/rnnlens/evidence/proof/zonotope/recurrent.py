"""Recurrent layers on affine forms: weights made ready, states to begin from, room for the rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from rnnlens.engine.cells import ready
from rnnlens.engine.kernels.lowlevel.compiling import announcing_compilation
from rnnlens.errors import UnsupportedModel
from rnnlens.evidence.proof.zonotope.called import called_cell
from rnnlens.evidence.proof.zonotope.cells import GRUWeights, LSTMWeights, SimpleWeights, Weights
from rnnlens.evidence.proof.zonotope.chain import (
    Beginning,
    FormArrays,
    Hulls,
    Limits,
    chain,
)
from rnnlens.evidence.proof.zonotope.forms import Forms, added, beside, constant, picked
from rnnlens.evidence.proof.zonotope.functions import activation_code
from rnnlens.evidence.proof.zonotope.products import in_tiles
from rnnlens.network.cells import GRU, LSTM, Cell, SimpleRNN
from rnnlens.network.layers import Bidirectional, Recurrent

__all__ = ["COARSE", "POINT", "ROWS", "ROWS_OF_ROUNDING", "Context", "bidirectional", "recurrent"]

Array = NDArray[np.float64]

#: Rows that a state may have between steps, for each unit. Fewer lose the far past: the rows that
#: are put together forget what they have in common.
ROWS = 8
#: The same where there is nothing free and rows stand for rounding alone.
ROWS_OF_ROUNDING = 2
#: The same for a first look, which settles what hardly moves the output in a fraction of the time.
COARSE = 2
#: The same for boxes of no width: states are intervals between steps, for all that they lose is
#: rounding.
POINT = 0


@dataclass(eq=False)
class Context:
    """What a walk through the network knows and keeps.

    Parameters
    ----------
    windows : array (box,) of int
        The window that each box belongs to.
    numbers : array (box,) of int
        The next free number of a symbol.
    free : int
        Number of free inputs.
    records : dict
        By recurrent layer (and direction) the hulls of the states of every window, with nothing
        free: centre and radius of the hidden state, of the cell state, each (window, step, unit).
    base : bool
        Whether this walk is the one that fills the records.
    rows : int
        Rows that a state may have between steps, for each unit.
    """

    windows: NDArray[np.int64]
    numbers: NDArray[np.int64]
    free: int
    records: dict[str, Hulls] = field(default_factory=dict)
    base: bool = False
    rows: int = ROWS


def _contiguous(array: Any) -> Array:
    return np.ascontiguousarray(np.asarray(array, float))


#: Weights made ready, as long as their cells are there.
_KEPT: WeakKeyDictionary[Cell, Weights] = WeakKeyDictionary()


def _weights(cell: Cell, where: str) -> Weights:
    """Make a cell's weights ready; they are made once."""
    made = _KEPT.get(cell)
    if made is None:
        made = _KEPT[cell] = _made_ready(cell, where)
    return made


def _made_ready(cell: Cell, where: str) -> Weights:
    if not isinstance(cell, LSTM | GRU | SimpleRNN):
        raise UnsupportedModel(f"layer {where!r} has a cell that certificates do not serve")
    made: Any = ready(cell)
    U, U2, V, b2 = made.U, None, None, None
    sigma = (0, np.zeros(6))
    if isinstance(cell, LSTM):
        kind = LSTMWeights
        sigma = activation_code(cell.recurrent_activation, where)
        if any(gate.V is not None for gate in cell.gates.values()):
            V = _contiguous(np.stack(made.V))
        U2 = None if made.P is None else _contiguous(made.P)
    elif isinstance(cell, GRU):
        kind = GRUWeights
        U2 = np.zeros((0, 0))
        sigma = activation_code(cell.recurrent_activation, where)
        b2 = _contiguous(made.b_rn)
        if not cell.reset_after:
            U, U2 = _contiguous(U[:, : 2 * cell.units]), _contiguous(U[:, 2 * cell.units :])
    else:
        kind = SimpleWeights
    phi = activation_code(cell.activation, where)
    W, U = _contiguous(made.W), _contiguous(U)
    sizes = (np.abs(W), np.abs(U), None if U2 is None else np.abs(U2))
    b = _contiguous(made.b)
    tiles = in_tiles(W), in_tiles(U)
    return kind(W, sizes[0], U, sizes[1], b, *tiles, U2, sizes[2], V, b2, *sigma, *phi)


def recurrent(
    layer: Recurrent, x: Forms, states: Sequence[Forms], context: Context, key: str
) -> tuple[Forms, ...]:
    """Run a recurrent layer, from states that are given or from zero: its output, its states."""
    begun = _initial(layer, len(x.centre), states)
    steps = x.centre.shape[1]
    reached = x.count[:, ::-1] > 0 if layer.go_backwards else x.count > 0
    first = np.where(reached.any(axis=1), reached.argmax(axis=1), steps)
    first = np.where(begun.count > 0, 0, first)
    if context.base:
        return _base(layer, x, begun, context, key)
    known = Hulls(*(part[context.windows] for part in context.records[key]))
    start = Hulls(
        *(_before(part, first, own) for part, own in zip(known, begun.states, strict=True))
    )
    # what no box reaches yet is neither read nor given anew
    skipped = int(min(first.min(), steps - 1))
    late = slice(0, steps - skipped) if layer.go_backwards else slice(skipped, steps)
    x, steps = picked(x, late, sequence=x.sequence), steps - skipped
    first = first - skipped
    last = slice(skipped, None) if layer.return_sequences else slice(-1, None)
    out, out_rest = (part[:, last].copy() for part in (known.h, known.hr))
    ends = [part[:, -1:].copy() for part in (known.c, known.cr)]
    R, H = _sizes(layer)
    most = x.count.sum(axis=1).max() + (steps - first.min()) * (R + 2 * H)
    most += begun.count.max()
    # a first look keeps the same number whatever else is looked at beside it
    beside_these = x.rows.shape[2] if context.rows >= ROWS else context.free + R + H
    # rows that states begin with have no place in an interval
    a_unit = max(context.rows, COARSE) if begun.count.any() else context.rows
    kept = a_unit * max(R, H) + beside_these
    cap = int(max(min(kept, most), begun.count.max(), 1)) if a_unit else 0
    beginning = begun._replace(step=first, numbers=context.numbers, states=start)
    room = _Room(beginning, cap, (out, out_rest), (ends[0], ends[1]), _empty(0, 0, R, H))
    given, *states_after = _run(layer, x, context, key, room)
    if layer.return_sequences and not a_unit:
        given = _as_interval(given)
    if layer.return_sequences and skipped:
        given = _after(known.h[:, :skipped], known.hr[:, :skipped], given)
    return given, *states_after


def _as_interval(x: Forms) -> Forms:
    """Take rows into the rests; one of zeros says where the free inputs reach."""
    boxes, steps, units = x.centre.shape
    rows, ids = np.zeros((boxes, steps, 1, units)), np.zeros((boxes, steps, 1), np.int64)
    return replace(x, rest=x.radius, rows=rows, ids=ids, count=np.minimum(x.count, 1))


def _after(centre: Array, rest: Array, late: Forms) -> Forms:
    """Put steps that nothing free reaches before others: centre, rest (box, step, unit)."""

    def put(part: NDArray[Any]) -> NDArray[Any]:
        # memory that is zero as it comes, and is not touched before it is used
        whole = np.zeros((len(part), skipped + part.shape[1], *part.shape[2:]), part.dtype)
        whole[:, skipped:] = part
        return whole

    skipped = centre.shape[1]
    return replace(
        late,
        centre=np.concatenate([centre, late.centre], axis=1),
        rest=np.concatenate([rest, late.rest], axis=1),
        rows=put(late.rows),
        ids=put(late.ids),
        count=put(late.count),
    )


class _Room(NamedTuple):
    """Where a layer begins, the rows it may keep, what it fills, and the hulls that are kept."""

    beginning: Beginning
    cap: int
    #: Centre and rest of what the layer gives, and of its cell state after all steps.
    out: tuple[Array, Array]
    last: tuple[Array, Array]
    record: Hulls


def _sizes(layer: Recurrent) -> tuple[int, int]:
    """Give the length of the hidden state and of the cell state, 0 where there is none."""
    cell = layer.cell
    return cell.state_sizes[0], cell.units if isinstance(cell, LSTM) else 0


def _given(layer: Recurrent, steps: int) -> slice:
    """Say which steps a layer gives."""
    return slice(None) if layer.return_sequences else slice(steps - 1, steps)


def _initial(layer: Recurrent, boxes: int, states: Sequence[Forms]) -> Beginning:
    """Give where each box begins at its first step: the states given, or zero."""
    R, H = _sizes(layer)
    own = slice(R), slice(R, R + H)
    # the cell state, where there is one, after the hidden state
    zero = np.zeros((boxes, 1, R + H))
    both = beside(states) if states else constant(zero, zero, sequence=False)
    parts = both.centre[:, 0], both.rest[:, 0]
    return Beginning(
        np.zeros(boxes, np.int64),
        np.zeros(boxes, np.int64),
        Hulls(*(_contiguous(part[:, units]) for units in own for part in parts)),
        _contiguous(both.rows[:, 0, :, own[0]]),
        _contiguous(both.rows[:, 0, :, own[1]]),
        np.ascontiguousarray(both.ids[:, 0]),
        np.ascontiguousarray(both.count[:, 0]),
    )


def _base(
    layer: Recurrent, x: Forms, begun: Beginning, context: Context, key: str
) -> tuple[Forms, ...]:
    """Run a layer with nothing free over all steps, and keep the hulls of its states."""
    boxes, steps = x.centre.shape[:2]
    R, H = _sizes(layer)
    record = _empty(boxes, steps, R, H)
    given = steps if layer.return_sequences else 1
    out = np.zeros((boxes, given, R)), np.zeros((boxes, given, R))
    last = np.zeros((boxes, 1, H)), np.zeros((boxes, 1, H))
    beginning = begun._replace(numbers=context.numbers)
    room = _Room(beginning, context.rows * (R + H), out, last, record)
    _run(layer, x, context, key, room)
    context.records[key] = record
    steps_given = _given(layer, steps)
    return _with_states(
        layer,
        constant(
            record.h[:, steps_given], record.hr[:, steps_given], sequence=layer.return_sequences
        ),
        constant(record.c[:, -1:], record.cr[:, -1:], sequence=False),
    )


def _with_states(layer: Recurrent, out: Forms, last: Forms) -> tuple[Forms, ...]:
    """Give what a layer gives, its states after it where it gives them."""
    if not layer.return_state:
        return (out,)
    hidden = picked(out, slice(-1, None), sequence=False)
    return (out, hidden, *([last] if isinstance(layer.cell, LSTM) else []))


def _run(layer: Recurrent, x: Forms, context: Context, key: str, room: _Room) -> tuple[Forms, ...]:
    """Call the kernel."""
    beginning, cap, out, last, record = room
    R, H = _sizes(layer)
    rows = cap + x.rows.shape[2] + 2 * H + R
    filled = _to_fill(out, rows)
    # the cell state is a form of its own only where it is given
    ends = _to_fill(
        last if layer.return_state else (np.zeros((0, 1, H)), np.zeros((0, 1, H))), rows
    )
    symbols = int(context.numbers.max(initial=0)) + x.centre.shape[1] * (2 * R + 3 * H) + 1
    together = np.ascontiguousarray
    centre, rest, x_rows = together(x.centre), together(x.rest), together(x.rows)
    given = FormArrays(centre, rest, x_rows, together(x.ids), together(x.count))
    order = layer.go_backwards, layer.return_sequences
    limits = Limits(context.free, cap, symbols)
    weights = _weights(layer.cell, key)
    with announcing_compilation():
        cell = called_cell(weights)
        chain(cell, given, beginning, order, limits, filled, ends, record)
    return _with_states(
        layer,
        _filled(filled, sequence=layer.return_sequences),
        _filled(ends, sequence=False),
    )


def _to_fill(part: tuple[Array, Array], rows: int) -> FormArrays:
    """Make room for so many rows beside a centre and a rest (box, step, unit)."""
    boxes, steps, units = part[0].shape
    counts = np.zeros((boxes, steps), np.int64)
    ids = np.zeros((boxes, steps, rows), np.int64)
    return FormArrays(*part, np.zeros((boxes, steps, rows, units)), ids, counts)


def _filled(part: FormArrays, *, sequence: bool) -> Forms:
    """Give the rows that were used as forms."""
    used = slice(int(part.count.max(initial=0)))
    kept = part.rows[:, :, used], part.ids[:, :, used], part.count
    return Forms(part.centre, part.rest, *kept, sequence)


def _empty(boxes: int, steps: int, R: int, H: int) -> Hulls:
    return Hulls(*(np.zeros((boxes, steps, size)) for size in (R, R, H, H)))


def _before(states: Array, first: NDArray[np.int64], begun: Array) -> Array:
    """Give each box's state before its first step: that which it begins with before step 0."""
    chosen = states[np.arange(len(states)), np.maximum(first - 1, 0)]
    return np.where((first > 0)[:, None], chosen, begun)


def bidirectional(
    layer: Bidirectional, x: Forms, states: Sequence[Forms], context: Context, key: str
) -> tuple[Forms, ...]:
    """Run a layer in both directions: its output, the states of each."""
    if layer.merge_mode not in {"concat", "sum", "ave"}:
        raise UnsupportedModel(
            f"layer {key!r} merges its directions by {layer.merge_mode!r}, and certificates serve "
            "concat, sum and ave: ask the other lag evidence instead"
        )
    half = len(states) // 2
    one, *ones = recurrent(layer.forward, x, states[:half], context, f"{key}.forward")
    two, *twos = recurrent(layer.backward, x, states[half:], context, f"{key}.backward")
    if layer.forward.return_sequences:
        two = picked(two, slice(None, None, -1), sequence=True)
    if layer.merge_mode == "concat":
        return (beside([one, two]), *ones, *twos)
    weights = [0.5, 0.5] if layer.merge_mode == "ave" else [1.0, 1.0]
    return (added([one, two], weights), *ones, *twos)
