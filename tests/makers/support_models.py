"""The smallest model of every option, in Keras, PyTorch and ONNX, with distinct random weights."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

import keras
import numpy as np
import torch
from onnx import helper
from torch import nn

from keras_models import outputs_of, scrambled
from onnx_models import FEATURES, STEPS, arrays_of, model, single
from torch_models import scrambled as scrambled_module

__all__ = [
    "KERAS",
    "KERAS_REFUSED",
    "MODULES",
    "MODULES_REFUSED",
    "ONNX_NODES",
    "STATES",
    "Made",
    "made",
    "onnx_attention",
]

L = keras.layers
WINDOW = (6, 3)


def _random(*shape: int, seed: int = 3) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape).astype("float32")


def _windows() -> np.ndarray:
    return _random(5, *WINDOW)


def _tokens() -> np.ndarray:
    return np.random.default_rng(3).integers(0, 7, size=(5, 6))


def _half_masked() -> np.ndarray:
    windows = _windows()
    windows[1, 4:] = 0.0
    windows[3, :2] = 0.0
    return windows


# --- Keras -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Made:
    """A model to write, its inputs, and the model that gives the outputs: another one where the
    same words mean something else in an old version."""

    model: Any
    inputs: tuple[np.ndarray, ...]
    runs: Any

    @cached_property
    def outputs(self) -> list[np.ndarray]:
        """What Keras gives."""
        return outputs_of(self.runs, self.inputs[0] if len(self.inputs) == 1 else [*self.inputs])


def _made(build: Callable[[], Any], *inputs: np.ndarray) -> Made:
    whole = scrambled(build())
    return Made(whole, inputs or (_windows(),), whole)


def _chain(*layers: Any, shape: tuple[int, ...] = WINDOW) -> Any:
    return keras.Sequential([L.Input(shape), *layers, L.Dense(2, name="head")])


def _states() -> Any:
    past, known = L.Input((6, 3), name="past"), L.Input((4, 2), name="known")
    _, hidden, cell = L.LSTM(4, return_state=True, name="encoder")(past)
    decoded = L.LSTM(4, name="decoder")(known, initial_state=[hidden, cell])
    return keras.Model([past, known], [decoded, cell])


def _two_inputs() -> Any:
    past, static = L.Input((6, 3), name="past"), L.Input((2,), name="static")
    joined = L.Concatenate(name="joined")([L.LSTM(4, name="lstm")(past), static])
    return keras.Model([past, static], L.Dense(2, name="head")(joined))


def _two_outputs() -> Any:
    past = L.Input(WINDOW, name="past")
    steps = L.LSTM(4, return_sequences=True, name="lstm")(past)
    last = L.SimpleRNN(3, name="rnn")(steps)
    return keras.Model(past, [L.Dense(2, name="one")(last), L.Dense(1, name="two")(last)])


def _attention() -> Any:
    past = L.Input(WINDOW, name="past")
    steps = L.LSTM(4, return_sequences=True, name="lstm")(past)
    return keras.Model(past, L.Attention(name="attention")([steps, steps]))


def _nested() -> Any:
    entry = L.Input(WINDOW, name="entry")
    inner = keras.Model(entry, L.LSTM(4, name="lstm")(entry), name="inner")
    past = L.Input(WINDOW, name="past")
    return keras.Model(past, L.Dense(2, name="head")(inner(past)))


def _hard(old: bool) -> Made:
    """Hard sigmoids: their slope is 1/6 in Keras 3, and was 0.2 before."""

    def build(gates: Any) -> Any:
        return scrambled(_chain(L.LSTM(4, recurrent_activation=gates, name="lstm")))

    def before(a: Any) -> Any:
        return keras.ops.clip(0.2 * a + 0.5, 0.0, 1.0)

    whole = build("hard_sigmoid")
    return Made(whole, (_windows(),), build(before) if old else whole)


def _rows(*builds: tuple[str, Callable[[], Any]]) -> dict[str, Callable[[bool], Made]]:
    return {row: lambda _, build=build: _made(build) for row, build in builds}


#: Models by row; each takes whether an old version's words are meant.
KERAS: dict[str, Callable[[bool], Made]] = {
    **_rows(
        ("lstm", lambda: _chain(L.LSTM(4, name="lstm"))),
        ("gru_after", lambda: _chain(L.GRU(4, name="gru"))),
        ("gru_before", lambda: _chain(L.GRU(4, reset_after=False, name="gru"))),
        ("rnn_tanh", lambda: _chain(L.SimpleRNN(4, name="rnn"))),
        ("rnn_relu", lambda: _chain(L.SimpleRNN(4, activation="relu", name="rnn"))),
        ("bidirectional", lambda: _chain(L.Bidirectional(L.LSTM(4, name="lstm"), name="both"))),
        (
            "stacked",
            lambda: _chain(
                L.LSTM(4, return_sequences=True, name="one"), L.SimpleRNN(3, name="two")
            ),
        ),
        ("backwards", lambda: _chain(L.LSTM(4, go_backwards=True, name="lstm"))),
        (
            "conv",
            lambda: _chain(L.Conv1D(4, 3, activation="relu", name="conv"), L.LSTM(3, name="lstm")),
        ),
        (
            "pooling",
            lambda: _chain(
                L.MaxPooling1D(2, name="pool"),
                L.LSTM(4, return_sequences=True, name="lstm"),
                L.GlobalAveragePooling1D(name="mean"),
            ),
        ),
        (
            "batch_norm",
            lambda: _chain(L.LSTM(4, name="lstm"), L.BatchNormalization(name="normal")),
        ),
        (
            "layer_norm",
            lambda: _chain(L.LSTM(4, name="lstm"), L.LayerNormalization(name="normal")),
        ),
        (
            "each_step",
            lambda: keras.Sequential([
                L.Input(WINDOW),
                L.LSTM(4, return_sequences=True, name="lstm"),
                L.TimeDistributed(L.Dense(2, name="dense"), name="each"),
            ]),
        ),
        ("outputs", _two_outputs),
        ("nested", _nested),
        ("attention", _attention),
    ),
    "states": lambda _: _made(_states, _windows(), _random(5, 4, 2, seed=4)),
    "masking": lambda _: _made(
        lambda: _chain(L.Masking(0.0, name="masking"), L.LSTM(4, name="lstm")), _half_masked()
    ),
    "embedding": lambda _: _made(
        lambda: _chain(L.Embedding(7, 3, name="table"), L.LSTM(4, name="lstm"), shape=(6,)),
        _tokens(),
    ),
    "hard_sigmoid": _hard,
    "inputs": lambda _: _made(_two_inputs, _windows(), _random(5, 2, seed=4)),
}


@cache
def made(row: str, *, old: bool = False) -> Made:
    """Give a row's model, which is built once and written in many forms."""
    return KERAS[row](old)


