"""State dicts of PyTorch: named arrays, and no word on how they are used.

The recurrent layers are told by the names and shapes of their arrays; what comes after them is in
the module's forward code, which a state dict does not hold. A linear head is taken where the
caller names it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from rnnlens.errors import InputError, UnsupportedModel
from rnnlens.network.check import check
from rnnlens.network.layers import Bidirectional, Dense, Input, Layer
from rnnlens.network.network import Network, Node, Origin, Source
from rnnlens.readers.layouts import CellArray
from rnnlens.readers.options import ReadOptions
from rnnlens.readers.torch.recurrent import Level, cell_of, kind_of, level_of

__all__ = ["PATTERN", "TAKES", "LazyArray", "RecurrentModule", "modules_of", "network_of"]

#: Options that a state dict takes.
TAKES = frozenset({"head", "nonlinearity"})

#: The name of one array of a recurrent module: ``encoder.rnn.weight_hh_l1_reverse``; a Cell's
#: arrays have no ``_l1``.
PATTERN = re.compile(
    r"(?:(?P<module>.+)\.)?(?P<role>weight_ih|weight_hh|weight_hr|bias_ih|bias_hh)"
    r"(?:_l(?P<layer>\d{1,4})(?P<reverse>_reverse)?)?"
)


@dataclass(frozen=True, eq=False)
class LazyArray:
    """One array of a state dict, not yet loaded."""

    shape: tuple[int, ...]
    #: Gives its numbers and its name.
    load: Callable[[], CellArray]


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
    name, module = _only_module(modules_of(arrays))
    levels = module.levels_of(name, options)
    nodes = [Node("x", Input((None, levels[0][1].cells[0].features)))]
    for label, level in levels:
        nodes.append(Node(label, level.layer, ((nodes[-1].name, 0),), level.sources))
    used = {key for key in arrays if (match := PATTERN.fullmatch(key)) and _of(match) == name}
    if options.head is not None:
        nodes.append(_head(arrays, options.head, levels[-1][1], nodes[-1].name))
        used |= {f"{options.head}.weight", f"{options.head}.bias"}
    notes = (*origin.notes, *_notes(name, module, sorted(set(arrays) - used), options.head))
    origin = Origin(origin.format, origin.version, origin.path, origin.digest, notes)
    title = name.rpartition(".")[2] or nodes[1].name.removesuffix("_l0")
    return check(Network(tuple(nodes), ((nodes[-1].name, 0),), origin, title))


def _of(match: re.Match[str]) -> str:
    return match["module"] or ""


def modules_of(arrays: Mapping[str, LazyArray]) -> dict[str, RecurrentModule]:
    """Find the recurrent modules of a state dict."""
    modules: dict[str, RecurrentModule] = {}
    for key, array in arrays.items():
        match = PATTERN.fullmatch(key)
        if match:
            number = None if match["layer"] is None else int(match["layer"])
            level = modules.setdefault(_of(match), RecurrentModule()).levels.setdefault(number, {})
            level.setdefault(bool(match["reverse"]), {})[match["role"]] = array
    return modules


def _only_module(modules: dict[str, RecurrentModule]) -> tuple[str, RecurrentModule]:
    if not modules:
        raise UnsupportedModel(
            "the state dict holds no recurrent layer: no array is called weight_ih or weight_hh, "
            "alone or with _l0 after it"
        )
    if len(modules) > 1:
        listed = ", ".join(sorted(modules))
        raise UnsupportedModel(
            f"the state dict holds {len(modules)} recurrent modules ({listed}), and how they are "
            "connected is in the forward code, which it does not hold: read the live model with "
            "rnnlens.read(model, example=x)"
        )
    return next(iter(modules.items()))


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
            "which differ: read the live model with rnnlens.read(model, example=x)"
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


def _notes(name: str, module: RecurrentModule, unused: list[str], head: str | None) -> list[str]:
    called = name or "the module"
    notes = [
        "a state dict holds no forward code: rnnlens runs the recurrent layers over the steps from "
        "a state of zero, which is what the code is taken to do; rnnlens.fidelity with the outputs "
        "that the model gave proves it",
        "batch_first is not in a state dict and changes no array: the network as read takes "
        "(sample, step, feature)",
    ]
    if None in module.levels:
        notes.append(f"{called} is a cell, taken to be called once a step, oldest step first")
    if head is None:
        heads = [key for key in unused if key.endswith(".weight")]
        hint = f'; head="{heads[-1].removesuffix(".weight")}" names one' if heads else ""
        notes.append(
            f"there is no head: the network as read ends with the last hidden state of {called}"
            f"{hint}"
        )
    else:
        notes.append(f"{head} is taken to be applied to the last hidden state of {called}")
    if unused:
        more = f" and {len(unused) - 12} more" if len(unused) > 12 else ""
        notes.append(f"arrays not used: {', '.join(unused[:12])}{more}")
    return notes
