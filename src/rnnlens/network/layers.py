"""Every layer of the canonical network, as frozen data.

Batches are ``(sample, ...)``; sequences are ``(sample, step, feature)``. A layer holds its arrays
and its options and nothing else: what it computes is in `rnnlens.engine.operations`.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import ClassVar, Literal

import numpy as np

from rnnlens.network.activations import Activation
from rnnlens.network.cells import Cell, FloatArray

__all__ = [
    "Activate",
    "Add",
    "Average",
    "BatchNormalization",
    "Bidirectional",
    "Concatenate",
    "Conv1D",
    "Dense",
    "Embedding",
    "Flatten",
    "GlobalPooling1D",
    "Identity",
    "Input",
    "Layer",
    "LayerNormalization",
    "Masking",
    "Multiply",
    "PReLU",
    "Permute",
    "Pooling1D",
    "Recurrent",
    "RepeatVector",
    "Rescaling",
    "Reshape",
    "Standardization",
    "Subtract",
    "TimeDistributed",
]

LINEAR = Activation("linear")


@dataclass(frozen=True, eq=False)
class Layer:
    """What every layer has: arrays by their own names."""

    #: What each array of the layer is, for `inspect`.
    meanings: ClassVar[dict[str, str]] = {}
    #: Dimension names of those arrays that always have the same.
    dimensions: ClassVar[dict[str, tuple[str, ...]]] = {}

    def arrays(self) -> dict[str, FloatArray]:
        """Give the layer's own arrays by name; recurrent cells list theirs by gate."""
        values = {spec.name: getattr(self, spec.name) for spec in fields(self)}
        return {name: value for name, value in values.items() if isinstance(value, np.ndarray)}


@dataclass(frozen=True, eq=False)
class Input(Layer):
    """A named entry of the network.

    Parameters
    ----------
    shape : tuple of int or None
        Shape of one sample, ``(step, feature)`` for a sequence; ``None`` where any length serves.
    """

    shape: tuple[int | None, ...]


@dataclass(frozen=True, eq=False)
class Identity(Layer):
    """A layer that changes nothing when the network predicts (dropout, noise).

    Parameters
    ----------
    of : str
        The layer's kind in the source, such as ``"Dropout"``.
    """

    of: str


@dataclass(frozen=True, eq=False)
class Masking(Layer):
    """Hide the steps whose every feature equals a value.

    Parameters
    ----------
    value : float
        The value that marks padding, in the network's own units.
    """

    value: float


@dataclass(frozen=True, eq=False)
class Embedding(Layer):
    """A table of vectors, looked up by an integer.

    Parameters
    ----------
    E : array (token, feature)
        The table.
    mask_zero : bool
        Whether token 0 is padding.
    """

    meanings: ClassVar[dict[str, str]] = {"E": "embedding table"}
    dimensions: ClassVar[dict[str, tuple[str, ...]]] = {"E": ("token", "feature")}

    E: FloatArray
    mask_zero: bool = False


@dataclass(frozen=True, eq=False)
class Recurrent(Layer):
    """A recurrent layer: one cell run over the steps.

    Parameters
    ----------
    cell : Cell
        The cell.
    go_backwards : bool
        Whether it reads the newest step first; its sequence then comes out newest first.
    return_sequences : bool
        Whether it gives every step or the last one alone.
    return_state : bool
        Whether it gives its final states besides.
    stateful : bool
        Whether the source keeps its state from batch to batch; here the state starts at zero
        unless it is given.
    zero_output_for_mask : bool
        Whether the output at a masked step is zero instead of the one before.
    """

    cell: Cell
    go_backwards: bool = False
    return_sequences: bool = False
    return_state: bool = False
    stateful: bool = False
    zero_output_for_mask: bool = False


@dataclass(frozen=True, eq=False)
class Bidirectional(Layer):
    """Two recurrent layers over the same steps, in opposite directions.

    Parameters
    ----------
    forward, backward : Recurrent
        The two; ``backward.go_backwards`` is the opposite of ``forward.go_backwards``.
    merge_mode : {"concat", "sum", "mul", "ave", None}
        How the two outputs become one; ``None`` leaves two outputs.
    """

    forward: Recurrent
    backward: Recurrent
    merge_mode: Literal["concat", "sum", "mul", "ave"] | None = "concat"


@dataclass(frozen=True, eq=False)
class TimeDistributed(Layer):
    """A layer applied to every step alone.

    Parameters
    ----------
    layer : Layer
        The layer, which sees ``(sample, ...)`` without the step axis.
    """

    layer: Layer


@dataclass(frozen=True, eq=False)
class Dense(Layer):
    """``activation(x W + b)`` on the last axis.

    Parameters
    ----------
    W : array (feature, unit)
        Kernel.
    b : array (unit,), optional
        Bias.
    activation : Activation
        Linear unless stated.
    """

    meanings: ClassVar[dict[str, str]] = {"W": "kernel", "b": "bias"}
    dimensions: ClassVar[dict[str, tuple[str, ...]]] = {"W": ("feature", "unit"), "b": ("unit",)}

    W: FloatArray
    b: FloatArray | None = None
    activation: Activation = LINEAR


@dataclass(frozen=True, eq=False)
class Activate(Layer):
    """An activation function as a layer of its own.

    Parameters
    ----------
    activation : Activation
        The function.
    """

    activation: Activation


@dataclass(frozen=True, eq=False)
class PReLU(Layer):
    """``max(0, x) + alpha min(0, x)`` with a learned slope.

    Parameters
    ----------
    alpha : array, broadcast over the sample's shape
        The slope below zero.
    """

    meanings: ClassVar[dict[str, str]] = {"alpha": "slope below zero"}

    alpha: FloatArray


