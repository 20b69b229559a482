"""What arrays are, told by their shapes: the class of the layer and the sizes it must have.

Only the class and its sizes follow from shapes. What a layer computes with them (activations) and
what it hands on (every step or the last) does not.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

__all__ = ["CELLS", "classes_of", "sizes"]

Shapes = Sequence[tuple[int, ...]]
Sizes = dict[str, int | bool | str | list[int]]

#: Numbers of gates by class of cell.
CELLS = {"LSTM": 4, "GRU": 3, "SimpleRNN": 1}

#: Names that the variables of a class have, where the file keeps such names; the first set is of
#: Keras 2 and later, the second of Keras 1.
ROLES: dict[str, tuple[frozenset[str], ...]] = {
    "Dense": (frozenset({"kernel", "bias"}), frozenset({"W", "b"})),
    "Embedding": (frozenset({"embeddings"}), frozenset({"W"})),
    "BatchNormalization": (
        frozenset({"gamma", "beta", "moving_mean", "moving_variance"}),
        frozenset({"gamma", "beta", "running_mean", "running_std"}),
    ),
    "LayerNormalization": (frozenset({"gamma", "beta"}),),
    "PReLU": (frozenset({"alpha"}), frozenset({"alphas"})),
}


def sizes(kind: str, shapes: Shapes, inner: str = "") -> Sizes | None:
    """Give the options of a layer that follow from the shapes of its arrays.

    Examples
    --------
    >>> sizes("GRU", [(5, 9), (3, 9), (2, 9)])
    {'units': 3, 'use_bias': True, 'reset_after': True}
    >>> sizes("LSTM", [(5, 9), (3, 9), (2, 9)]) is None
    True
    """
    if kind == "Bidirectional":
        half = len(shapes) // 2
        both = [sizes(inner, part) for part in (shapes[:half], shapes[half:])]
        return both[0] if len(shapes) % 2 == 0 and both[0] == both[1] else None
    if kind == "TimeDistributed":
        return sizes(inner, shapes)
    if kind in CELLS:
        return _cell(kind, shapes)
    rule = RULES.get(kind)
    return rule(shapes) if rule and all(side for shape in shapes for side in shape) else None


def _cell(kind: str, shapes: Shapes) -> Sizes | None:
    gates = CELLS[kind]
    if kind != "SimpleRNN" and len(shapes) == 3 * gates:
        return _separate(shapes)
    if len(shapes) not in {2, 3} or any(len(shape) != 2 for shape in shapes[:2]):
        return None
    units = shapes[1][0]
    width = gates * units
    if not units or shapes[0][1] != width or shapes[1][1] != width:
        return None
    options: Sizes = {"units": units, "use_bias": len(shapes) == 3}
    bias = shapes[2] if len(shapes) == 3 else (width,)
    if bias == (width,):
        return options | ({"reset_after": False} if kind == "GRU" else {})
    if bias in {(2, width), (2 * width,)} and kind == "GRU":
        return options | {"reset_after": True}
    return options if bias == (2 * width,) and kind == "LSTM" else None


def _separate(shapes: Shapes) -> Sizes | None:
    """Keras 1: W, U and b of one gate after another."""
    first = tuple(shapes[:3])
    groups = {tuple(shapes[place : place + 3]) for place in range(0, len(shapes), 3)}
    if groups != {first} or [len(shape) for shape in first] != [2, 2, 1]:
        return None
    units = first[2][0]
    fits = units and first[0][1] == units and first[1] == (units, units)
    return {"units": units, "consume_less": "cpu"} if fits else None


def _dense(shapes: Shapes) -> Sizes | None:
    biased = len(shapes) == 2 and len(shapes[0]) == 2 and shapes[1] == shapes[0][1:]
    plain = len(shapes) == 1 and len(shapes[0]) == 2
    return {"units": shapes[0][1], "use_bias": biased} if biased or plain else None


def _embedding(shapes: Shapes) -> Sizes | None:
    if len(shapes) != 1 or len(shapes[0]) != 2:
        return None
    return {"input_dim": shapes[0][0], "output_dim": shapes[0][1]}


def _conv1d(shapes: Shapes) -> Sizes | None:
    if not shapes or len(shapes) > 2 or len(shapes[0]) not in {3, 4}:
        return None
    kernel = shapes[0]
    filters, taps = kernel[-1], kernel[0]
    if len(kernel) == 4 and 1 not in {kernel[1], kernel[3]}:
        return None
    if len(kernel) == 4 and kernel[1] != 1:
        filters, taps = kernel[0], kernel[2]
    if len(shapes) == 2 and shapes[1] != (filters,):
        return None
    return {"filters": filters, "kernel_size": [taps], "use_bias": len(shapes) == 2}


def _conv2d(shapes: Shapes) -> Sizes | None:
    if not shapes or len(shapes) > 2 or len(shapes[0]) != 4 or _conv1d(shapes) is not None:
        return None
    kernel = shapes[0]
    if len(shapes) == 2 and shapes[1] != kernel[-1:]:
        return None
    return {"filters": kernel[-1], "kernel_size": [*kernel[:2]], "use_bias": len(shapes) == 2}


def _vectors(*counts: int) -> Callable[[Shapes], Sizes | None]:
    def rule(shapes: Shapes) -> Sizes | None:
        alike = len(set(map(tuple, shapes))) == 1 and len(shapes[0]) == 1
        return {} if len(shapes) in counts and alike else None

    return rule


#: What each class needs; in the order in which they are tried.
RULES: dict[str, Callable[[Shapes], Sizes | None]] = {
    "Conv1D": _conv1d,
    "Conv2D": _conv2d,
    "Dense": _dense,
    "Embedding": _embedding,
    "BatchNormalization": _vectors(4),
    "LayerNormalization": _vectors(2),
    "PReLU": lambda shapes: {} if len(shapes) == 1 else None,
}


def classes_of(shapes: Shapes, names: Sequence[str] = ()) -> list[tuple[str, str]]:
    """Give the classes whose arrays have these shapes.

    Examples
    --------
    >>> classes_of([(3, 8), (2, 8), (8,)])
    [('LSTM', '')]
    >>> classes_of([(5, 4)])
    [('Dense', ''), ('Embedding', ''), ('PReLU', '')]
    >>> classes_of([(5, 4)], ["embeddings"])
    [('Embedding', '')]
    """
    known = [(kind, "") for kind in CELLS if sizes(kind, shapes) is not None]
    known += [
        ("Bidirectional", kind)
        for kind in CELLS
        if sizes("Bidirectional", shapes, kind) is not None
    ]
    known += [(kind, "") for kind in RULES if sizes(kind, shapes) is not None]
    words = {word for sets in ROLES.values() for roles in sets for word in roles}
    said = set(names) & words
    possible = [
        (kind, inner)
        for kind, inner in known
        if not said or kind not in ROLES or any(said <= roles for roles in ROLES[kind])
    ]
    exact = [
        (kind, inner)
        for kind, inner in possible
        if any(said == roles for roles in ROLES.get(kind, ()))
    ]
    return exact if len(exact) == 1 else possible
