"""A class of PyTorch that rnnlens has written, run once to see that it computes what it should."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from rnnlens.errors import MissingLibrary

__all__ = ["class_outputs"]


def class_outputs(
    code: str, arrays: Mapping[str, np.ndarray], inputs: Mapping[str, np.ndarray]
) -> tuple[list[np.ndarray], str]:
    """Run a class of rnnlens's own making on its arrays: inputs mapping of str to (sample, ...).

    The code is what rnnlens has just written in memory, where every name is made anew and every
    number is printed as one: no text of a file is in it.
    """
    try:
        import torch
    except ImportError as error:
        raise MissingLibrary("PyTorch is not installed: pip install torch") from error
    space: dict[str, Any] = {}
    exec(code, space)
    module = space["Network"]().double().eval()
    module.load_state_dict({
        name: torch.tensor(values, dtype=torch.float64) for name, values in arrays.items()
    })
    with torch.no_grad():
        given = module(*(torch.tensor(values, dtype=torch.float64) for values in inputs.values()))
    several = given if isinstance(given, tuple) else (given,)
    return [np.asarray(one.numpy()) for one in several], f"PyTorch {torch.__version__}"
