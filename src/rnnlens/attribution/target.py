"""Which number of the network's output is explained, and the unit it is explained in."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rnnlens.engine.forward import Run
from rnnlens.network.network import Network, Ref

__all__ = ["ResolvedTarget"]

Array = NDArray[np.float64]


@dataclass(frozen=True)
class ResolvedTarget:
    """One number of the output, with the scaler that the network was trained under.

    Parameters
    ----------
    index : tuple of int
        LayerLocation within one sample's output: ``(target,)``, or ``(horizon, target)``.
    output : int
        Which of the network's outputs.
    scale, offset : float
        ``value in the target's own unit = output * scale + offset``.
    """

    index: tuple[int, ...]
    output: int = 0
    scale: float = 1.0
    offset: float = 0.0

    def ref(self, network: Network) -> Ref:
        """Give the output of the network that holds the target."""
        return network.outputs[self.output]

    def pick(self, outputs: tuple[Array, ...]) -> Array:
        """Take the target from the network's outputs, in the target's own unit.

        Shapes: outputs tuple of (sample, ...) -> (sample,).
        """
        return outputs[self.output][slice(None), *self.index] * self.scale + self.offset

    def weight(self, run: Run) -> dict[Ref, Array]:
        """Give the multiplier that picks the target, to be carried back from the output.

        Shapes: gives dict of Ref to (sample, ...).
        """
        ref = self.ref(run.network)
        m = np.zeros_like(run.value(ref))
        m[slice(None), *self.index] = self.scale
        return {ref: m}
