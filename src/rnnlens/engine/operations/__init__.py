"""What each layer computes, and how multipliers pass back through it, one family a file."""

from rnnlens.engine.operations import (
    axes,
    linear,
    merges,
    norms,
    pointwise,
    pooling,
    recurrent,
    shapes,
)

__all__ = ["axes", "linear", "merges", "norms", "pointwise", "pooling", "recurrent", "shapes"]
