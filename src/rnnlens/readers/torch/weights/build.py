"""From stated layers and the arrays of a state dict to the nodes of a network."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from rnnlens.errors import InputError
from rnnlens.network.axes import Index
from rnnlens.network.layers import (
    Activate,
    Add,
    Concatenate,
    Flatten,
    GlobalPooling1D,
    Input,
    Layer,
    Multiply,
    Subtract,
)
from rnnlens.network.network import Node, Ref, Source
from rnnlens.readers.torch.weights.along_steps import stated_conv, stated_pool
from rnnlens.readers.torch.weights.beginning import features_of
from rnnlens.readers.torch.weights.lazy import LazyArray
from rnnlens.readers.torch.weights.stated_arrays import StatedArrays
from rnnlens.readers.torch.weights.stated_recurrent import (
    RECURRENT,
    RecurrentModules,
    every_step,
    which_module,
)
from rnnlens.readers.torch.weights.statement import Branches, Chain, Part, wrong
from rnnlens.readers.torch.weights.words import (
    ALONG_STEPS,
    JOINS,
    OF_STEPS,
    PASSES,
    activation_of,
    folded_word,
)

__all__ = ["StatedNodes", "stated_nodes"]

MERGES: dict[str, Callable[[], Layer]] = {
    "concat": Concatenate,
    "add": Add,
    "subtract": Subtract,
    "multiply": Multiply,
}
KNOWN = (
    "LSTM, GRU, RNN, Linear, LayerNorm, BatchNorm1d, Conv1d, MaxPool1d, AvgPool1d, Embedding, "
    "Dropout, an activation such as relu, one of last, final, mean, max, every, flatten of the "
    "steps, and concat, add, subtract, multiply"
)


@dataclass(frozen=True)
class _Tail:
    """Where a chain has come to."""

    ref: Ref
    #: Numbers that it gives at once.
    width: int | None
    #: Whether there is an axis of steps.
    steps: bool = False
    #: The recurrent module that gives the steps, where a layer that does not take steps may take
    #: its last hidden state.
    of: str = ""
    #: Whether it reads both ways.
    both: bool = False


@dataclass
class StatedNodes:
    """The nodes of a statement, as they are made."""

    text: str
    taken: StatedArrays
    modules: RecurrentModules
    nodes: list[Node] = field(default_factory=list)
    outputs: list[Ref] = field(default_factory=list)
    #: Recurrent modules that were used.
    ran: list[str] = field(default_factory=list)

    # --- chains -----------------------------------------------------------------------------

    def chain(self, parts: Chain, tail: _Tail | None) -> list[_Tail]:
        """Make the nodes of a chain, and give where it ends: in one place, or in each branch."""
        tails = [] if tail is None else [tail]
        for number, part in enumerate(parts):
            following = parts[number + 1] if number + 1 < len(parts) else None
            if isinstance(part, Branches):
                tails = self._branches(part, tails)
            elif len(tails) > 1 or folded_word(part.word) in JOINS:
                tails = [self._joined(part, tails)]
            else:
                tails = [self._part(part, tails[0] if tails else None, following)]
        return tails

    def _branches(self, part: Branches, tails: list[_Tail]) -> list[_Tail]:
        if len(tails) != 1:
            raise wrong(self.text, "branches follow one layer, not several branches")
        ends = []
        for chain in part.chains:
            begin = tails[0] if self._takes_steps(chain[0]) else self._settled(tails[0])
            last = self.chain(chain, begin)
            if len(last) != 1:
                raise wrong(self.text, "branches within a branch must be joined there")
            ends.append(self._settled(last[0]))
        return ends

    def _joined(self, part: Part, tails: list[_Tail]) -> _Tail:
        word = folded_word(part.word)
        if word not in JOINS or part.given or part.named:
            joins = ", ".join(sorted(JOINS))
            raise wrong(self.text, f"{part.word!r} follows branches, which one of {joins} joins")
        if len(tails) < 2 or (word == "subtract" and len(tails) != 2):
            raise wrong(self.text, f"{part.word!r} joins branches, of which there are {len(tails)}")
        widths = [tail.width for tail in tails]
        if len({tail.steps for tail in tails}) > 1:
            raise wrong(self.text, f"{part.word!r} joins branches with steps and without")
        if word == "concat":
            known = [width for width in widths if width is not None]
            width = sum(known) if len(known) == len(widths) else None
        else:
            width = widths[0]
            if len(set(widths)) > 1:
                raise wrong(self.text, f"{part.word!r} joins branches of {widths} numbers")
        ref = self._add(word, MERGES[word](), *(tail.ref for tail in tails))
        return _Tail(ref, width, tails[0].steps)

    def _takes_steps(self, part: Part | Branches | None) -> bool:
        """Tell what follows a recurrent layer and takes all its steps."""
        if isinstance(part, Branches):
            return any(self._takes_steps(chain[0]) for chain in part.chains)
        if part is None:
            return False
        word = folded_word(part.word)
        return word in OF_STEPS or word in ALONG_STEPS or self._is_recurrent(part)

    def _is_recurrent(self, part: Part) -> bool:
        return folded_word(part.word) in RECURRENT or part.word in self.modules.kinds

    def begin(self, chain: Chain) -> _Tail | None:
        """Make the input of a chain; None where its first part makes its own."""
        first = chain[0]
        if isinstance(first, Part):
            own = folded_word(first.word) == "embedding" or self._is_recurrent(first)
            if own or folded_word(first.word) in JOINS:
                return None
        features = features_of(chain, self.taken.arrays, self._features)
        if features is None:
            raise wrong(self.text, "no layer at its beginning says how many features a step has")
        self.nodes.append(Node("x", Input((None, features))))
        return _Tail(("x", 0), features, steps=True)

    def _features(self, part: Part) -> int | None:
        """Give what a recurrent layer takes a step; None for another part."""
        if not self._is_recurrent(part):
            return None
        return (
            self.modules
            .levels(*which_module(self.text, self.modules, self.ran, part))[0][1]
            .cells[0]
            .features
        )

    def _settled(self, tail: _Tail) -> _Tail:
        """Take the last hidden state of a recurrent layer where nothing else was said."""
        if not tail.of:
            return tail
        if tail.both:
            raise wrong(
                self.text,
                f"{tail.of} reads both ways, so it must be said what is taken of it: 'final', the "
                "last hidden states of both directions, or 'last', the output at the last step",
            )
        return _Tail(self._add("last", Index(-1), tail.ref), tail.width)

    # --- parts ------------------------------------------------------------------------------

    def _part(self, part: Part, tail: _Tail | None, following: Part | Branches | None) -> _Tail:
        word = folded_word(part.word)
        if word in OF_STEPS:
            return self._of_steps(part, word, tail)
        if self._is_recurrent(part):
            return self._recurrent(part, tail, following)
        if word == "embedding":
            return self._embedding(part, tail)
        assert tail is not None  # begin() has made one for every other part
        if word in ALONG_STEPS:
            return self._along_steps(part, word, tail)
        tail = self._settled(tail)
        if word in PASSES:
            return tail
        if word == "linear" or f"{part.word}.weight" in self.taken.arrays:
            name, dense, sources = self.taken.linear(part, tail.width, named=word != "linear")
            ref = self._add(name, dense, tail.ref, sources=sources)
            return replace(tail, ref=ref, width=dense.W.shape[1])
        if word in {"layernorm", "batchnorm1d"}:
            name, norm, sources = self.taken.norm(part, tail.width, word)
            return replace(tail, ref=self._add(name, norm, tail.ref, sources=sources))
        try:
            activation = activation_of(part.word, part.given)
        except ValueError:
            raise wrong(self.text, f"{part.word} does not take {', '.join(part.given)}") from None
        if activation is None or part.named:
            raise wrong(self.text, f"{part.word!r} is no layer that may be stated ({KNOWN})")
        return replace(tail, ref=self._add(word, Activate(activation), tail.ref))

    def _embedding(self, part: Part, tail: _Tail | None) -> _Tail:
        if tail is not None:
            raise wrong(self.text, f"{part.word} takes tokens, so nothing stands before it")
        name, layer, sources = self.taken.embedding(part)
        self.nodes.append(Node("x", Input((None,))))
        ref = self._add(name, layer, ("x", 0), sources=sources)
        return _Tail(ref, layer.E.shape[1], steps=True)

    def _along_steps(self, part: Part, word: str, tail: _Tail) -> _Tail:
        if not tail.steps:
            raise wrong(self.text, f"{part.word!r} takes the steps of a layer before it")
        if word != "conv1d":
            ref = self._add(word, stated_pool(self.taken, part, word), tail.ref)
            return replace(tail, ref=ref, of="")
        name, conv, sources = stated_conv(self.taken, part, tail.width)
        ref = self._add(name, conv, tail.ref, sources=sources)
        return replace(tail, ref=ref, width=conv.W.shape[2], of="")

    def _of_steps(self, part: Part, word: str, tail: _Tail | None) -> _Tail:
        if tail is None or not tail.steps or part.given or part.named:
            raise wrong(self.text, f"{part.word!r} takes the steps of a layer before it")
        if word == "every":
            return replace(tail, of="")
        if word == "final":
            if not tail.of:
                raise wrong(self.text, "'final' takes the last hidden states of a recurrent layer")
            return self._final(tail)
        if word == "flatten":
            return _Tail(self._add(word, Flatten(), tail.ref), None)
        layers = {
            "last": Index(-1),
            "mean": GlobalPooling1D("average"),
            "max": GlobalPooling1D("max"),
        }
        return _Tail(self._add(word, layers[word], tail.ref), tail.width)

    def _final(self, tail: _Tail) -> _Tail:
        """Let a recurrent layer give its final states instead of its steps."""
        place = next(k for k, node in enumerate(self.nodes) if node.name == tail.ref[0])
        node = self.nodes[place]
        taken = any(tail.ref in other.inputs for other in self.nodes)
        final = replace(node, layer=every_step(node.layer, every=False))
        if taken:  # its steps are taken too: run it once more for its states
            final = replace(final, name=self._free(f"{node.name}_final"))
            self.nodes.append(final)
        else:
            self.nodes[place] = final
        return _Tail((final.name, 0), tail.width)

    def _recurrent(
        self, part: Part, tail: _Tail | None, following: Part | Branches | None
    ) -> _Tail:
        name, nonlinearity = which_module(self.text, self.modules, self.ran, part)
        levels = self.modules.levels(name, nonlinearity)
        features = levels[0][1].cells[0].features
        if tail is None:
            self.nodes.append(Node("x", Input((None, features))))
            tail = _Tail(("x", 0), features, steps=True)
        if not tail.steps or tail.width != features:
            came = f"{tail.width} numbers{' a step' if tail.steps else ', without steps'}"
            raise wrong(self.text, f"{name or part.word} takes {features} a step, and {came} come")
        ref = tail.ref
        every = self._takes_steps(following)
        both = len(levels[-1][1].cells) == 2
        for number, (label, level) in enumerate(levels):
            layer = every_step(level.layer, every=every or both or number < len(levels) - 1)
            node = Node(self._free(label), layer, (ref,), level.sources)
            self.nodes.append(node)
            ref = (node.name, 0)
        self.ran.append(name)
        width = levels[-1][1].width
        if every or both:
            return _Tail(ref, width, steps=True, of=name or "the module", both=both)
        return _Tail(ref, width)

    # --- names ------------------------------------------------------------------------------

    def _free(self, label: str) -> str:
        taken = {node.name for node in self.nodes}
        number, free = 1, label
        while free in taken:
            number, free = number + 1, f"{label}_{number + 1}"
        return free

    def _add(
        self, label: str, layer: Layer, *refs: Ref, sources: Mapping[str, Source] | None = None
    ) -> Ref:
        name = self._free(label)
        self.nodes.append(Node(name, layer, refs, sources or {}))
        return (name, 0)


def stated_nodes(
    text: str, chain: Chain, arrays: Mapping[str, LazyArray], modules: RecurrentModules
) -> StatedNodes:
    """Make the nodes of a statement."""
    made = StatedNodes(text, StatedArrays(text, arrays), modules)
    ends = [made._settled(tail) for tail in made.chain(chain, made.begin(chain))]
    if not made.ran:
        raise InputError(
            f"layers states {text.strip()[:80]!r}, which has no recurrent layer: state those of "
            f"the file ({', '.join(f'{kind}({name})' for name, kind in modules.kinds.items())})"
        )
    made.outputs = [tail.ref for tail in ends]
    return made
