"""State dicts of PyTorch: named arrays, and no word on how they are used.

The recurrent layers are told by the names and shapes of their arrays; what stands around them is in
the module's forward code, which a state dict does not hold. It is stated by the caller: a linear
head by its name, or the layers as a chain. What nobody stated is assumed, and said to be so.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from rnnlens.errors import InputError, UnsupportedModel
from rnnlens.names import told
from rnnlens.network.check import check
from rnnlens.network.layers import Bidirectional, Dense, Input, Layer, Recurrent
from rnnlens.network.network import Network, Node, Origin, Source
from rnnlens.readers.options import ReadOptions
from rnnlens.readers.torch.recurrent import Level, cell_of, kind_of, level_of
from rnnlens.readers.torch.weights.accounting import (
    check_plain_cell,
    fitting_heads,
    left_out,
    module_of,
)
from rnnlens.readers.torch.weights.build import stated_nodes
from rnnlens.readers.torch.weights.folded import folded
from rnnlens.readers.torch.weights.lazy import LazyArray
from rnnlens.readers.torch.weights.names import CELL_ARRAY
from rnnlens.readers.torch.weights.stated_recurrent import RecurrentModules
from rnnlens.readers.torch.weights.statement import parse_statement

__all__ = ["TAKES", "RecurrentModule", "modules_of", "network_of"]

#: Options that a state dict takes.
TAKES = frozenset({"head", "layers", "nonlinearity", "part"})

#: What PyTorch calls a layer of each kind.
WORDS = {"LSTM": "LSTM", "GRU": "GRU", "SimpleRNN": "RNN"}

#: The arrays of one layer and direction, by role.
Roles = dict[str, LazyArray]


@dataclass
class RecurrentModule:
    """The arrays of one recurrent module."""

    #: By layer number (None for a Cell), by direction (True for the reverse), by role.
    levels: dict[int | None, dict[bool, Roles]] = field(default_factory=dict)

    def levels_of(
        self, name: str, options: ReadOptions, *, strict: bool = True
    ) -> list[tuple[str, Level]]:
        """Make its layers."""
        kinds = _kinds(name, self)
        if strict:
            _check_nonlinearity(kinds, options, name)
        return _levels(name, self, kinds, options)


def network_of(arrays: Mapping[str, LazyArray], options: ReadOptions, origin: Origin) -> Network:
    """Make a network of a state dict."""
    if options.head is not None and options.layers is not None:
        raise InputError(
            "head and layers were both given; layers states the head too: give it alone"
        )
    plain = folded(arrays)
    modules = modules_of(plain)
    chain = _statement(options, modules)
    made = (
        _plain(plain, modules, options)
        if chain is None
        else _stated(plain, modules, chain, options)
    )
    for name in made.ran:
        check_plain_cell(name, _kind(name, modules[name]), plain, made.used)
    clauses = (*origin.assumed, *plain.assumed, *made.assumed)
    left = (*origin.left_out, *left_out(plain, made.used))
    notes = (*origin.notes, *_notes(made, modules))
    origin = replace(origin, notes=notes, assumed=clauses, left_out=left)
    first = made.ran[0]
    title = first.rpartition(".")[2] or made.nodes[1].name.removesuffix("_l0")
    return check(Network(tuple(made.nodes), tuple(made.outputs), origin, title))


@dataclass
class _Made:
    """The nodes of a state dict, and what is to be said of them."""

    nodes: list[Node]
    outputs: list[tuple[str, int]]
    #: The recurrent modules, in their order.
    ran: list[str]
    #: Names of the arrays.
    used: set[str]
    assumed: tuple[str, ...]
    #: Linear layers that would fit behind the last hidden state, where none was named.
    heads: tuple[str, ...] = ()


def _statement(options: ReadOptions, modules: Mapping[str, RecurrentModule]) -> str | None:
    """Give the chain that was stated; None for a head that is the name of a layer, or none."""
    if options.layers is not None:
        return options.layers
    head = options.head
    if head is None or not any(mark in head for mark in ">[(,"):
        return None
    name, module = _only_module(modules)
    return f"{WORDS[_kind(name, module)]}{f'({name})' if name else ''} > {head}"


def _stated(
    arrays: Mapping[str, LazyArray],
    modules: Mapping[str, RecurrentModule],
    text: str,
    options: ReadOptions,
) -> _Made:
    """Make the network that was stated."""
    kinds = {name: _kind(name, module) for name, module in modules.items()}

    def levels(name: str, nonlinearity: str | None) -> list[tuple[str, Level]]:
        given = options.nonlinearity if kinds[name] == "SimpleRNN" else None
        own = ReadOptions(nonlinearity=nonlinearity or given)
        return modules[name].levels_of(name, own)

    made = stated_nodes(text, parse_statement(text), arrays, RecurrentModules(kinds, levels))
    used = made.taken.used | {key for key in arrays if module_of(key) in made.ran}
    clause = told(
        "the layers are as stated, {layers}, which no array shows", layers=" ".join(text.split())
    )
    return _Made(made.nodes, made.outputs, made.ran, used, (clause, *_from_zero(made.ran)))


def _plain(
    arrays: Mapping[str, LazyArray], modules: Mapping[str, RecurrentModule], options: ReadOptions
) -> _Made:
    """Make a network of the one recurrent module, with the linear head that was named."""
    name, module = _only_module(modules)
    levels = module.levels_of(name, options)
    last = levels[-1][1]
    nodes = [Node("x", Input((None, levels[0][1].cells[0].features)))]
    for label, level in levels:
        nodes.append(Node(label, level.layer, ((nodes[-1].name, 0),), level.sources))
    used = {key for key in arrays if module_of(key) == name}
    clauses, heads = _from_zero([name]), ()
    if options.head is not None:
        nodes.append(_head(arrays, options.head, last, nodes[-1].name))
        used |= {f"{options.head}.weight", f"{options.head}.bias"}
        head = told(
            "{head} takes the last hidden state of {layer}, nothing between them",
            head=options.head,
            layer=name or MODULE,
        )
        clauses = (head, *clauses)
    elif not isinstance(last.layer, Bidirectional):
        heads = tuple(fitting_heads(arrays, used, last.width))
    return _Made(nodes, [(nodes[-1].name, 0)], [name], used, clauses, heads)


#: What a module without a name is called.
MODULE = told("the module")


def _from_zero(names: list[str]) -> tuple[str, ...]:
    if len(names) == 1:
        called = names[0] or MODULE
        return (
            told("{layer} begins each window in a state of zero, at its oldest step", layer=called),
        )
    called = " and ".join(name or MODULE for name in names)
    return (
        told("{layers} begin each window in a state of zero, at its oldest step", layers=called),
    )


def modules_of(arrays: Mapping[str, LazyArray]) -> dict[str, RecurrentModule]:
    """Find the recurrent modules of a state dict."""
    modules: dict[str, RecurrentModule] = {}
    for key, array in arrays.items():
        match = CELL_ARRAY.fullmatch(key)
        if match:
            number = None if match["layer"] is None else int(match["layer"])
            level = modules.setdefault(match["module"] or "", RecurrentModule()).levels.setdefault(
                number, {}
            )
            level.setdefault(bool(match["reverse"]), {})[match["role"]] = array
    return modules


def _only_module(modules: Mapping[str, RecurrentModule]) -> tuple[str, RecurrentModule]:
    if not modules:
        raise UnsupportedModel(
            "the state dict holds no recurrent layer: no array is called weight_ih or weight_hh, "
            "alone or with _l0 after it"
        )
    if len(modules) > 1:
        words = [f"{WORDS[_kind(name, one)]}({name})" for name, one in sorted(modules.items())]
        first, there = min(modules), ", ".join(sorted(modules))
        raise UnsupportedModel(
            f"the state dict holds {len(modules)} recurrent modules ({there}), "
            "and how they are connected is in the forward code, which it does not hold: pick one "
            f'with part="{first}" (--part {first}), state the layers, as in layers="{words[0]} > '
            f'last" (--layers), or read the live model with rnnlens.read(model, example=x)'
        )
    return next(iter(modules.items()))


def _kind(name: str, module: RecurrentModule) -> str:
    return next(iter(_kinds(name, module).values()))


def _kinds(name: str, module: RecurrentModule) -> dict[int | None, str]:
    """Check that the layers are whole and follow one another, and tell their kind."""
    called = name or "the module"
    numbers = sorted(-1 if number is None else number for number in module.levels)
    if numbers not in ([-1], list(range(len(numbers)))):
        raise UnsupportedModel(
            f"{called} has arrays of the layers {', '.join(f'l{n}' for n in numbers if n >= 0)}, "
            "but the layers of a module count from l0 without a gap"
        )
    kinds: dict[int | None, str] = {}
    for number, directions in module.levels.items():
        if set(directions) not in ({False}, {False, True}):
            raise UnsupportedModel(
                f"{called} has arrays of the reverse direction alone, which no module of PyTorch "
                "has"
            )
        level_kinds = {
            kind_of(
                f"{called}{'' if number is None else f' (l{number})'}",
                {role: array.shape for role, array in roles.items()},
            )
            for roles in directions.values()
        }
        kinds[number] = level_kinds.pop() if len(level_kinds) == 1 else ""
    if len(set(kinds.values())) > 1 or len({len(level) for level in module.levels.values()}) > 1:
        raise UnsupportedModel(
            f"the layers of {called} differ in kind or direction, which no module of PyTorch allows"
        )
    return kinds


def _check_nonlinearity(kinds: dict[int | None, str], options: ReadOptions, name: str) -> None:
    kind = next(iter(kinds.values()))
    called = name or "the module"
    given = options.nonlinearity
    if kind != "SimpleRNN":
        if given is not None:
            raise InputError(
                f'nonlinearity="{given}" is for plain recurrent layers, but {called} is of the '
                f"kind {kind}: leave it out"
            )
    elif given is None:
        raise InputError(
            f"{called} is a plain recurrent layer, and a state dict does not say what it computes: "
            'say nonlinearity="tanh" (what torch.nn.RNN does unless told otherwise) or '
            'nonlinearity="relu"'
        )
    elif given not in {"tanh", "relu"}:
        raise InputError(f'nonlinearity must be "tanh" or "relu", but {given!r} came')


def _levels(
    name: str, module: RecurrentModule, kinds: dict[int | None, str], options: ReadOptions
) -> list[tuple[str, Level]]:
    base = name.replace(".", "_") or next(iter(kinds.values())).lower()
    numbers = sorted(module.levels, key=lambda number: -1 if number is None else number)
    levels: list[tuple[str, Level]] = []
    for number in numbers:
        made = [
            cell_of(
                kinds[number],
                {role: array.load() for role, array in roles.items()},
                options.nonlinearity or "tanh",
            )
            for _, roles in sorted(module.levels[number].items())
        ]
        level = level_of(made, return_sequences=number != numbers[-1])
        label = base if number is None else f"{base}_l{number}"
        before = levels[-1][1].width if levels else level.cells[0].features
        if any(cell.features != before for cell in level.cells):
            raise UnsupportedModel(
                f"{label} takes {level.cells[-1].features} features, but {before} come to it: the "
                "arrays are not of one module"
            )
        levels.append((label, level))
    return levels


def _head(arrays: Mapping[str, LazyArray], head: str, last: Level, after: str) -> Node:
    weight, bias = arrays.get(f"{head}.weight"), arrays.get(f"{head}.bias")
    if weight is None or len(weight.shape) != 2 or weight.shape[1] != last.width:
        fitting = [
            key.removesuffix(".weight")
            for key, array in arrays.items()
            if key.endswith(".weight") and len(array.shape) == 2 and array.shape[1] == last.width
        ]
        what = "no such layer" if weight is None else f"its weight has shape {weight.shape}"
        raise InputError(
            f"head={head!r} must name a linear layer that takes {last.width} numbers, but {what}; "
            f"those that fit: {', '.join(fitting) or 'none'}"
        )
    if isinstance(last.layer, Bidirectional):
        raise UnsupportedModel(
            f"head={head!r} follows a bidirectional layer, and a state dict does not say whether "
            "it takes the last hidden states of both directions or the output at the last step, "
            f'which differ: say head="final > Linear({head})" or head="last > Linear({head})"'
        )
    if bias is not None and bias.shape != weight.shape[:1]:
        raise UnsupportedModel(
            f"{head}.bias has shape {bias.shape}, but its weight {weight.shape}: they are not of "
            "one layer"
        )
    W, b = weight.load(), None if bias is None else bias.load()
    layer: Layer = Dense(W.values.T.copy(), None if b is None else b.values.copy())
    sources = {"W": Source(f"{W.text} transposed", W.stored_at)}
    if b is not None:
        sources["b"] = Source(b.text, b.stored_at)
    label = head.replace(".", "_")
    return Node(label if label != after else f"{label}_head", layer, ((after, 0),), sources)


def _no_head(made: _Made) -> str:
    """Say that no head was stated, and how one is."""
    values = {"layer": made.ran[0] or MODULE, "heads": ", ".join(made.heads)}
    if not made.heads:
        return told(
            "there is no head: the network as read ends with the last hidden state of {layer}; "
            'what stands between them, layers="LSTM > relu > Linear(fc)" states',
            **values,
        )
    if len(made.heads) == 1:
        return told(
            "there is no head: the network as read ends with the last hidden state of {layer}; "
            'head="{heads}" names which fits; what stands between them, layers="LSTM > relu > '
            'Linear(fc)" states',
            **values,
        )
    return told(
        "there is no head: the network as read ends with the last hidden state of {layer}; "
        'head="{last}" names one of {heads}; what stands between them, layers="LSTM > relu > '
        'Linear(fc)" states',
        last=made.heads[-1],
        **values,
    )


def _notes(made: _Made, modules: Mapping[str, RecurrentModule]) -> list[str]:
    notes: list[str] = [
        told(
            "a state dict holds no forward code; rnnlens.fidelity with the outputs that the model "
            "gave proves what is assumed of it"
        ),
        told(
            "batch_first is not in a state dict and changes no array: the network as read takes "
            "(sample, step, feature)"
        ),
    ]
    cells = [name or MODULE for name in made.ran if None in modules[name].levels]
    if cells:
        notes.append(
            told("{layers}: a cell, taken to be called once a step", layers=" and ".join(cells))
        )
    if len(made.nodes) == sum(
        isinstance(n.layer, Recurrent | Bidirectional | Input) for n in made.nodes
    ):
        notes.append(_no_head(made))
    return notes
