"""A model of which one layer is not read: its arrays by gate, its part up to that layer, others."""

import keras
import numpy as np
import pytest

from keras_graphs import NoArrays, entry, model
from keras_models import agree, outputs_of, saved, scrambled, sequence
from rnnlens import api
from rnnlens.engine.forward import predict
from rnnlens.errors import InputError, UnsupportedModel
from rnnlens.network.network import Origin
from rnnlens.readers.keras.layers.spec import keras_version_of
from rnnlens.readers.keras.partial.whole import WholeModel

L = keras.layers


@keras.saving.register_keras_serializable(package="mine")
class Attend(L.Layer):
    """A layer of the user's own, with an array."""

    def build(self, shape):
        self.score = self.add_weight(shape=(shape[-1], 1), name="score")

    def call(self, x):
        return keras.ops.sum(x * keras.ops.softmax(keras.ops.matmul(x, self.score), axis=1), axis=1)


def steps(x):
    """Code of the user's own, which a Lambda calls."""
    return x[:, -3:, :]


def newest(x):
    """The code of a Lambda."""
    return steps(x)


def sliced():
    """A slice that is code, and a head after it."""
    return keras.Sequential([
        L.Input((6, 3)),
        L.BatchNormalization(name="scale"),
        L.LSTM(4, return_sequences=True, name="memory"),
        L.Lambda(newest, name="cut"),
        L.TimeDistributed(L.Dense(2), name="head"),
    ])


def attending():
    """A functional model with a class of the user's own between two branches and the head."""
    x = keras.Input((6, 3), name="series")
    memory = L.Bidirectional(L.GRU(3, return_sequences=True), name="memory")(x)
    beside = L.Dense(2, name="beside")(L.GlobalAveragePooling1D(name="mean")(x))
    joined = L.Concatenate(name="joined")([Attend(name="attend")(memory), beside])
    return keras.Model(x, L.Dense(1, name="head")(joined))


def nested():
    """A model within a model, before the layer that is not read."""
    inner = keras.Sequential([L.Input((6, 3)), L.LSTM(4, return_sequences=True, name="low")])
    inner.name = "encoder"
    x = keras.Input((6, 3))
    high = L.LSTM(3, return_sequences=True, name="memory")(inner(x))
    return keras.Model(x, L.Dense(1, name="head")(Attend(name="attend")(high)))


def shared():
    """A layer that is called twice, before the layer that is not read."""
    x = keras.Input((6, 3))
    twice = L.LSTM(3, return_sequences=True, name="memory")
    return keras.Model(x, L.Lambda(newest, name="cut")(twice(twice(x))))


MODELS = {
    sliced: ("memory", ["cut", "head"], 4),
    attending: ("memory", ["beside", "mean", "attend", "joined", "head"], 5),
    nested: ("memory", ["attend", "head"], 3),
    shared: ("memory", ["cut"], 3),
}


@pytest.fixture(params=MODELS, ids=lambda make: make.__name__)
def make(request):
    return request.param


@pytest.mark.parametrize("ending", ["", "keras", "h5"])
def test_a_model_is_read_up_to_a_layer(tmp_path, rng, make, ending):
    last, left, _ = MODELS[make]
    model = scrambled(make())
    source = saved(model, tmp_path, ending) if ending else model
    with pytest.raises(UnsupportedModel):
        api.read(source)
    network = api.read(source, until=last)
    X = sequence(rng)
    layer = model.get_layer(last)
    part = keras.Model(model.inputs[0], layer._inbound_nodes[0].outputs)
    agree(predict(network, X), outputs_of(part, X))
    said = " ".join(network.origin.left_out)
    assert all(name in said for name in left)


@pytest.mark.parametrize("ending", ["keras", "h5"])
def test_every_array_is_named_where_a_layer_is_not_read(tmp_path, make, ending):
    model = scrambled(make())
    described = api.describe(saved(model, tmp_path, ending))
    assert described["parameters"] == model.count_params()
    kinds = {layer["name"]: layer["kind"] for layer in described["layers"]}
    assert sum(kind.endswith("not read") for kind in kinds.values()) == 1
    said = " ".join(described["notes"])
    assert "It is not read as a network: layer" in said
    names = {array["name"] for layer in described["layers"] for array in layer["arrays"]}
    cell = "forward.W_z" if make is attending else "W_i"
    assert f"memory.{cell}" in names
    # the advice works
    until = said.split("until='")[1].split("'")[0]
    assert predict(api.read(saved(model, tmp_path, ending), until=until), np.zeros((2, 6, 3))).any()


