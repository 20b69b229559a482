"""Functions of PyTorch in words that are read: what each computes, of smaller operations.

While a module is followed, one of these is called in place of PyTorch's own; None where the call is
one that is not put in other words, and PyTorch's own is called as it stands.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["REWRITTEN"]

#: By the name of PyTorch's function.
REWRITTEN: dict[str, Callable[..., Any]] = {}


def _named(*names: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    def keep(function: Callable[..., Any]) -> Callable[..., Any]:
        REWRITTEN.update(dict.fromkeys(names, function))
        return function

    return keep


@_named("diff")
def _differences(
    x: Tensor,
    n: int = 1,
    dim: int = -1,
    prepend: Tensor | None = None,
    append: Tensor | None = None,
) -> Tensor | None:
    if prepend is not None or append is not None:
        return None
    every = (slice(None),) * (dim % x.ndim)
    for _ in range(n):
        x = x[*every, slice(1, None)] - x[*every, slice(None, -1)]
    return x


@_named("asinh", "arcsinh")
def _inverse_sine(x: Tensor) -> Tensor:
    return x.sign() * (x.abs() + (x * x + 1).sqrt()).log()


@_named("acosh", "arccosh")
def _inverse_cosine(x: Tensor) -> Tensor:
    return (x + (x * x - 1).sqrt()).log()


@_named("atanh", "arctanh")
def _inverse_tangent(x: Tensor) -> Tensor:
    return ((1 + x) / (1 - x)).log() * 0.5


@_named("sinh")
def _sine(x: Tensor) -> Tensor:
    return (x.exp() - (-x).exp()) * 0.5


@_named("cosh")
def _cosine(x: Tensor) -> Tensor:
    return (x.exp() + (-x).exp()) * 0.5


@_named("tan")
def _tangent(x: Tensor) -> Tensor:
    return x.sin() / x.cos()


@_named("rrelu")
def _leaky(
    x: Tensor,
    lower: float = 1 / 8,
    upper: float = 1 / 3,
    training: bool = False,
    inplace: bool = False,
) -> Tensor | None:
    import torch

    if training or inplace:
        return None
    return torch.nn.functional.leaky_relu(x, (lower + upper) / 2)


@_named("one_hot")
def _one_hot(x: Tensor, num_classes: int = -1) -> Tensor | None:
    import torch

    if num_classes < 0:
        return None
    return (x.unsqueeze(-1) == torch.tensor(range(num_classes), device=x.device)).long()


@_named("broadcast_tensors")
def _broadcast(*tensors: Any) -> list[Tensor]:
    import torch

    parts = tensors[0] if isinstance(tensors[0], list | tuple) else tensors
    shape = torch.broadcast_shapes(*(one.shape for one in parts))
    return [one if one.shape == shape else one.expand(shape) for one in parts]


@_named("cosine_similarity")
def _cosine_similarity(a: Tensor, b: Tensor, dim: int = 1, eps: float = 1e-8) -> Tensor:
    sizes = [(one * one).sum(dim).sqrt().clamp_min(eps) for one in (a, b)]
    return (a * b).sum(dim) / (sizes[0] * sizes[1])


@_named("bilinear")
def _bilinear(a: Tensor, b: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor | None:
    import torch

    if a.ndim != 2:
        return None
    made = torch.einsum("si,oij,sj->so", a, weight, b)
    return made if bias is None else made + bias


@_named("group_norm")
def _group_norm(
    x: Tensor,
    num_groups: int,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    eps: float = 1e-5,
    *_: Any,
) -> Tensor:
    sides = x.shape[1:]
    grouped = x.unflatten(1, (num_groups, -1)).flatten(2)
    made = _centred(grouped, eps).flatten(1).unflatten(1, sides)
    return _affine(made, weight, bias, x.ndim)


@_named("instance_norm")
def _instance_norm(x: Tensor, *given: Any, **options: Any) -> Tensor | None:
    """Take a norm of each sample's own moments: `given` and `options` as PyTorch has them."""
    names = ("running_mean", "running_var", "weight", "bias", "use_input_stats", "momentum", "eps")
    stated = dict(zip(names, given, strict=False)) | options
    if not stated.get("use_input_stats", True) or x.ndim != 3:
        return None
    made = _centred(x, stated.get("eps", 1e-5))
    return _affine(made, stated.get("weight"), stated.get("bias"), x.ndim)


def _centred(x: Tensor, eps: float) -> Tensor:
    """Give numbers of mean 0 and variance 1 along the last axis."""
    apart = x - x.mean(-1, keepdim=True)
    return apart / ((apart * apart).mean(-1, keepdim=True) + eps).sqrt()


def _affine(x: Tensor, weight: Tensor | None, bias: Tensor | None, rank: int) -> Tensor:
    """Scale and shift each channel, which axis 1 counts."""
    sides = (-1, *(1,) * (rank - 2))
    x = x if weight is None else x * weight.view(sides)
    return x if bias is None else x + bias.view(sides)


@_named("pad")
def _padded(
    x: Tensor, pad: Sequence[int], mode: str = "constant", value: float | None = None
) -> Tensor | None:
    import torch

    if mode not in {"replicate", "reflect"} or min(pad) < 0:
        return None
    for number, (before, after) in enumerate(zip(pad[::2], pad[1::2], strict=True)):
        dim = x.ndim - 1 - number
        last = x.shape[dim] - 1
        at = 0 if mode == "replicate" else 1
        ahead = [x.narrow(dim, at * k, 1) for k in range(before, 0, -1)]
        behind = [x.narrow(dim, last - at * k, 1) for k in range(1, after + 1)]
        x = torch.cat([*ahead, x, *behind], dim)
    return x


@_named("unfold")
def _sliding(x: Tensor, dimension: int, size: int, step: int = 1) -> Tensor | None:
    import torch

    if not isinstance(size, int):  # the function of that name, which takes images apart
        return None
    dim = dimension % x.ndim
    count = math.floor((x.shape[dim] - size) / step) + 1
    every = (slice(None),) * dim
    parts = [x[*every, slice(k, k + (count - 1) * step + 1, step)] for k in range(size)]
    return torch.stack(parts, -1)
