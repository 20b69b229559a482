"""Keras's recurrent layers: one builder a class."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from rnnlens.network.cells import GRU, LSTM, Cell, SimpleRNN
from rnnlens.network.layers import Bidirectional, Recurrent
from rnnlens.network.network import Source
from rnnlens.readers.keras.keras1.recurrent import keras1_gates
from rnnlens.readers.keras.layers.cells import cell_spec
from rnnlens.readers.keras.layers.cudnn import cudnn_gates, is_cudnn_bias
from rnnlens.readers.keras.layers.spec import BuiltLayer, LayerSpec, class_of, spec_of
from rnnlens.readers.layouts import KERAS, CellArray, split_gates

__all__ = [
    "RECURRENT",
    "bidirectional",
    "direction_specs",
    "gru",
    "lstm",
    "rnn",
    "simple_rnn",
]

#: Options of every recurrent layer that change nothing when it predicts.
INERT_RECURRENT = (
    "implementation",
    "unroll",
    "dropout",
    "recurrent_dropout",
    "unit_forget_bias",
    "input_dim",
    "input_length",
    "use_cudnn",
)


def lstm(spec: LayerSpec) -> BuiltLayer:
    """Build an LSTM."""
    gates, sources = _gates(spec, "LSTM", bias_rows=1)
    cell = LSTM(
        **gates,
        activation=spec.activation("activation", "tanh"),
        recurrent_activation=spec.activation("recurrent_activation", "sigmoid"),
    )
    return BuiltLayer(_recurrent(spec, cell), sources)


def gru(spec: LayerSpec) -> BuiltLayer:
    """Build a GRU, of either reset convention."""
    reset_after = spec.options.flag("reset_after", spec.kind == "CuDNNGRU")
    gates, sources = _gates(spec, "GRU", bias_rows=2 if reset_after else 1)
    cell = GRU(
        **gates,
        reset_after=reset_after,
        activation=spec.activation("activation", "tanh"),
        recurrent_activation=spec.activation("recurrent_activation", "sigmoid"),
    )
    return BuiltLayer(_recurrent(spec, cell), sources)


def simple_rnn(spec: LayerSpec) -> BuiltLayer:
    """Build a SimpleRNN."""
    gates, sources = _gates(spec, "SimpleRNN", bias_rows=1)
    cell = SimpleRNN(**gates, activation=spec.activation("activation", "tanh"))
    return BuiltLayer(_recurrent(spec, cell), sources)


def rnn(spec: LayerSpec) -> BuiltLayer:
    """Build an RNN around one cell."""
    layered = cell_spec(spec)
    return RECURRENT[layered.kind](layered)


def _gates(spec: LayerSpec, kind: str, *, bias_rows: int) -> tuple[dict, dict[str, Source]]:
    """Read the arrays of a cell and cut them into gates."""
    if spec.keras_version.generation == "Keras 1":
        return keras1_gates(spec, kind)
    units = spec.options.size("units")
    layout = KERAS[kind]
    width = len(layout.gates) * units
    shapes: dict[str, tuple[int | None, ...]] = {
        "kernel": (None, width),
        "recurrent_kernel": (units, width),
    }
    if spec.options.flag("use_bias", True):
        shapes["bias"] = (width,) if bias_rows == 1 else (bias_rows, width)
    cell = spec if spec.of_cell else replace(spec, store=spec.store.sublayer("cell"))
    # Keras turns the arrays of one class into those of the other as it loads them, so a
    # configuration of either may stand beside either.
    for item in cell.store.variables(list(shapes)):
        if item.role == "bias" and is_cudnn_bias(kind, item.shape, units):
            if kind == "GRU" and bias_rows == 1:
                raise spec.refuse(
                    f"its bias has {item.shape[0]} numbers, as a CuDNNGRU keeps it, but its option "
                    "reset_after is false, which no CuDNNGRU computes: the weights do not belong "
                    "to this configuration"
                )
            shapes["bias"] = item.shape
    stored = cell.variables(shapes)
    letters = {"kernel": "W", "recurrent_kernel": "U", "bias": "b"}
    arrays = {
        letters[role]: CellArray(item.values, item.source.text, item.source.stored_at)
        for role, item in stored.items()
    }
    if "b" in arrays and is_cudnn_bias(kind, arrays["b"].values.shape, units):
        return cudnn_gates(kind, arrays, units)
    return split_gates(kind, layout, arrays, units)


def _recurrent(spec: LayerSpec, cell: Cell) -> Recurrent:
    """Read the options that every recurrent layer has; refuse the rest."""
    options = spec.options
    if not cell.features:
        raise spec.refuse("it has no input features")
    for name, function in vars(cell).items():
        if name.endswith("activation") and function.name == "glu":
            raise spec.refuse(f"{name} = 'glu' halves the units and cannot serve in a cell")
    layer = Recurrent(
        cell,
        go_backwards=options.flag("go_backwards"),
        return_sequences=options.flag("return_sequences"),
        return_state=options.flag("return_state"),
        stateful=options.flag("stateful"),
        zero_output_for_mask=options.flag("zero_output_for_mask"),
    )
    options.finish(INERT_RECURRENT)
    return layer


#: Builders by Keras class.
RECURRENT: dict[str, Callable[[LayerSpec], BuiltLayer]] = {
    "LSTM": lstm,
    "GRU": gru,
    "SimpleRNN": simple_rnn,
    "CuDNNLSTM": lstm,
    "CuDNNGRU": gru,
    "RNN": rnn,
}


def direction_specs(spec: LayerSpec) -> dict[str, LayerSpec]:
    """Give the specs of a Bidirectional's two layers, ``forward`` and ``backward``."""
    options = spec.options
    entry = options.values["layer"]
    options.take("layer")
    other = options.values.get("backward_layer")
    options.take("backward_layer", None)
    if other is None:
        config = entry["config"]
        flipped = {**config, "go_backwards": not config.get("go_backwards", False)}
        other = {**entry, "config": flipped}
    return {
        side: _direction_spec(spec, side, inner)
        for side, inner in (("forward", entry), ("backward", other))
    }


