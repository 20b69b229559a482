"""Recurrent layers of PyTorch: its own modules where they hold the cell, else a loop over steps."""

from __future__ import annotations

from collections.abc import Sequence

from rnnlens.network.cells import GRU, LSTM, Cell, FloatArray, SimpleRNN
from rnnlens.network.inventory import arrays_of
from rnnlens.network.layers import Bidirectional, Layer, Recurrent
from rnnlens.network.network import Node
from rnnlens.readers.layouts import TORCH
from rnnlens.writers.packing import has, packed
from rnnlens.writers.torch.functions import function_of
from rnnlens.writers.torch.graph import TorchClassWriter
from rnnlens.writers.written import refuse

__all__ = ["CLASSES", "is_own_module", "merged_sides", "recurrent_lines", "sides", "stacks"]

#: Modules by kind of cell.
CLASSES = {"LSTM": "LSTM", "GRU": "GRU", "SimpleRNN": "RNN"}

#: Letters of the equations, by kind of cell: what each gate is called in the code.
STATES = {"LSTM": ("h", "c"), "GRU": ("h",), "SimpleRNN": ("h",)}


def sides(layer: Layer) -> tuple[Recurrent, ...]:
    """Give the directions of a recurrent layer."""
    if isinstance(layer, Bidirectional):
        return layer.forward, layer.backward
    return (layer,) if isinstance(layer, Recurrent) else ()


def stacks(before: Node, node: Node) -> bool:
    """Tell whether a layer may be the next one of a stack: the same but for its input."""
    last, own = sides(before.layer), sides(node.layer)
    if len(last) != len(own) or not own or any(side.go_backwards for side in (last[0], own[0])):
        return False
    if not (is_own_module(before.layer) and is_own_module(node.layer)):
        return False
    if any(_merge(each.layer) != "concat" for each in (before, node)):
        return False
    alike = all(_form(a.cell) == _form(b.cell) for a, b in zip(last, own, strict=True))
    width = sum(side.cell.state_sizes[0] for side in last)
    return alike and last[0].return_sequences and own[0].cell.features == width


def is_own_module(layer: Layer) -> bool:
    """Tell whether a module of PyTorch computes what a recurrent layer does."""
    both = sides(layer)
    if not both or not all(_is_own_cell(side.cell) for side in both):
        return False
    if len(both) == 1:
        return True
    first, second = both
    turned = first.go_backwards or not second.go_backwards
    return not turned and _form(first.cell) == _form(second.cell)


def _is_own_cell(cell: Cell) -> bool:
    if has(cell, "V"):
        return False
    if isinstance(cell, LSTM | GRU):
        after = isinstance(cell, LSTM) or cell.reset_after
        return after and _functions(cell) == ("tanh", "sigmoid")
    return isinstance(cell, SimpleRNN) and _functions(cell)[0] in {"tanh", "relu"}


def _form(cell: Cell) -> tuple[object, ...]:
    biased = has(cell, "b") or has(cell, "b_r")
    return cell.kind, cell.state_sizes, cell.units, _functions(cell), biased


def _functions(cell: Cell) -> tuple[str, ...]:
    """Give the functions of a cell by name; one with unusual parameters has no name of its own."""
    given = [getattr(cell, key, None) for key in ("activation", "recurrent_activation")]
    return tuple(
        one.name if one.parameters == type(one)(one.name).parameters else str(one)
        for one in given
        if one is not None
    )


def _merge(layer: Layer) -> str | None:
    return layer.merge_mode if isinstance(layer, Bidirectional) else "concat"


def recurrent_lines(
    nodes: Sequence[Node], inputs: Sequence[str], writer: TorchClassWriter
) -> list[str]:
    """Write a recurrent layer, or a stack of some, and name what it gives."""
    layer = nodes[-1].layer
    if is_own_module(layer):
        return _own(nodes, inputs, writer)
    if isinstance(layer, Bidirectional):
        return _apart(layer, inputs, writer)
    assert isinstance(layer, Recurrent)
    return _loop(layer, inputs, writer)


# --- a module of PyTorch -----------------------------------------------------------------------


