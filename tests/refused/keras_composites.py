"""Layers of Keras that are several layers here, that are refused; classes read as others."""

from __future__ import annotations

import base64
import marshal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras

from keras_graphs import X, entry, graph, operation, placed, tensor
from refused.registry import section
from rnnlens.network.network import Network
from rnnlens.readers.open import read
from rnnlens.readers.options import ReadOptions

L = keras.layers

case = section("Layers of Keras that are several")

LAST = operation("GetItem", "last", placed(X, [{"class_name": "__slice__", "config": {}}, -1]))


def attention(calls: list[Any], **config: Any) -> dict[str, Any]:
    return entry("Attention", "a", calls, **config)


def code_of(function: Callable[[Any], Any]) -> dict[str, Any]:
    """A function as Keras 3 writes it."""
    code = base64.b64encode(marshal.dumps(function.__code__)).decode("ascii")
    return {"class_name": "__lambda__", "config": {"code": code}}


def within_lambda(function: Callable[[Any], Any], **config: Any) -> Callable[[], Network]:
    return lambda: graph(entry("Lambda", "f", placed(X), function=code_of(function), **config))


def stack(**config: Any) -> Any:
    return L.RNN([L.SimpleRNNCell(2, name="one"), L.SimpleRNNCell(3, name="two")], **config)


def model_of(make: Callable[[Any], Any], shape: tuple[int, ...] = (6, 4)) -> keras.Model:
    given = L.Input(shape, name="x")
    return keras.Model(given, make(given))


def live(make: Callable[[Any], Any], shape: tuple[int, ...] = (6, 4)) -> Callable[[], Network]:
    return lambda: read(model_of(make, shape))


def nested(*layers: Any, shape: tuple[int, ...] = (4,)) -> Any:
    return L.TimeDistributed(keras.Sequential([L.Input(shape), *layers], name="inner"), name="t")


def _open_window() -> Network:
    given = attention(placed([X, X], use_causal_mask=True))
    return graph(given, shape=(None, 4))


def _of_different_ranks() -> Callable[[], Network]:
    def make(x: Any) -> Any:
        given = L.Input((4,), name="given")
        wide = L.RepeatVector(3, name="wide")(given)
        inner = keras.Model(given, L.Add(name="sum")([wide, given]), name="inner")
        return L.TimeDistributed(inner, name="t")(x)

    return live(make)


CASES: dict[str, Callable[[], Network]] = {
    "Attention on one value": lambda: graph(attention(placed(X))),
    "Attention with another option": lambda: graph(attention(placed([X, X], scale_by=X))),
    "Attention on no sequences": lambda: graph(
        LAST, attention(placed([tensor("last"), tensor("last")]))
    ),
    "Attention with hidden steps in open windows": _open_window,
    "Attention within one step": live(
        lambda x: nested(L.Masking(name="m"), shape=(4, 2))(L.Reshape((6, 4, 2), name="r")(x)),
        (6, 8),
    ),
    "states within a model on every step": live(
        lambda x: L.TimeDistributed(
            keras.Model(
                given := L.Input((4, 2), name="given"),
                L.LSTM(2, return_state=True, name="l")(given)[0],
                name="inner",
            ),
            name="t",
        )(L.Reshape((6, 4, 2), name="r")(x)),
        (6, 8),
    ),
    "values of different ranks within a model on every step": _of_different_ranks(),
    "Attention on what attention gave": live(
        lambda x: L.Attention(name="b")([L.Attention(name="a")([L.Masking(name="m")(x)] * 2)] * 2)
    ),
    "Bidirectional around another class": lambda: graph(
        entry("Bidirectional", "b", placed(X), layer=entry("ConvLSTM1D", "c", []))
    ),
    "MultiHeadAttention on masked steps": live(
        lambda x: L.MultiHeadAttention(1, 2, name="a")(*[L.Masking(name="m")(x)] * 2)
    ),
    "MultiHeadAttention with a mask of its own": lambda: read(
        keras.Model(
            [x := L.Input((6, 4), name="x"), hidden := L.Input((6, 6), name="hidden")],
            L.MultiHeadAttention(1, 2, name="a")(x, x, attention_mask=hidden),
        )
    ),
    "MultiHeadAttention with several axes out": live(
        lambda x: L.MultiHeadAttention(1, 2, output_shape=(2, 3), name="a")(x, x)
    ),
    "MultiHeadAttention along other axes": live(
        lambda x: L.MultiHeadAttention(1, 2, attention_axes=(1, 2), name="a")(
            *[L.Reshape((6, 2, 2), name="r")(x)] * 2
        )
    ),
    "Dot of three": lambda: graph(entry("Dot", "d", placed([X, X, X]), axes=1)),
    "Dot over samples": lambda: graph(entry("Dot", "d", placed([X, X]), axes=0)),
    "Dot over several axes": lambda: graph(entry("Dot", "d", placed([X, X]), axes=[1, 2, 2])),
    "stack over masked steps, backwards": live(
        lambda x: stack(go_backwards=True, name="r")(L.Masking(name="m")(x))
    ),
    "stack with too few states": lambda: read(
        keras.Model(
            [x := L.Input((6, 4), name="x"), h := L.Input((2,), name="h")],
            stack(name="r")(x, initial_state=[h]),
        )
    ),
    "stacks both ways over masked steps": live(
        lambda x: L.Bidirectional(stack(name="r"), name="b")(L.Masking(name="m")(x))
    ),
    "stacks both the same way": lambda: graph(
        entry(
            "Bidirectional",
            "b",
            placed(X),
            layer=_stack_entry(),
            backward_layer=_stack_entry(),
        )
    ),
    "cell that is none": lambda: graph(entry("RNN", "r", placed(X), cell="LSTM")),
    "cell of another class": lambda: graph(
        entry("RNN", "r", placed(X), cell=entry("ConvLSTMCell", "c", []))
    ),
    "stack without cells": lambda: graph(entry("RNN", "r", placed(X), cell=[])),
    "stack with cells of one name": lambda: graph(
        entry("RNN", "r", placed(X), cell=[entry("GRUCell", "c", [], units=2)] * 2)
    ),
    "Lambda with arguments": within_lambda(lambda x: x[:, -1], arguments={"k": 2}),
    "Lambda with a branch": within_lambda(lambda x: x if x else 1),
    "Lambda that calls something": within_lambda(lambda x: sum(x)),  # noqa: PLW0108
}


def _stack_entry() -> dict[str, Any]:
    cells = [entry("SimpleRNNCell", name, [], units=2, activation="tanh") for name in "ab"]
    return entry("RNN", "r", [], cell=cells)


for name, make in CASES.items():

    @case(name)
    def _(_: Path, make: Callable[[], Network] = make) -> Network:
        keras.utils.clear_session(free_memory=False)
        return make()


@case("Lambda whose code is damaged")
def _(_: Path) -> Network:
    function = code_of(lambda x: x[:, -1])
    function["config"]["code"] = function["config"]["code"][:-8]
    return graph(entry("Lambda", "f", placed(X), function=function))


case = section("Classes read as others")


class Memory(L.LSTM):
    """A layer of the user's own that changes nothing."""


@case("class that the model has not")
def _(_: Path) -> Network:
    return read(model_of(Memory(2, name="l")), ReadOptions(same_as={"Memmory": "LSTM"}))


@case("class that Keras has not")
def _(_: Path) -> Network:
    return read(model_of(Memory(2, name="l")), ReadOptions(same_as={"Memory": "LSTMM"}))


@case("class of the user without a word")
def _(_: Path) -> Network:
    return read(model_of(Memory(2, name="l")))
