"""Windows without an axis of samples, which PyTorch's recurrent layers take too."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from rnnlens.errors import InputError
from rnnlens.readers.torch.export import quiet

if TYPE_CHECKING:
    import torch

__all__ = ["refused_unbatched"]

Result = TypeVar("Result")


def refused_unbatched(module: torch.nn.Module, call: Callable[[], Result]) -> Result:
    """Give what a call gives, and refuse a layer that is handed one window and no samples."""
    import torch

    found: list[tuple[str, tuple[int, ...], bool]] = []
    hooks = []
    for name, layer in module.named_modules():
        if isinstance(layer, torch.nn.RNNBase):

            def note(layer: torch.nn.RNNBase, inputs: tuple[object, ...], name: str = name) -> None:
                if inputs and isinstance(inputs[0], torch.Tensor) and inputs[0].ndim == 2:
                    found.append((name, tuple(inputs[0].shape), layer.batch_first))

            hooks.append(layer.register_forward_pre_hook(note))
    try:
        with torch.no_grad(), quiet():
            result = call()
    finally:
        for hook in hooks:
            hook.remove()
    for name, shape, batch_first in found:
        given = "x[None]" if batch_first else "x[:, None]"
        raise InputError(
            f"the recurrent layer {name or type(module).__name__!r} is handed an array of shape "
            f"{shape}, which PyTorch takes for one window of {shape[0]} steps without an axis of "
            f"samples: if it is one window, give example={given}, and if it is a batch, let the "
            "code hand the layer every step"
        )
    return result