def _own(nodes: Sequence[Node], inputs: Sequence[str], writer: TorchClassWriter) -> list[str]:
    layer = nodes[-1].layer
    both = sides(layer)
    first = both[0]
    stem = CLASSES[first.cell.kind].lower()
    called = writer.module(nodes[0].layer, stem, _constructor(nodes), _packed(nodes))
    taken = f"{inputs[0]}.flip(1)" if first.go_backwards else inputs[0]
    given = ", ".join([taken, *_initial(both, inputs[1:])])
    joined = _merge(layer) == "concat"
    gives = writer.variable() if joined else writer.fresh(writer.scope)
    states = [writer.fresh(state) for state in STATES[first.cell.kind]]
    if first.return_sequences:
        ends = _named(states) if first.return_state else "_"
        writer.line(f"{gives}, {ends} = {called}({given})")
    else:
        # A state that nothing takes is not named: the line is what people write themselves.
        named = states if first.return_state else [states[0], *("_" for _ in states[1:])]
        writer.line(f"_, {_named(named)} = {called}({given})")
        last = [f"{states[0]}[{k}]" for k in range(-len(both), 0)]
        writer.line(f"{gives} = {_side_by_side(last)}")
    outputs = [gives] if joined else _merged(layer, gives, writer)
    if first.return_state:
        ways = range(-len(both), 0)
        outputs += [f"{state}[{way}]" for way in ways for state in states]
    return outputs


def _packed(nodes: Sequence[Node]) -> dict[str, FloatArray]:
    """Give the arrays of a stack by their roles in PyTorch."""
    arrays: dict[str, FloatArray] = {}
    for number, node in enumerate(nodes):
        for side, way in zip(sides(node.layer), ("", "_reverse"), strict=False):
            roles = _roles(side.cell)
            arrays |= {f"{role}_l{number}{way}": values for role, values in roles.items()}
    return arrays


def _named(states: Sequence[str]) -> str:
    return f"({', '.join(states)})" if len(states) > 1 else states[0]


def _side_by_side(ends: list[str]) -> str:
    return ends[0] if len(ends) == 1 else f"torch.cat([{', '.join(ends)}], dim=1)"


def _merged(layer: Layer, both: str, writer: TorchClassWriter) -> list[str]:
    """Make of the two directions, side by side, what the layer makes of them."""
    assert isinstance(layer, Bidirectional)
    sides_of = [f"{both}.chunk(2, dim=-1)[{k}]" for k in range(2)]
    if layer.merge_mode is None:
        return [writer.assign(side, writer.scope) for side in sides_of]
    return [writer.assign(_MERGES[layer.merge_mode].format(*sides_of))]


_MERGES = {
    "concat": "torch.cat([{}, {}], dim=-1)",
    "sum": "{} + {}",
    "mul": "{} * {}",
    "ave": "({} + {}) / 2",
}


def _initial(both: Sequence[Recurrent], given: Sequence[str]) -> list[str]:
    """Give the states to start from as PyTorch takes them: (direction, sample, unit) each."""
    if not given:
        return []
    count = len(both[0].cell.states)
    stacked = [f"torch.stack([{', '.join(given[k::count])}])" for k in range(count)]
    return [f"({', '.join(stacked)})" if count > 1 else stacked[0]]


def _constructor(nodes: Sequence[Node]) -> str:
    cell = sides(nodes[0].layer)[0].cell
    options = []
    if len(nodes) > 1:
        options.append(f"num_layers={len(nodes)}")
    if isinstance(cell, SimpleRNN) and cell.activation.name == "relu":
        options.append('nonlinearity="relu"')
    if not (has(cell, "b") or has(cell, "b_r")):
        options.append("bias=False")
    if isinstance(nodes[0].layer, Bidirectional):
        options.append("bidirectional=True")
    if isinstance(cell, LSTM) and cell.projection is not None:
        options.append(f"proj_size={cell.state_sizes[0]}")
    listed = ", ".join([str(cell.features), str(cell.units), "batch_first=True", *options])
    return f"torch.nn.{CLASSES[cell.kind]}({listed})"


def _roles(cell: Cell) -> dict[str, FloatArray]:
    order = TORCH[cell.kind].gates
    roles = {"weight_ih": packed(cell, order, "W").T, "weight_hh": packed(cell, order, "U").T}
    if has(cell, "b") or has(cell, "b_r"):
        roles |= {"bias_ih": packed(cell, order, "b"), "bias_hh": packed(cell, order, "b_r")}
    if isinstance(cell, LSTM) and cell.projection is not None:
        roles["weight_hr"] = cell.projection.T
    return roles


# --- other cells -------------------------------------------------------------------------------


def _apart(layer: Bidirectional, inputs: Sequence[str], writer: TorchClassWriter) -> list[str]:
    """Write two directions as two layers."""
    half = (len(inputs) - 1) // 2
    given = (inputs[1 : 1 + half], inputs[1 + half :])
    straight, writer.straight = writer.straight, False
    ways = []
    for side, states in zip(sides(layer), given, strict=True):
        one = Node(writer.scope, side)
        ways.append(recurrent_lines([one], [inputs[0], *states], writer))
    both = [way[0] for way in ways]
    if layer.forward.return_sequences:  # Keras turns the second round, whichever reads newest first
        both[1] = writer.assign(f"{both[1]}.flip(1)")
    writer.straight = straight
    states = [state for way in ways for state in way[1:]]
    return [*merged_sides(layer, both, writer), *states]


