"""Layers, calls and options of Keras that are not implemented, or are damaged."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest.mock import patch

import keras
import numpy as np

from keras_models import saved, scrambled, write_hdf5
from refused.registry import alike, section
from rnnlens.readers.open import read

L = keras.layers


class Doubling(L.Dense):
    """A layer of the user's own."""


def sequence(*layers: Any, shape: tuple[int, ...] = (6, 4)) -> keras.Model:
    return keras.Sequential([L.Input(shape), *layers])


def functional(make: Callable, shape: tuple[int, ...] = (6, 4)) -> keras.Model:
    keras.utils.clear_session(free_memory=False)  # operations are numbered from the first again
    entry = L.Input(shape, name="x")
    return keras.Model(entry, make(entry))


def read_alike(folder: Path, model: keras.Model) -> None:
    """Read a model live and from its archive."""
    path = saved(model, folder)
    alike(lambda: read(model), lambda: read(path))


GATES = {"LSTM": 4, "GRU": 3, "SimpleRNN": 1, "Dense": 1}


def entry(kind: str, **options: Any) -> dict[str, Any]:
    """A layer in the words of Keras 2."""
    return {"class_name": kind, "config": {"name": "a", **options}}


def written(
    folder: Path, *layers: Any, arrays: dict[str, Any] | None = None, **options: Any
) -> Path:
    """Write a Sequential model of Keras 2 whose first layer takes steps of one feature."""
    layers[0]["config"].setdefault("batch_input_shape", [None, 3, 1])
    kept = {f"a/{name}:0": np.asarray(values, float) for name, values in (arrays or {}).items()}
    return write_hdf5(folder / "model.h5", list(layers), {"a": kept}, **options)


def weighted(folder: Path, kind: str, version: str = "2.1.3", **options: Any) -> Path:
    """Write one layer with random arrays for two units."""
    rng = np.random.default_rng(4)
    arrays = {"kernel": rng.normal(size=(1, 2 * GATES[kind]))}
    if kind != "Dense":
        arrays["recurrent_kernel"] = rng.normal(size=(2, 2 * GATES[kind]))
    arrays["bias"] = rng.normal(size=2 * GATES[kind])
    made = entry(kind, **{"units": 2, **options})
    return written(folder, made, arrays=arrays, version=version)


# --- layers ------------------------------------------------------------------------------------

case = section("Layers of Keras")

LAYERS: dict[str, Callable[[], keras.Model]] = {
    "Lambda": lambda: sequence(L.Lambda(abs, name="f")),
    "ConvLSTM1D": lambda: sequence(L.ConvLSTM1D(2, 2, name="c"), shape=(6, 4, 3)),
    "another class": lambda: sequence(L.SeparableConv1D(2, 2, name="s")),
    "class of the user": lambda: sequence(Doubling(2, name="d")),
    "TimeDistributed around another": lambda: sequence(
        L.TimeDistributed(L.TimeDistributed(L.Dense(2)), name="t"), shape=(6, 4, 3)
    ),
    "TimeDistributed around Softmax": lambda: sequence(L.TimeDistributed(L.Softmax(), name="t")),
    "pooling of channels first": lambda: sequence(
        L.AveragePooling1D(2, data_format="channels_first", name="p")
    ),
    "call with training=True": lambda: functional(
        lambda x: L.LSTM(2, dropout=0.5, name="l")(x, training=True)
    ),
    "initial states of None": lambda: functional(
        lambda x: L.LSTM(2, name="l")(x, initial_state=[None, None])
    ),
}

for name, make in LAYERS.items():

    @case(name)
    def _(folder: Path, make: Callable = make) -> None:
        read_alike(folder, make())


@case("low-rank adapters")
def _(_: Path) -> object:
    model = sequence(L.Dense(3, name="a"))
    model.layers[0].enable_lora(2)
    return read(model)


@case("model that is not built")
def _(_: Path) -> object:
    return read(keras.Sequential([L.LSTM(2)], name="new"))


class Mine(keras.Model):
    """A model whose graph is in its code."""

    def __init__(self, **options: Any) -> None:
        super().__init__(name="mine", **options)
        self.dense = L.Dense(1)

    def call(self, x: Any) -> Any:
        return self.dense(x)


