"""Windows laid out as (step, feature), whatever way a network takes them.

A network may take (channel, step), steps without an axis of features, or all numbers in one row.
It is given an input (step, feature) in front, which lays the numbers out as before, so that all
that is asked of windows is asked of these.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from rnnlens.errors import DataError
from rnnlens.network.axes import ExpandDims, Repeat, Squeeze
from rnnlens.network.layers import Embedding, Flatten, Input, Layer, Permute, RepeatVector, Reshape
from rnnlens.network.network import Network, Node, Ref
from rnnlens.network.shapes import Shape, output_shapes
from rnnlens.network.steps.axes import walked_axes
from rnnlens.network.unique import unique_name

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from rnnlens.series.windows import Windows

    Array = NDArray[np.float64]

__all__ = ["StepsFirst", "settled", "steps_first", "values_for"]


@dataclass(frozen=True, eq=False)
class _Turn:
    """How the windows of one input are laid out as (step, feature)."""

    #: Shape of one sample, as it is taken and as it is laid out; the layer that goes back.
    given: tuple[int | None, ...]
    laid: tuple[int | None, ...]
    back: Layer
    #: The axis of steps as given, where axes are turned and numbers not laid out anew.
    axis: int | None = None

    def of(self, array: Array) -> Array:
        """Lay windows out: array (sample, ...) as the network takes them."""
        if self.axis is not None:
            return np.moveaxis(array, self.axis, 1)
        return array.reshape(len(array), *(-1 if n is None else n for n in self.laid))

    def undone_by(self, layer: Layer) -> bool:
        """Say whether a layer makes (step, feature) again of what the network takes."""
        if isinstance(self.back, Permute) and isinstance(layer, Permute):
            return [self.back.axes[axis - 1] for axis in layer.axes] == sorted(layer.axes)
        if isinstance(self.back, Squeeze):
            return isinstance(layer, ExpandDims) and layer.axis in {2, -1}
        return isinstance(layer, Reshape) and layer.shape == self.laid


@dataclass(frozen=True, eq=False)
class StepsFirst:
    """A network whose windows are (step, feature)."""

    network: Network
    #: How each input is laid out, one turn after another; none where it is so already.
    turns: Mapping[str, Sequence[_Turn]] = field(default_factory=dict)

    def windows(self, inputs: Mapping[str, Array]) -> dict[str, Array]:
        """Lay windows out: inputs mapping of str to (sample, ...) as the network was read."""
        return {name: self._laid(name, array) for name, array in inputs.items()}

    def _laid(self, name: str, array: Array) -> Array:
        for turn in self.turns.get(name, ()):
            array = turn.of(array)
        return array

    def fitting(self, name: str, array: Array) -> Array:
        """Lay windows of one input out where they come as the network takes them."""
        turns = self.turns.get(name, ())
        if not turns or array.ndim != len(turns[0].given) + 1:
            return array
        pairs = zip(turns[0].given, array.shape[1:], strict=True)
        fits = all(size in {None, got} for size, got in pairs)
        return self._laid(name, array) if fits else array

    def as_taken(self, name: str, array: Array) -> Array:
        """Lay windows (sample, step, feature) out as the network takes them."""
        for turn in reversed(self.turns.get(name, ())):
            if isinstance(turn.back, Permute):
                array = array.transpose(0, *turn.back.axes)
            else:
                array = array.reshape(len(array), -1)
        return array


def steps_first(network: Network) -> StepsFirst:
    """Give the network in terms of windows (step, feature); ask where it cannot be told."""
    turns: dict[str, list[_Turn]] = {}
    while True:
        walked = walked_axes(network)
        for name, entry in network.inputs.items():
            turn = _turn(network, name, entry, walked[name])
            if turn is not None:
                turns.setdefault(name, []).append(turn)
                network = _in_front(network, name, turn)
                break
        else:
            return StepsFirst(network, turns)


def settled(network: Network, inputs: Mapping[str, Array]) -> Network:
    """Repeat vectors as often as these windows have steps, where a sequence says how often.

    What is asked of windows of one length then has one input less to follow.

    Shapes: inputs mapping of str to (sample, ...).
    """
    repeats = [one.layer for one in network.nodes if isinstance(one.layer, RepeatVector | Repeat)]
    if all(layer.times is not None for layer in repeats):
        return network
    sized = tuple(
        replace(node, layer=Input(inputs[node.name].shape[1:]))
        if isinstance(node.layer, Input)
        else node
        for node in network.nodes
    )
    shapes = output_shapes(replace(network, nodes=sized))
    nodes = tuple(_settled(node, shapes[node.name][0]) for node in network.nodes)
    return replace(network, nodes=nodes)


def _settled(node: Node, shape: Shape) -> Node:
    layer = node.layer
    if not isinstance(layer, RepeatVector | Repeat) or layer.times is not None:
        return node
    axis = 0 if isinstance(layer, RepeatVector) else layer.axis - 1
    return replace(node, layer=replace(layer, times=shape[axis]), inputs=node.inputs[:1])


def values_for(network: Network, windows: Windows) -> Array:
    """Give the numbers of windows as the network takes them."""
    name = next(iter(network.inputs))
    return steps_first(network).as_taken(name, windows.values)


def _turn(network: Network, name: str, entry: Input, walked: Mapping[int, str]) -> _Turn | None:
    takers = [node.layer for node in network.nodes if (name, 0) in node.inputs]
    if any(isinstance(layer, Embedding) for layer in takers):
        return None  # tokens are steps as they are
    axis = entry.steps or (next(iter(walked)) if len(walked) == 1 else None)
    rank = len(entry.shape)
    if rank == 1:
        return _of_a_row(entry, takers, axis)
    if axis is None and len(walked) > 1:
        paths = ", ".join(f"{layer!r} along axis {k}" for k, layer in sorted(walked.items()))
        raise DataError(
            f"the layers walk along different axes of input {name!r} ({paths}), so which of them "
            f"counts steps cannot be told: say it with rnnlens.read(..., step_axes={{{name!r}: "
            f"{min(walked)}}})"
        )
    if axis is None or axis == 1:
        return None
    order = [axis, *(k for k in range(1, rank + 1) if k != axis)]
    back = Permute(tuple(order.index(k) + 1 for k in range(1, rank + 1)))
    return _Turn(entry.shape, tuple(entry.shape[k - 1] for k in order), back, axis)


def _of_a_row(entry: Input, takers: list[Layer], axis: int | None) -> _Turn | None:
    """Lay out what the network takes in one row: its numbers, or one number a step."""
    shapes = {layer.shape if isinstance(layer, Reshape) else () for layer in takers}
    shape = shapes.pop() if len(shapes) == 1 else ()
    if len(shape) == 2 and -1 not in shape and axis is not None:
        return _Turn(entry.shape, shape, Flatten())
    if axis is None or shape:
        return None
    return _Turn(entry.shape, (entry.shape[0], 1), Squeeze(2))


def _in_front(network: Network, name: str, turn: _Turn) -> Network:
    """Give the network an input (step, feature), and behind it what it took before."""
    inner = unique_name(f"{name} (as the network takes it)", {node.name for node in network.nodes})
    moved: dict[Ref, Ref] = {(name, 0): (inner, 0)}
    nodes: list[Node] = []
    for node in network.nodes:
        if node.name == name:
            # what was stated of the windows as given has been done
            stated = None if isinstance(turn.back, Flatten) else 1
            nodes.append(replace(node, layer=Input(turn.laid, stated)))
            nodes.append(Node(inner, turn.back, ((name, 0),)))
        elif node.inputs == ((name, 0),) and turn.undone_by(node.layer):
            moved[node.name, 0] = (name, 0)
        else:
            taken = tuple(moved.get(ref, ref) for ref in node.inputs)
            nodes.append(replace(node, inputs=taken))
    outputs = tuple(moved.get(ref, ref) for ref in network.outputs)
    used = {ref for node in nodes for ref in node.inputs} | set(outputs)
    kept = tuple(node for node in nodes if node.name != inner or (inner, 0) in used)
    return replace(network, nodes=kept, outputs=outputs)
