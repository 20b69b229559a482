"""LSTM, GRU and RNN nodes of ONNX, turned into recurrent layers.

Equations, orders and layouts are those of the operators' documentation (onnx/docs/Operators.md);
the order of the gates is in `rnnlens.readers.layouts`. An output past the end of a sequence is
zero, and the final states are those at each sequence's own end. Of a sequence of length zero the
standard says nothing: here its states stay the initial ones, where onnxruntime makes them zero.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rnnlens.errors import UnreadableFile, UnsupportedModel
from rnnlens.names import GATE_LETTERS, array_name
from rnnlens.network.activations import Activation
from rnnlens.network.axes import ExpandDims, Flip, Lengths, Unmask
from rnnlens.network.cells import GRU, LSTM, Cell, Gate, SimpleRNN
from rnnlens.network.layers import Bidirectional, Concatenate, Recurrent, Reshape
from rnnlens.network.network import Source
from rnnlens.readers.layouts import ONNX, ONNX_PEEPHOLES
from rnnlens.readers.onnx.graph.activations import activations_of
from rnnlens.readers.onnx.graph.builder import OnnxGraphBuilder
from rnnlens.readers.onnx.graph.inputs import optional
from rnnlens.readers.onnx.graph.values import (
    FixedArray,
    OnnxTensor,
    OnnxValue,
    constant_in,
)
from rnnlens.readers.onnx.proto import OnnxOperator
from rnnlens.readers.refusals import WrongSampleAxis

__all__ = ["KINDS", "recurrent"]

#: Operators and the cells that they are.
KINDS = {"LSTM": "LSTM", "GRU": "GRU", "RNN": "SimpleRNN"}
#: Functions of one direction where a node names none.
USUAL = {"LSTM": ("Sigmoid", "Tanh", "Tanh"), "GRU": ("Sigmoid", "Tanh"), "RNN": ("Tanh",)}
#: Every attribute that is read; another is refused.
KNOWN_ATTRIBUTES = {
    "activation_alpha",
    "activation_beta",
    "activations",
    "direction",
    "hidden_size",
    "input_forget",
    "layout",
    "linear_before_reset",
    "clip",
}

Refs = tuple[int, int]


@dataclass(frozen=True, eq=False)
class _Weights:
    """The arrays of a node, checked against each other: (direction, gates x unit, ...)."""

    W: FixedArray
    R: FixedArray
    B: FixedArray | None
    P: FixedArray | None
    units: int


def recurrent(
    op: OnnxOperator, values: list[OnnxValue | None], builder: OnnxGraphBuilder, used: set[str]
) -> list:
    """Read one recurrent node."""
    _refuse_options(op)
    x = _sequence(op, values[0])
    direction = op.attributes.get("direction", "forward").lower()
    if direction not in {"forward", "reverse", "bidirectional"}:
        raise UnreadableFile(
            f"node {op.text} has the direction {direction!r}, which is none: the file is damaged"
        )
    weights = _weights(op, values, x, 2 if direction == "bidirectional" else 1)
    wants = [bool(name) and name in used for name in (*op.outputs, "", "", "")[:3]]
    lengths = _lengths(op, optional(values, 4), x, builder)
    layers, sources = _layers(op, weights, direction, wants, masked=lengths is not None)
    states = _initial_states(op, values, x, layers, builder)
    entry = x.ref
    if lengths is not None:
        entry = builder.add("lengths", Lengths(), (x.ref, lengths), (x.sample,))
    node = _added(op, layers, (entry, *states), sources, builder)
    outputs = _outputs(builder, node, layers, direction, masked=lengths is not None)
    return _placed(outputs, x, layers, wants, builder)


def _sequence(op: OnnxOperator, x: OnnxValue | None) -> OnnxTensor:
    if not isinstance(x, OnnxTensor):
        raise UnsupportedModel(f"node {op.text} reads a sequence that the file fixes")
    place = 0 if op.attributes.get("layout", 0) else 1
    if x.rank != 3 or x.batch != place:
        raise WrongSampleAxis(
            f"node {op.text} takes its samples along axis {place}, and what it is given has them "
            "elsewhere or nowhere; export the model with a batch axis"
        )
    return x


def _added(
    op: OnnxOperator,
    layers: list[Recurrent],
    taken: tuple[Refs, ...],
    sources: dict[str, Source],
    builder: OnnxGraphBuilder,
) -> Refs:
    first = layers[0]
    layer = first if len(layers) == 1 else Bidirectional(first, layers[1])
    H, steps = first.cell.units, builder.samples[taken[0]][0]
    width = H * len(layers)
    states = [(H,)] * (len(first.cell.states) * len(layers)) if first.return_state else []
    whole = (steps, width) if first.return_sequences else (width,)
    return builder.add(op.label(op.kind.lower()), layer, taken, (whole, *states), sources)


def _refuse_options(op: OnnxOperator) -> None:
    unknown = sorted(set(op.attributes) - KNOWN_ATTRIBUTES)
    if unknown:
        raise UnsupportedModel(f"node {op.text} has the option {unknown[0]}, which is not standard")
    if "clip" in op.attributes:
        raise UnsupportedModel(
            f"node {op.text} clips what goes into its activations (clip = "
            f"{op.attributes['clip']:g}), which rnnlens does not implement; export the model "
            "without it"
        )
    if op.attributes.get("input_forget", 0):
        raise UnsupportedModel(
            f"node {op.text} couples its input and forget gates (input_forget = 1), which rnnlens "
            "does not implement"
        )


def _fixed(op: OnnxOperator, value: OnnxValue | None, name: str, what: str) -> FixedArray | None:
    if isinstance(value, OnnxTensor):
        raise UnsupportedModel(
            f"node {op.text} takes {what} from {name!r}, which the data or the caller supply, so "
            f"the file holds no weights for it; give them: weights={{{name!r}: array}}"
        )
    return value


def _weights(
    op: OnnxOperator, values: list[OnnxValue | None], x: OnnxTensor, count: int
) -> _Weights:
    names = (*op.inputs, *[""] * 8)
    places = {"W": 1, "R": 2, "B": 3, "P": 7 if op.kind == "LSTM" else 8}
    arrays = {
        role: _fixed(op, optional(values, place), names[place], f"its {role}")
        for role, place in places.items()
    }
    W, R, B, P = (arrays[role] for role in places)
    if W is None or R is None or R.values.ndim != 3:
        raise UnreadableFile(f"node {op.text} has no kernels W and R: the file is damaged")
    units, gates = R.values.shape[2], len(ONNX[KINDS[op.kind]].gates)
    wanted = {
        "W": (count, gates * units, x.shape[2]),
        "R": (count, gates * units, units),
        "B": (count, 2 * gates * units),
        "P": (count, 3 * units),
    }
    for role, known in arrays.items():
        if known is None:
            continue
        if known.values.shape != wanted[role] or known.values.dtype.kind != "f":
            raise UnreadableFile(
                f"node {op.text}: its {role} has shape {known.values.shape} and type "
                f"{known.values.dtype}, but {wanted[role]} of floating point fits the others: the "
                "file is damaged"
            )
    if op.attributes.get("hidden_size", units) != units:
        raise UnreadableFile(
            f"node {op.text} states hidden_size = {op.attributes['hidden_size']}, but its arrays "
            f"are for {units} units: the file is damaged"
        )
    return _Weights(W, R, B, P, units)


def _gates(op: OnnxOperator, w: _Weights, d: int) -> tuple[dict[str, Gate], dict[str, Source]]:
    """Cut the arrays of one direction into gates, and say where each lay."""
    cell, H = KINDS[op.kind], w.units
    order = ONNX[cell].gates
    gates, sources = {}, {}
    for number, gate in enumerate(order):
        a, b = number * H, (number + 1) * H
        shift = len(order) * H
        pieces: dict[str, tuple[FixedArray, str, np.ndarray]] = {
            "W": (w.W, f"[{d}, {a}:{b}, :].T", w.W.values[d, a:b].T),
            "U": (w.R, f"[{d}, {a}:{b}, :].T", w.R.values[d, a:b].T),
        }
        if w.B is not None:
            pieces["b"] = (w.B, f"[{d}, {a}:{b}]", w.B.values[d, a:b])
            c, e = a + shift, b + shift
            pieces["b_r"] = (w.B, f"[{d}, {c}:{e}]", w.B.values[d, c:e])
        if w.P is not None and gate in ONNX_PEEPHOLES:
            p = ONNX_PEEPHOLES.index(gate) * H
            pieces["V"] = (w.P, f"[{d}, {p}:{p + H}]", w.P.values[d, p : p + H])
        gates[gate] = Gate(**{kind: v.copy(order="C") for kind, (_, _, v) in pieces.items()})
        for kind, (known, place, _) in pieces.items():
            name = array_name(kind, GATE_LETTERS[cell][gate])
            sources[name] = Source(known.text + place, known.text)
    return gates, sources


def _cell(op: OnnxOperator, gates: dict[str, Gate], functions: list[Activation]) -> Cell:
    if op.kind == "RNN":
        return SimpleRNN(gates["hidden"], functions[0])
    if op.kind == "GRU":
        after = bool(op.attributes.get("linear_before_reset", 0))
        f, g = functions
        return GRU(gates["update"], gates["reset"], gates["candidate"], after, g, f)
    f, g, h = functions
    if str(g) != str(h) or g.parameters != h.parameters:
        raise UnsupportedModel(
            f"node {op.text} puts {g} on the candidate and {h} on the cell state, and rnnlens has "
            "one function for both"
        )
    order = (gates[name] for name in ("input", "forget", "cell", "output"))
    return LSTM(*order, activation=g, recurrent_activation=f)


def _layers(
    op: OnnxOperator, weights: _Weights, direction: str, wants: list[bool], *, masked: bool
) -> tuple[list[Recurrent], dict[str, Source]]:
    """Give one layer a direction, each giving no more than something takes."""
    count = 2 if direction == "bidirectional" else 1
    functions = activations_of(op.attributes, USUAL[op.kind], count, op.text)
    sequences, final, memory = wants
    # The last output is the final hidden state: it needs no states besides.
    state = memory or (final and sequences)
    layers, sources = [], {}
    for d in range(count):
        gates, places = _gates(op, weights, d)
        prefix = ("forward.", "backward.")[d] if count == 2 else ""
        sources |= {prefix + name: place for name, place in places.items()}
        layers.append(
            Recurrent(
                _cell(op, gates, functions[d]),
                go_backwards=d == 1 or direction == "reverse",
                return_sequences=sequences,
                return_state=state,
                zero_output_for_mask=sequences and masked,
            )
        )
    return layers, sources


def _lengths(
    op: OnnxOperator, given: OnnxValue | None, x: OnnxTensor, builder: OnnxGraphBuilder
) -> Refs | None:
    """Give the lengths of the sequences; None where every one is as long as the window."""
    if given is None:
        return None
    if isinstance(given, OnnxTensor):
        if given.rank != 1 or given.batch != 0:
            raise WrongSampleAxis(
                f"node {op.text} takes sequence lengths that are not one a sample"
            )
        return given.ref
    whole = x.sample[0]
    stated = given.values.reshape(-1)
    if not len(stated) or any(length != stated[0] for length in stated):
        raise UnsupportedModel(
            f"node {op.text} fixes another length for each sample of a batch; rnnlens reads "
            "networks that treat every sample alike"
        )
    if stated[0] == whole:
        return None
    if given.values.dtype == object:
        raise UnsupportedModel(f"node {op.text} takes lengths that only the data will tell")
    return builder.constant(np.asarray(stated[0], float), x.ref)


def _initial_states(
    op: OnnxOperator,
    values: list[OnnxValue | None],
    x: OnnxTensor,
    layers: list[Recurrent],
    builder: OnnxGraphBuilder,
) -> list[Refs]:
    """Give the initial states in our order: hidden and cell of the first direction, and so on."""
    given = [optional(values, 5), optional(values, 6) if op.kind == "LSTM" else None]
    given = given[: len(layers[0].cell.states)]
    count, H = len(layers), layers[0].cell.units
    stacks = [_stack(op, value, x, count, H) for value in given]
    if all(isinstance(one, np.ndarray) and not one.any() for one in stacks):
        return []
    states = []
    for d in range(count):
        for one in stacks:
            if isinstance(one, OnnxTensor):
                states.append(builder.picked(one.ref, d, 1))
            else:
                states.append(builder.constant(one[d].copy(), x.ref))
    return states


def _stack(
    op: OnnxOperator, value: OnnxValue | None, x: OnnxTensor, count: int, H: int
) -> OnnxTensor | np.ndarray:
    """Give one initial state of both directions: (direction, unit) a sample."""
    wanted = (count, H)
    if value is None:
        return np.zeros(wanted)
    if isinstance(value, OnnxTensor):
        if value.batch != x.batch or value.rank != 3 or value.sample != wanted:
            raise WrongSampleAxis(
                f"node {op.text} takes an initial state of shape {_words(value)}, but {wanted} a "
                f"sample is called for, with the samples along axis {x.batch}"
            )
        return value
    if value.values.ndim != 3:
        raise UnreadableFile(
            f"node {op.text} has an initial state of {value.values.ndim} axes where 3 are called "
            "for: the file is damaged"
        )
    fixed = constant_in(value, 3, x.batch, op.text)
    return np.broadcast_to(np.asarray(fixed, float), wanted)


def _words(value: OnnxTensor) -> str:
    return str(tuple(n if isinstance(n, int) else "any" for n in value.sample))


def _outputs(
    builder: OnnxGraphBuilder, node: Refs, layers: list[Recurrent], direction: str, *, masked: bool
) -> tuple[Refs, list[Refs]]:
    """Give the sequence, oldest step first and without a mask, and the states as they come."""
    first = layers[0]
    total = len(layers) * len(first.cell.states) if first.return_state else 0
    states = [(node[0], k) for k in range(1, total + 1)]
    value, shape = node, builder.samples[node]
    if first.return_sequences and direction == "reverse":
        value = builder.add("flip", Flip(1), (value,), (shape,))
    elif first.return_sequences and masked:
        value = builder.add("unmask", Unmask(), (value,), (shape,))
    return value, states


def _placed(
    outputs: tuple[Refs, list[Refs]],
    x: OnnxTensor,
    layers: list[Recurrent],
    wants: list[bool],
    builder: OnnxGraphBuilder,
) -> list[OnnxTensor | None]:
    """Lay the outputs out as ONNX does, with an axis of directions."""
    value, states = outputs
    count, H, cell = len(layers), layers[0].cell.units, layers[0].cell
    steps, samples = x.sample[0], x.shape[x.batch]
    placed: list[OnnxTensor | None] = [None, None, None]
    if wants[0]:
        laid = (steps, count, H)
        free = steps if isinstance(steps, int) else -1
        ref = builder.relaid(
            value, ExpandDims(2) if count == 1 else Reshape((free, count, H)), laid
        )
        shape = (samples, *laid) if x.batch == 0 else (steps, count, samples, H)
        placed[0] = OnnxTensor(ref, shape, 0 if x.batch == 0 else 2)
    for k, wanted in enumerate(wants[1:]):
        if not wanted:
            continue
        if states:
            ref = _stacked(builder, states[k :: len(cell.states)], H)
        else:  # nothing takes the sequence: the last output is the final state
            layer = ExpandDims(1) if count == 1 else Reshape((count, H))
            ref = builder.relaid(value, layer, (count, H))
        shape = (samples, count, H) if x.batch == 0 else (count, samples, H)
        placed[k + 1] = OnnxTensor(ref, shape, x.batch)
    return placed


def _stacked(builder: OnnxGraphBuilder, parts: list[Refs], H: int) -> Refs:
    tall = [builder.relaid(part, ExpandDims(1), (1, H)) for part in parts]
    if len(tall) == 1:
        return tall[0]
    return builder.add("stack", Concatenate(1), tuple(tall), ((len(tall), H),))