#: Models that are refused, with the sentence.
KERAS_REFUSED: dict[str, Callable[[], Any]] = {
    "conv_lstm": lambda: keras.Sequential([
        L.Input((6, 4, 4, 1)), L.ConvLSTM2D(2, 2, name="conv")
    ]),
    "code": lambda: keras.Sequential([
        L.Input(WINDOW), L.LSTM(4, name="lstm"), L.Lambda(abs, name="code")
    ]),
}  # fmt: skip


# --- PyTorch -----------------------------------------------------------------------------------


class Coded(nn.Module):
    """Some layers, and the code that calls them."""

    def __init__(self, code: Callable[..., Any], **layers: nn.Module) -> None:
        super().__init__()
        self.code = code
        for name, layer in layers.items():
            setattr(self, name, layer)

    def forward(self, x: Any) -> Any:
        """Call the code."""
        return self.code(self, x)


class Two(Coded):
    """The same with two inputs."""

    def forward(self, x: Any, y: Any) -> Any:
        """Call the code."""
        return self.code(self, x, y)


def _module(
    code: Callable[..., Any], *inputs: np.ndarray, kind: type[Coded] = Coded, **layers: nn.Module
) -> tuple[nn.Module, list[np.ndarray]]:
    return scrambled_module(kind(code, **layers)), list(inputs or (_windows(),))


