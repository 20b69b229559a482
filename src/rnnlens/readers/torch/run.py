"""The source model itself, run by PyTorch, for the check of fidelity."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from rnnlens.errors import InputError
from rnnlens.readers.torch import state_files
from rnnlens.readers.torch.live import LAYOUTS, match

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
    device = next((p.device for p in source.parameters()), torch.device("cpu"))
    given = [
        torch.as_tensor(np.moveaxis(array, 0, batch)).to(device=device, dtype=dtype)
        for array, batch, dtype in zip(inputs.values(), layout.inputs, layout.dtypes, strict=True)
    ]
    modes = {module: module.training for module in source.modules()}
    try:
        source.eval()
        with torch.no_grad(), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # PyTorch's remarks on its own speed
            given_back = layout.subject.runs(source, given, layout.inputs)
    finally:
        for module, mode in modes.items():
            module.training = mode
    arrays = [
        np.moveaxis(one.detach().cpu().numpy().astype(np.float64), batch, 0)
        for one, batch in zip(_flat(given_back), layout.outputs, strict=True)
    ]
    arrays = [array[:, None] if array.ndim == 1 else array for array in arrays]
    return arrays, f"PyTorch {torch.__version__}"


def _flat(given: Any) -> Iterator[Any]:
    """Give the tensors of nested tuples, lists and dictionaries, in order."""
    if isinstance(given, Mapping):
        given = tuple(given.values())
    if isinstance(given, tuple | list):
        for one in given:
            yield from _flat(one)
    else:
        yield given
