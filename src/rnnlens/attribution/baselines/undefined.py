"""Baselines for which the network gives no number: one that divides by its own window's spread.

An instance normalisation without a small number beside the spread divides zero by zero where a
window is the same at every step, as that of zeros and that of means are.
"""

from __future__ import annotations

import numpy as np

from rnnlens.attribution.baselines.baseline import Baseline
from rnnlens.attribution.question import Question
from rnnlens.engine.forward import forward
from rnnlens.errors import DataError
from rnnlens.network.layers import Input

__all__ = ["refuse_undefined"]


#: What to do instead, where one baseline is asked for.
INSTEAD = "give baseline='background', whose windows are drawn from the data"


def refuse_undefined(question: Question, instead: str = INSTEAD) -> None:
    """Refuse a baseline whose forecast is no number, and name the layer that gives none."""
    baseline = question.baseline
    if not isinstance(baseline, Baseline):
        return
    one = question.part(slice(0, 1))
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        run = forward(one.network, one.inputs, initial_state=one.states())
        for x0 in one.stand_ins(run):
            hidden = forward(one.network, one.replaced(x0), masks_of=run)
            if np.isfinite(one.target.pick(hidden.outputs)).all():
                continue
            broken = next(
                node.name
                for node in one.network.nodes
                if not isinstance(node.layer, Input)
                and not all(np.isfinite(value).all() for value in hidden.tapes[node.name].outputs)
            )
            raise DataError(
                f"layer {broken!r} gives no finite number where the baseline ({baseline.text}) "
                "stands in for the window, as a division by the window's own spread does where all "
                f"steps are alike: {instead}"
            )
