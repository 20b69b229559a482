"""Bounds of a forecast over a box of inputs, by affine forms through the recurrence.

The free numbers of one step are ``middle + half e`` with symbols ``e`` in [-1, 1]; every value
after them is an affine form in these and in symbols for what was lost on the way (zonotopes: Girard
2005, "Reachability of uncertain linear systems using zonotopes"; affine arithmetic: Comba and
Stolfi 1993). The lost part falls with the square of the box, so a few dozen boxes bound a forecast
over one number's whole range closely, at lags where intervals say nothing.

The bound is of the network in exact arithmetic with the weights as they are stored. Steps that are
read before the free one have a state that does not depend on it: it is computed once for every
window, with a radius for rounding.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from threading import Lock
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from rnnlens.attribution.target import ResolvedTarget
from rnnlens.engine.schedule.threads import each, threads
from rnnlens.errors import UnsupportedModel
from rnnlens.evidence.proof.zonotope import axes as zonotope_axes  # noqa: F401  (it registers its layers)
from rnnlens.evidence.proof.zonotope.chain import Hulls
from rnnlens.evidence.proof.zonotope.forms import Forms, constant
from rnnlens.evidence.proof.zonotope.layers import walk
from rnnlens.evidence.proof.zonotope.recurrent import ROWS, ROWS_OF_ROUNDING, Context
from rnnlens.network.network import Network, Ref

__all__ = [
    "BoxBounds",
    "Boxes",
    "Start",
    "bounds",
    "cost",
    "free_input",
    "place_of",
    "start",
]

Array = NDArray[np.float64]
Whole = NDArray[np.int64]

#: Boxes that a thread takes at once, at the most, and bytes of their rows, at the most but for one.
CHUNK, BYTES = 32, 64 << 20
#: Rows of rounding for each number of a state where the usual ones leave too much.
MORE_OF_ROUNDING = (8, 24)


class Boxes(NamedTuple):
    """Ranges of the same number of free inputs.

    Parameters
    ----------
    window : array (box,) of int
        Which window.
    step : int, or array (box,) of int
        Which step, 0 the oldest.
    feature : array (box, free) of int
        Which features are free.
    low, high : array (box, free)
        Their ranges, in the network's own units.
    """

    window: Whole
    step: int | Whole
    feature: Whole
    low: Array
    high: Array

    def take(self, chosen: Whole | slice | NDArray[np.bool_]) -> Boxes:
        """Give some of the boxes."""
        low, high = self.low[chosen], self.high[chosen]
        step = self.step[chosen] if isinstance(self.step, np.ndarray) else self.step
        return Boxes(self.window[chosen], step, self.feature[chosen], low, high)


class BoxBounds(NamedTuple):
    """What holds over boxes, in the network's own units of the output.

    Parameters
    ----------
    low, high : array (box,)
        Bounds of the output, rounded outward.
    slope : array (box, free)
        The affine form's own coefficients: change of the output from the middle to the end of each
        range.
    lost : array (box,)
        How much of half the width is not the free inputs' own.
    reached : array (box,) of bool
        False where the free inputs cannot reach the output at all.
    """

    low: Array
    high: Array
    slope: Array
    lost: Array
    reached: NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Start:
    """Everything that does not depend on what is free.

    Parameters
    ----------
    network : Network
        The network.
    inputs : dict of str to array (window, ...)
        The windows.
    of : str
        The input that holds them.
    target : ResolvedTarget
        The number of the output.
    forms : dict of Ref to Forms
        Every layer's output with nothing free.
    records : dict
        States, see `rnnlens.evidence.proof.zonotope.recurrent.Context`.
    low, high : array (window,)
        Bounds of the output itself.
    """

    network: Network
    inputs: dict[str, Array]
    of: str
    target: ResolvedTarget
    forms: dict[Ref, Forms]
    records: dict[str, Hulls]
    low: Array
    high: Array


def start(
    network: Network,
    inputs: Mapping[str, Array],
    target: ResolvedTarget,
    *,
    of: str,
    width: float = np.inf,
) -> Start:
    """Run windows with nothing free, keeping a radius for rounding.

    Where the output of a window is known less closely than to a `width`, its run is done again
    with more rows, which lose less over many steps.

    Shapes: inputs mapping of str to (window, ...).
    """
    begun = _start(network, inputs, target, of, ROWS_OF_ROUNDING)
    for rows in MORE_OF_ROUNDING:
        wide = np.flatnonzero(~(begun.high - begun.low <= width))
        if not len(wide):
            break
        some = {name: array[wide] for name, array in inputs.items()}
        again = _start(network, some, target, of, rows)
        for one, other in zip(_arrays(begun), _arrays(again), strict=True):
            one[wide] = other
    return begun


def _arrays(begun: Start) -> list[Array]:
    """Give everything that is known of each window (window, ...)."""
    forms = [part for one in begun.forms.values() for part in (one.centre, one.rest)]
    hulls = [part for one in begun.records.values() for part in one]
    return [*forms, *hulls, begun.low, begun.high]


def _start(
    network: Network, inputs: Mapping[str, Array], target: ResolvedTarget, of: str, rows: int
) -> Start:
    """Run windows with nothing free, a state keeping so many rows a number of its own."""
    if inputs[of].ndim != 3:
        raise UnsupportedModel(
            f"certificates serve inputs of shape (step, feature), and {of!r} has "
            f"{inputs[of].ndim - 1} axes"
        )
    count = len(inputs[of])
    size = max(1, min(CHUNK, -(-count // threads())))
    pieces = [slice(begin, min(begin + size, count)) for begin in range(0, count, size)]
    parts: dict[int, tuple[dict[Ref, Forms], dict[str, Hulls]]] = {}
    lock = Lock()

    def work(piece: slice) -> None:
        boxes = np.arange(piece.stop - piece.start)
        none = np.zeros(len(boxes), np.int64)
        context = Context(boxes, none, 0, base=True, rows=rows)
        given = {name: _entry(array[piece]) for name, array in inputs.items()}
        own = walk(network, given, context, {})
        with lock:
            parts[piece.start] = own, context.records

    each(work, [(piece,) for piece in pieces])
    order = [parts[piece.start] for piece in pieces]
    forms = {
        ref: constant(
            np.concatenate([piece[ref].centre for piece, _ in order]),
            np.concatenate([piece[ref].rest for piece, _ in order]),
            sequence=one.sequence,
        )
        for ref, one in order[0][0].items()
    }
    records = {
        key: Hulls(
            *(np.concatenate(same) for same in zip(*(kept[key] for _, kept in order), strict=True))
        )
        for key in order[0][1]
    }
    low, high = _interval(forms[target.ref(network)], target)
    return Start(network, dict(inputs), of, target, forms, records, low, high)


def _entry(array: Array) -> Forms:
    # a copy: of an array that may not be written to, kernels would be compiled anew
    centre = np.array(array if array.ndim == 3 else array.reshape(len(array), 1, -1))
    return constant(centre, np.zeros_like(centre), sequence=array.ndim == 3)


def place_of(target: ResolvedTarget) -> tuple[int, int]:
    """Give the step and the unit of the number that is asked about."""
    *step, unit = target.index or (0,)
    return (step[0] if step else 0), unit


def _interval(form: Forms, target: ResolvedTarget) -> tuple[Array, Array]:
    """Give the ends of the target's interval, rounded outward."""
    step, unit = place_of(target)
    centre, radius = form.centre[:, step, unit], form.radius[:, step, unit]
    return np.nextafter(centre - radius, -np.inf), np.nextafter(centre + radius, np.inf)


