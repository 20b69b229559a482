"""How a forecast reads the last state of a recurrent layer: weights and a constant.

Methods that open the cell need a forecast that is affine in one hidden state,
``f = constant + weight . h``. A network whose head bends the state again, or reads several
steps, is refused by name.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rnnlens.attribution.baselines.baseline import Array
from rnnlens.attribution.target import ResolvedTarget
from rnnlens.engine.forward import Run
from rnnlens.engine.operations.registry import pull
from rnnlens.engine.operations.registry import run as run_layer
from rnnlens.errors import UnsupportedModel
from rnnlens.network.axes import ExpandDims, Flip, Index, Slice, Squeeze, Unmask
from rnnlens.network.layers import (
    Activate,
    BatchNormalization,
    Bidirectional,
    Dense,
    Embedding,
    Flatten,
    Identity,
    Input,
    Layer,
    LayerNormalization,
    Masking,
    Permute,
    PReLU,
    Recurrent,
    Rescaling,
    Reshape,
    Standardization,
    TimeDistributed,
)
from rnnlens.network.network import Node, a_layer_kind

__all__ = ["Direction", "Readout", "keeps_steps_apart", "readout"]

_LINES = (
    BatchNormalization,
    ExpandDims,
    Flatten,
    Flip,
    Identity,
    Index,
    Permute,
    Rescaling,
    Reshape,
    Slice,
    Squeeze,
    Standardization,
    Unmask,
)


@dataclass(frozen=True, eq=False)
class Direction:
    """One direction of the recurrent layer that the forecast reads.

    Parameters
    ----------
    name : str
        Its full name, such as ``"lstm"`` or ``"bidirectional.backward"``.
    layer : Recurrent
        The layer.
    inputs : tuple of array
        What it took: the sequence (sample, step, feature), then initial states if given.
    weight : array (sample, output)
        Of its hidden state in the forecast, in the target's own unit.
    steps : int
        How many steps it had taken, in its own order, when its state was read.
    """

    name: str
    layer: Recurrent
    inputs: tuple[Array, ...]
    weight: Array
    steps: int


@dataclass(frozen=True, eq=False)
class Readout:
    """A forecast as a weighted sum of hidden states and a constant.

    Parameters
    ----------
    node : Node
        The recurrent layer, the newest before the head.
    directions : tuple of Direction
        One, or the two of a bidirectional layer.
    constant : array (sample,)
        What the head gives where every hidden state is zero.
    mask : array (sample, step) of bool, or None
        Which steps of the layer are real.
    """

    node: Node
    directions: tuple[Direction, ...]
    constant: Array
    mask: np.ndarray | None


def readout(run: Run, target: ResolvedTarget, method: str) -> Readout:
    """Find the state that a forecast reads, and its weights."""
    ref, head = target.ref(run.network), []
    while not isinstance((node := run.network[ref[0]]).layer, Recurrent | Bidirectional):
        if len(node.inputs) != 1 or not _is_line(node.layer):
            raise UnsupportedModel(_why_not(node, method))
        head.append(node)
        ref = node.inputs[0]
    if ref[1] != 0:
        raise UnsupportedModel(
            f"{method} needs a head that reads the output of a recurrent layer, but it reads a "
            f"final state of {node.name!r}: use method 'secant'"
        )
    (m,) = target.weight(run).values()
    for each in head:
        tape = run.tapes[each.name]
        (pulled,) = pull(each.layer, tape, tape, (m,))
        assert pulled is not None
        m = pulled
    value = np.zeros_like(run.value(ref))
    for each in reversed(head):
        value = run_layer(each.layer, (value,), (None,), None).outputs[0]
    outputs = list(run.outputs)
    outputs[target.output] = value
    name, number = node.inputs[0]
    mask = run.tapes[name].masks[number]
    directions = _directions(node, run.tapes[node.name].inputs, m, method)
    if mask is not None and any(one.layer.zero_output_for_mask for one in directions):
        raise UnsupportedModel(
            f"{method} has no rule for {node.name!r}, whose output is zero at masked steps: use "
            "method 'secant'"
        )
    return Readout(node, directions, target.pick(tuple(outputs)), mask)


def _is_line(layer: Layer) -> bool:
    if isinstance(layer, Dense | Activate):
        return layer.activation.name == "linear"
    if isinstance(layer, TimeDistributed):
        return _is_line(layer.layer)
    return isinstance(layer, _LINES)


def _why_not(node: Node, method: str) -> str:
    if isinstance(node.layer, Input):
        return f"{method} needs a recurrent layer, but none stands before the output"
    kind = a_layer_kind(node.layer)
    if isinstance(node.layer, Dense | Activate):
        kind = f"{kind} with activation {node.layer.activation.name!r}"
    return (
        f"{method} needs a linear head after the last recurrent layer, but {node.name!r} is "
        f"{kind}: use method 'secant'"
    )


def _directions(
    node: Node, inputs: tuple[Array, ...], m: Array, method: str
) -> tuple[Direction, ...]:
    layer, length = node.layer, inputs[0].shape[1]
    if isinstance(layer, Recurrent):
        weight, place = _one_step(layer, m, node, method)
        steps = length if place is None else place + 1
        return (Direction(node.name, layer, inputs, weight, steps),)
    assert isinstance(layer, Bidirectional)
    weight, place = _one_step(layer.forward, m, node, method)
    H = layer.forward.cell.state_sizes[0]
    if layer.merge_mode == "concat":
        weights = (weight[..., :H], weight[..., H:])
    elif layer.merge_mode in {"sum", "ave"}:
        weight = weight / 2 if layer.merge_mode == "ave" else weight
        weights = (weight, weight)
    else:
        raise UnsupportedModel(
            f"{method} needs the two directions of {node.name!r} side by side or added, but they "
            "are multiplied or apart: use method 'secant'"
        )
    half = 1 + (len(inputs) - 1) // 2
    taken = (inputs[:half], (inputs[0], *inputs[half:]))
    # a merged sequence stands oldest first, and the direction that goes back read it from its end
    steps = (length, length) if place is None else (place + 1, length - place)
    if layer.forward.go_backwards:
        steps = steps[::-1]
    names = (f"{node.name}.forward", f"{node.name}.backward")
    layers = (layer.forward, layer.backward)
    return tuple(map(Direction, names, layers, taken, weights, steps))


def _one_step(layer: Recurrent, m: Array, node: Node, method: str) -> tuple[Array, int | None]:
    """Give the weight of the one step that is read and its place, None where only one is given."""
    if not layer.return_sequences:
        return m, None
    read = np.flatnonzero(m.any(axis=(0, 2)))
    if len(read) > 1:
        raise UnsupportedModel(
            f"{method} needs a head that reads one step of {node.name!r}, but it reads "
            f"{len(read)}: use method 'secant'"
        )
    place = int(read[0]) if len(read) else m.shape[1] - 1
    return m[:, place], place


def keeps_steps_apart(layer: Layer) -> bool:
    """Say whether each step of a layer's output depends on that step of its input alone."""
    if isinstance(layer, LayerNormalization):
        return all(axis in {-1, 2} for axis in layer.axes)
    if isinstance(layer, Dense | Activate) and layer.activation.axis_wise:
        return layer.activation["axis"] in {-1.0, 2.0}
    apart = Embedding | Identity | Masking | PReLU | Rescaling | Standardization | Unmask
    return isinstance(layer, apart | Activate | BatchNormalization | Dense | TimeDistributed)