def _last(m: Any, x: Any) -> Any:
    return m.fc(m.rnn(x)[0][:, -1])


def _rnn(kind: type[nn.RNNBase] = nn.LSTM, **options: Any) -> nn.Module:
    return kind(3, 4, batch_first=True, **options)


def _packed(m: Any, x: Any, lengths: Any) -> Any:
    packed = nn.utils.rnn.pack_padded_sequence(x, lengths, batch_first=True)
    return m.rnn(packed)[1][0][-1]


def _forecaster(rnn: nn.Module, width: int = 4) -> tuple[nn.Module, list[np.ndarray]]:
    return _module(_last, rnn=rnn, fc=nn.Linear(width, 2))


#: Live modules by row: the module and its inputs.
MODULES: dict[str, Callable[[], tuple[nn.Module, list[np.ndarray]]]] = {
    "lstm": lambda: _forecaster(_rnn()),
    "gru_after": lambda: _forecaster(_rnn(nn.GRU)),
    "rnn_tanh": lambda: _forecaster(_rnn(nn.RNN)),
    "rnn_relu": lambda: _forecaster(_rnn(nn.RNN, nonlinearity="relu")),
    "bidirectional": lambda: _forecaster(_rnn(bidirectional=True), 8),
    "stacked": lambda: _forecaster(_rnn(num_layers=2)),
    "projection": lambda: _forecaster(_rnn(proj_size=2), 2),
    "two_biases": lambda: _forecaster(_rnn(bias=True)),
    "backwards": lambda: _module(lambda m, x: m.rnn(x.flip(1))[0][:, -1], rnn=_rnn()),
    "states": lambda: _module(
        lambda m, x, y: (m.decoder(y, m.encoder(x)[1])[0][:, -1], m.encoder(x)[1][1][-1]),
        _windows(),
        _random(5, 4, 2, seed=4),
        kind=Two,
        encoder=_rnn(),
        decoder=nn.LSTM(2, 4, batch_first=True),
    ),
    "embedding": lambda: _module(
        lambda m, x: m.rnn(m.table(x))[0][:, -1], _tokens(), table=nn.Embedding(7, 3), rnn=_rnn()
    ),
    "conv": lambda: _module(
        lambda m, x: m.rnn(torch.relu(m.conv(x.mT)).mT)[0][:, -1],
        conv=nn.Conv1d(3, 3, 2),
        rnn=_rnn(),
    ),
    "pooling": lambda: _module(
        lambda m, x: m.rnn(m.pool(x.mT).mT)[0].mean(1), pool=nn.MaxPool1d(2), rnn=_rnn()
    ),
    "batch_norm": lambda: _module(
        lambda m, x: m.normal(m.rnn(x)[0][:, -1]), rnn=_rnn(), normal=nn.BatchNorm1d(4)
    ),
    "layer_norm": lambda: _module(
        lambda m, x: m.normal(m.rnn(x)[0][:, -1]), rnn=_rnn(), normal=nn.LayerNorm(4)
    ),
    "attention": lambda: _module(
        lambda m, x: m.attention(*[m.rnn(x)[0]] * 3)[0][:, -1],
        rnn=_rnn(),
        attention=nn.MultiheadAttention(4, 2, batch_first=True),
    ),
    "each_step": lambda: _module(lambda m, x: m.fc(m.rnn(x)[0]), rnn=_rnn(), fc=nn.Linear(4, 2)),
    "inputs": lambda: _module(
        lambda m, x, y: m.fc(torch.cat([m.rnn(x)[0][:, -1], y], 1)),
        _windows(),
        _random(5, 2, seed=4),
        kind=Two,
        rnn=_rnn(),
        fc=nn.Linear(6, 2),
    ),
    "outputs": lambda: _module(
        lambda m, x: (m.one(m.rnn(x)[0][:, -1]), m.two(m.rnn(x)[0][:, -1])),
        rnn=_rnn(),
        one=nn.Linear(4, 2),
        two=nn.Linear(4, 1),
    ),
    "masking": lambda: _module(
        _packed, _windows(), np.array([6, 5, 3, 2, 1]), kind=Two, rnn=_rnn()
    ),
    "nested": lambda: _module(
        lambda m, x: m.block(m.inner(x)),
        inner=Coded(lambda m, x: m.rnn(x)[0][:, -1], rnn=_rnn()),
        block=nn.Sequential(nn.Linear(4, 3), nn.Tanh(), nn.Linear(3, 2)),
    ),
}