@case("subclassed model")
def _(_: Path) -> object:
    model = Mine()
    model(np.zeros((1, 3), "float32"))
    return read(model)


class Untold(Mine):
    """A model that cannot be serialised."""

    def get_config(self) -> dict[str, Any]:
        raise NotImplementedError


@case("model that cannot be serialised")
def _(_: Path) -> object:
    model = Untold()
    model(np.zeros((1, 3), "float32"))
    return read(model)


DISTRIBUTED = {"name": "t", "batch_input_shape": [None, 3, 1]}

#: Layers in the words of Keras 2, without arrays.
PLAIN: dict[str, dict[str, Any]] = {
    "Reshape with two open sides": entry("Reshape", target_shape=[-1, -1]),
    "Permute that is no order": entry("Permute", dims=[2, 2]),
    "Concatenate of samples": entry("Concatenate", axis=0),
    "call of a merge on one input": entry("Add"),
    "class that Keras has not": entry("Memory"),
    "padding of three ends": entry("ZeroPadding1D", padding=[1, 2, 3]),
}

for name, made in PLAIN.items():

    @case(name)
    def _(folder: Path, made: dict = made) -> object:
        return read(written(folder, made))


@case("steps of vectors repeated")
def _(folder: Path) -> object:
    return read(written(folder, entry("Flatten", name="f"), entry("UpSampling1D")))


def two_ways(folder: Path, **backward: Any) -> object:
    """Write a Bidirectional layer with a backward layer of other options."""
    rng = np.random.default_rng(4)
    common = {"units": 2, "return_sequences": True}
    inner = {"class_name": "SimpleRNN", "config": {"name": "r", **common}}
    own = {"name": "back", **common, "go_backwards": True, **backward}
    other = {"class_name": "SimpleRNN", "config": own}
    features = 1 if backward else 5
    shapes = {"kernel": (1, 2), "recurrent_kernel": (2, 2), "bias": (2,)}
    arrays = {f"forward_r/{k}": rng.normal(size=v) for k, v in shapes.items()}
    arrays |= {
        f"backward_r/{k}": rng.normal(size=(features, 2) if k == "kernel" else v)
        for k, v in shapes.items()
    }
    made = entry("Bidirectional", layer=inner, backward_layer=other, merge_mode="concat")
    return read(written(folder, made, arrays=arrays, version="2.9.0"))


@case("directions that read in the same order")
def _(folder: Path) -> object:
    return two_ways(folder, go_backwards=False)


@case("directions that differ in an option")
def _(folder: Path) -> object:
    return two_ways(folder, return_sequences=False)


@case("directions of different features")
def _(folder: Path) -> object:
    return two_ways(folder)


@case("cell without input features")
def _(folder: Path) -> object:
    arrays = {"kernel": np.ones((0, 2)), "recurrent_kernel": np.ones((2, 2)), "bias": np.ones(2)}
    return read(written(folder, entry("SimpleRNN", units=2), arrays=arrays))


@case("filters that fall into no groups")
def _(folder: Path) -> object:
    made = entry("Conv1D", filters=3, kernel_size=[1], groups=2)
    return read(written(folder, made, arrays={"kernel": np.ones((1, 1, 3)), "bias": np.ones(3)}))


@case("BatchNormalization over several axes")
def _(folder: Path) -> object:
    return read(written(folder, entry("BatchNormalization", axis=[1, 2])))


@case("LayerNormalization over axes from both ends")
def _(folder: Path) -> object:
    arrays = {"gamma": np.ones((3, 1)), "beta": np.ones((3, 1))}
    return read(written(folder, entry("LayerNormalization", axis=[1, -1]), arrays=arrays))


def normalized(folder: Path, build_shape: Any = None, **options: Any) -> object:
    """Write a Normalization layer with its moments among its options."""
    made = entry("Normalization", **options)
    if build_shape:
        made["build_config"] = {"input_shape": build_shape}
    return read(written(folder, made, version="3.4.0"))


@case("Normalization of an unknown axis")
def _(folder: Path) -> object:
    return normalized(folder, axis=[1], mean=[0.0] * 3, variance=[1.0] * 3)


@case("Normalization along the batch axis")
def _(folder: Path) -> object:
    return normalized(folder, [None, 3, 1], axis=[0], mean=[0.0] * 3, variance=[1.0] * 3)


