"""Live modules of PyTorch whose code between layers rnnlens does not read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch.nn import functional as F

from refused.registry import section
from refused.torch_modules import EXAMPLE, Code, module
from rnnlens.api import read

case = section("Live modules of PyTorch, between layers")

INF, NAN = float("inf"), float("nan")
ONES = torch.ones(3, 3, dtype=torch.float64)


def put(out: torch.Tensor, place: Any, value: Any) -> torch.Tensor:
    out[place] = value
    return out


def added(x: torch.Tensor) -> torch.Tensor:
    places = (torch.tensor([0, 1]),)
    steps_first = (
        x.transpose(0, 1).clone().index_put_(places, x[:, :2].transpose(0, 1), accumulate=True)
    )
    return steps_first.transpose(0, 1)


CODES: dict[str, Code] = {
    "weights of the data": lambda m, x: F.linear(x[:, 0], x[:, 1]),
    "weights of one axis": lambda m, x: F.linear(x, ONES[0]),
    "mean of merged steps": lambda m, x: x.reshape(-1, 3).mean(-1).reshape(x.size(0), -1),
    "cumulative product": lambda m, x: x.cumprod(1),
    "softplus of a low threshold": lambda m, x: F.softplus(x, threshold=5),
    "power of a negative base": lambda m, x: torch.pow(-2.0, x),
    "bits of whole numbers": lambda m, x: x.long() & 1,
    "bits turned": lambda m, x: ~x.long(),
    "NaN chosen": lambda m, x: torch.where(x > 0, torch.tensor(NAN, dtype=x.dtype), x),
    "choice between two orders": lambda m, x: torch.where(
        x.reshape(-1, 3) > 0, x.transpose(0, 1).reshape(-1, 3), 0.0
    ).reshape(x.shape),
    "NaN looked for in a quotient": lambda m, x: torch.nan_to_num(x / x.mean(1, keepdim=True)),
    "NaN beside data": lambda m, x: torch.cat(
        [x, torch.full((x.size(0), 2, 3), NAN, dtype=x.dtype)], 1
    ),
    "infinity added": lambda m, x: x + torch.tensor([0.0, INF, 0.0], dtype=x.dtype),
    "variance of one number": lambda m, x: x[:, :1].var(1),
    "norm of order 3": lambda m, x: x.norm(p=3, dim=1),
    "where the largest stands": lambda m, x: x.max(1)[1].to(x.dtype),
    "product over two samples": lambda m, x: torch.einsum("ati,bti->ati", x, x),
    "diagonal in a product": lambda m, x: torch.einsum("aii,aij->aj", x[:, :3], x[:, :3]),
    "diagonal": lambda m, x: torch.einsum("aii->ai", x[:, :3]),
    "sum of samples by einsum": lambda m, x: x + torch.einsum("ati->ti", x),
    "sum over an axis of length one": lambda m, x: (
        torch.einsum("ati,aj->aj", x[:, :1], x[:, 0])
        + torch.einsum("ati,ati->a", x[:, :1], x)[:, None]
    ),
    "product with infinity": lambda m, x: torch.matmul(ONES * INF, x.mT),
    "product added by halves": lambda m, x: torch.baddbmm(x, x, x[:, :3], alpha=0.5),
    "attention that drops": lambda m, x: F.scaled_dot_product_attention(x, x, x, dropout_p=0.5),
    "attention with a mask of the data": lambda m, x: F.scaled_dot_product_attention(
        x, x, x, attn_mask=x @ x.mT
    ),
    "places of the data": lambda m, x: x[:, (x[:, 0, 0] * 0).long()],
    "places in two axes": lambda m, x: x[:, [0, 1], [1, 2]],
    "places in a table": lambda m, x: x[:, torch.tensor([[0, 1], [2, 3]])],
    "roll of everything": lambda m, x: x.roll(1),
    "every second place written": lambda m, x: put(x.clone(), (slice(None), slice(0, 6, 2)), 0.0),
    "some samples written": lambda m, x: put(x.clone(), slice(1, 2), x[:1] * 0 + 1),
    "added to places": lambda m, x: added(x),
    "one place written twice": lambda m, x: put(x.clone(), (slice(None), [0, 0]), x[:, :2]),
    "vector written to places": lambda m, x: put(
        x.transpose(0, 1).clone(), [0, 1], x[:, 0]
    ).transpose(0, 1),
    "part of an empty tensor": lambda m, x: put(
        torch.empty(x.size(0), 2, 3, dtype=x.dtype), (slice(None), 0), x[:, 0]
    ),
}

for name, code in CODES.items():

    @case(name)
    def _(_: Path, code: Code = code) -> object:
        return read(module(code), example=EXAMPLE)