def merged_sides(layer: Layer, both: Sequence[str], writer: TorchClassWriter) -> list[str]:
    """Make of the outputs of each direction what the layer gives."""
    if not isinstance(layer, Bidirectional) or layer.merge_mode is None:
        return [writer.assign(one) for one in both]
    return [writer.assign(_MERGES[layer.merge_mode].format(*both))]


def _loop(layer: Recurrent, inputs: Sequence[str], writer: TorchClassWriter) -> list[str]:
    """Write a cell that PyTorch has no module for, step by step, by its equations."""
    cell = layer.cell
    for option in ("activation", "recurrent_activation"):
        activation = getattr(cell, option, None)
        if activation is not None and function_of(activation) is None:
            refuse(
                writer.scope,
                layer,
                f"rnnlens writes no PyTorch code for its activation {activation}; .npz holds every "
                "network, .onnx and .keras hold many",
            )
    arrays = {array.local_name: array.values for array in arrays_of(layer)}
    called = writer.numbers(layer, CLASSES[cell.kind].lower(), arrays)
    x, step = inputs[0], writer.fresh("step")
    states = [writer.fresh(state) for state in STATES[cell.kind]]
    for state, size, given in zip(
        states, cell.state_sizes, inputs[1:] or [""] * len(states), strict=True
    ):
        writer.line(f"{state} = {given or f'{x}.new_zeros({x}.shape[0], {size})'}")
    kept = writer.fresh(f"{writer.scope}_steps") if layer.return_sequences else ""
    if kept:
        writer.line(f"{kept} = []")
    turned = ".flip(1)" if layer.go_backwards else ""
    writer.line(f"for {step} in {x}{turned}.unbind(1):")
    for line in _equations(cell, called, set(arrays), step, states, writer):
        writer.line(f"    {line}")
    gives = states[0]
    if kept:
        writer.line(f"    {kept}.append({states[0]})")
        gives = f"torch.stack({kept}, dim=1)"
    return [writer.assign(gives), *(states if layer.return_state else [])]


def _equations(
    cell: Cell,
    p: str,
    there: set[str],
    x: str,
    states: list[str],
    writer: TorchClassWriter,
) -> list[str]:
    h = states[0]

    def sum_of(letter: str, *, peep: str = "", hidden: str = h, side: bool = True) -> str:
        keys = {kind: _key(kind, letter) for kind in ("W", "U", "b", "b_r", "V")}
        terms = [f"{x} @ {p}['{keys['W']}']"]
        if side:
            terms.append(f"{hidden} @ {p}['{keys['U']}']")
            terms += [f"{p}['{keys['b_r']}']"] if keys["b_r"] in there else []
        terms += [f"{p}['{keys['b']}']"] if keys["b"] in there else []
        terms += [f"{p}['{keys['V']}'] * {peep}"] if keys["V"] in there else []
        return " + ".join(terms)

    def applied(option: str, text: str, name: str) -> list[str]:
        function = function_of(getattr(cell, option))
        first = [f"{name} = {text}"]
        return [*first, f"{name} = {function.format(name)}"] if function else first

    letters = {letter: writer.fresh(letter) for letter in ("i", "f", "g", "o", "z", "r", "n")}
    if isinstance(cell, LSTM):
        c = states[1]
        lines = [
            *applied("recurrent_activation", sum_of("i", peep=c), letters["i"]),
            *applied("recurrent_activation", sum_of("f", peep=c), letters["f"]),
            *applied("activation", sum_of("c"), letters["g"]),
            f"{c} = {letters['f']} * {c} + {letters['i']} * {letters['g']}",
            *applied("recurrent_activation", sum_of("o", peep=c), letters["o"]),
            *applied("activation", c, h),
            f"{h} = {letters['o']} * {h}",
        ]
        return [*lines, f"{h} = {h} @ {p}['P']"] if cell.projection is not None else lines
    if isinstance(cell, GRU):
        z, r, n = letters["z"], letters["r"], letters["n"]
        inner = sum_of("n", hidden=f"({r} * {h})")
        if cell.reset_after:
            bias = f" + {p}['b_rn']" if "b_rn" in there else ""
            inner = f"{sum_of('n', side=False)} + {r} * ({h} @ {p}['U_n']{bias})"
        return [
            *applied("recurrent_activation", sum_of("z"), z),
            *applied("recurrent_activation", sum_of("r"), r),
            *applied("activation", inner, n),
            f"{h} = {z} * {h} + (1 - {z}) * {n}",
        ]
    return applied("activation", sum_of(""), h)


def _key(kind: str, letter: str) -> str:
    """Name an array as `inspect` does: ``W_i``, ``b_rz``, and ``W`` of a cell without gates."""
    return f"{kind}_{letter}" if letter and kind != "b_r" else f"{kind}{letter}"