@case("Normalization with moments of too many axes")
def _(folder: Path) -> object:
    moments = {"mean": [[0.0] * 3], "variance": [[1.0] * 3]}
    return normalized(folder, [None, 3, 1], axis=[1], **moments)


@case("Rescaling by a word")
def _(folder: Path) -> object:
    return read(written(folder, entry("Rescaling", scale="half")))


# --- options -----------------------------------------------------------------------------------

case = section("Options of Keras")

#: The kind of layer and the option that is not right in it.
OPTIONS: dict[str, tuple[str, dict[str, Any]]] = {
    "time_major": ("LSTM", {"time_major": True}),
    "projection": ("LSTM", {"projection": 3}),
    "input_gate_bias": ("GRU", {"input_gate_bias": "yes"}),
    "quantization_config": ("Dense", {"quantization_config": {"bits": 4}}),
    "spectral": ("Dense", {"spectral": 0.5}),
    "long value": ("Dense", {"spectral": list(range(99))}),
    "units of a word": ("LSTM", {"units": "many"}),
    "no units": ("LSTM", {"units": 0}),
    "units of true": ("LSTM", {"units": True}),
    "flag of a word": ("LSTM", {"return_sequences": "no"}),
    "units that do not fit": ("LSTM", {"units": 3}),
    "no bias beside one": ("LSTM", {"use_bias": False}),
    "glu in a cell": ("SimpleRNN", {"activation": "glu"}),
    "activation of the user": ("Dense", {"activation": "my_activation"}),
    "activation that needs a number": ("Dense", {"activation": "threshold"}),
    "function of the user": (
        "Dense",
        {"activation": {"class_name": "function", "config": "mine", "module": "mycode"}},
    ),
    "function of the user by a name of Keras": (
        "Dense",
        {"activation": {"class_name": "function", "config": "tanh", "module": "mycode"}},
    ),
    "function registered by the user": (
        "Dense",
        {
            "activation": {
                "class_name": "function",
                "config": "tanh",
                "registered_name": "mine>tanh",
            }
        },
    ),
    "activation with arrays": ("Dense", {"activation": {"class_name": "PReLU", "config": {}}}),
    "activation of a class of the user": (
        "Dense",
        {"activation": {"class_name": "Custom>Thing", "config": {}}},
    ),
}

for name, (kind, options) in OPTIONS.items():

    @case(name)
    def _(folder: Path, kind: str = kind, options: dict = options) -> object:
        return read(weighted(folder, kind, **options))


@case("sparsemax")
def _(folder: Path) -> object:
    return read(weighted(folder, "Dense", "3.9.0", activation="sparsemax"))


@case("quantized dtype policy")
def _(folder: Path) -> object:
    policy = {"class_name": "QuantizedDTypePolicy", "config": {"name": "int8_from_float32"}}
    return read(weighted(folder, "Dense", "3.4.0", dtype=policy))


@case("missing option")
def _(folder: Path) -> object:
    return read(written(folder, entry("RepeatVector")))


@case("mask value of a word")
def _(folder: Path) -> object:
    return read(written(folder, entry("Masking", mask_value="zero")))


@case("axes of a word")
def _(folder: Path) -> object:
    return read(written(folder, entry("Permute", dims="time first")))


@case("input shape that is none")
def _(folder: Path) -> object:
    return read(written(folder, entry("InputLayer", batch_input_shape=[None, -3])))


@case("integer array")
def _(folder: Path) -> object:
    made = entry("Dense", units=2, batch_input_shape=[None, 1])
    arrays = {"a": {"a/kernel:0": np.ones((1, 2), "int8"), "a/bias:0": np.ones(2)}}
    return read(write_hdf5(folder / "model.h5", [made], arrays))


@case("array with NaN")
def _(folder: Path) -> object:
    made = entry("Dense", units=2, batch_input_shape=[None, 1])
    arrays = {"kernel": np.ones((1, 2)), "bias": np.array([1.0, np.nan])}
    return read(written(folder, made, arrays=arrays))


# --- masks -------------------------------------------------------------------------------------

case = section("Masks of Keras")


@case("mask of the user")
def _(_: Path) -> object:
    series, mask = L.Input((6, 4), name="x"), L.Input((6,), dtype="bool", name="mask")
    return read(keras.Model([series, mask], L.LSTM(2, name="l")(series, mask=mask)))


