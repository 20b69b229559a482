"""The canonical network: a graph of layers with named inputs and outputs."""

from __future__ import annotations

import re
import weakref
from collections.abc import Iterable, Iterator, Mapping, Reversible
from dataclasses import dataclass, field
from typing import Literal, get_args

from rnnlens.network.layers import Bidirectional, Input, Layer, Recurrent, TimeDistributed
from rnnlens.network.running.runner import Runner, runner_of
from rnnlens.network.shown import markup_of_network

__all__ = [
    "ROUNDINGS",
    "Network",
    "Node",
    "Origin",
    "Ref",
    "Rounding",
    "Source",
    "a_layer_kind",
    "layer_kind",
    "leading_to",
    "mark_shown",
    "still_assumed",
]

#: One output of one node: the node's name and the number of its output.
Ref = tuple[str, int]

#: What a source may round to within its layers.
Rounding = Literal["", "int8", "float16", "bfloat16"]
ROUNDINGS: tuple[Rounding, ...] = get_args(Rounding)

#: Slices, and how people say them.
_PLACES = (
    (r"\[:, (\d+:\d+)\]", r", columns \1"),
    (r"\[(\d+:\d+), :\]", r", rows \1"),
    (r"\[(\d+), (\d+:\d+)\]", r", row \1, columns \2"),
    (r"\[(\d+:\d*|:\d+)\]", r", entries \1"),
    (r"\[(\d+)\]", r", part \1"),
    (r" transposed$", ", transposed"),
)


@dataclass(frozen=True)
class Source:
    """Where an array came from.

    Parameters
    ----------
    text : str
        In the source's own words, such as ``"lstm/kernel[:, 0:32]"``.
    stored_at : str
        The place in the file, such as ``"layers/lstm/cell/vars/0"``; empty for a live model.
    """

    text: str
    stored_at: str = ""

    @property
    def words(self) -> str:
        """The place as people say it.

        Examples
        --------
        >>> Source("arrays[0][:, 0:50]").words, Source("lstm/bias[0:50]").words
        ('array 0, columns 0:50', 'lstm/bias, entries 0:50')
        """
        said = re.sub(r"^arrays\[(\d+)\]", r"array \1", self.text)
        for shape, words in _PLACES:
            said = re.sub(shape, words, said)
        return said


@dataclass(frozen=True)
class Origin:
    """Where a network came from.

    Parameters
    ----------
    format : str
        What was read, such as ``"Keras 3 archive"``.
    version : str
        The version that the file states, or empty.
    path : str
        The file, or empty for a live model.
    digest : str
        SHA-256 of the file in hexadecimal, or empty.
    notes : tuple of str
        Sentences that a reader must know, such as options that act only in training.
    assumed : tuple of str
        What the source does not say and was taken to be so, a clause each: every result says it
        until the model's own outputs have shown it (`still_assumed`).
    left_out : tuple of str
        What the source holds and the network as read does not, a clause each: every result says it.
    rounds : {"", "int8", "float16", "bfloat16"}
        What the source rounds to within its layers, where that is coarser than single precision:
        whole numbers of 8 bits, or half precision.
    calls : int
        Calls of the source that a window is, one after the other with its state carried on.
    """

    format: str
    version: str = ""
    path: str = ""
    digest: str = ""
    notes: tuple[str, ...] = ()
    assumed: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    rounds: Rounding = ""
    calls: int = 1


#: Origins whose networks gave what the model gave. An origin is told by its identity, for two that
#: say the same may be of different arrays; networks made of one another share it.
_SHOWN: dict[int, weakref.ref[Origin]] = {}


def mark_shown(origin: Origin) -> None:
    """Keep that the model's own outputs have shown what was assumed of a network."""
    key = id(origin)
    _SHOWN[key] = weakref.ref(origin, lambda _: _SHOWN.pop(key, None))


def still_assumed(origin: Origin) -> tuple[str, ...]:
    """Give what is assumed of a network and was not shown.

    Examples
    --------
    >>> origin = Origin("PyTorch state dict", assumed=("fc takes the last hidden state",))
    >>> still_assumed(origin)
    ('fc takes the last hidden state',)
    >>> mark_shown(origin)
    >>> still_assumed(origin)
    ()
    """
    known = _SHOWN.get(id(origin))
    return () if known is not None and known() is origin else origin.assumed