def _direction_spec(spec: LayerSpec, side: str, entry: dict) -> LayerSpec:
    kind = class_of(entry)
    if kind not in RECURRENT:
        raise spec.refuse(
            f"it wraps a layer of the class {kind!r}; rnnlens reads it around "
            f"{', '.join(RECURRENT)}"
        )
    own = str(entry["config"].get("name", kind.lower()))
    own = own if own.startswith(f"{side}_") else f"{side}_{own}"
    return spec_of(
        entry,
        name=f"{spec.name}.{side}",
        path=f"{spec.path}/{own}",
        store=spec.store.sublayer(f"{side}_layer"),
        keras_version=spec.keras_version,
    )


def bidirectional(spec: LayerSpec) -> BuiltLayer:
    """Build a Bidirectional layer."""
    options = spec.options
    sides: dict[str, Recurrent] = {}
    sources: dict[str, Source] = {}
    for side, inner in direction_specs(spec).items():
        layer, places = RECURRENT[inner.kind](inner)
        assert isinstance(layer, Recurrent)
        # keras/src/layers/rnn/bidirectional.py, force_zero_output_for_mask; tf.keras has the same.
        if spec.keras_version.zeroes_masked_outputs:
            layer = replace(layer, zero_output_for_mask=layer.return_sequences)
        sides[side] = layer
        sources |= {f"{side}.{name}": place for name, place in places.items()}
    _check_directions(spec, **sides)
    merge_mode = options.choice("merge_mode", ["concat", "sum", "mul", "ave", None], "concat")
    options.finish()
    return BuiltLayer(Bidirectional(**sides, merge_mode=merge_mode), sources)


def _check_directions(spec: LayerSpec, forward: Recurrent, backward: Recurrent) -> None:
    if forward.go_backwards == backward.go_backwards:
        raise spec.refuse("both of its directions read the steps in the same order")
    for option in ("return_sequences", "return_state"):
        if getattr(forward, option) != getattr(backward, option):
            raise spec.refuse(f"its two directions differ in {option}")
    if forward.cell.features != backward.cell.features:
        raise spec.refuse("its two directions have different numbers of input features")
