"""Advice about layers, operations and masks of Keras."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
from keras import layers as K
from keras import ops

import rnnlens
from followed.registry import advice
from rnnlens.errors import RnnlensError

LAYERS = "Layers of Keras"
SEVERAL = "Layers of Keras that are several"
OPERATIONS = "Operations of Keras"

#: What is given to every model here: six steps of four features.
SHAPE = (6, 4)
Make = Callable[[Any], Any]


def model_of(make: Make, *shapes: tuple[int | None, ...]) -> keras.Model:
    given = [keras.Input(shape) for shape in shapes or (SHAPE,)]
    model = keras.Model(given, make(*given))
    rng = np.random.default_rng(5)
    model.set_weights([rng.normal(size=one.shape) * 0.5 for one in model.get_weights()])
    return model


def agree(model: keras.Model, network: Any = None) -> None:
    """Keras computes in single precision."""
    rng = np.random.default_rng(6)
    inputs = [
        rng.normal(size=(3, *(size or 6 for size in one.shape[1:]))).astype("float32")
        for one in model.inputs
    ]
    inputs[0][0, :2] = 0.0  # steps that a mask hides, where there is one
    read = rnnlens.read(model) if network is None else network
    given = dict(zip(read.inputs, inputs, strict=True)) if len(inputs) > 1 else inputs[0]
    theirs = model.predict(inputs if len(inputs) > 1 else inputs[0], verbose=0)
    np.testing.assert_allclose(rnnlens.predict(read, given), theirs, rtol=0, atol=1e-6)


def masked(x: Any) -> Any:
    return K.Masking(0.0)(x)


def stack(**options: Any) -> Any:
    return K.RNN([K.SimpleRNNCell(2, name="one"), K.SimpleRNNCell(3, name="two")], **options)


def within_steps(x: Any) -> Any:
    """An LSTM over the parts of every step, from a state of zeros, and a sum of equal ranks."""
    inner = keras.Input((2, 2))
    last = K.LSTM(2)(inner)
    model = keras.Model(inner, K.Add()([last, K.Dense(2)(last)]))
    return K.TimeDistributed(model)(K.Reshape((6, 2, 2))(x))


#: Models that do what the refusal of another advises.
MODELS: dict[tuple[str, str], Make] = {
    (f"{LAYERS}: Lambda", "replace it by a layer of Keras"): lambda x: K.Dense(1)(
        K.LSTM(3)(K.ReLU(max_value=2.0)(x))
    ),
    (f"{LAYERS}: model that is not built", "call it on data or give it an Input layer"): (
        K.Dense(2)
    ),
    (f"{SEVERAL}: Attention on one value", "call it so"): lambda x: K.Attention()([x, x, x]),
    (f"{SEVERAL}: Attention on no sequences", "make them so with Reshape or ExpandDims"): (
        lambda x: K.Attention()([K.Reshape((3, 1))(K.LSTM(3)(x))] * 2)
    ),
    (
        f"{SEVERAL}: Attention with hidden steps in open windows",
        "build the model on windows of a fixed length",
    ): lambda x: K.Attention()([x, x], use_causal_mask=True),
    (f"{SEVERAL}: Attention within one step", "build that model without it"): within_steps,
    (f"{SEVERAL}: Attention on what attention gave", "mask right before it instead"): lambda x: (
        K.Attention()([masked(K.Attention()([x, x]))] * 2)
    ),
    (f"{SEVERAL}: MultiHeadAttention on masked steps", "mask nothing before it"): lambda x: (
        K.MultiHeadAttention(1, 2)(x, x)
    ),
    (
        f"{SEVERAL}: MultiHeadAttention with a mask of its own",
        "call it on query, value and key alone",
    ): lambda x: K.MultiHeadAttention(2, 2)(x, x, x),
    (
        f"{SEVERAL}: MultiHeadAttention along other axes",
        "leave attention_axes out",
    ): lambda x: K.MultiHeadAttention(1, 3)(x, x),
    (f"{SEVERAL}: Dot over samples", "give it an axis from 1 on"): lambda x: K.Dot(axes=1)([x, x]),
    (f"{SEVERAL}: stack over masked steps, backwards", "mask nothing there"): (
        stack(go_backwards=True)
    ),
    (f"{SEVERAL}: stack with too few states", "give all of them or none"): lambda x: stack()(
        x, initial_state=[[K.Dense(2)(x[:, 0])], [K.Dense(3)(x[:, 0])]]
    ),
    (f"{SEVERAL}: stack with cells of one name", "give each cell its own"): stack(),
    (f"{OPERATIONS}: numbers without end", "use finite numbers"): lambda x: x + 3.0,
    (f"{OPERATIONS}: all axes", "give it axes from 1 on"): lambda x: ops.sum(x, axis=(1, 2)),
    (f"{OPERATIONS}: slice that is computed", "use fixed numbers"): lambda x: ops.repeat(
        ops.tile(ops.reshape(ops.take(x[:, 1:4], [0, 2], axis=2), (-1, 3, 2)), (1, 2, 1)), 2, axis=1
    ),
    (
        f"{OPERATIONS}: samples picked",
        "begin the key with a colon, as in x[:, -1]",
    ): lambda x: x[:, -1],
    (f"{OPERATIONS}: unstack of open length", "give the input a fixed one"): lambda x: ops.add(
        ops.pad(ops.roll(ops.unstack(x, axis=1)[2], 1, axis=1), ((0, 0), (1, 1))),
        ops.repeat(x, 2, axis=1)[:, 3, :1],
    ),
    (f"{OPERATIONS}: slice of samples", "write it as x[:, 2:5]"): lambda x: x[:, 2:5],
    (
        f"{OPERATIONS}: differences of differences",
        "write each as an operation",
    ): lambda x: ops.diff(ops.diff(x, axis=1), axis=1),
    (f"{OPERATIONS}: cast that rounds", "use a float type"): lambda x: ops.cast(x, "float32") * 2,
    (f"{OPERATIONS}: squeeze of open length", "name the axis"): lambda x: ops.squeeze(
        x[:, :1], axis=1
    ),
    (
        f"{OPERATIONS}: shape across samples",
        "begin it with -1 and give the shape of one sample behind",
    ): lambda x: ops.reshape(x, (-1, 3, 8)),
    (f"{OPERATIONS}: repeats by a list", "use one number"): lambda x: ops.repeat(x, 2, axis=1),
    (f"{OPERATIONS}: pad by mirror", "pad with mode='constant'"): lambda x: ops.pad(
        x, ((0, 0), (2, 1), (0, 0)), mode="constant"
    ),
    (
        f"{OPERATIONS}: sides of different ranks",
        "give both the same axes, as with expand_dims",
    ): lambda x: x + ops.expand_dims(x[:, -1], 1),
    (f"{OPERATIONS}: condition beside numbers", "leave the numbers out"): lambda x: ops.where(
        ops.logical_and(x > 0, x < 1), x, -x
    ),
    (f"{OPERATIONS}: product across samples", "use matmul"): lambda x: ops.matmul(
        x, ops.transpose(x, (0, 2, 1))
    ),
    ("Masks of Keras: masked Softmax", "use Activation('softmax')"): lambda x: K.LSTM(3)(
        K.Activation("softmax")(masked(x))
    ),
    (
        "Configurations of Keras: no layers",
        "build the same layers that way and save it",
    ): lambda x: K.Dense(1)(K.Bidirectional(K.GRU(3))(x)),
}

for (case, words), make in MODELS.items():

    @advice(case, words)
    def _(folder: Path, make: Make = make) -> None:
        model = model_of(make)
        agree(model)
        model.save(folder / "m.keras")
        agree(model, rnnlens.read(folder / "m.keras"))


@advice(f"{LAYERS}: Normalization of an unknown axis", "use axis=-1")
def _(_: Path) -> None:
    layer = K.Normalization(axis=-1)
    layer.adapt(np.random.default_rng(7).normal(2.0, 3.0, size=(50, *SHAPE)))
    given = keras.Input(SHAPE)
    agree(keras.Model(given, K.Dense(1)(K.LSTM(3)(layer(given)))))


@advice("Classes read as others: class that Keras has not", "name one that it reads, such as LSTM")
def _(_: Path) -> None:
    class Memory(K.LSTM):
        """It changes nothing."""

    model = model_of(Memory(3))
    for said in ({}, {"same_as": {"Memory": "LSTMM"}}):
        try:
            rnnlens.read(model, **said)
        except RnnlensError:
            continue
        raise AssertionError("it was read")
    agree(model, rnnlens.read(model, same_as={"Memory": "LSTM"}))


@advice("Masks of Keras: masks merged by older rules", "mask after that layer instead")
def _(folder: Path) -> None:
    def later(x: Any) -> Any:
        both = K.Add()([K.Dense(3)(x), K.Conv1D(3, 1)(x)])
        return K.GRU(3)(masked(both))

    model = model_of(later)
    model.save(folder / "m.keras")
    agree(model, rnnlens.read(folder / "m.keras"))


@advice("Configurations of Keras: Sequential model without layers", "add some and save it again")
@advice(
    "Configurations of Keras: Sequential model without an input shape",
    "build it on data or with an Input layer and save it again",
)
def _(folder: Path) -> None:
    model = keras.Sequential([K.LSTM(3), K.Dense(1)])
    model(np.zeros((1, *SHAPE), "float32"))
    model.save(folder / "m.keras")
    agree(model, rnnlens.read(folder / "m.keras"))
    given = keras.Sequential([keras.Input(SHAPE), K.LSTM(3), K.Dense(1)])
    given.save(folder / "given.keras")
    agree(given, rnnlens.read(folder / "given.keras"))


@advice(
    f"{LAYERS}: another class", "read the model up to the layer before it with until= (--until)"
)
def _(folder: Path) -> None:
    entry = keras.Input(SHAPE)
    seen = K.LSTM(3, return_sequences=True, name="seen")(entry)
    keras.Model(entry, K.SeparableConv1D(2, 2)(seen)).save(folder / "whole.keras")
    agree(keras.Model(entry, seen), rnnlens.read(folder / "whole.keras", until="seen"))
