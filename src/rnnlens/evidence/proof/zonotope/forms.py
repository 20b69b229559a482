"""Affine forms of many boxes at once, and what layers without memory do to them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from rnnlens.evidence.proof.zonotope.functions import TINY, UNIT, activation_code, enclose_each
from rnnlens.network.activations import Activation

__all__ = ["Forms", "activated", "added", "affine", "beside", "constant", "picked", "scaled"]

Array = NDArray[np.float64]
Whole = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Forms:
    """One layer's output for many boxes.

    Parameters
    ----------
    centre : array (box, step, unit)
        Centres; one step where the output has no step axis.
    rest : array (box, step, unit)
        Rests: what no symbol stands for.
    rows : array (box, step, symbol, unit)
        Coefficients; beyond ``count`` they are zero.
    ids : array (box, step, symbol) of int
        Numbers of the symbols.
    count : array (box, step) of int
        How many symbols there are; 0 where the free inputs do not reach.
    sequence : bool
        Whether there is a step axis.
    """

    centre: Array
    rest: Array
    rows: Array
    ids: Whole
    count: Whole
    sequence: bool

    def part(self, chosen: Whole) -> Forms:
        """Give those of some boxes."""
        ids, count = self.ids[chosen], self.count[chosen]
        return Forms(
            self.centre[chosen], self.rest[chosen], self.rows[chosen], ids, count, self.sequence
        )

    @property
    def reach(self) -> Array:
        """Sums of absolute coefficients, rounded up, (box, step, unit)."""
        return np.abs(self.rows).sum(axis=2) * _pad(self.rows.shape[2])

    @property
    def radius(self) -> Array:
        """Half the width of each number's interval, rounded up, (box, step, unit)."""
        return (self.reach + self.rest) * (1 + 4 * UNIT)


def _pad(terms: int) -> float:
    """Give a factor above what a sum of as many numbers of one sign may have lost."""
    return 1 + 4 * (terms + 8) * UNIT


def constant(centre: Array, rest: Array, *, sequence: bool) -> Forms:
    """Make forms without symbols: centre, rest (box, step, unit)."""
    boxes, steps, units = centre.shape
    return Forms(
        centre,
        rest,
        np.zeros((boxes, steps, 0, units)),
        np.zeros((boxes, steps, 0), np.int64),
        np.zeros((boxes, steps), np.int64),
        sequence,
    )


def affine(x: Forms, W: Array, b: Array | None) -> Forms:
    """Give ``x W + b``: W (feature, unit), b (unit,)."""
    pad = _pad(len(W))
    share = 2 * (len(W) + 8) * UNIT
    size = np.abs(W)
    bias = np.zeros(W.shape[1]) if b is None else b
    spread = (share * (np.abs(x.centre) + x.reach) + x.rest) * pad
    return replace(
        x,
        centre=x.centre @ W + bias,
        rest=(spread @ size + share * np.abs(bias)) * pad + TINY,
        rows=x.rows @ W,
    )


def scaled(x: Forms, factor: Array, offset: Array, sizes: Array) -> Forms:
    """Give ``x factor + offset``, entry by entry."""
    size, share = np.abs(factor), 16 * UNIT
    grown = size * (share * (np.abs(x.centre) + x.reach) + x.rest * (1 + share))
    wide = np.broadcast_to(factor, x.centre.shape[1:])
    return replace(
        x,
        centre=x.centre * factor + offset,
        rest=(grown + share * sizes) * (1 + share) + TINY,
        rows=x.rows * wide[:, None, :],
    )


def activated(x: Forms, activation: Activation, where: str) -> Forms:
    """Give an activation of every entry."""
    kind, p = activation_code(activation, where)
    if kind == 0:
        return x
    radius, bands = x.radius, np.empty((x.centre.size, 5))
    enclose_each(kind, p, x.centre.ravel(), radius.ravel(), bands)
    slope, middle, rest = (bands[:, k].reshape(x.centre.shape) for k in range(3))
    size = np.abs(slope)
    lost = 4 * UNIT * size * x.reach
    return replace(
        x,
        centre=middle,
        rest=(rest + size * x.rest + lost) * (1 + 16 * UNIT) + TINY,
        rows=slope[:, :, None, :] * x.rows,
    )


def _together(parts: Sequence[Forms]) -> list[Forms]:
    """Bring forms to the same symbols, place by place."""
    boxes, steps = parts[0].ids.shape[:2]
    most = sum(one.ids.shape[2] for one in parts)
    ids = np.zeros((boxes, steps, most), np.int64)
    count = np.zeros((boxes, steps), np.int64)
    rows = [np.zeros((boxes, steps, most, one.centre.shape[-1])) for one in parts]
    for b in range(boxes):
        for t in range(steps):
            used = [one.ids[b, t, : one.count[b, t]] for one in parts]
            every = np.unique(np.concatenate(used))
            ids[b, t, : len(every)], count[b, t] = every, len(every)
            for one, mine, wide in zip(parts, used, rows, strict=True):
                wide[b, t, np.searchsorted(every, mine)] = one.rows[b, t, : len(mine)]
    return [
        replace(one, rows=wide, ids=ids, count=count) for one, wide in zip(parts, rows, strict=True)
    ]


def beside(parts: Sequence[Forms]) -> Forms:
    """Put forms side by side along the last axis."""
    same = _together(parts)
    return replace(
        same[0],
        centre=np.concatenate([one.centre for one in same], axis=-1),
        rest=np.concatenate([one.rest for one in same], axis=-1),
        rows=np.concatenate([one.rows for one in same], axis=-1),
    )


def added(parts: Sequence[Forms], weights: Sequence[float]) -> Forms:
    """Give a weighted sum of forms."""
    same = _together(parts)
    pairs = list(zip(same, weights, strict=True))
    sizes = sum(abs(k) * (np.abs(one.centre) + one.reach) for one, k in pairs)
    rest = sum(abs(k) * one.rest for one, k in pairs)
    pad = _pad(len(parts))
    return replace(
        same[0],
        centre=np.asarray(sum(k * one.centre for one, k in pairs)),
        rest=np.asarray(rest + 4 * len(parts) * UNIT * sizes) * pad + TINY,
        rows=np.asarray(sum(k * one.rows for one, k in pairs)),
    )


def picked(x: Forms, steps: slice | Sequence[int], *, sequence: bool) -> Forms:
    """Take some steps."""
    return Forms(
        np.ascontiguousarray(x.centre[:, steps]),
        np.ascontiguousarray(x.rest[:, steps]),
        np.ascontiguousarray(x.rows[:, steps]),
        np.ascontiguousarray(x.ids[:, steps]),
        np.ascontiguousarray(x.count[:, steps]),
        sequence,
    )
