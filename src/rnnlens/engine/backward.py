"""Carrying multipliers from a network's output back to its inputs.

One sweep serves two ends. Between a run and the run of a baseline, the multipliers are those of
the Rescale rule with the Shapley rule for products: multiplier times change of input sums to the
change of the output exactly. With a run as its own reference they are the derivatives.
"""

from __future__ import annotations

from collections.abc import Mapping

from rnnlens.engine.forward import Run
from rnnlens.engine.operations.registry import Array, join, pull
from rnnlens.engine.schedule.fused import fused_layers
from rnnlens.engine.schedule.threads import one_blas_thread
from rnnlens.network.layers import Input
from rnnlens.network.network import Ref

__all__ = ["backward", "multipliers"]


@one_blas_thread()
def multipliers(run: Run, run0: Run, m: Mapping[Ref, Array]) -> dict[Ref, Array]:
    """Carry multipliers of outputs back to everything they depend on.

    Shapes: m mapping of Ref to (sample, ...) -> dict of Ref to (sample, ...).
    """
    carried: dict[Ref, Array] = dict(m)
    fused_at = fused_layers(run.network)
    for node in reversed(run.network.nodes):
        if isinstance(node.layer, Input):
            continue
        tape, tape0 = run.tapes[node.name], run0.tapes[node.name]
        outer = tuple(carried.get((node.name, k)) for k in range(len(tape.outputs)))
        if all(part is None for part in outer):
            continue
        fused = fused_at.get(node.name)
        if fused is None:
            inputs, pulled = node.inputs, pull(node.layer, tape, tape0, outer)
        else:
            inputs, pulled = fused.first.inputs, fused.pull(run.tapes, run0.tapes, outer)
        for ref, part in zip(inputs, pulled, strict=False):
            total = join(carried.get(ref), part)
            if total is not None:
                carried[ref] = total
        # a state that the caller gave stands where no node feeds it
        for k, part in enumerate(pulled[len(inputs) :]):
            if part is not None:
                carried[f"{node.name} initial state", k] = part
    return carried


def backward(run: Run, m: Mapping[Ref, Array]) -> dict[Ref, Array]:
    """Differentiate a weighted sum of values with respect to everything they depend on.

    Shapes: m mapping of Ref to (sample, ...) -> dict of Ref to (sample, ...).
    """
    return multipliers(run, run, m)
