"""A class of PyTorch as it grows: its modules, their arrays, and the lines of its forward code.

A state dict holds arrays by the names of modules and nothing else, so the forward code that joins
them is written with it: one line or a few for every layer, in the order of the graph.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from rnnlens.network.cells import FloatArray
from rnnlens.network.layers import Activate, Identity, Input, Layer, Recurrent
from rnnlens.network.network import Network, Node
from rnnlens.network.unique import unique_name

__all__ = ["TorchClassWriter", "changes_nothing", "is_straight"]

#: Names that mean something in the code already.
TAKEN = ("Network", "float", "list", "max", "range", "self", "torch", "x")


@dataclass
class TorchClassWriter:
    """The modules and the forward code of a class, in order."""

    #: Whether one value, ``x``, is handed from line to line.
    straight: bool = False
    #: What the forward code takes.
    entries: list[str] = field(default_factory=list)
    constructors: list[str] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    #: Arrays by their names in the state dict.
    arrays: dict[str, FloatArray] = field(default_factory=dict)
    #: What was registered, by the identity of the layer: the module's name.
    modules: dict[int, str] = field(default_factory=dict)
    #: Layers written in the place of others, by the identity of those.
    directions: dict[int, Recurrent] = field(default_factory=dict)
    #: Where arrays of the network are, by identity: their names, and whether their axes are turned.
    kept: dict[int, tuple[str, bool]] = field(default_factory=dict)
    #: The layer that is being written, for refusals.
    scope: str = ""
    stems: dict[str, int] = field(default_factory=dict)
    used: set[str] = field(default_factory=lambda: set(TAKEN))

    def module(
        self,
        layer: object,
        stem: str,
        constructor: str,
        arrays: Mapping[str, FloatArray | None],
        turned: str = "",
    ) -> str:
        """Register a module of PyTorch once, and give its name; one array's axes may be turned."""
        name = self.modules.get(id(layer))
        if name is None:
            number = self.stems[stem] = self.stems.get(stem, -1) + 1
            name = self.modules[id(layer)] = f"{stem}_{number}" if number else stem
            self.constructors.append(f"self.{name} = {constructor}")
            for role, values in arrays.items():
                if values is not None:
                    stored = values.T if role == turned else values
                    # of an array of no axes, ascontiguousarray would make one of one axis
                    self.arrays[f"{name}.{role}"] = stored.copy(order="C")
                    self.kept[id(values)] = (f"{name}.{role}", role == turned)
        return f"self.{name}"

    def numbers(self, layer: object, stem: str, arrays: Mapping[str, FloatArray]) -> str:
        """Register arrays that no module of PyTorch has, and give the name of what holds them."""
        made = ", ".join(
            f"{role!r}: torch.nn.Parameter(torch.zeros({_shape(values)}), requires_grad=False)"
            for role, values in arrays.items()
        )
        return self.module(layer, stem, f"torch.nn.ParameterDict({{{made}}})", arrays)

    def line(self, text: str) -> None:
        """Add a line to the forward code."""
        self.lines.append(text)

    def variable(self, wanted: str = "") -> str:
        """Give the name of the value that the layer gives."""
        return "x" if self.straight else self.fresh(wanted or self.scope)

    def fresh(self, wanted: str) -> str:
        """Give a name that no other value has."""
        plain = re.sub(r"\W+", "_", wanted, flags=re.ASCII).strip("_") or "value"
        # a trailing letter keeps clear of Python's own words and of names that begin with digits
        plain = plain if plain.isidentifier() and not _reserved(plain) else f"value_{plain}"
        return unique_name(plain, self.used)

    def assign(self, expression: str, wanted: str = "") -> str:
        """Add a line that names what an expression gives."""
        name = self.variable(wanted)
        if expression != name:
            self.line(f"{name} = {expression}")
        return name


def _shape(values: FloatArray) -> str:
    return ", ".join(map(str, values.shape)) if values.ndim else "()"


def _reserved(name: str) -> bool:
    from keyword import iskeyword

    return iskeyword(name)


def changes_nothing(layer: Layer) -> bool:
    """Tell whether a layer hands on what it takes."""
    linear = isinstance(layer, Activate) and layer.activation.name == "linear"
    return linear or isinstance(layer, Identity)


def is_straight(network: Network) -> bool:
    """Tell whether each layer takes the first output of the one before it, and nothing else."""
    nodes: Sequence[Node] = network.nodes
    straight = len(network.outputs) == 1 and network.outputs[0] == (nodes[-1].name, 0)
    straight = straight and isinstance(nodes[0].layer, Input)
    return straight and all(node.inputs == ((before.name, 0),) for before, node in pairwise(nodes))
