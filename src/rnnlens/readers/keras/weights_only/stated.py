"""The layers of a file of weights as a caller states them: ``LSTM(tanh, sigmoid) > Dense(linear)``.

A layer is its class in Keras with its options in brackets; options may be named as in Keras. What
an array's shape says need not be said. A recurrent layer gives every step where the next layer
takes a sequence, and its last step elsewhere, unless ``return_sequences`` is stated.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from rnnlens.errors import InputError
from rnnlens.names import told
from rnnlens.network.json_values import Json
from rnnlens.readers.keras.layers.plain import AT_REST
from rnnlens.readers.keras.weights import WITH_ARRAYS
from rnnlens.readers.keras.weights_only.groups import WeightsFile
from rnnlens.readers.keras.weights_only.layer_arrays import LayerArrays
from rnnlens.readers.keras.weights_only.shapes import CELLS
from rnnlens.readers.variables import VariableStore

__all__ = ["StatedLayer", "model_of", "parse"]

#: What options are called that stand without a name, by class.
POSITIONS: dict[str, tuple[str, ...]] = {
    "LSTM": ("activation", "recurrent_activation"),
    "GRU": ("activation", "recurrent_activation"),
    "SimpleRNN": ("activation",),
    "Dense": ("activation",),
    "Conv1D": ("activation", "padding"),
    "Activation": ("activation",),
    "Bidirectional": ("layer", "merge_mode"),
    "TimeDistributed": ("layer",),
    "Masking": ("mask_value",),
    "RepeatVector": ("n",),
    "Dropout": ("rate",),
    "MaxPooling1D": ("pool_size",),
    "AveragePooling1D": ("pool_size",),
}

#: Options without which a layer is not known.
NEEDED = {
    "LSTM": ("activation", "recurrent_activation"),
    "GRU": ("activation", "recurrent_activation"),
    "SimpleRNN": ("activation",),
    "Dense": ("activation",),
    "Conv1D": ("activation",),
    "BatchNormalization": ("epsilon",),
    "LayerNormalization": ("epsilon",),
    "Bidirectional": ("layer",),
    "TimeDistributed": ("layer",),
}

#: Layers that take a sequence.
TAKES_STEPS = frozenset({
    *CELLS,
    "AveragePooling1D",
    "Bidirectional",
    "Conv1D",
    "GlobalAveragePooling1D",
    "GlobalMaxPooling1D",
    "MaxPooling1D",
    "TimeDistributed",
})

#: Layers that hand on what they take, steps or no steps.
PASSES = frozenset({*AT_REST, "Activation", "BatchNormalization", "LayerNormalization", "PReLU"})

TOKEN = re.compile(r"\s*(?:([A-Za-z_][A-Za-z_0-9]*)|(-?\d+(?:\.\d*)?(?:[eE][-+]?\d+)?)|([(),=>]))")

EXAMPLE = "LSTM(tanh, sigmoid) > Dense(linear)"


@dataclass(frozen=True)
class StatedLayer:
    """One layer as stated."""

    kind: str
    #: Its options; ``layer`` holds another `StatedLayer`.
    options: dict[str, Json] = field(default_factory=dict)

    @property
    def inner(self) -> str:
        """The class of the layer within, empty for a layer that wraps none."""
        layer = self.options.get("layer")
        return layer.kind if isinstance(layer, StatedLayer) else ""


def parse(text: str) -> list[StatedLayer]:
    """Read the statement of a model's layers.

    Examples
    --------
    >>> [layer.kind for layer in parse("LSTM(tanh, sigmoid) > Dropout > Dense(linear)")]
    ['LSTM', 'Dropout', 'Dense']
    """
    tokens, place = [], 0
    while text[place:].strip():
        match = TOKEN.match(text, place)
        if match is None or len(text) > 10_000:
            raise InputError(_wrong(text, f"{text[place : place + 20].strip()!r} is out of place"))
        tokens.append(next(part for part in match.groups() if part is not None))
        place = match.end()
    reader = _Reader(text, tokens)
    layers = [reader.layer(0)]
    while reader.next() == ">":
        reader.take(">")
        layers.append(reader.layer(0))
    if reader.next():
        raise InputError(_wrong(text, f"{reader.next()!r} is out of place"))
    return layers


def _wrong(text: str, what: str) -> str:
    return f"layers = {text[:80]!r}: {what}; write it as {EXAMPLE!r}"


class _Reader:
    """Tokens and how far they are read."""

    def __init__(self, text: str, tokens: list[str]) -> None:
        self.text = text
        self.tokens = tokens
        self.place = 0

    def next(self) -> str:
        return self.tokens[self.place] if self.place < len(self.tokens) else ""

    def take(self, wanted: str = "") -> str:
        token = self.next()
        if not token or (wanted and token != wanted):
            what = repr(wanted) if wanted else "a layer or an option"
            where = f"after {self.tokens[self.place - 1]!r}" if self.place else "at its beginning"
            raise InputError(_wrong(self.text, f"{what} is missing {where}"))
        self.place += 1
        return token

    def layer(self, depth: int) -> StatedLayer:
        kind = self.take()
        if not kind[0].isalpha() or depth > 4:
            raise InputError(_wrong(self.text, f"{kind!r} is not the class of a layer"))
        options: dict[str, Json] = {}
        if self.next() == "(":
            self.take("(")
            while self.next() != ")":
                self._option(kind, options, depth)
                if self.next() != ")":
                    self.take(",")
            self.take(")")
        for name in NEEDED.get(kind, ()):
            if name not in options:
                raise InputError(_wrong(self.text, f"{kind} does not say its {name}"))
        return StatedLayer(kind, options)

    def _option(self, kind: str, options: dict[str, Json], depth: int) -> None:
        names = POSITIONS.get(kind, ())
        follows = self.tokens[self.place + 1 : self.place + 2]
        if follows == ["="]:
            name = self.take()
            self.take("=")
        elif len(options) < len(names):
            name = names[len(options)]
        else:
            raise InputError(_wrong(self.text, f"{kind} takes {len(names)} options without a name"))
        if name in options:
            raise InputError(_wrong(self.text, f"{kind} says its {name} twice"))
        options[name] = self.layer(depth + 1) if name == "layer" else _value(self.take())


def _value(word: str) -> Any:
    words = {"true": True, "True": True, "false": False, "False": False, "None": None}
    if word in words:
        return words[word]
    if re.fullmatch(r"-?\d+", word):
        return int(word)
    return float(word) if re.match(r"-?\d", word) else word


def model_of(
    text: str, weights: WeightsFile
) -> tuple[dict[str, Json], list[str], dict[str, VariableStore]]:
    """Join the stated layers with the arrays into a model as Keras would write it.

    Gives the model, notes, and where the arrays of each layer are, by the layer's name.
    """
    layers = parse(text)
    with_arrays = [layer for layer in layers if layer.kind in WITH_ARRAYS]
    if len(with_arrays) > len(weights.layers) or (
        weights.ordered and len(with_arrays) != len(weights.layers)
    ):
        raise InputError(_wrong(text, _miscounted(len(with_arrays), weights)))
    left, entries, notes = list(weights.layers), [], []
    notes.append(told("The layers are as stated: {layers}.", layers=text.strip()))
    stores: dict[str, VariableStore] = {}
    for number, layer in enumerate(layers):
        options = _plain_options(layer, layers[number + 1 :], notes)
        if layer.kind not in WITH_ARRAYS:
            entries.append({"class_name": layer.kind, "config": options})
            options.setdefault("name", f"{layer.kind.lower()}_{number}")
            continue
        arrays = _arrays_meant(layer, left, weights, text)
        entry = arrays and arrays.entry(layer.kind, layer.inner, options)
        if not arrays or not entry:
            raise InputError(_wrong(text, _misplaced(layer, arrays)))
        stores[str(entry["config"]["name"])] = arrays.store
        entries.append(entry)
    if left:
        raise InputError(_wrong(text, _miscounted(len(with_arrays), weights)))
    entries[0]["config"]["batch_input_shape"] = _input_shape(entries, layers, weights)
    return {"class_name": "Sequential", "config": entries}, notes, stores


def _miscounted(stated: int, weights: WeightsFile) -> str:
    held = ", ".join(f"{arrays.name}: {_words(arrays)}" for arrays in weights.layers)
    return f"layers with arrays in it: {stated}, in the file: {len(weights.layers)} ({held})"


def _arrays_meant(
    layer: StatedLayer, left: list[LayerArrays], weights: WeightsFile, text: str
) -> LayerArrays | None:
    """Give the arrays of a stated layer: by its name, or the next; without an order, of its class.

    Where the file keeps no order and several could be meant, the statement must name one.
    """
    named = layer.options.get("name")
    if named is not None:
        fits = [each for each in left if each.name == named]
        fits = fits or [each for each in left if each.place == named]
    elif weights.ordered:
        fits = left[:1]
    else:
        meant = replace(weights, layers=tuple(left))
        fits = meant.candidates(layer.kind, layer.inner)
    if len(fits) > 1:
        names = ", ".join(each.name for each in fits)
        raise InputError(
            _wrong(
                text,
                f"the file holds {len(fits)} layers of the class {layer.kind} ({names}) and does "
                f"not say in which order they stand: name each, as {layer.kind}(..., "
                f"name={fits[0].name})",
            )
        )
    if not fits:
        return None
    left.remove(fits[0])
    return fits[0]


def _misplaced(layer: StatedLayer, arrays: LayerArrays | None) -> str:
    if not arrays:
        return f"the file has no more arrays of the class {layer.kind}"
    shapes = ", ".join(str(array.shape) for array in arrays.arrays)
    where = f"{arrays.name!r} of the file ({_words(arrays)}; {shapes})"
    return f"{layer.kind} stands where the arrays are {where}"


def _words(arrays: LayerArrays) -> str:
    return " or ".join(arrays.kinds) or "unknown"


def _plain_options(
    layer: StatedLayer, after: Sequence[StatedLayer], notes: list[str]
) -> dict[str, Json]:
    inner = layer.options.get("layer")
    left_out = {"layer", "name"} if layer.kind in WITH_ARRAYS else {"layer"}
    options = {name: value for name, value in layer.options.items() if name not in left_out}
    if isinstance(inner, StatedLayer):
        options["layer"] = _plain_options(inner, after, notes)
    if layer.kind in CELLS and "return_sequences" not in options:
        follows = next((each.kind for each in after if each.kind not in PASSES), "")
        options["return_sequences"] = follows in TAKES_STEPS
        where = told("before {layer}", layer=follows) if follows else told("at the end")
        values = {"kind": layer.kind, "where": where}
        notes.append(
            told("{kind} {where} gives every step, as nothing else was stated.", **values)
            if options["return_sequences"]
            else told("{kind} {where} gives its last step, as nothing else was stated.", **values)
        )
    return options


def _input_shape(
    entries: Sequence[dict[str, Json]], layers: Sequence[StatedLayer], weights: WeightsFile
) -> list[int | None]:
    """Give the input that the first layer with arrays takes."""
    first = next((k for k, layer in enumerate(layers) if layer.kind in WITH_ARRAYS), None)
    steps = any(layer.kind in TAKES_STEPS for layer in layers)
    if first is None or not weights.layers:
        raise InputError("the file holds no arrays, so no layers can be stated for it")
    if layers[first].kind == "Embedding":
        return [None, None]
    name = entries[first]["config"]["name"]
    arrays = next(each for each in weights.layers if each.name == name)
    kernel = arrays.arrays[0].shape
    features = kernel[-2] if len(kernel) > 1 else sum(kernel)
    return [None, None, features] if steps else [None, features]
