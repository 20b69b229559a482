"""Every layer of the canonical network, as frozen data.

Batches are ``(sample, ...)``; sequences are ``(sample, step, feature)``. A layer holds its arrays
and its options and nothing else: what it computes is in `rnnlens.engine.operations`.
"""

from __future__ import annotations

from rnnlens.network.layers.arithmetic import Binary, MaskValues, Where
from rnnlens.network.layers.base import Identity, Input, Layer, Masking
from rnnlens.network.layers.described import CellNode, DescribedGate, DescribedRecurrent
from rnnlens.network.layers.linear import Conv1D, Dense, Embedding
from rnnlens.network.layers.merges import Add, Average, Concatenate, Multiply, Subtract
from rnnlens.network.layers.norms import (
    BatchNormalization,
    LayerNormalization,
    Rescaling,
    Standardization,
)
from rnnlens.network.layers.pointwise import Activate, PReLU
from rnnlens.network.layers.pooling import GlobalPooling1D, Pooling1D
from rnnlens.network.layers.products import Einsum
from rnnlens.network.layers.recurrent import Bidirectional, Recurrent, TimeDistributed
from rnnlens.network.layers.reductions import CumulativeSum, Reduction
from rnnlens.network.layers.shapes import Flatten, Permute, RepeatVector, Reshape

__all__ = [
    "Activate",
    "Add",
    "Average",
    "BatchNormalization",
    "Bidirectional",
    "Binary",
    "CellNode",
    "Concatenate",
    "Conv1D",
    "CumulativeSum",
    "Dense",
    "DescribedGate",
    "DescribedRecurrent",
    "Einsum",
    "Embedding",
    "Flatten",
    "GlobalPooling1D",
    "Identity",
    "Input",
    "Layer",
    "LayerNormalization",
    "MaskValues",
    "Masking",
    "Multiply",
    "PReLU",
    "Permute",
    "Pooling1D",
    "Recurrent",
    "Reduction",
    "RepeatVector",
    "Rescaling",
    "Reshape",
    "Standardization",
    "Subtract",
    "TimeDistributed",
    "Where",
]
