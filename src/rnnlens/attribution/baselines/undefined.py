"""Baselines for which the network gives no number: one that divides by its own window's spread.

An instance normalisation without a small number beside the spread divides zero by zero where a
window is the same at every step, as that of zeros and that of means are. Where the mean of equal
numbers is rounded, it divides a rounding by a rounding: any number may come out of that.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np

from rnnlens.attribution.baselines.baseline import Baseline
from rnnlens.attribution.question import Question
from rnnlens.engine.forward import Run, forward
from rnnlens.engine.operations.registry import Array, always_finite
from rnnlens.errors import DataError
from rnnlens.network.layers import Input
from rnnlens.network.network import Network

__all__ = ["refuse_undefined"]

#: What to do instead, where one baseline is asked for.
INSTEAD = "give baseline='background', whose windows are drawn from the data"
#: By what share a baseline's numbers are moved, some up and some down, about their last digit; and
#: what share of a layer's usual size that may move: nothing but a quotient of roundings does so.
#: A difference of equal numbers is a rounding too, which is as small beside all others as this.
NUDGE, MOVED, SMALL = 2.0**-51, 1e-2, 1e-9


def refuse_undefined(question: Question, instead: str = INSTEAD) -> None:
    """Refuse a baseline for which a layer, which is named, gives no number or rounding alone."""
    baseline = question.baseline
    if not isinstance(baseline, Baseline) or _always_defined(question.network):
        return
    one = question.part(slice(0, 1))
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        for asked in one.beside_backgrounds(runs=3):
            fault = _fault(asked)
            if fault is not None:
                raise DataError(
                    f"{fault} where the baseline ({baseline.text}) stands in for the window, as "
                    "after a division by the window's own spread where all steps are alike: "
                    f"{instead}"
                )


def _always_defined(network: Network) -> bool:
    """Say whether it is plain that a network gives a number for every window of numbers."""
    return all(isinstance(n.layer, Input) or always_finite(n.layer) for n in network.nodes)


def _fault(question: Question) -> str | None:
    """Say which layer first gives no number for a baseline, or one that is rounding alone."""
    network = question.network
    run = forward(network, question.inputs, initial_state=question.states())
    for x0 in question.stand_ins(run):
        hidden = forward(network, question.replaced(x0), masks_of=run)
        if not np.isfinite(question.target.pick(hidden.outputs)).all():
            return f"layer {_first(network, _not_finite, hidden)!r} gives no finite number"
        nudged = forward(network, question.replaced(_nudged(x0)), masks_of=run)
        rounding = partial(_is_rounding, SMALL * _largest(hidden))
        name = _first(network, rounding, run, hidden, nudged)
        if name is not None:
            return f"what layer {name!r} gives is rounding alone"
    return None


def _first(network: Network, fault: Callable[..., bool], *runs: Run) -> str | None:
    """Name the first layer with a fault, which is told of what it gives in each of some runs."""
    for node in network.nodes:
        outputs = zip(*(one.tapes[node.name].outputs for one in runs), strict=True)
        if any(fault(*each) for each in outputs):
            return node.name
    return None


def _not_finite(found: Array) -> bool:
    return not np.isfinite(found).all()


def _largest(run: Run) -> float:
    """Give the size of the largest finite number that any layer takes or gives."""
    every = (one for tape in run.tapes.values() for one in (*tape.inputs, *tape.outputs))
    finite = (np.abs(one).max(initial=0.0, where=np.isfinite(one)) for one in every)
    return float(max(finite, default=0.0))


def _is_rounding(least: float, usual: Array, found: Array, moved: Array) -> bool:
    """Say whether numbers hang on the last digits of a baseline: each (sample, ...).

    What moves by no more than the `least` is nothing beside the other numbers of the network.
    """
    size = np.abs(usual).max(initial=0.0) + np.abs(found).max(initial=0.0)
    return bool((np.abs(moved - found) > max(MOVED * size, least)).any())


def _nudged(x0: Array) -> Array:
    """Move numbers about their last digit: x0 (sample, step, feature).

    Whole ones stay, which may be tokens, categories or what a layer compares with: equal whole
    numbers have an exact mean, so that no spread of theirs is a rounding.
    """
    signs = np.resize([1.0, -1.0, -1.0, 1.0, -1.0], x0.shape)
    return np.where(x0 == np.round(x0), x0, x0 * (1 + NUDGE * signs))