def cost(known: Start, step: int) -> float:
    """Count the multiplications that a box takes whose free numbers stand at a step, about."""
    rows = taken = 0
    for form in known.forms.values():
        _, steps, units = form.centre.shape
        rows += ROWS * units
        taken += 8 * rows * units * units * max(1, steps - step)
    return max(1, taken)


def bounds(known: Start, boxes: Boxes, rows: int = ROWS) -> BoxBounds:
    """Bound the output over boxes of inputs, a state keeping so many rows a unit between steps."""
    count = len(boxes.window)
    size = max(1, min(CHUNK, -(-count // threads()), BYTES // _bytes(known)))
    results: dict[int, BoxBounds] = {}
    lock = Lock()

    def work(begin: int) -> None:
        own = _bounds(known, boxes.take(slice(begin, begin + size)), rows)
        with lock:
            results[begin] = own

    each(work, [(begin,) for begin in range(0, count, size)])
    return BoxBounds(
        *(np.concatenate(same) for same in zip(*(results[k] for k in sorted(results)), strict=True))
    )


def _bytes(known: Start) -> int:
    """Give the bytes that the rows of one box may take: each layer adds its own to those below."""
    rows, taken = 0, 1
    for form in known.forms.values():
        _, steps, units = form.centre.shape
        rows += ROWS * units
        taken += 8 * steps * rows * units
    return taken


def _bounds(known: Start, boxes: Boxes, rows_a_unit: int) -> BoxBounds:
    count, free = boxes.low.shape
    context = Context(boxes.window, np.full(count, free), free, known.records, rows=rows_a_unit)
    given = {
        name: free_input(known, boxes) if name == known.of else _entry(array[boxes.window])
        for name, array in known.inputs.items()
    }
    form = walk(known.network, given, context, known.forms)[known.target.ref(known.network)]
    low, high = _interval(form, known.target)
    step, unit = place_of(known.target)
    rows = form.rows[:, step, :, unit]
    valid = np.arange(rows.shape[1]) < form.count[:, step, None]
    slope = np.zeros((count, free))
    for k in range(free):
        slope[:, k] = np.where(valid & (form.ids[:, step] == k), rows, 0.0).sum(axis=1)
    lost = 0.5 * (high - low) - np.abs(slope).sum(axis=1)
    return BoxBounds(low, high, slope, lost, form.count[:, step] > 0)


def free_input(known: Start, boxes: Boxes) -> Forms:
    """Give the input with its free numbers as ``middle + half e``."""
    count, free = boxes.low.shape
    x = known.inputs[known.of][boxes.window]
    every, step = np.arange(count)[:, None], np.reshape(boxes.step, (-1, 1))
    middle = 0.5 * (boxes.low + boxes.high)
    reach = np.maximum(boxes.high - middle, middle - boxes.low)
    # one step up: the difference was rounded to the nearest
    half = np.where(reach > 0, np.nextafter(reach, np.inf), 0.0)
    centre = x.copy()
    centre[every, step, boxes.feature] = middle
    rows = np.zeros((count, x.shape[1], free, x.shape[2]))
    rows[every, step, np.arange(free), boxes.feature] = half
    ids = np.broadcast_to(np.arange(free), rows.shape[:3]).copy()
    symbols = np.zeros(rows.shape[:2], np.int64)
    symbols[every, step] = free
    return Forms(centre, np.zeros_like(centre), rows, ids, symbols, True)
