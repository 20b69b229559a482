"""Operations of PyTorch over whole axes: sums, means, largest values, variances, norms."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from rnnlens.network.activations import Activation
from rnnlens.network.axes import Mean
from rnnlens.network.layers import (
    Activate,
    CumulativeSum,
    GlobalPooling1D,
    Layer,
    Multiply,
    Reduction,
)
from rnnlens.network.network import Ref
from rnnlens.readers.torch.graph.call import TorchCall, operation
from rnnlens.readers.torch.graph.functions import finite_alone, truth
from rnnlens.readers.torch.graph.values import TorchValue

__all__: list[str] = []


def _axes(call: TorchCall, value: TorchValue) -> tuple[int, ...]:
    dims = call["dim"]
    if dims is None or dims == []:
        raise call.refuse("it works across the samples of a batch", wrong_axis=True)
    dims = [dims] if isinstance(dims, int) else dims
    return tuple(sorted(call.axis(value, dim) for dim in dims))


def _over(call: TorchCall, value: TorchValue, layer: Layer, axes: tuple[int, ...]) -> TorchValue:
    ref = call.builder.add(call.function, layer, value.ref)
    return _reduced(value, ref, axes, keep=bool(call.raw.get("keepdim", False)))


def _reduced(value: TorchValue, ref: Ref, axes: tuple[int, ...], *, keep: bool) -> TorchValue:
    gone = {axis - 1 for axis in axes}
    shape = tuple(
        1 if k in gone else size for k, size in enumerate(value.shape) if keep or k not in gone
    )
    # axes that stood before the samples in PyTorch are those up to its place there
    before = 0 if keep else sum(axis <= value.batch for axis in axes)
    return TorchValue(ref, shape, value.batch - before)


@operation("mean.dim", "nanmean", "sum.dim_IntList", "nansum", "logsumexp")
def _summed(call: TorchCall) -> TorchValue:
    value = call.unfolded(call.value("self"))
    if call.kind.startswith("nan"):
        finite_alone(call, value)
    axes, keep = _axes(call, value), bool(call["keepdim"])
    kind = call.kind.removeprefix("nan")
    layer = Mean(axes, keep) if kind == "mean" else Reduction(kind, axes, keep)  # type: ignore[arg-type]
    return _over(call, value, layer, axes)


@operation("prod.dim_int", "any.dim", "any.dims", "all.dim", "all.dims")
def _product(call: TorchCall) -> TorchValue:
    value = call.unfolded(call.value("self"))
    if call.kind != "prod" and str(call.raw["self"].meta["val"].dtype) != "torch.bool":
        value = truth(call, value)
    axes = _axes(call, value)
    kind = {"prod": "product", "any": "max", "all": "min"}[call.kind]
    return _over(call, value, Reduction(kind, axes, bool(call["keepdim"])), axes)  # type: ignore[arg-type]


@operation("max.dim", "min.dim", "amax", "amin")
def _largest(call: TorchCall) -> Any:
    value = call.unfolded(call.value("self"))
    axes, keep = _axes(call, value), bool(call["keepdim"])
    largest = call.kind in {"max", "amax"}
    layer: Layer = Reduction("max" if largest else "min", axes, keep)
    if largest and axes == (1,) and len(value.shape) == 2:
        layer = GlobalPooling1D("max", keep)
    result = _over(call, value, layer, axes)
    return result if call.kind.startswith("a") else (result, None)


@operation("var.dim", "var.correction", "std.dim", "std.correction")
def _variance(call: TorchCall) -> TorchValue:
    value = call.unfolded(call.value("self"))
    axes, keep = _axes(call, value), bool(call["keepdim"])
    correction = call.raw.get("correction", 1 if call.raw.get("unbiased", True) else 0)
    correction = 1 if correction is None else correction
    count = math.prod(value.shape[axis - 1] for axis in axes)
    if not isinstance(correction, int) or count <= correction:
        raise call.refuse(f"it divides by {count} numbers less {correction}")
    made = _over(call, value, Reduction("variance", axes, keep, correction), axes)
    return made if call.kind == "var" else _root(call, made)


def _root(call: TorchCall, value: TorchValue) -> TorchValue:
    root = Activate(Activation("sqrt"))
    ref = call.builder.add(f"{call.function}_root", root, value.ref)
    return TorchValue(ref, value.shape, value.batch)


@operation("linalg_vector_norm", "norm.ScalarOpt_dim")
def _norm(call: TorchCall) -> TorchValue:
    value = call.unfolded(call.value("self"))
    order = call.raw.get("ord", call.raw.get("p", 2))
    order = 2 if order is None else float(order)
    axes, keep = _axes(call, value), bool(call["keepdim"])
    sized = Multiply() if order == 2 else Activate(Activation("abs"))
    refs = [value.ref] * (2 if order == 2 else 1)
    ref = call.builder.add(f"{call.function}_size", sized, *refs)
    inner = TorchValue(ref, value.shape, value.batch)
    if order not in {1, 2, np.inf}:
        raise call.refuse("rnnlens reads norms of order 1, 2 and infinity")
    kind = "max" if order == np.inf else "sum"
    made = _over(call, inner, Reduction(kind, axes, keep), axes)
    return _root(call, made) if order == 2 else made


@operation("cumsum")
def _running(call: TorchCall) -> TorchValue:
    value = call.unfolded(call.value("self"))
    layer = CumulativeSum(call.axis(value, call["dim"]))
    ref = call.builder.add(call.function, layer, value.ref)
    return TorchValue(ref, value.shape, value.batch)
