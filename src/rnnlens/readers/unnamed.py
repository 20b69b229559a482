"""Arrays without names, as ``model.get_weights()`` gives them: each named by its gate.

Shapes say the kind of cell and the library; they never say in which order the gates stand side by
side. The order is the library's own (`rnnlens.readers.layouts`), the notes say that it is assumed,
and what would prove it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from rnnlens.errors import InputError
from rnnlens.names import GATE_LETTERS, array_name, told
from rnnlens.network.activations import Activation
from rnnlens.network.arrays import ArrayGroup, Arrays
from rnnlens.network.cells import GRU, LSTM, Cell, Gate, SimpleRNN
from rnnlens.network.inventory import NamedArray, arrays_of
from rnnlens.network.layers import Bidirectional, Recurrent
from rnnlens.network.network import Origin, Source
from rnnlens.readers import layouts
from rnnlens.readers.layouts import CellArray, split_gates
from rnnlens.readers.torch.recurrent import cell_of
from rnnlens.readers.unnamed_layers import KERAS, KERAS_1, TORCH, LayerShapes, misfits, ways

__all__ = ["name_arrays"]

#: Names of the arrays of layers without steps, where there are so many.
LOCAL_NAMES = {
    "Dense": ("W", "b"),
    "BatchNormalization": ("gamma", "beta", "mean", "variance"),
    "LayerNormalization": ("gamma", "beta"),
}
#: What layers are called, where that is not their kind in small letters.
NAMES = {
    "SimpleRNN": "simple_rnn",
    "Dense or Embedding": "dense",
    "BatchNormalization": "batch_normalization",
    "LayerNormalization": "layer_normalization",
}
#: Arrays of more axes or of none belong to no layer that is told by shapes alone.
AXES = (1, 2)

Labelled = Sequence[tuple[str, np.ndarray]]
#: A cell, and where each of its arrays came from.
CellWithSources = tuple[Cell, dict[str, Source]]


@dataclass(frozen=True)
class _Reading:
    """One way to read the arrays."""

    convention: str
    layers: Sequence[LayerShapes]

    @property
    def text(self) -> str:
        return f"{self.convention}: {' > '.join(layer.text for layer in self.layers)}"

    @property
    def order(self) -> str:
        """In which order the gates are taken to stand."""
        tables = {KERAS: layouts.KERAS, KERAS_1: layouts.KERAS1, TORCH: layouts.TORCH}
        kinds = dict.fromkeys(layer.kind for layer in self.layers if layer.recurrent)
        said = [f"{kind} {', '.join(tables[self.convention][kind].gates)}" for kind in kinds]
        return "; ".join(said)


def name_arrays(labelled: Labelled) -> Arrays:
    """Name arrays by gate, given in the order of the layers with what each is called."""
    readings = _readings(labelled)
    best = readings[0]
    names: dict[str, int] = {}
    groups = []
    for layer in best.layers:
        name = "bidirectional" if layer.directions == 2 else NAMES.get(layer.kind, "")
        name = name or layer.kind.lower()
        number = names.get(name, 0)
        names[name] = number + 1
        label = f"{name}_{number}" if number else name
        groups.append(_group(label, layer, labelled[layer.first : layer.end], best.convention))
    origin = Origin(f"{len(labelled)} arrays without names", notes=tuple(_notes(readings)))
    return Arrays(tuple(groups), origin)


def _readings(labelled: Labelled) -> list[_Reading]:
    """Give every reading of the arrays, the best first; refuse those that are none."""
    shapes = [array.shape for _, array in labelled]
    listed = ", ".join(str(shape) for shape in shapes[:16])
    if not all(len(shape) in AXES and all(shape) for shape in shapes):
        raise InputError(
            f"arrays of the shapes {listed} cannot be told apart without names: give those of the "
            "recurrent layers and of the dense layers after them, or the model itself"
        )
    found = [
        _Reading(convention, layers)
        for convention in (KERAS, KERAS_1, TORCH)
        for layers in ways(shapes, convention)
    ]
    if not found:
        raise InputError(
            f"arrays of the shapes {listed} are those of no LSTM, GRU or SimpleRNN of Keras (a "
            "kernel, a recurrent kernel and a bias, or three arrays a gate) or PyTorch (weight_ih, "
            "weight_hh, bias_ih, bias_hh): give all arrays of the layers, in the order in which "
            "the library gives them"
        )
    return sorted(found, key=lambda one: (misfits(one.layers), len(one.layers)))


def _notes(readings: Sequence[_Reading]) -> list[str]:
    best = readings[0]
    others = [one for one in readings[1:] if misfits(one.layers) == misfits(best.layers)]
    notes: list[str] = [
        told(
            "told by shapes alone, read as {reading}; assumed is the order of the gates that "
            "{library} keeps ({order}), which no shape shows",
            reading=best.text,
            library=best.convention,
            order=best.order,
        ),
        told(
            "what would prove it: rnnlens.identify(arrays, X, Y) with inputs X and what the "
            "network gave for them runs every order of the gates, and accepts the only one that "
            "fits"
        ),
    ]
    texts = list(dict.fromkeys(one.text for one in others if one.text != best.text))
    if texts:
        other: str = "; ".join(texts[:3])
        if len(texts) > 3:
            other = told("{readings}, and {more} more", readings=other, more=len(texts) - 3)
        ambiguous = told(
            "the shapes are ambiguous, for they fit as well {readings}", readings=other
        )
        notes.insert(1, ambiguous)
    return notes


def _group(name: str, layer: LayerShapes, labelled: Labelled, convention: str) -> ArrayGroup:
    if not layer.recurrent:
        return ArrayGroup(name, layer.kind, tuple(_plain(name, layer, labelled, convention)))
    half = len(labelled) // layer.directions
    sides = [
        _cell(layer.kind, labelled[start : start + half], convention)
        for start in range(0, len(labelled), half)
    ]
    cells = [Recurrent(cell, go_backwards=bool(k)) for k, (cell, _) in enumerate(sides)]
    if layer.directions == 1:
        made, sources = cells[0], sides[0][1]
    else:
        made = Bidirectional(cells[0], cells[1])
        sources = {
            f"{side}.{local}": source
            for side, (_, places) in zip(("forward", "backward"), sides, strict=True)
            for local, source in places.items()
        }
    arrays = tuple(one.within(name, sources) for one in arrays_of(made))
    return ArrayGroup(name, layer.text, arrays, made)


def _plain(
    name: str, layer: LayerShapes, labelled: Labelled, convention: str
) -> Sequence[NamedArray]:
    """Name the arrays of a layer without steps, its kernel (feature, unit)."""
    locals_ = LOCAL_NAMES.get(layer.kind, ("W", "b"))
    turned = convention == TORCH and layer.kind.startswith("Dense")
    return [
        NamedArray(
            name,
            local,
            "",
            "",
            array.T.copy() if turned and array.ndim == 2 else array.copy(),
            (),
            Source(f"{label} transposed" if turned and array.ndim == 2 else label),
        )
        for local, (label, array) in zip(locals_, labelled, strict=False)
    ]


def _cell(kind: str, labelled: Labelled, convention: str) -> CellWithSources:
    """Make a cell whose functions nobody stated: good for names and counts."""
    if convention == KERAS_1:
        gates, sources = _separate(kind, labelled)
        return _joined(kind, gates, reset_after=False), sources
    roles = ("weight_ih", "weight_hh", "bias_ih", "bias_hh") if convention == TORCH else "WUb"
    arrays = {
        role: CellArray(array, label) for role, (label, array) in zip(roles, labelled, strict=False)
    }
    if convention == TORCH:
        return cell_of(kind, arrays)
    layout = layouts.KERAS[kind]
    units = arrays["U"].values.shape[0]
    gates, sources = split_gates(kind, layout, arrays, units)
    bias = arrays.get("b")
    return _joined(kind, gates, reset_after=bias is not None and bias.values.ndim == 2), sources


def _separate(kind: str, labelled: Labelled) -> tuple[dict[str, Gate], dict[str, Source]]:
    """Take W, U and b of one gate after another, as Keras 1 has them."""
    gates, sources = {}, {}
    for number, gate in enumerate(layouts.KERAS1[kind].gates):
        own = labelled[3 * number : 3 * number + 3]
        gates[gate] = Gate(*(array.copy() for _, array in own))
        for piece, (label, _) in zip("WUb", own, strict=True):
            sources[array_name(piece, GATE_LETTERS[kind][gate])] = Source(label)
    return gates, sources


def _joined(kind: str, gates: Mapping[str, Gate], *, reset_after: bool) -> Cell:
    if kind == "LSTM":
        return LSTM(gates["input"], gates["forget"], gates["cell"], gates["output"])
    if kind == "GRU":
        return GRU(gates["update"], gates["reset"], gates["candidate"], reset_after=reset_after)
    return SimpleRNN(gates["hidden"], Activation("tanh"))