@case("mask by another value")
def _(_: Path) -> object:
    series = L.Input((6, 4), name="x")
    masked = L.Masking(0.0)(series)
    other = keras.ops.any(keras.ops.not_equal(series, 1.0), axis=-1)
    return read(keras.Model(series, L.LSTM(2, name="l")(masked, mask=other)))


@case("mask of another sequence")
def _(_: Path) -> object:
    series, other = L.Input((6, 4), name="x"), L.Input((6, 4), name="y")
    made = keras.ops.any(keras.ops.not_equal(series, 0.0), axis=-1)
    outputs = [L.LSTM(2)(L.Masking(0.0)(series)), L.LSTM(2, name="l")(other, mask=made)]
    return read(keras.Model([series, other], outputs))


@case("masked Softmax")
def _(folder: Path) -> None:
    model = functional(lambda x: L.Softmax(name="s", axis=1)(L.Masking()(x)), shape=(6, 6))
    read_alike(folder, model)


@case("masked steps of a recurrent layer within steps")
def _(folder: Path) -> None:
    make = lambda x: L.TimeDistributed(L.LSTM(2), name="t")(L.Masking()(x))  # noqa: E731
    read_alike(folder, functional(make, shape=(6, 4, 3)))


def graph(folder: Path, version: str, *layers: tuple[str, str, dict, list], weights: Any) -> Path:
    """Write a functional model of Keras 2: class, name, options, and what each layer takes."""
    listed = [
        {
            "class_name": kind,
            "name": name,
            "config": {"name": name, "trainable": True, **options},
            "inbound_nodes": [[[one, 0, 0, {}] for one in taken]] if taken else [],
        }
        for kind, name, options, taken in layers
    ]
    ends = {"input_layers": [[layers[0][1], 0, 0]], "output_layers": [[layers[-1][1], 0, 0]]}
    model = {"class_name": "Functional", "config": {"name": "m", "layers": listed, **ends}}
    return write_hdf5(folder / "model.h5", [], weights, model=model, version=version)


ENTRY = ("InputLayer", "x", {"batch_input_shape": [None, 3, 1]}, [])
MASKED = ("Masking", "mask", {"mask_value": 0.0}, ["x"])


@case("masks merged by older rules")
def _(folder: Path) -> object:
    layers = [ENTRY, MASKED, ("Add", "sum", {}, ["mask", "x"]), ("GRU", "a", {"units": 2}, ["sum"])]
    rng = np.random.default_rng(4)
    shapes = {"kernel": (1, 6), "recurrent_kernel": (2, 6), "bias": (6,)}
    weights = {"a": {f"a/{name}:0": rng.normal(size=shape) for name, shape in shapes.items()}}
    return read(graph(folder, "2.9.0", *layers, weights=weights))


for version in ("2.15.0", "3.3.3"):

    @case(f"product of masked sequences in Keras {version}")
    def _(folder: Path, version: str = version) -> object:
        layers = [ENTRY, MASKED, ("Multiply", "product", {}, ["mask", "x"])]
        return read(graph(folder, version, *layers, weights={}))


# --- configurations ----------------------------------------------------------------------------

case = section("Configurations of Keras")


@case("layer that the model does not have")
def _(_: Path) -> object:
    model = functional(L.Dense(2, name="a"))
    serialized = keras.saving.serialize_keras_object(model)
    serialized = json.loads(json.dumps(serialized).replace('"a"', '"b"'))
    with patch.object(keras.saving, "serialize_keras_object", lambda _: serialized):
        return read(model)


