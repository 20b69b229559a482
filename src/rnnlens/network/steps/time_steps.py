"""Where the number of time steps went: the answer, said with a network's own numbers."""

from __future__ import annotations

from rnnlens.network.cells import LSTM, Cell
from rnnlens.network.formula import parameter_formula, parameters_of
from rnnlens.network.inventory import arrays_of
from rnnlens.network.layers import (
    Bidirectional,
    Input,
    Layer,
    Recurrent,
    RepeatVector,
    Reshape,
)
from rnnlens.network.network import Network, Node, layer_kind
from rnnlens.network.shapes import Shape, is_sequence, output_shapes
from rnnlens.network.steps.axes import step_axes

__all__ = ["time_steps"]


def time_steps(network: Network) -> str:
    """Say where the window's steps are, since no array of a recurrent layer counts them."""
    recurrent = [node for node in network.nodes if _cell(node.layer) is not None]
    if not recurrent:
        return "This network has no recurrent layer, so its steps are not turns of a recurrence."
    steps = _window_steps(network)
    shapes = output_shapes(network)
    sentences = [_opening(recurrent, steps), _recurrences(recurrent, shapes)]
    return " ".join([*sentences, *_tied(network, shapes, steps)])


def _cell(layer: Layer) -> Cell | None:
    if isinstance(layer, Bidirectional):
        return layer.forward.cell
    return layer.cell if isinstance(layer, Recurrent) else None


def _window_steps(network: Network) -> int | None:
    axes = step_axes(network)
    sequences = (name for name in network.inputs if is_sequence(network, name))
    first = next(sequences, None)
    return network.inputs[first].shape[(axes[first] or 1) - 1] if first else None


def _opening(recurrent: list[Node], steps: int | None) -> str:
    """Say that the arrays do not know the window, with each layer's count."""
    where = "The number of steps is" if steps is None else f"The window's {_count(steps)} are"
    own = list({id(node.layer): node for node in recurrent}.values())
    kinds = {array.meaning for node in own for array in arrays_of(node.layer)}
    letters = "W, U and b" if "bias" in kinds else "W and U"
    counts = []
    for node in own:
        formula = parameter_formula(node.layer)
        numbers = " = ".join(formula.split(" = ")[-2:])
        named = f"the {layer_kind(node.layer)}" if len(own) == 1 else node.name
        counts.append(f"{named} has {numbers} parameters")
    return (
        f"{where} in no array: the same {letters} serve every step, so {_listed(counts)} "
        "whatever the window."
    )


def _recurrences(recurrent: list[Node], shapes: dict[str, tuple[Shape, ...]]) -> str:
    """Say what the steps do instead: how often each recurrence turns."""
    said: dict[str, list[str]] = {}
    for node in recurrent:
        name, number = node.inputs[0]
        said.setdefault(_turn(node.layer, shapes[name][number][0]), []).append(node.name)
    if len(said) == 1:
        return f"The steps act as {next(iter(said))}."
    parts = [f"in {_listed(names)} as {turn}" for turn, names in said.items()]
    return f"The steps act {'; '.join(parts)}."


def _turn(layer: Layer, steps: int | None) -> str:
    recurrence = "h, c -> h', c'" if isinstance(_cell(layer), LSTM) else "h -> h'"
    count = "one turn each" if steps is None else _count(steps, "turn")
    ways = " in each direction" if isinstance(layer, Bidirectional) else ""
    return f"{count} of the recurrence {recurrence}{ways}"


def _tied(network: Network, shapes: dict[str, tuple[Shape, ...]], steps: int | None) -> list[str]:
    """Name the layers that do depend on the number of steps."""
    # What is wider in a window twice as long cannot serve another window.
    axes = {name: axis or 1 for name, axis in step_axes(network).items()}
    longer = output_shapes(network, longer=steps or 0, along=axes)
    sentences = []
    for node in network.nodes:
        if isinstance(node.layer, Input):
            continue
        name, number = node.inputs[0]
        before, after = shapes[name][number], longer[name][number]
        if isinstance(node.layer, RepeatVector) and node.layer.times is None:
            sentences.append(f"{node.name} makes as many steps out of one vector as it meets.")
        elif isinstance(node.layer, RepeatVector) and node.layer.times is not None:
            sentences.append(
                f"{node.name} makes {_count(node.layer.times)} out of one vector, "
                "whatever the window."
            )
        elif steps is None:
            continue
        elif isinstance(node.layer, Reshape) and before != after and -1 not in node.layer.shape:
            sentences.append(
                f"{node.name} is laid out for {_count(steps)} and for no other number."
            )
        elif parameters_of(node.layer) and before and after and before[-1] != after[-1]:
            sentences.append(
                f"But {node.name} is tied to the window: its {before[-1]} inputs hold all "
                f"{_count(steps)} side by side, so no other number of steps fits."
            )
    return sentences


def _count(number: int, word: str = "step") -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"


def _listed(items: list[str]) -> str:
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} and {items[-1]}"
