"""The loop over the steps, for every cell: blocks of samples forward, and multipliers back.

The way back keeps nothing from the way forward but the states at the beginning of each *stretch* of
steps (`checkpoints`): a stretch is run again, its records stay in the cache, and its multipliers
are carried back through them. Memory is that of one stretch a thread, however many samples there
are.

Numba compiles a function anew for every constant that it is called with: what is kept of a record
is therefore computed, and not written as a number.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from numpy.typing import NDArray

from rnnlens.engine.kernels.buffers import copy, fill
from rnnlens.engine.kernels.cells.interface import advance, pull
from rnnlens.engine.kernels.lowlevel.compiling import inner, kernel
from rnnlens.engine.kernels.lowlevel.primitives import (
    ROWS,
    always_inline,
    give_back,
    lent,
    never_inline,
    part,
    prefetch_block,
    rest,
)
from rnnlens.engine.kernels.tile import BLOCK, width

__all__ = ["back", "forward", "load", "load_columns", "step_shared", "store", "trace"]

Array = NDArray[Any]


class _Room(NamedTuple):
    """Where a block's steps are computed; the letters are those of `advance`.

    Parameters
    ----------
    b, R : int
        Its first sample, and how many samples it has.
    A, C : array
        ``[x; 1; h]``, and the cell state.
    D : array
        The record of a step.
    old : array
        States before a step, for masked samples.
    """

    b: int
    R: int
    A: Array
    C: Array
    D: Array
    old: Array


class _Way(NamedTuple):
    """Multipliers of a block on their way back.

    Parameters
    ----------
    h, C : array
        Of the hidden and the cell state.
    held : array
        Of the output where it repeats one before it.
    old : array
        Those of masked samples, meanwhile.
    """

    h: Array
    C: Array
    held: Array
    old: Array


@inner
def load(source, b, A, R):
    """Turn rows of samples, from the b-th on, into rows of a block."""
    never_inline()
    count = min(R, source.shape[0] - b)
    for s in range(count):
        for f in range(source.shape[1]):
            A[f * R + s] = source[b + s, f]


@inner
def store(A, target, b, R):
    """Turn rows of a block into rows of samples, from the b-th on."""
    never_inline()
    count = min(R, target.shape[0] - b)
    for s in range(count):
        for f in range(target.shape[1]):
            target[b + s, f] = A[f * R + s]


@inner
def _blend(mask, b, t, new, old, rows, R):
    """Give masked samples their old numbers back."""
    never_inline()
    count = min(R, mask.shape[0] - b)
    for s in range(count):
        if not mask[b + s, t]:
            for u in range(rows):
                new[u * R + s] = old[u * R + s]


@inner
def _begin(w, states, b, A, C, R):
    """Lay out a block before its first step: ones, and the states to start from or zero."""
    never_inline()
    at = (w.features + 1) * R
    fill(A, 0)
    fill(part(A, w.features * R, at), 1)
    fill(C, 0)
    load(states[0], b, rest(A, at), R)
    load(states[1], b, C, R)


@inner
def _save(state, rows, checkpoint, b, R):
    """Note a block's state in the checkpoint of the full block that it is part of."""
    never_inline()
    first = b % BLOCK * rows
    copy(state, part(checkpoint, first, first + rows * R))


@inner
def _restore(checkpoint, rows, state, b, R):
    """Give a block the state that `_save` noted."""
    never_inline()
    copy(rest(checkpoint, b % BLOCK * rows), part(state, 0, rows * R))


@inner
def _step(w, windows, t, room, keep):
    """Take one step with a block; masked samples keep their states."""
    always_inline()
    x, mask = windows.x, windows.mask
    b, R, A, C, D, old = room
    load(x[:, t], b, A, R)
    if mask.shape[0] == 0:
        advance(w, A, C, D, keep, R)
        return
    at = (w.features + 1) * R
    H = w.outputs * R
    copy(part(A, at, at + H), part(old, 0, H))
    copy(C, part(old, H, H + C.size))
    advance(w, A, C, D, keep, R)
    _blend(mask, b, t, rest(A, at), old, w.outputs, R)
    _blend(mask, b, t, C, rest(old, H), w.cells, R)


