"""What each layer computes, and how multipliers pass back through it, one family a file."""

from rnnlens.engine.operations import (
    arithmetic,
    axes,
    described,
    joined,
    linear,
    merges,
    norms,
    pointwise,
    pooling,
    products,
    recurrent,
    reductions,
    shapes,
)

__all__ = [
    "arithmetic",
    "axes",
    "described",
    "joined",
    "linear",
    "merges",
    "norms",
    "pointwise",
    "pooling",
    "products",
    "recurrent",
    "reductions",
    "shapes",
]
