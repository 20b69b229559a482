"""A copy of a live module in which every weight is a plain array.

What is put around a weight (weight_norm, spectral_norm, any parametrization) computes the same
weight at every call of a module that predicts, so its value takes its place. Layers of whole
numbers, as ``quantize_dynamic`` makes them, become layers of the numbers that these stand for.
"""

from __future__ import annotations

import copy
import warnings
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch

__all__ = ["plain_copy"]

#: What a quantised recurrent layer is made with, where it has such a thing.
SETTINGS = ("num_layers", "bias", "batch_first", "dropout", "bidirectional", "nonlinearity")


def plain_copy(module: torch.nn.Module, memo: dict[int, Any]) -> tuple[torch.nn.Module, bool]:
    """Copy a module as it predicts, on the CPU; say whether it rounds within quantised layers.

    The memo holds what takes the place of what cannot be copied, as `copy.deepcopy` takes it.
    """
    copied = copy.deepcopy(module, memo).cpu().eval()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # older forms are still about
        for part in list(copied.modules()):
            _fold(part)
        copied, rounded = _dequantised(copied)
    return copied, rounded


def _fold(part: torch.nn.Module) -> None:
    import torch
    from torch.nn.utils import parametrize, remove_spectral_norm, remove_weight_norm
    from torch.nn.utils.spectral_norm import SpectralNorm
    from torch.nn.utils.weight_norm import WeightNorm

    if parametrize.is_parametrized(part):
        # a copy shares the class that holds the weights as properties, which are deleted below
        kind = type(part)
        kept: Any = part
        kept.__class__ = type(kind.__name__, kind.__bases__, dict(kind.__dict__))
        for name in list(part.parametrizations):  # type: ignore[arg-type]
            parametrize.remove_parametrizations(part, name, leave_parametrized=True)
    for hook in list(part._forward_pre_hooks.values()):
        if isinstance(hook, WeightNorm):
            remove_weight_norm(part, hook.name)
        elif isinstance(hook, SpectralNorm):
            remove_spectral_norm(part, hook.name)
    if isinstance(part, torch.nn.RNNBase):  # it keeps a list of its weights besides
        names = part._flat_weights_names
        part._flat_weights = [getattr(part, name, None) for name in names]


def _dequantised(module: torch.nn.Module) -> tuple[torch.nn.Module, bool]:
    """Put layers of floating-point numbers in the place of packed ones; say whether any rounds."""
    held = _plain(module)
    if held is not None:
        return held
    rounded = False
    for name, part in list(module.named_children()):
        inner, rounds = _dequantised(part)
        if inner is not part:
            setattr(module, name, inner)
        rounded = rounded or rounds
    return module, rounded


def _plain(part: torch.nn.Module) -> tuple[torch.nn.Module, bool] | None:
    """Give the layer of floating-point numbers that one of whole numbers stands for.

    One whose weights are kept in float16 rounds nothing within; the second says which it is.
    """
    import torch
    from torch.ao.nn.quantized import dynamic

    layer: Any = part
    if isinstance(part, dynamic.Linear):
        bias = layer.bias()
        made = torch.nn.Linear(layer.in_features, layer.out_features, bias=bias is not None)
        return _filled(made, {"weight": layer.weight(), "bias": bias})
    kinds = ("LSTM", "GRU", "LSTMCell", "GRUCell", "RNNCell")
    kind = next((k for k in kinds if isinstance(part, getattr(dynamic, k))), None)
    if kind is None:
        return None
    settings = {name: getattr(layer, name) for name in SETTINGS if hasattr(layer, name)}
    made = getattr(torch.nn, kind)(layer.input_size, layer.hidden_size, **settings)
    return _filled(made, {**layer.get_weight(), **layer.get_bias()})


def _filled(made: torch.nn.Module, arrays: dict[str, Any]) -> tuple[torch.nn.Module, bool]:
    """Give a layer its numbers, those that whole numbers stand for, and whether any is whole."""
    plain = {
        name: (value.dequantize() if value.is_quantized else value).detach().float()
        for name, value in arrays.items()
        if value is not None
    }
    made.load_state_dict(plain)
    return made.eval(), any(value is not None and value.is_quantized for value in arrays.values())
