"""The network of a run folder: CudaLSTM, GRU and EA-LSTM, with their embeddings and their head.

An EA-LSTM (Kratzert et al. 2019, https://doi.org/10.5194/hess-23-5089-2019) is an LSTM whose input
gate sees what does not change alone, and whose other gates see what does. So it is read as one:
the weights of the input gate are zero for the dynamic inputs and for the hidden state, and those of
the others are zero for the attributes. Nothing is approximated by that.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from os import PathLike

import numpy as np

from rnnlens.adapters.neuralhydrology.run import LIVE, SETTINGS, Run, opened
from rnnlens.errors import UnsupportedModel
from rnnlens.names import GATE_LETTERS, array_name, told
from rnnlens.network.activations import Activation
from rnnlens.network.cells import LSTM, Cell, Gate
from rnnlens.network.check import check
from rnnlens.network.layers import (
    Activate,
    Concatenate,
    Dense,
    Input,
    Layer,
    Recurrent,
    RepeatVector,
)
from rnnlens.network.network import Network, Node, Ref, Source
from rnnlens.readers.layouts import EA_LSTM, CellArray
from rnnlens.readers.options import ReadOptions
from rnnlens.readers.torch.checkpoint.choose import chosen
from rnnlens.readers.torch.file import parts_in
from rnnlens.readers.torch.recurrent import cell_of, kind_of

__all__ = ["DYNAMIC", "STATIC", "TAKES", "WHAT", "read"]

WHAT = "a run folder of neuralhydrology"
#: ``part`` names the epoch, such as ``"model_epoch010"``.
TAKES = frozenset({"part"})
#: What neuralhydrology calls what it feeds a model.
DYNAMIC, STATIC = "x_d", "x_s"
#: What the recurrent layer of each model is called: as in its state dict where that has one name.
LAYER = {"cudalstm": "lstm", "gru": "gru", "ealstm": "lstm"}
#: Activations of embeddings, and of the head.
EMBEDDING = {"tanh", "sigmoid", "relu", "linear"}
HEAD = {"linear", "relu", "softplus"}


def read(source: str | PathLike[str], options: ReadOptions) -> Network:
    """Read the network of a run folder, of its newest epoch unless ``part`` names another."""
    run = opened(source, options.part)
    if run.model not in LAYER:
        raise UnsupportedModel(
            f"{run.path / SETTINGS} says model: {run.settings.get('model')}, and rnnlens reads "
            f"{', '.join(LAYER)} from files: {LIVE}"
        )
    head = str(run.settings.get("head", "")).lower()
    if head != "regression":
        raise UnsupportedModel(
            f"{run.path / SETTINGS} says head: {head or 'nothing'}, whose outputs are the numbers "
            f"of a distribution, and rnnlens reads the head regression from files: {LIVE}"
        )
    parts, origin = parts_in(run.weights)
    part = chosen(parts, None, str(run.weights))
    made = _Nodes(run, {name: array.load() for name, array in part.arrays.items()})
    made.build()
    left = (
        [told("{count} arrays that no layer takes", count=len(made.arrays))] if made.arrays else []
    )
    clipped = run.names("clip_targets_to_zero")
    if clipped:
        left.append(
            told(
                "that neuralhydrology sets negative forecasts of {targets} to zero when it "
                "evaluates (clip_targets_to_zero)",
                targets=", ".join(clipped),
            )
        )
    notes = []
    if int(str(run.settings.get("predict_last_n", 1))) > 1:
        notes.append(told("the forecast is that of the newest step alone, one of predict_last_n"))
    if made.dropped:
        notes.append(told("dropout acts in training alone"))
    origin = replace(
        origin,
        format=f"run folder of neuralhydrology, {run.weights.stem}",
        version=str(run.settings.get("package_version", "")),
        notes=tuple(notes),
        left_out=tuple(left),
    )
    name = str(run.settings.get("experiment_name") or run.path.name)
    return check(Network(tuple(made.nodes), (made.last,), origin, name))


@dataclass
class _Nodes:
    """The nodes of a run's network, while they are made; arrays that are used are taken out."""

    run: Run
    arrays: dict[str, CellArray]
    nodes: list[Node] = field(default_factory=list)
    dropped: bool = False

    @property
    def last(self) -> Ref:
        return (self.nodes[-1].name, 0)

    def add(
        self, name: str, layer: Layer, *inputs: Ref, sources: Mapping[str, Source] | None = None
    ) -> Ref:
        self.nodes.append(Node(name, layer, inputs, sources or {}))
        return self.last

    def build(self) -> None:
        """Lay the layers one behind the other."""
        run = self.run
        steps, width = run.number("seq_length"), len(run.dynamic)
        still = len(run.attributes) + len(run.basins)
        entry = self.add(DYNAMIC, Input((steps, width)))
        attributes = self.add(STATIC, Input((still,))) if still else None
        sequence = self._embedded("dynamics", entry)
        if attributes is not None:
            attributes = self._embedded("statics", attributes)
            copies = self.add("statics_at_each_step", RepeatVector(None), attributes, sequence)
            sequence = self.add("inputs", Concatenate(-1), sequence, copies)
        elif run.model == "ealstm":
            raise UnsupportedModel(
                f"{run.path / SETTINGS} lists no static_attributes, on which the input gate of an "
                "EA-LSTM rests: copy the run folder again"
            )
        cell, sources = self._cell()
        hidden = self.add(LAYER[run.model], Recurrent(cell), sequence, sources=sources)
        self.dropped |= bool(run.settings.get("output_dropout"))
        self._dense("head.net.0", hidden, len(run.targets))
        last = str(run.settings.get("output_activation") or "linear").lower()
        # what it does not know neuralhydrology takes as linear, with a warning
        if last in HEAD - {"linear"}:
            self.add("head.net.1", Activate(Activation(last)), self.last)

    def _take(self, name: str, shape: tuple[int | None, ...]) -> CellArray:
        """Take an array out, of a shape whose open axes are None."""
        array = self.arrays.pop(name, None)
        held = None if array is None else array.values.shape
        fits = held is not None and len(held) == len(shape)
        if (
            array is None
            or not fits
            or any(want not in {None, got} for want, got in zip(shape, held or (), strict=True))
        ):
            wanted = ", ".join("any" if size is None else str(size) for size in shape)
            what = "is not there" if held is None else f"has the shape {held}"
            raise UnsupportedModel(
                f"{self.run.weights} does not fit {SETTINGS} beside it: the array {name} of the "
                f"shape ({wanted}) {what}; copy both from one run"
            )
        return array

    def _dense(self, name: str, taken: Ref, units: int | None = None) -> Ref:
        weight = self._take(f"{name}.weight", (units, None))
        bias = self._take(f"{name}.bias", (len(weight.values),))
        sources = {
            "W": Source(f"{weight.text} transposed", weight.stored_at),
            "b": Source(bias.text, bias.stored_at),
        }
        layer = Dense(weight.values.T.copy(), bias.values)
        return self.add(name, layer, taken, sources=sources)

    def _embedded(self, which: str, taken: Ref) -> Ref:
        """Lay an embedding behind an input, where the run has one."""
        stated = self.run.settings.get(f"{which}_embedding")
        if not stated:
            return taken
        stated = stated if isinstance(stated, Mapping) else {}
        function = str(stated.get("activation", "tanh")).lower()
        if str(stated.get("type", "fc")).lower() != "fc" or function not in EMBEDDING:
            raise UnsupportedModel(
                f"{self.run.path / SETTINGS} has a {which}_embedding of the type "
                f"{stated.get('type')} with the activation {function}, and rnnlens reads fc with "
                f"{', '.join(sorted(EMBEDDING))}: {LIVE}"
            )
        self.dropped |= bool(stated.get("dropout"))
        # neuralhydrology 1.12 gave each group of inputs an embedding of its own
        names = (f"embedding_net.{which}_embeddings.0.net", f"embedding_net.{which}_embedding.net")
        start = next((name for name in names if f"{name}.0.weight" in self.arrays), names[-1])
        hiddens = stated.get("hiddens")
        sizes = hiddens if isinstance(hiddens, list) else []
        for number, units in enumerate(sizes):
            place = 3 * number  # a linear layer, its activation, its dropout
            taken = self._dense(f"{start}.{place}", taken, int(units))
            if number < len(sizes) - 1 and function != "linear":
                taken = self.add(f"{start}.{place + 1}", Activate(Activation(function)), taken)
        return taken

    def _cell(self) -> tuple[Cell, dict[str, Source]]:
        units = self.run.number("hidden_size")
        if self.run.model == "ealstm":
            return self._entity_aware(units)
        layer = LAYER[self.run.model]
        rows = {"cudalstm": 4, "gru": 3}[self.run.model] * units
        taken = {
            "weight_ih": self._take(f"{layer}.weight_ih_l0", (rows, None)),
            "weight_hh": self._take(f"{layer}.weight_hh_l0", (rows, units)),
            "bias_ih": self._take(f"{layer}.bias_ih_l0", (rows,)),
            "bias_hh": self._take(f"{layer}.bias_hh_l0", (rows,)),
        }
        shapes = {role: array.values.shape for role, array in taken.items()}
        return cell_of(kind_of(layer, shapes), taken)

    def _entity_aware(self, units: int) -> tuple[Cell, dict[str, Source]]:
        """Give an EA-LSTM as an LSTM of both kinds of input, zeros where a gate sees neither."""
        width = len(EA_LSTM.gates) * units
        W = self._take("dynamic_gates.weight_ih", (None, width))
        U = self._take("dynamic_gates.weight_hh", (units, width))
        b = self._take("dynamic_gates.bias", (width,))
        own_W = self._take("input_gate.weight", (units, None))
        own_b = self._take("input_gate.bias", (units,))
        unseen = np.zeros((own_W.values.shape[1], units), W.values.dtype)
        gates: dict[str, Gate] = {}
        sources: dict[str, Source] = {}
        for number, gate in enumerate(EA_LSTM.gates):
            own = slice(number * units, (number + 1) * units)
            gates[gate] = Gate(
                np.concatenate([W.values[:, own], unseen]),
                U.values[:, own].copy(),
                b.values[own].copy(),
            )
            for kind, array, axis in (("W", W, ":, "), ("U", U, ":, "), ("b", b, "")):
                place = f"{array.text}[{axis}{own.start}:{own.stop}]"
                sources[array_name(kind, GATE_LETTERS["LSTM"][gate])] = Source(place)
        unseen = np.zeros((len(W.values), units), W.values.dtype)
        gates["input"] = Gate(
            np.concatenate([unseen, own_W.values.T]),
            np.zeros_like(U.values[:, :units]),
            own_b.values,
        )
        for kind, place in (
            ("W", f"{own_W.text} transposed"),
            ("U", "zeros, for it sees no hidden state"),
            ("b", own_b.text),
        ):
            sources[array_name(kind, GATE_LETTERS["LSTM"]["input"])] = Source(place)
        return LSTM(gates["input"], gates["forget"], gates["cell"], gates["output"]), sources