@dataclass(frozen=True, eq=False)
class BatchNormalization(Layer):
    """``gamma (x - mean) / sqrt(variance + epsilon) + beta`` with the stored moments.

    Parameters
    ----------
    mean, variance : array (channel,)
        Moving moments of training.
    gamma, beta : array (channel,), optional
        Scale and offset.
    epsilon : float
        Added to the variance.
    axis : int
        The axis of the channels, counted from the batch axis or from the end.
    """

    meanings: ClassVar[dict[str, str]] = {
        "gamma": "scale",
        "beta": "offset",
        "mean": "moving mean",
        "variance": "moving variance",
    }

    mean: FloatArray
    variance: FloatArray
    gamma: FloatArray | None = None
    beta: FloatArray | None = None
    epsilon: float = 1e-3
    axis: int = -1


@dataclass(frozen=True, eq=False)
class LayerNormalization(Layer):
    """``gamma (x - mean) / sqrt(variance + epsilon) + beta`` with each sample's own moments.

    Parameters
    ----------
    gamma, beta : array of the shape of the axes, optional
        Scale and offset.
    axes : tuple of int
        The axes over which the moments are taken, in rising order.
    epsilon : float
        Added to the variance.
    centred : bool
        False where the source's option ``rms_scaling`` leaves the mean in ``x``: it divides by the
        root of the variance alone.
    """

    meanings: ClassVar[dict[str, str]] = {"gamma": "scale", "beta": "offset"}

    gamma: FloatArray | None = None
    beta: FloatArray | None = None
    axes: tuple[int, ...] = (-1,)
    epsilon: float = 1e-3
    centred: bool = True


@dataclass(frozen=True, eq=False)
class Rescaling(Layer):
    """``x scale + offset``.

    Parameters
    ----------
    scale, offset : array, broadcast over the sample's shape
        One number each, or one a channel.
    """

    meanings: ClassVar[dict[str, str]] = {"scale": "scale", "offset": "offset"}

    scale: FloatArray
    offset: FloatArray


@dataclass(frozen=True, eq=False)
class Standardization(Layer):
    """``(x - mean) / max(sqrt(variance), epsilon)`` or, inverted, ``x max(...) + mean``.

    Parameters
    ----------
    mean, variance : array, broadcast over the sample's shape
        The moments that the source adapted to its data.
    invert : bool
        Whether it undoes the scaling instead.
    epsilon : float
        Smallest divisor.
    """

    meanings: ClassVar[dict[str, str]] = {"mean": "mean", "variance": "variance"}

    mean: FloatArray
    variance: FloatArray
    invert: bool = False
    epsilon: float = 1e-7


@dataclass(frozen=True, eq=False)
class Flatten(Layer):
    """All axes but the sample's made into one."""


@dataclass(frozen=True, eq=False)
class Reshape(Layer):
    """The sample's axes laid out anew, in C order.

    Parameters
    ----------
    shape : tuple of int
        New shape of one sample; one entry may be -1.
    """

    shape: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Permute(Layer):
    """The sample's axes in another order.

    Parameters
    ----------
    axes : tuple of int
        Axis numbers of the input, from 1, in the order of the output.
    """

    axes: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class RepeatVector(Layer):
    """A vector made into a sequence of equal steps.

    Parameters
    ----------
    times : int
        Number of steps.
    """

    times: int


@dataclass(frozen=True, eq=False)
class Concatenate(Layer):
    """Inputs side by side.

    Parameters
    ----------
    axis : int
        The axis that grows, counted from the batch axis or from the end.
    """

    axis: int = -1


@dataclass(frozen=True, eq=False)
class Add(Layer):
    """The sum of the inputs."""


@dataclass(frozen=True, eq=False)
class Subtract(Layer):
    """The first input less the second."""


@dataclass(frozen=True, eq=False)
class Multiply(Layer):
    """The product of the inputs, entry by entry."""


@dataclass(frozen=True, eq=False)
class Average(Layer):
    """The mean of the inputs, entry by entry."""


@dataclass(frozen=True, eq=False)
class Conv1D(Layer):
    """A convolution over the steps.

    Parameters
    ----------
    W : array (tap, feature / groups, unit)
        Kernel; the first tap meets the oldest step.
    b : array (unit,), optional
        Bias.
    activation : Activation
        Linear unless stated.
    stride, dilation, groups : int
        As in Keras.
    padding : {"valid", "same", "causal"}
        As in Keras.
    """

    meanings: ClassVar[dict[str, str]] = {"W": "kernel", "b": "bias"}
    dimensions: ClassVar[dict[str, tuple[str, ...]]] = {
        "W": ("tap", "feature", "unit"),
        "b": ("unit",),
    }

    W: FloatArray
    b: FloatArray | None = None
    activation: Activation = LINEAR
    stride: int = 1
    dilation: int = 1
    groups: int = 1
    padding: Literal["valid", "same", "causal"] = "valid"


@dataclass(frozen=True, eq=False)
class Pooling1D(Layer):
    """The largest or the mean value of neighbouring steps.

    Parameters
    ----------
    kind : {"max", "average"}
        Which of the two.
    size, stride : int
        Steps in a pool, and from one pool to the next.
    padding : {"valid", "same"}
        As in Keras; padded steps count in neither.
    """

    kind: Literal["max", "average"]
    size: int
    stride: int
    padding: Literal["valid", "same"] = "valid"


@dataclass(frozen=True, eq=False)
class GlobalPooling1D(Layer):
    """The largest or the mean value of all steps; the mean leaves masked steps out.

    Parameters
    ----------
    kind : {"max", "average"}
        Which of the two.
    keepdims : bool
        Whether a step axis of length one stays.
    """

    kind: Literal["max", "average"]
    keepdims: bool = False
