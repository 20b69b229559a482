"""Secants as they arrive at one recurrent layer: each direction apart, over all stand-ins."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from rnnlens.attribution.baselines.baseline import Array
from rnnlens.attribution.question import Question
from rnnlens.attribution.target import ResolvedTarget
from rnnlens.engine.backward import multipliers
from rnnlens.engine.forward import Run, forward
from rnnlens.engine.operations.recurrent import unmerged
from rnnlens.engine.operations.registry import Multipliers, Tape
from rnnlens.engine.recurrent_layers import LayerLocation
from rnnlens.engine.schedule.progress import Progress
from rnnlens.network.layers import Bidirectional

__all__ = ["Between", "at_layer", "over_stand_ins"]

#: What a method makes of two runs at one layer: (sample, step, ...).
Between = Callable[[Run, Run, ResolvedTarget, LayerLocation], Array]


def at_layer(
    run: Run, run0: Run, target: ResolvedTarget, place: LayerLocation
) -> tuple[list[Tape], Multipliers]:
    """Give the layer's two tapes, and the multipliers of its outputs between the two runs."""
    pulled = multipliers(run, run0, target.weight(run))
    node = place.node
    tapes = [run.tapes[node.name], run0.tapes[node.name]]
    m: Multipliers = tuple(pulled.get((node.name, k)) for k in range(len(tapes[0].outputs)))
    if place.side is not None:
        assert isinstance(node.layer, Bidirectional)
        if any(part is not None for part in m):
            m = unmerged(node.layer, tapes[0], tapes[1], m)[place.side]
        tapes = [tape.saved[0][place.side] for tape in tapes]
    return tapes, m


def over_stand_ins(
    question: Question,
    place: LayerLocation,
    between: Between,
    method: str,
    *,
    runs: int,
    progress: Progress | None = None,
) -> tuple[Array, Array, Array, Array]:
    """Average what a method gives over the backgrounds, the oldest step first.

    Returns it, the forecast, the baseline's, and what of their difference it leaves (sample,).
    """
    parts = []
    for part in question.parts(runs=runs):
        parts.append(_part(part, place, between, method))
        if progress is not None:
            progress(sum(len(one) for _, one, _ in parts), question.windows)
    split, forecast, value = (np.concatenate(pieces) for pieces in zip(*parts, strict=True))
    rest = forecast - value - split.sum(axis=tuple(range(1, split.ndim)))
    return split, forecast, value, rest


def _part(
    question: Question, place: LayerLocation, between: Between, method: str
) -> tuple[Array, Array, Array]:
    network, target = question.network, question.target
    count = len(question.one_window(method).windows)
    run = forward(network, question.inputs)
    total, value = 0.0, np.zeros(question.windows)
    for x0 in question.stand_ins(run):
        run0 = forward(network, question.replaced(x0), masks_of=run)
        total = total + between(run, run0, target, place)
        value += target.pick(run0.outputs)
    return np.asarray(total) / count, target.pick(run.outputs), value / count