#: Modules that are refused: the module, an input, and the sentence.
MODULES_REFUSED: dict[str, tuple[Callable[[], nn.Module], np.ndarray]] = {}


def _state(
    row: str, **options: Any
) -> Callable[[], tuple[nn.Module, list[np.ndarray], dict[str, Any]]]:
    return lambda: (*MODULES[row](), {"head": "fc", **options})


def _stated(
    row: str, text: str
) -> Callable[[], tuple[nn.Module, list[np.ndarray], dict[str, Any]]]:
    return lambda: (*MODULES[row](), {"layers": text})


#: Modules whose state dict says enough, and the options that complete it.
STATES = {
    row: _state(row) for row in ("lstm", "gru_after", "stacked", "projection", "two_biases")
} | {
    "rnn_tanh": _state("rnn_tanh", nonlinearity="tanh"),
    "rnn_relu": _state("rnn_relu", nonlinearity="relu"),
    # No head: whether one takes the last states or the last step is not in a state dict.
    "bidirectional": lambda: (
        *_module(lambda m, x: torch.cat(tuple(m.rnn(x)[1][0]), 1), rnn=_rnn(bidirectional=True)),
        {},
    ),
    **{
        row: _stated(row, text)
        for row, text in {
            "embedding": "Embedding(table) > LSTM",
            "conv": "Conv1d(conv) > relu > LSTM",
            "pooling": "MaxPool1d(2) > LSTM > mean",
            "batch_norm": "LSTM > BatchNorm1d(normal)",
            "layer_norm": "LSTM > LayerNorm(normal)",
            "each_step": "LSTM > every > Linear(fc)",
            "outputs": "LSTM > [Linear(one), Linear(two)]",
            "nested": "LSTM > Linear(block.0) > tanh > Linear(block.2)",
        }.items()
    },
}


# --- ONNX --------------------------------------------------------------------------------------


def _node(**options: Any) -> tuple[Any, list[np.ndarray]]:
    rng = np.random.default_rng(5)
    lengths = options.get("lengths", False)
    arrays = arrays_of(rng, "LSTM", peepholes=options.pop("peepholes", False))
    inputs = [_random(5, STEPS, FEATURES)]
    inputs += [np.array([6, 1, 3, 5, 2])] if lengths else []
    return single("LSTM", arrays, **options), inputs


#: Graphs of one node by row: the graph and its inputs, samples first.
ONNX_NODES: dict[str, Callable[[], tuple[Any, list[np.ndarray]]]] = {
    "peepholes": lambda: _node(peepholes=True),
    "masking": lambda: _node(lengths=True),
    "two_biases": _node,
    "attention": lambda: (onnx_attention(), [_windows()]),
}


def onnx_attention() -> Any:
    """Steps weighed by a softmax over the products of steps."""
    nodes = [
        helper.make_node("Transpose", ["x"], ["turned"], perm=[0, 2, 1]),
        helper.make_node("MatMul", ["x", "turned"], ["products"]),
        helper.make_node("Softmax", ["products"], ["weights"], axis=-1),
        helper.make_node("MatMul", ["weights", "x"], ["y"]),
    ]
    return model(nodes, [("x", ("n", 6, 3))], [("y", ("n", 6, 3))], {})
