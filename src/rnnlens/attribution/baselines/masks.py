"""Which steps of an input the network sees as real."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from rnnlens.engine.forward import Run
from rnnlens.network.layers import Embedding, Identity, Masking

__all__ = ["real_steps"]


def real_steps(run: Run, of: str) -> NDArray[np.bool_] | None:
    """Say which steps of an input are real and which are padding: (sample, step) of bool."""
    same = {of}
    for node in run.network.nodes:
        if not any(name in same for name, _ in node.inputs):
            continue
        if isinstance(node.layer, Identity):
            same.add(node.name)
        elif isinstance(node.layer, Masking | Embedding):
            mask = run.tapes[node.name].masks[0]
            if mask is not None:
                return mask
    return None
