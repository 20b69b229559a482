"""What each operator of TensorFlow Lite becomes, and why one is refused."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from rnnlens.errors import UnsupportedModel
from rnnlens.names import told
from rnnlens.network.activations import Activation
from rnnlens.network.axes import Flip, Index, Slice
from rnnlens.network.cells import FloatArray
from rnnlens.network.layers import Activate, Concatenate, Dense, Layer, Reshape
from rnnlens.network.network import Source
from rnnlens.readers.tflite.model import Model, Operator, Tensor

__all__ = ["LAYERS", "Call", "Made", "dense"]

#: The activation that is part of an operator, by its number in ``ActivationFunctionType``.
FUSED = {0: Activation("linear"), 1: Activation("relu"), 4: Activation("tanh")} | {
    3: Activation("relu", {"max_value": 6.0})
}
STEPS_KEPT = "give the Keras model that it was converted from, saved with model.save('model.keras')"


@dataclass
class Made:
    """Layers that stand for one operator, one after the other, and where their arrays came from."""

    layers: list[Layer]
    sources: dict[str, Source] = field(default_factory=dict)
    left_out: tuple[str, ...] = ()


@dataclass(frozen=True)
class Call:
    """One operator with its tensors."""

    model: Model
    operator: Operator
    path: Path

    def refuse(self, why: str) -> UnsupportedModel:
        """Say why an operator is not read."""
        return UnsupportedModel(
            f"{self.path} has an operator {self.operator.kind} that rnnlens does not read ({why}): "
            f"{STEPS_KEPT}"
        )

    def tensor(self, place: int) -> Tensor | None:
        """Give what an operator takes at a place; None where it takes nothing there."""
        numbers = self.operator.inputs
        number = numbers[place] if place < len(numbers) else -1
        return None if number < 0 else self.model.tensors[number]

    def fixed(self, place: int) -> tuple[FloatArray, str]:
        """Give the numbers of a tensor that the file holds, and its name."""
        tensor = self.tensor(place)
        if tensor is None or not tensor.fixed:
            raise self.refuse("its numbers are computed by the model itself")
        return np.array(tensor.values(), np.float64), tensor.name

    def whole(self, place: int) -> list[int]:
        """Give whole numbers that the file holds."""
        return [int(number) for number in self.fixed(place)[0].ravel()]

    def option(self, number: int, form: str = "i") -> float:
        """Give an option by its number; 0 where it is left out."""
        options = self.operator.options
        return 0 if options is None else options.number(number, form)

    def shape(self, *, out: bool = False) -> tuple[int | None, ...]:
        """Give the shape of what an operator takes first, or of what it gives."""
        numbers = self.operator.outputs if out else self.operator.inputs
        return self.model.tensors[numbers[0]].shape

    def fused(self, number: int) -> Activation:
        """Give the activation that is part of the operator."""
        known = FUSED.get(int(self.option(number, "b")))
        if known is None:
            raise self.refuse("the activation within it is none of linear, relu, relu6 and tanh")
        return known

    def rounded(self, places: Iterable[int]) -> tuple[str, ...]:
        """Say what is left out where weights are whole numbers."""
        tensors = [self.tensor(place) for place in places]
        if not any(tensor is not None and tensor.rounded for tensor in tensors):
            return ()
        return (
            told(
                "the weights are the file's whole numbers times their scales, and the rounding of "
                "values between the layers, which the interpreter does, is left out"
            ),
        )


def dense(call: Call) -> Made:
    """Read a layer in which everything is connected."""
    W, text = call.fixed(1)
    shape = call.shape()
    if call.option(1, "b") or (len(shape) != 2 and not call.option(2, "B")) or W.ndim != 2:
        raise call.refuse("its weights are shuffled, or it takes all steps of all windows as one")
    if W.shape[1:] != shape[-1:]:
        raise ValueError(f"a kernel of {W.shape} does not fit what it takes")
    activation, sources = call.fused(0), {"W": Source(text + " transposed")}
    b = None
    if call.tensor(2) is not None:
        b, name = call.fixed(2)
        sources["b"] = Source(name)
    layer = Dense(W.T.copy(), b, activation)
    return Made([layer], sources, call.rounded([1]))


def _pick(call: Call) -> Made:
    """Read ``x[:, begin:end:stride]`` and ``x[:, place]``."""
    begin, end, stride = (call.whole(place) for place in (1, 2, 3))
    masks = [int(call.option(number)) for number in range(5)]
    if masks[2] or masks[3] or call.option(5, "B") or not len(begin) == len(end) == len(stride):
        raise call.refuse("it sets new axes, or counts from where it begins")
    if 0 in stride:
        raise ValueError("it goes no step on")
    layers: list[Layer] = []
    axis = 0
    for number, (start, stop, step) in enumerate(zip(begin, end, stride, strict=True)):
        first, last, shrunk = (masks[place] >> number & 1 for place in (0, 1, 4))
        whole = (first or start == 0) and (last or stop == call.shape()[number]) and step == 1
        if number == 0 and not (whole and not shrunk):
            raise call.refuse("it picks samples")
        if shrunk:
            layers.append(Index(start, axis))
            continue
        if not whole:
            layers.append(Slice(None if first else start, None if last else stop, step, axis))
        axis += 1
    return Made(layers)


def _turned(call: Call) -> Made:
    axes = call.whole(1)
    if not axes or 0 in axes or min(axes) < 0:
        raise call.refuse("it turns the samples round")
    return Made([Flip(axis) for axis in axes])


def _joined(call: Call) -> Made:
    axis = int(call.option(0))
    if axis in {0, -len(call.shape())} or call.fused(1).name != "linear":
        raise call.refuse("it joins samples, or has an activation within")
    return Made([Concatenate(axis)])


def _reshaped(call: Call) -> Made:
    before, after = call.shape(), call.shape(out=True)
    if before[:1] != after[:1] or not all(size is not None for size in after[1:]):
        raise call.refuse("it mixes samples, or its sizes are open")
    return Made([Reshape(tuple(size for size in after[1:] if size is not None))])


def _activation(name: str) -> Callable[[Call], Made]:
    def made(call: Call) -> Made:
        if name == "softmax" and call.option(0, "f") != 1:
            raise call.refuse("its beta is not 1")
        limits = {"max_value": 6.0} if call.operator.kind == "RELU6" else {}
        return Made([Activate(Activation(name, limits))])

    return made


#: Operators that are read, beside the recurrent ones.
LAYERS: dict[str, Callable[[Call], Made]] = {
    "FULLY_CONNECTED": dense,
    "STRIDED_SLICE": _pick,
    "REVERSE_V2": _turned,
    "CONCATENATION": _joined,
    "RESHAPE": _reshaped,
    "LOGISTIC": _activation("sigmoid"),
    "TANH": _activation("tanh"),
    "RELU": _activation("relu"),
    "RELU6": _activation("relu"),
    "SOFTMAX": _activation("softmax"),
}
