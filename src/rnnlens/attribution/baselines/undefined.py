"""Baselines for which the network gives no number: one that divides by its own window's spread.

An instance normalisation without a small number beside the spread divides zero by zero where a
window is the same at every step, as that of zeros and that of means are.
"""

from __future__ import annotations

import numpy as np

from rnnlens.attribution.baselines.baseline import Baseline
from rnnlens.attribution.question import Question
from rnnlens.engine.forward import forward
from rnnlens.engine.operations.registry import always_finite
from rnnlens.errors import DataError
from rnnlens.network.layers import Input
from rnnlens.network.network import Network

__all__ = ["refuse_undefined"]

#: What to do instead, where one baseline is asked for.
INSTEAD = "give baseline='background', whose windows are drawn from the data"


def refuse_undefined(question: Question, instead: str = INSTEAD) -> None:
    """Refuse a baseline whose forecast is no number, and name the layer that gives none."""
    baseline = question.baseline
    if not isinstance(baseline, Baseline) or _always_defined(question.network):
        return
    one = question.part(slice(0, 1))
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        for asked in one.beside_backgrounds(runs=2):
            broken = _gives_none(asked)
            if broken is not None:
                raise DataError(
                    f"layer {broken!r} gives no finite number where the baseline "
                    f"({baseline.text}) stands in for the window, as a division by the window's "
                    f"own spread does where all steps are alike: {instead}"
                )


def _always_defined(network: Network) -> bool:
    """Say whether it is plain that a network gives a number for every window of numbers."""
    return all(isinstance(n.layer, Input) or always_finite(n.layer) for n in network.nodes)


def _gives_none(question: Question) -> str | None:
    """Name the first layer that gives no finite number for a baseline, if one does."""
    network = question.network
    run = forward(network, question.inputs, initial_state=question.states())
    for x0 in question.stand_ins(run):
        hidden = forward(network, question.replaced(x0), masks_of=run)
        if np.isfinite(question.target.pick(hidden.outputs)).all():
            continue
        return next(
            node.name
            for node in network.nodes
            if not isinstance(node.layer, Input)
            and not all(np.isfinite(value).all() for value in hidden.tapes[node.name].outputs)
        )
    return None
