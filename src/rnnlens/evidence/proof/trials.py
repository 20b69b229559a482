"""Plain runs of windows in which a few numbers of one step are others.

They find values that move the output far, which is proven afterwards. What a window reads before
that step is its own: where windows are long it is run once, and runs begin with the stretch of
steps that the step lies in.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from rnnlens.engine.forward import predict
from rnnlens.engine.stepwise.replaced import Replaced, changes_by_stretch, own_run
from rnnlens.engine.stepwise.stretches import LENGTH, stretches
from rnnlens.evidence.proof.zonotope.bounds import Start

__all__ = ["Trials"]

Array = NDArray[np.float64]
Whole = NDArray[np.int64]

#: Steps of windows from which on runs begin where they differ.
LONG = 3 * LENGTH


class Trials:
    """The network as it is run, and what it gives for the windows themselves."""

    def __init__(self, known: Start) -> None:
        self.known, x = known, known.inputs[known.of]
        self.forecast = self._outputs(known.inputs)
        long = x.shape[1] >= LONG
        self._stretches = stretches(known.network, known.of, x.dtype) if long else None
        self._own = None
        if self._stretches is not None:
            self._own = own_run(self._stretches, x, self._picked)

    def moves(self, window: Whole, step: Whole, feature: Whole, values: Array) -> Array:
        """Give how far the output moves with values in their places, one for a run.

        Shapes: window, step (run,), feature, values (run, free) -> (run,).
        """
        known = self.known
        if self._stretches is None:
            inputs = {name: array[window] for name, array in known.inputs.items()}
            x = inputs[known.of]  # chosen by number, so that it is a copy
            x[np.arange(len(x))[:, None], step[:, None], feature] = values
            return np.abs(self._outputs(inputs) - self.forecast[window])
        x, order = known.inputs[known.of], np.lexsort((window, step))
        edges = np.flatnonzero(np.diff(step[order], prepend=-1)).tolist()
        runs = [order[slice(*ends)] for ends in pairwise([*edges, len(order)])]
        asked = []
        for same in runs:
            first = int(step[same[0]])
            read = x[window[same], first]
            read[np.arange(len(same))[:, None], feature[same]] = values[same]
            asked.append(Replaced(first, 1, window[same], read[:, None].__getitem__))
        moved = np.empty(len(order))
        found = changes_by_stretch(self._stretches, x, asked, self._picked, self._own)
        moved[order] = np.abs(np.concatenate(found)) if found else 0.0
        return moved

    def _outputs(self, inputs: Mapping[str, Array]) -> Array:
        outputs = predict(self.known.network, inputs)
        return self._picked(outputs if isinstance(outputs, tuple) else (outputs,))

    def _picked(self, outputs: tuple[Array, ...]) -> Array:
        """Give the output that is asked about, in the network's own units."""
        target = self.known.target
        return outputs[target.output][slice(None), *target.index]
