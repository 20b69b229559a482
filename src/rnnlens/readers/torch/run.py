"""The source model itself, run by PyTorch, for the check of fidelity."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from rnnlens.errors import InputError
from rnnlens.readers.torch import state_files
from rnnlens.readers.torch.called import LAYOUTS, called
from rnnlens.readers.torch.live import match

__all__ = ["outputs"]


def outputs(
    source: object, inputs: Mapping[str, np.ndarray]
) -> tuple[list[np.ndarray], str] | None:
    """Run a live module on windows, as it predicts: inputs mapping of str to (sample, ...)."""
    if isinstance(source, str | Path):
        if Path(source).is_file() and state_files.match(Path(source)):
            raise InputError(
                f"{source} is a state dict, without the code that would run it: give the live "
                "module, or the outputs that it gave"
            )
        return None
    if not match(source):
        return None
    import torch

    layout = LAYOUTS.get(source)
    if layout is None:
        raise InputError(
            f"which axis of {type(source).__name__} counts samples is known only once it is read: "
            "call rnnlens.read(module, example=x) on this module first"
        )
    modes = {module: module.training for module in source.modules()}
    try:
        source.eval()
        return called(source, layout, inputs), f"PyTorch {torch.__version__}"
    finally:
        for module, mode in modes.items():
            module.training = mode
