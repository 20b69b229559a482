"""Random inputs that fit a network, for comparing two forms of it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from rnnlens.network.axes import Lengths
from rnnlens.network.layers import (
    Bidirectional,
    Conv1D,
    Dense,
    Embedding,
    Input,
    Layer,
    Masking,
    Recurrent,
    Standardization,
    TimeDistributed,
)
from rnnlens.network.network import Network
from rnnlens.network.steps.axes import step_axes

__all__ = ["random_inputs"]

#: Steps where a network takes any number.
STEPS = 12


def random_inputs(
    network: Network, *, samples: int = 16, seed: int = 0
) -> dict[str, NDArray[np.float64]]:
    """Draw inputs of the right shapes, that every part of a network notices.

    Numbers are normal, with a scale that grows over the samples from 0.1 to 3, so that gates are
    seen on their slopes and where they saturate; tokens are whole numbers of their table; in every
    other sample some steps carry the value that masks them; an input that is standardised first
    lies around its mean. All are exact in float32, so that a library that computes in it starts
    from the same numbers.

    Shapes: gives dict of str to (sample, ...).
    """
    rng = np.random.default_rng(seed)
    return {
        name: _draw(network, name, entry, samples, rng) for name, entry in network.inputs.items()
    }


def _draw(
    network: Network, name: str, entry: Input, samples: int, rng: np.random.Generator
) -> NDArray[np.float64]:
    takers = [
        (node.layer, node.inputs.index((name, 0)))
        for node in network.nodes
        if (name, 0) in node.inputs
    ]
    shape = _shape(network, name, entry, [layer for layer, _ in takers])
    scale = np.geomspace(0.1, 3.0, samples).reshape(-1, *([1] * len(shape)))
    values = rng.normal(size=(samples, *shape)) * scale
    for taker, place in takers:
        layer = taker.layer if isinstance(taker, TimeDistributed) else taker
        if isinstance(layer, Embedding):
            return rng.integers(0, len(layer.E), (samples, *shape)).astype(np.float64)
        if isinstance(layer, Lengths) and place == 1:
            return rng.integers(1, _steps(network) + 1, samples).astype(np.float64)
        if isinstance(layer, Standardization) and not layer.invert:
            values = layer.mean + np.sqrt(layer.variance) * values
        if isinstance(layer, Masking):
            values = _masked(values, layer.value)
    return values.astype(np.float32).astype(np.float64)


def _steps(network: Network) -> int:
    """Give the steps of the sequences that come in."""
    axes = step_axes(network)
    stated = [
        entry.shape[(axes[name] or 1) - 1]
        for name, entry in network.inputs.items()
        if len(entry.shape) > 1
    ]
    return next((steps for steps in stated if steps is not None), STEPS)


def _shape(network: Network, name: str, entry: Input, takers: list[Layer]) -> tuple[int, ...]:
    widths = (_width(layer) for layer in takers)
    width = next((each for each in widths if each), 1)
    last = len(entry.shape) - 1
    along = (step_axes(network)[name] or 1) - 1
    return tuple(
        side
        if side is not None
        else (width if number == last and last not in {0, along} else _steps(network))
        for number, side in enumerate(entry.shape)
    )


def _width(layer: Layer) -> int | None:
    """Give the features that a layer takes, where its arrays say so."""
    if isinstance(layer, Bidirectional):
        layer = layer.forward
    if isinstance(layer, Recurrent):
        return layer.cell.features
    if isinstance(layer, Dense):
        return layer.W.shape[0]
    return layer.W.shape[1] * layer.groups if isinstance(layer, Conv1D) else None


def _masked(values: NDArray[np.float64], value: float) -> NDArray[np.float64]:
    """Mask the newest steps of one sample in four, the oldest of one, and leave two whole."""
    third = values.shape[1] // 3
    if third and values.ndim == 3:
        values[1::4, -third:] = value
        values[3::4, :third] = value
    return values
