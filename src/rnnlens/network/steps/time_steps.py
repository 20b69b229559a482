"""Where the number of time steps went: the answer, said with a network's own numbers."""

from __future__ import annotations

from functools import reduce

from rnnlens.names import Told, told
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


def time_steps(network: Network) -> Told:
    """Say where the window's steps are, since no array of a recurrent layer counts them."""
    recurrent = [node for node in network.nodes if _cell(node.layer) is not None]
    if not recurrent:
        return told(
            "This network has no recurrent layer, so its steps are not turns of a recurrence."
        )
    steps = _window_steps(network)
    shapes = output_shapes(network)
    sentences = [_opening(recurrent, steps), _recurrences(recurrent, shapes)]
    sentences += _tied(network, shapes, steps)
    return reduce(lambda text, more: told("{text} {more}", text=text, more=more), sentences)


def _cell(layer: Layer) -> Cell | None:
    if isinstance(layer, Bidirectional):
        return layer.forward.cell
    return layer.cell if isinstance(layer, Recurrent) else None


def _window_steps(network: Network) -> int | None:
    axes = step_axes(network)
    sequences = (name for name in network.inputs if is_sequence(network, name))
    first = next(sequences, None)
    return network.inputs[first].shape[(axes[first] or 1) - 1] if first else None


def _opening(recurrent: list[Node], steps: int | None) -> Told:
    """Say that the arrays do not know the window, with each layer's count."""
    own = list({id(node.layer): node for node in recurrent}.values())
    kinds = {array.meaning for node in own for array in arrays_of(node.layer)}
    letters = ["W", "U", "b"] if "bias" in kinds else ["W", "U"]
    counts: list[str] = []
    for node in own:
        formula = parameter_formula(node.layer)
        numbers = " = ".join(formula.split(" = ")[-2:])
        counts.append(
            told(
                "the {kind} has {numbers} parameters", kind=layer_kind(node.layer), numbers=numbers
            )
            if len(own) == 1
            else told("{name} has {numbers} parameters", name=node.name, numbers=numbers)
        )
    if steps is None:
        return told(
            "The number of steps is in no array: the same {letters} serve every step, so {counts} "
            "whatever the window.",
            letters=letters,
            counts=counts,
        )
    return told(
        "The window's {steps} are in no array: the same {letters} serve every step, so {counts} "
        "whatever the window.",
        steps=_count(steps),
        letters=letters,
        counts=counts,
    )


def _recurrences(recurrent: list[Node], shapes: dict[str, tuple[Shape, ...]]) -> Told:
    """Say what the steps do instead: how often each recurrence turns."""
    said: dict[Told, list[str]] = {}
    for node in recurrent:
        name, number = node.inputs[0]
        said.setdefault(_turn(node.layer, shapes[name][number][0]), []).append(node.name)
    if len(said) == 1:
        return told("The steps act as {turns}.", turns=next(iter(said)))
    parts = [told("in {layers} as {turns}", layers=names, turns=turn)
             for turn, names in said.items()]  # fmt: skip
    return told("The steps act {parts}.", parts=tuple(parts))


def _turn(layer: Layer, steps: int | None) -> Told:
    recurrence = "h, c -> h', c'" if isinstance(_cell(layer), LSTM) else "h -> h'"
    if steps is None:
        count = told("one turn each")
    else:
        count = (told("{number} turn", number=steps) if steps == 1
                 else told("{number} turns", number=steps))  # fmt: skip
    values = {"turns": count, "recurrence": recurrence}
    if isinstance(layer, Bidirectional):
        return told("{turns} of the recurrence {recurrence} in each direction", **values)
    return told("{turns} of the recurrence {recurrence}", **values)


def _tied(network: Network, shapes: dict[str, tuple[Shape, ...]], steps: int | None) -> list[Told]:
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
            sentences.append(
                told("{name} makes as many steps out of one vector as it meets.", name=node.name)
            )
        elif isinstance(node.layer, RepeatVector) and node.layer.times is not None:
            sentences.append(
                told(
                    "{name} makes {steps} out of one vector, whatever the window.",
                    name=node.name,
                    steps=_count(node.layer.times),
                )
            )
        elif steps is None:
            continue
        elif isinstance(node.layer, Reshape) and before != after and -1 not in node.layer.shape:
            sentences.append(
                told(
                    "{name} is laid out for {steps} and for no other number.",
                    name=node.name,
                    steps=_count(steps),
                )
            )
        elif parameters_of(node.layer) and before and after and before[-1] != after[-1]:
            sentences.append(
                told(
                    "But {name} is tied to the window: its {inputs} inputs hold all {steps} side "
                    "by side, so no other number of steps fits.",
                    name=node.name,
                    inputs=before[-1],
                    steps=_count(steps),
                )
            )
    return sentences


def _count(number: int) -> Told:
    if number == 1:
        return told("{number} step", number=number)
    return told("{number} steps", number=number)