#: What is done to the configuration of a functional model of one Dense layer, by its sentence.
DAMAGE: dict[str, Callable[[dict[str, Any]], object]] = {
    "no config": lambda c: c.pop("config"),
    "no layers": lambda c: c["config"].pop("layers"),
    "layers that are no list": lambda c: c["config"].update(layers=3),
    "layer that is nothing": lambda c: c["config"].update(layers=[None]),
    "layer without a config": lambda c: c["config"]["layers"][1].pop("config"),
    "layer without its units": lambda c: c["config"]["layers"][1]["config"].pop("units"),
    "call that is a number": lambda c: c["config"]["layers"][1].update(inbound_nodes=[3]),
    "call without an input": lambda c: c["config"]["layers"][1].update(
        inbound_nodes=[{"args": []}]
    ),
    "call on a layer that is not there": lambda c: c["config"]["layers"][1].update(
        inbound_nodes=[[["ghost", 0, 0, {}]]]
    ),
    "call of a layer on itself": lambda c: c["config"]["layers"][1].update(
        inbound_nodes=[[["a", 0, 0, {}]]]
    ),
    "output of a call that is not there": lambda c: c["config"].update(output_layers=[["a", 5, 0]]),
    "output that a call does not give": lambda c: c["config"].update(output_layers=[["a", 0, 7]]),
    "no outputs": lambda c: c["config"].update(output_layers=[]),
    "input that is not there": lambda c: c["config"].update(input_layers=[["ghost", 0, 0]]),
    "layer twice": lambda c: c["config"]["layers"].append(c["config"]["layers"][1]),
    "layer without a name": lambda c: [
        c["config"]["layers"][1].pop("name"),
        c["config"]["layers"][1]["config"].pop("name"),
    ],
    "call with a constant": lambda c: c["config"]["layers"][1].update(
        inbound_nodes=[[["_CONSTANT_VALUE", -1, 3.0, {}]]]
    ),
    "call with an argument of its own": lambda c: c["config"]["layers"][1].update(
        inbound_nodes=[[["x", 0, 0, {"scale": 2.0}]]]
    ),
    "call on two inputs": lambda c: c["config"]["layers"][1].update(
        inbound_nodes=[[["x", 0, 0, {}], ["x", 0, 0, {}]]]
    ),
}

for name, damage in DAMAGE.items():

    @case(name)
    def _(folder: Path, damage: Callable = damage) -> object:
        model = scrambled(functional(L.Dense(2, name="a"), shape=(3, 1)))
        config = json.loads(json.dumps(keras.saving.serialize_keras_object(model)))
        damage(config)
        path = weighted(folder, "Dense")
        arrays = {"a": {"a/kernel:0": np.ones((1, 2)), "a/bias:0": np.ones(2)}}
        return read(write_hdf5(path, [], arrays, model=config, version="3.4.0"))


@case("Sequential model without layers")
def _(folder: Path) -> object:
    return read(write_hdf5(folder / "model.h5", [], {}))


@case("Sequential model without an input shape")
def _(folder: Path) -> object:
    return read(write_hdf5(folder / "model.h5", [entry("ReLU")], {}))


@case("wrong number of initial states")
def _(folder: Path) -> object:
    layers = [
        ENTRY,
        ("InputLayer", "h", {"batch_input_shape": [None, 2]}, []),
        ("LSTM", "a", {"units": 2}, ["x", "h"]),
    ]
    rng = np.random.default_rng(4)
    shapes = {"kernel": (1, 8), "recurrent_kernel": (2, 8), "bias": (8,)}
    weights = {"a": {f"a/{name}:0": rng.normal(size=shape) for name, shape in shapes.items()}}
    path = graph(folder, "2.9.0", *layers, weights=weights)
    with_two_inputs(path)
    return read(path)


def with_two_inputs(path: Path) -> None:
    import h5py

    with h5py.File(path, "r+") as file:
        config = json.loads(file.attrs["model_config"])
        config["config"]["input_layers"].append(["h", 0, 0])
        file.attrs["model_config"] = json.dumps(config).encode()


@case("nested model called on too many inputs")
def _(folder: Path) -> object:
    inner = {
        "class_name": "Functional",
        "name": "inner",
        "config": {
            "name": "inner",
            "layers": [{"class_name": "InputLayer", "name": "e", "config": {"name": "e"}}],
            "input_layers": [["e", 0, 0]],
            "output_layers": [["e", 0, 0]],
        },
        "inbound_nodes": [[["x", 0, 0, {}], ["x", 0, 0, {}]]],
    }
    layer = {"class_name": "InputLayer", "name": "x", "config": ENTRY[2] | {"name": "x"}}
    ends = {"input_layers": [["x", 0, 0]], "output_layers": [["inner", 0, 0]]}
    model = {"class_name": "Functional", "config": {"name": "m", "layers": [layer, inner], **ends}}
    return read(write_hdf5(folder / "model.h5", [], {}, model=model, version="2.9.0"))
