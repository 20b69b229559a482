"""Runs of a network whose source rounds within its layers: how far rounding moves the outputs.

Dynamically quantised layers turn what they multiply, the input and the hidden state before each
step, into whole numbers of 8 bits over the range of the whole batch, of which the least
precise backend uses 7 bits; layers in half precision round whatever they compute. Each rounding is
replaced by noise, uniform over the interval that is rounded to one number.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from rnnlens.engine.cells import States, Step, ready
from rnnlens.engine.operations.recurrent import (
    Advance,
    directed,
    merged_tape,
    run_by_equations,
)
from rnnlens.engine.operations.registry import Array, Mask, Tape, run, taken_by
from rnnlens.network.layers import Bidirectional, Dense, Input, Recurrent, TimeDistributed
from rnnlens.network.network import Network, Rounding

__all__ = ["moved_by_rounding"]

#: Steps over the range of what is turned into whole numbers, by the least precise backend.
LEVELS = 127
#: What a number of half precision is rounded by: the unit roundoff of its fraction of 10 or 7 bits
#: and one hidden, twice, for a product is rounded and then its sum.
ROUNDOFF = {"float16": 2 * 2.0**-11, "bfloat16": 2 * 2.0**-8}
#: Draws of the noise: the mean square of so many tells their size well enough for a tolerance.
DRAWS = 8


def moved_by_rounding(
    network: Network, inputs: Mapping[str, Array], rounding: Rounding
) -> list[Array]:
    """Give the root mean square that rounding moves each output by: list of (sample, ...).

    Shapes: inputs mapping of str to (sample, ...).
    """
    exact = _outputs(network, inputs, None)
    noise = _Noise(rounding, np.random.default_rng(0))
    draws = [_outputs(network, inputs, noise) for _ in range(DRAWS)]
    return [
        np.sqrt(sum((draw[k] - one) ** 2 for draw in draws) / DRAWS) for k, one in enumerate(exact)
    ]


@dataclass(frozen=True)
class _Noise:
    """Noise of the size of a rounding."""

    rounding: Rounding
    rng: np.random.Generator

    @property
    def half(self) -> bool:
        """Whether everything that is computed is rounded, not what is multiplied alone."""
        return self.rounding in ROUNDOFF

    def on(self, values: Array) -> Array:
        """Give numbers with the noise of their rounding: values (sample, ...)."""
        if not values.size:
            return values
        size: Array | float
        if self.half:
            size = np.abs(values) * ROUNDOFF[self.rounding]
        else:
            size = (max(values.max(), 0.0) - min(values.min(), 0.0)) / LEVELS / 2
        return values + size * self.rng.uniform(-1, 1, values.shape)


def _outputs(network: Network, inputs: Mapping[str, Array], noise: _Noise | None) -> list[Array]:
    tapes = {name: Tape((), (inputs[name],), (None,)) for name in network.inputs}
    for node in network.nodes:
        if isinstance(node.layer, Input):
            continue
        taken, masks = taken_by(node, tapes)
        tape = _run(node.layer, taken, masks, noise)
        if noise is not None and noise.half:
            tape = Tape((), tuple(noise.on(one) for one in tape.outputs), tape.masks)
        tapes[node.name] = tape
    return [tapes[name].outputs[number] for name, number in network.outputs]


def _run(
    layer: object, taken: tuple[Array, ...], masks: tuple[Mask, ...], noise: _Noise | None
) -> Tape:
    if noise is None or not isinstance(layer, Dense | TimeDistributed | Recurrent | Bidirectional):
        return run(layer, taken, masks, None)
    given = (noise.on(taken[0]), *taken[1:])
    if isinstance(layer, Recurrent):
        return run_by_equations(layer, given, masks[0], _advance(layer, noise))
    if isinstance(layer, Bidirectional):
        sides = (layer.forward, layer.backward)
        tapes = tuple(
            run_by_equations(one, own, masks[0], _advance(one, noise))
            for one, own in zip(sides, directed(layer, given), strict=True)
        )
        return merged_tape(layer, given, masks[0], tapes)
    return run(layer, given, masks, None)


def _advance(layer: Recurrent, noise: _Noise) -> Advance:
    cell = ready(layer.cell)

    def advance(_: int, xW: Array, states: States) -> tuple[States, Step]:
        xW = noise.on(xW) if noise.half else xW
        carried = states[1:]
        if noise.half:
            carried = tuple(noise.on(one) for one in carried)
        return cell.advance(xW, (noise.on(states[0]), *carried))

    return advance
