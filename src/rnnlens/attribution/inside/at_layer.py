"""Secant multipliers as they arrive at one recurrent layer, each direction apart."""

from __future__ import annotations

from rnnlens.attribution.target import ResolvedTarget
from rnnlens.engine.backward import multipliers
from rnnlens.engine.forward import Run
from rnnlens.engine.operations.recurrent import unmerged
from rnnlens.engine.operations.registry import Multipliers, Tape
from rnnlens.engine.recurrent_layers import LayerLocation
from rnnlens.network.layers import Bidirectional

__all__ = ["at_layer"]


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