def test_a_trace_goes_up_to_the_layer_that_is_not_read(tmp_path, rng):
    path = saved(scrambled(sliced()), tmp_path)
    X = sequence(rng)
    traced = api.trace(path, X)
    assert list(traced.children) == ["memory"]
    assert "layer 'cut' (Lambda)" in str(traced.attrs["left_out"])
    there = api.trace(api.read(path, until="memory"), X)["memory"]["hidden"]
    np.testing.assert_array_equal(traced["memory"]["hidden"], there)
    with pytest.raises(UnsupportedModel):
        api.predict(path, X)


def test_an_inner_layer_of_a_model_within_is_named_by_both(tmp_path, rng):
    model = scrambled(nested())
    network = api.read(saved(model, tmp_path), until="encoder.low")
    X = sequence(rng)
    inner = model.get_layer("encoder")
    agree(predict(network, X), outputs_of(inner, X))


def test_a_layer_that_is_not_there_is_refused_with_the_nearest(tmp_path):
    path = saved(scrambled(sliced()), tmp_path)
    with pytest.raises(InputError, match="did you mean 'memory'"):
        api.read(path, until="memori")
    with pytest.raises(InputError, match="did you mean 'memory'"):
        api.read(path, until="memory", output="memori")


def test_an_inner_layer_gives_the_forecast_that_is_asked_for(tmp_path, rng):
    x = keras.Input((6, 3))
    first = L.LSTM(4, return_sequences=True, name="first")(x)
    second = L.GRU(3, name="second")(first)
    model = scrambled(keras.Model(x, L.Dense(1)(second)))
    X = sequence(rng)
    for name in ("first", "second"):
        for source in (model, saved(model, tmp_path)):
            part = keras.Model(x, model.get_layer(name).output)
            agree(predict(api.read(source, output=name), X), outputs_of(part, X))


@pytest.mark.parametrize("ending", ["keras", "h5"])
def test_another_architecture_may_be_stated_over_the_files_own(tmp_path, rng, ending):
    model = scrambled(sliced())
    path = saved(model, tmp_path, ending)
    x = keras.Input((6, 3))
    every = L.LSTM(4, return_sequences=True, name="memory")(L.BatchNormalization(name="scale")(x))
    plain = keras.Model(x, L.TimeDistributed(L.Dense(2), name="head")(every))
    (tmp_path / "plain.txt").write_text(plain.to_json())
    X = sequence(rng)
    theirs = [outputs_of(model, X)[0]]
    stated = (
        "BatchNormalization(epsilon=0.001) > LSTM(tanh, sigmoid) > TimeDistributed(Dense(linear))"
    )
    for told in ({"architecture": tmp_path / "plain.txt"}, {"layers": stated}):
        network = api.read(path, **told)
        agree(predict(network, X)[:, -3:], theirs)
        assert "BatchNormalization > LSTM > Lambda > TimeDistributed" in network.origin.assumed[-1]


def test_a_saved_model_is_read_up_to_a_layer(tmp_path):
    import json
    import shutil

    from rnnlens.readers.keras.tensorflow.saved_model import METADATA

    source = __file__.rsplit("/", 2)[0] + "/../data/tensorflow/exchanged"
    shutil.copytree(source, tmp_path / "m")
    path = tmp_path / "m" / METADATA
    before = api.read(tmp_path / "m")
    text = path.read_bytes()
    assert text.count(b'"class_name": "Dense"') >= 1
    path.write_bytes(text.replace(b'"class_name": "Dense"', b'"class_name": "Dance"'))
    with pytest.raises(UnsupportedModel, match="Dance"):
        api.read(tmp_path / "m")
    described = api.describe(tmp_path / "m")
    assert json.dumps(described).count("Dance, not read") == 1
    assert sum(layer["parameters"] for layer in described["layers"]) == 184
    X = np.random.default_rng(1).normal(size=(3, 8, 4))
    ours = predict(api.read(tmp_path / "m", until="a"), X)
    np.testing.assert_array_equal(ours, predict(api.read(source, output="a"), X))
    assert before.outputs[0][0] != "a"


def test_what_an_operation_takes_by_name_leads_to_the_layers_after_it(rng):
    def tanh(name, before):
        return entry("Activation", name, [[[before, 0, 0, {}]]], activation="tanh")

    both = ["one", 0, 0, {"y": ["two", 0, 0]}]
    entries = [
        tanh("one", "x"),
        tanh("two", "one"),
        entry("TFOpLambda", "sum", [both], function="math.add"),
        tanh("after", "sum"),
        tanh("last", "after"),
    ]
    version = keras_version_of("2.15.0")
    whole = WholeModel(model(*entries), NoArrays(), version, Origin(""), tuple)
    network, windows = whole.until("after"), rng.normal(size=(2, 6, 4))
    one = np.tanh(windows)
    np.testing.assert_allclose(predict(network, windows), np.tanh(one + np.tanh(one)), rtol=1e-13)
    assert network.origin.left_out == ("the layers that do not lead to after: last",)
