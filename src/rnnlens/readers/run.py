"""The source model, run by the library that it belongs to: the other half of a fidelity check."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from rnnlens.readers.keras import run as keras_run
from rnnlens.readers.onnx import run as onnx_run
from rnnlens.readers.torch import run as torch_run

__all__ = ["source_outputs"]

#: Each has ``outputs(source, inputs)``, which gives None for a source that is not its own.
RUNNERS = (keras_run, onnx_run, torch_run)


def source_outputs(
    source: object, inputs: Mapping[str, np.ndarray]
) -> tuple[list[np.ndarray], str] | None:
    """Run the model that a network was read from: inputs mapping of str to (sample, ...)."""
    for runner in RUNNERS:
        outputs = runner.outputs(source, inputs)
        if outputs is not None:
            return outputs
    return None