@kernel
def forward(w, windows, reading, results, span):
    """Run a cell over windows, and fill their checkpoints."""
    backwards, sequences, zeroes = reading
    x, mask, states, checkpoints = windows
    outputs, finals = results
    begin, end, stretch = span
    T, most = x.shape[1], width(end - begin, x.itemsize)
    sizes = (w.features + 1 + w.outputs + ROWS) * most, w.cells * most, w.record * most
    blended = (w.outputs + w.cells) * most, w.outputs * most if mask.shape[0] else 0
    A, cells, D, old, given = lent(x.dtype, (*sizes, *blended))
    b = begin
    while b < end:
        R = width(end - b, x.itemsize)
        at = (w.features + 1) * R
        C, Y = part(cells, 0, w.cells * R), part(given, 0, w.outputs * R if mask.shape[0] else 0)
        room = _Room(b, R, A, C, D, old)
        _begin(w, states, b, A, C, R)
        fill(Y, 0)
        for k in range(T):
            if checkpoints[0].shape[0] and k % stretch == 0:
                _save(rest(A, at), w.outputs, checkpoints[0][b // BLOCK, k // stretch], b, R)
                _save(C, w.cells, checkpoints[1][b // BLOCK, k // stretch], b, R)
            t = T - 1 - k if backwards else k
            prefetch_block(x, b, k, backwards, R)
            _step(w, windows, t, room, min(T, 0))
            if mask.shape[0]:
                fill(part(old, 0, Y.size), 0)
                if not zeroes:
                    copy(Y, part(old, 0, Y.size))
                copy(part(A, at, at + Y.size), Y)
                _blend(mask, b, t, Y, old, w.outputs, R)
            if sequences or k == T - 1:
                place = outputs[:, k if sequences else 0]
                if mask.shape[0]:
                    store(Y, place, b, R)
                else:
                    store(rest(A, at), place, b, R)
        store(rest(A, at), finals[0], b, R)
        store(C, finals[1], b, R)
        b += R
    give_back(A)


@kernel
def trace(w, windows, backwards, results, span):
    """Run a cell over windows and lay out what every step computed."""
    begin, end = span
    x, states = windows.x, windows.states
    rows, values, hidden, cell = results
    T, most = x.shape[1], width(end - begin, x.itemsize)
    sizes = (w.features + 1 + w.outputs + ROWS) * most, w.cells * most, w.record * most
    A, cells, D, old = lent(x.dtype, (*sizes, (w.outputs + w.cells) * most))
    b = begin
    while b < end:
        R = width(end - b, x.itemsize)
        at, n = (w.features + 1) * R, w.units * R
        C = part(cells, 0, w.cells * R)
        room = _Room(b, R, A, C, D, old)
        _begin(w, states, b, A, C, R)
        for k in range(T):
            t = T - 1 - k if backwards else k
            prefetch_block(x, b, k, backwards, R)
            _step(w, windows, t, room, 1 + min(T, 0))
            for j in range(rows.size):
                store(rest(D, rows[j] * n), values[:, t, j], b, R)
            store(rest(A, at), hidden[:, t], b, R)
            store(C, cell[:, t], b, R)
        b += R
    give_back(A)


@inner
def _rerun(w, windows, backwards, stretch, room, records, keep):
    """Run a stretch of steps of a block again and keep their records.

    ``stretch`` is its first step, its end and its number.
    """
    never_inline()
    first, end, number = stretch
    b, R, A, C, _, old = room
    checkpoints = windows.checkpoints
    _begin(w, windows.states, b, A, C, R)
    if checkpoints[0].shape[0]:
        _restore(checkpoints[0][b // BLOCK, number], w.outputs, rest(A, (w.features + 1) * R), b, R)
        _restore(checkpoints[1][b // BLOCK, number], w.cells, C, b, R)
    for k in range(first, end):
        t = windows.x.shape[1] - 1 - k if backwards else k
        prefetch_block(windows.x, b, k, backwards, R)
        _step(w, windows, t, _Room(b, R, A, C, records[k - first], old), keep)


@inner
def _add(source, b, A, R):
    """Add rows of samples, from the b-th on, to rows of a block."""
    never_inline()
    count = min(R, source.shape[0] - b)
    for s in range(count):
        for f in range(source.shape[1]):
            A[f * R + s] += source[b + s, f]


@inner
def _silence(mask, b, t, A, rows, R):
    """Put zero where samples are masked."""
    never_inline()
    count = min(R, mask.shape[0] - b)
    for s in range(count):
        if not mask[b + s, t]:
            for u in range(rows):
                A[u * R + s] = 0


@inner
def _hold(mask, b, t, way, sizes, R):
    """Take the multipliers of masked samples out of a step; `_release` hands them on as they are.

    ``held`` holds the multipliers of the step's output.
    """
    never_inline()
    h, C, held, old = way
    copy(h, part(old, 0, h.size))
    copy(C, rest(old, h.size))
    for s in range(h.size):
        h[s] += held[s]
    _silence(mask, b, t, h, sizes[0], R)
    _silence(mask, b, t, C, sizes[1], R)


@inner
def _release(mask, b, t, zeroes, way, sizes, R):
    """Give masked samples back the multipliers that `_hold` took.

    ``held`` becomes the multipliers of the output before, which masked samples repeat.
    """
    never_inline()
    h, C, held, old = way
    _blend(mask, b, t, h, old, sizes[0], R)
    _blend(mask, b, t, C, rest(old, h.size), sizes[1], R)
    copy(held, part(old, 0, h.size))
    fill(held, 0)
    if not zeroes:
        _blend(mask, b, t, held, old, sizes[0], R)


@kernel
def back(w, runs, same, reading, multipliers, results, span):
    """Carry multipliers back over the steps of two runs, or of one where both are the same."""
    backwards, sequences, zeroes = reading
    windows, windows0 = runs
    mask, m, m_x = windows.mask, multipliers.outputs, results.inputs
    begin, end, stretch = span
    T, most = m_x.shape[1], width(end - begin, m_x.itemsize)
    masked, sizes = mask.shape[0] > 0, (w.outputs, w.cells)
    there = (w.features + 1 + w.outputs + ROWS) * most, w.cells * most
    way_back = (w.features + w.outputs + ROWS) * most, w.cells * most, w.room * most
    blended = (w.outputs + w.cells) * most, w.outputs * most if masked else 0
    A, states_after, B, cells, Z, old, given = lent(m_x.dtype, (*there, *way_back, *blended))
    kept = (min(stretch, T), w.record * most)
    D, other = lent(m_x.dtype, (kept, (0, 0) if same else kept))
    D0 = D if same else other
    b = begin
    while b < end:
        R = width(end - b, m_x.itemsize)
        h = part(B, w.features * R, (w.features + w.outputs) * R)
        C, state, held = (
            part(cells, 0, w.cells * R),
            part(states_after, 0, w.cells * R),
            part(given, 0, w.outputs * R if masked else 0),
        )
        room, way = _Room(b, R, A, state, A, old), _Way(h, C, held, old)
        fill(B, 0)
        fill(C, 0)
        fill(held, 0)
        load(multipliers.finals[0], b, h, R)
        load(multipliers.finals[1], b, C, R)
        for number in range((T - 1) // stretch, -1, -1):
            steps = (number * stretch, min(T, (number + 1) * stretch), number)
            keep = 1 + same
            _rerun(w, windows, backwards, steps, room, D, keep)
            if results.last_hidden.shape[0] and steps[1] == T:
                store(rest(A, (w.features + 1) * R), results.last_hidden, b, R)
            if not same:
                _rerun(w, windows0, backwards, steps, room, D0, keep)
            for k in range(steps[1] - 1, steps[0] - 1, -1):
                t = T - 1 - k if backwards else k
                if m.shape[0] > 0 and (sequences or k == T - 1):
                    _add(m[:, k if sequences else 0], b, held if masked else h, R)
                if masked:
                    _hold(mask, b, t, way, sizes, R)
                pull(w, D[k - steps[0]], D0[k - steps[0]], same, B, C, Z, R)
                if masked:
                    _release(mask, b, t, zeroes, way, sizes, R)
                store(B, m_x[:, t], b, R)
        store(h, results.states[0], b, R)
        store(C, results.states[1], b, R)
        b += R
    give_back(A)
    give_back(D)


@inner
def load_columns(source, b, end, A):
    """Copy columns of every row into a full block: source (row, history), A (row * BLOCK,)."""
    never_inline()
    for u in range(source.shape[0]):
        row = source[u]
        for s in range(end - b):
            A[u * BLOCK + s] = row[b + s]


@inner
def _store_columns(A, count, target, place):
    """Copy the first columns of a block into every row, from a place on."""
    never_inline()
    for u in range(target.shape[0]):
        row = target[u]
        for s in range(count):
            row[place + s] = A[u * BLOCK + s]


@kernel
def step_shared(w, x, own, before, after, span):
    """Take one step from states that many histories share: each with each of some inputs.

    States lie with the history last, (unit, history), so that a block is a stretch of every row.
    Histories after the step stand input by input.

    Shapes: x (input, feature), or (input * history, feature), before tuple of two (output, history)
    and (unit, history), after tuple of two (output, input * history) and (unit, input * history).
    """
    begin, end = span
    R = BLOCK
    histories = before[0].shape[1]
    at = (w.features + 1) * R
    size = (w.features + 1 + w.outputs + ROWS) * R
    A, C, D = lent(x.dtype, (size, w.cells * R, w.record * R))
    fill(A, 0)
    fill(part(A, w.features * R, at), 1)
    fill(C, 0)
    for j in range(after[0].shape[1] // histories):
        for b in range(begin, end, R):
            last = min(end, b + R)
            for s in range(last - b):
                row = x[j * histories + b + s] if own else x[j]
                for f in range(w.features):
                    A[f * R + s] = row[f]
            load_columns(before[0], b, last, rest(A, at))
            load_columns(before[1], b, last, C)
            advance(w, A, C, D, min(begin, 0), R)
            place = j * histories + b
            _store_columns(rest(A, at), last - b, after[0], place)
            _store_columns(C, last - b, after[1], place)
    give_back(A)