@dataclass(frozen=True, eq=False)
class Node:
    """One call of one layer.

    Parameters
    ----------
    name : str
        Unique in the network; the source's own layer name where it is called once.
    layer : Layer
        What it computes.
    inputs : tuple of Ref
        What it takes: for a recurrent layer the sequence, then the initial states if given.
    sources : mapping of str to Source
        Array name within the layer (``"W_i"``, ``"forward.U_f"``) to where it came from.
    """

    name: str
    layer: Layer
    inputs: tuple[Ref, ...] = ()
    sources: Mapping[str, Source] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Network:
    """A trained network, read into one form whatever it came from.

    Parameters
    ----------
    nodes : tuple of Node
        In an order in which each comes after those it takes from.
    outputs : tuple of Ref
        What the network gives.
    origin : Origin
        Where it came from.
    name : str
        The source's name for it.
    """

    nodes: tuple[Node, ...]
    outputs: tuple[Ref, ...]
    origin: Origin
    name: str = "network"

    @property
    def inputs(self) -> dict[str, Input]:
        """The entries by name, in the order in which arrays are given."""
        return {node.name: node.layer for node in self.nodes if isinstance(node.layer, Input)}

    def __getitem__(self, name: str) -> Node:
        for node in self.nodes:
            if node.name == name:
                return node
        raise KeyError(name)

    def recurrent(self) -> Iterator[tuple[str, Recurrent]]:
        """Give every recurrent layer by its full name, each direction apart.

        Yields
        ------
        tuple of str and Recurrent
            ``"lstm"``, or ``"bidirectional.forward"`` and ``"bidirectional.backward"``.
        """
        for node in self.nodes:
            layer = node.layer
            if isinstance(layer, Recurrent):
                yield node.name, layer
            elif isinstance(layer, Bidirectional):
                yield f"{node.name}.forward", layer.forward
                yield f"{node.name}.backward", layer.backward

    def runner(self, precision: str = "float64") -> Runner:
        """Make this network ready to be run often, on few windows at a time.

        For services: what `rnnlens.predict` finds out and checks at each call is found out once.
        Its arrays are taken to stay as they are: make a runner anew where one changes. Threads may
        share a runner.

        Parameters
        ----------
        precision : {"float64", "float32"}
            What is computed in.

        Returns
        -------
        Runner
            Takes one array (sample, step, feature) an input, in the order of the inputs, and gives
            what `rnnlens.predict` gives, to the last bit: an array, or a tuple of several. Shapes
            are checked; NaN is not looked for and goes through.

        Raises
        ------
        DataError
            If the precision is none of those.

        Examples
        --------
        >>> import rnnlens
        >>> from rnnlens.demo.weather import demo_files
        >>> run = rnnlens.read(demo_files().network).runner()
        >>> run([[[0.0] * 10] * 24]).shape
        (1, 10)
        """
        return runner_of(self, precision)

    def __repr__(self) -> str:
        kinds = " > ".join(layer_kind(node.layer) for node in self.nodes)
        return f"<Network {self.name!r} from {self.origin.format}: {kinds}>"

    def _repr_html_(self) -> str | None:
        """Show the layers and their arrays by gate in a notebook."""
        return markup_of_network(self)


def leading_to(nodes: Reversible[Node], ends: Iterable[str]) -> set[str]:
    """Name some nodes and all that they take from, directly or not: nodes in the order of runs."""
    needed = set(ends)
    for node in reversed(nodes):
        if node.name in needed:
            needed |= {name for name, _ in node.inputs}
    return needed


def layer_kind(layer: Layer) -> str:
    """Name the kind of a layer in the user's words."""
    if isinstance(layer, Recurrent):
        return layer.cell.kind
    if isinstance(layer, Bidirectional):
        return f"Bidirectional {layer.forward.cell.kind}"
    if isinstance(layer, TimeDistributed):
        return f"TimeDistributed {layer_kind(layer.layer)}"
    return getattr(layer, "of", type(layer).__name__)


def a_layer_kind(layer: Layer) -> str:
    """Name the kind of a layer with its article, as within a sentence: a Dense, an LSTM, an Add."""
    kind = layer_kind(layer)
    return f"{'an' if kind.startswith((*'AEIOU', 'LSTM')) else 'a'} {kind}"
