"""What is not implemented is refused in one sentence that names the layer and the option."""

import json
import re

import keras
import numpy as np
import pytest

from keras_models import saved, scrambled, write_hdf5
from rnnlens.errors import InputError, UnreadableFile, UnsupportedModel
from rnnlens.readers.open import read

pytestmark = pytest.mark.filterwarnings("ignore:Layer .* was passed an input with a mask")

L = keras.layers


class Doubling(L.Dense):
    """A layer of the user's own."""


def _sequence(*layers, shape=(6, 4)):
    return keras.Sequential([L.Input(shape), *layers])


def _functional(make, shape=(6, 4)):
    entry = L.Input(shape, name="x")
    return keras.Model(entry, make(entry))


def _with_lora():
    model = _sequence(L.Dense(3, name="a"))
    model.layers[0].enable_lora(2)
    return model


LAYERS = {
    "layer 'f' (Lambda): it holds Python code": lambda: _sequence(L.Lambda(abs, name="f")),
    "layer 'c' (ConvLSTM1D): its recurrence is over images": lambda: _sequence(
        L.ConvLSTM1D(2, 2, name="c"), shape=(6, 4, 3)
    ),
    "layer 'r' (RNN): it runs a cell given apart": lambda: _sequence(
        L.RNN(L.LSTMCell(2), name="r")
    ),
    "layer 'up' (UpSampling1D): rnnlens does not read layers of this class": lambda: _sequence(
        L.UpSampling1D(name="up")
    ),
    "layer 'd' is of the class 'Doubling', which is not Keras's own": lambda: _sequence(
        Doubling(2, name="d")
    ),
    "layer 'b' (Bidirectional): it wraps a layer of the class 'RNN'": lambda: _sequence(
        L.Bidirectional(L.RNN(L.LSTMCell(2)), name="b")
    ),
    "layer 't' (TimeDistributed): it wraps a Sequential": lambda: _sequence(
        L.TimeDistributed(keras.Sequential([L.Dense(2)]), name="t")
    ),
    "layer 'p' (AveragePooling1D): the option data_format = 'channels_first'": lambda: _sequence(
        L.AveragePooling1D(2, data_format="channels_first", name="p")
    ),
    "(Add) is not a layer; rnnlens reads layers": lambda: _functional(lambda x: x + x),
    "layer 'l' is called with training=True": lambda: _functional(
        lambda x: L.LSTM(2, dropout=0.5, name="l")(x, training=True)
    ),
    "layer 'a' (Attention): attention is not implemented": lambda: _functional(
        lambda x: L.Attention(name="a")([x, x])
    ),
    "layer 'm' (Maximum): rnnlens merges by": lambda: _functional(
        lambda x: L.Maximum(name="m")([x, x])
    ),
    "layer 's' (Softmax) takes a masked sequence": lambda: _functional(
        lambda x: L.Softmax(name="s", axis=1)(L.Masking()(x)), shape=(6, 6)
    ),
    "layer 't' (TimeDistributed) applies LSTM to the steps of a masked": lambda: _functional(
        lambda x: L.TimeDistributed(L.LSTM(2), name="t")(L.Masking()(x)), shape=(6, 4, 3)
    ),
    "layer 't' (TimeDistributed): it wraps Softmax": lambda: _sequence(
        L.TimeDistributed(L.Softmax(), name="t")
    ),
    "layer 'l' takes 'None', which is not the output of a layer": lambda: _functional(
        lambda x: L.LSTM(2, name="l")(x, initial_state=[None, None])
    ),
    "activation = 'glu' halves the units": lambda: _with_option("SimpleRNN", activation="glu"),
    "layer 'a' (Dense): the option lora_rank = 2": _with_lora,
}


def _with_option(kind, **options):
    """Write a layer in the form of Keras 2, with options that Keras may not allow together."""
    config = {"name": "a", "units": 2, "batch_input_shape": [None, 3, 1], **options}
    gates = {"LSTM": 4, "GRU": 3, "SimpleRNN": 1, "Dense": 1}[kind]
    rng = np.random.default_rng(4)
    arrays = {"a/kernel:0": rng.normal(size=(1, 2 * gates))}
    if kind != "Dense":
        arrays["a/recurrent_kernel:0"] = rng.normal(size=(2, 2 * gates))
    arrays["a/bias:0"] = rng.normal(size=(2 * gates,))
    return [{"class_name": kind, "config": config}], {"a": arrays}


@pytest.mark.parametrize("sentence", LAYERS)
def test_a_layer_or_call_that_is_not_implemented_is_named(sentence, tmp_path):
    model = LAYERS[sentence]()
    sources = [write_hdf5(tmp_path / "old.h5", *model)] if isinstance(model, tuple) else [model]
    if isinstance(model, keras.Model):
        sources.append(saved(model, tmp_path))
    for source in sources:
        with pytest.raises(UnsupportedModel, match=re.escape(sentence)) as caught:
            read(source)
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("kind", "option", "value"),
    [
        ("LSTM", "time_major", True),
        ("LSTM", "projection", 3),
        ("GRU", "input_gate_bias", "yes"),
        ("Dense", "quantization_config", {"bits": 4}),
        ("Dense", "spectral", 0.5),
    ],
)
def test_an_option_that_is_not_known_is_refused_and_named(tmp_path, kind, option, value):
    path = write_hdf5(tmp_path / "m.h5", *_with_option(kind, **{option: value}))
    sentence = rf"layer 'a' \({kind}\): the option {option} = .* is not implemented"
    with pytest.raises(UnsupportedModel, match=sentence):
        read(path)


@pytest.mark.parametrize("value", [None, False, 0, 0.0, "", [], {}])
def test_an_unknown_option_that_is_switched_off_is_let_through(tmp_path, value):
    read(write_hdf5(tmp_path / "m.h5", *_with_option("LSTM", something_new=value)))


def test_options_that_act_in_training_alone_are_inert(tmp_path):
    layers, weights = _with_option(
        "LSTM",
        dropout=0.4,
        recurrent_dropout=0.2,
        implementation=2,
        unroll=True,
        kernel_regularizer={"class_name": "L1L2", "config": {"l1": 0.1, "l2": 0.0}},
        kernel_initializer={"class_name": "GlorotUniform", "config": {}},
        bias_constraint="non_neg",
        trainable=False,
    )
    assert read(write_hdf5(tmp_path / "m.h5", layers, weights))["a"].layer.cell.units == 2


@pytest.mark.parametrize(
    ("option", "value", "sentence"),
    [
        ("units", "many", "the option units must be a whole number, not 'many'"),
        ("units", 0, "the option units must be a whole number of at least 1"),
        ("units", True, "the option units must be a whole number"),
        ("return_sequences", "no", "the option return_sequences must be true or false"),
        ("units", 3, r"array 'kernel' has shape \(1, 8\), but the layer's options call for"),
        ("use_bias", False, "holds 3 arrays where its configuration calls for 2"),
    ],
)
def test_options_that_do_not_fit_are_called_damage(tmp_path, option, value, sentence):
    path = write_hdf5(tmp_path / "m.h5", *_with_option("LSTM", **{option: value}))
    with pytest.raises(UnreadableFile, match=sentence):
        read(path)


def test_a_mask_that_the_user_made_is_refused():
    series, mask = L.Input((6, 4), name="x"), L.Input((6,), dtype="bool", name="mask")
    model = keras.Model([series, mask], L.LSTM(2, name="l")(series, mask=mask))
    with pytest.raises(UnsupportedModel, match="layer 'l' is given a mask that does not follow"):
        read(model)


def test_a_mask_like_keras_own_but_of_another_value_is_refused():
    series = L.Input((6, 4), name="x")
    masked = L.Masking(0.0)(series)
    other = keras.ops.any(keras.ops.not_equal(series, 1.0), axis=-1)
    model = keras.Model(series, L.LSTM(2, name="l")(masked, mask=other))
    with pytest.raises(UnsupportedModel, match="layer 'l' is given a mask that does not follow"):
        read(model)


def test_a_mask_of_a_masking_layer_given_to_another_sequence_is_refused():
    series, other = L.Input((6, 4), name="x"), L.Input((6, 4), name="y")
    made = keras.ops.any(keras.ops.not_equal(series, 0.0), axis=-1)
    outputs = [L.LSTM(2)(L.Masking(0.0)(series)), L.LSTM(2, name="l")(other, mask=made)]
    with pytest.raises(UnsupportedModel, match="layer 'l' is given a mask that does not follow"):
        read(keras.Model([series, other], outputs))


def test_masks_merged_by_the_rules_of_older_versions_are_refused(tmp_path):
    layers = [
        {"class_name": "InputLayer", "config": {"name": "x", "batch_input_shape": [None, 3, 1]}},
        {"class_name": "Masking", "config": {"name": "mask", "mask_value": 0.0}},
        {"class_name": "Add", "config": {"name": "sum"}},
        {"class_name": "GRU", "config": {"name": "a", "units": 2}},
    ]
    taken = [[], [["x", 0, 0, {}]], [["mask", 0, 0, {}], ["x", 0, 0, {}]], [["sum", 0, 0, {}]]]
    for layer, node in zip(layers, taken, strict=True):
        layer["name"] = layer["config"]["name"]
        layer["inbound_nodes"] = [node] if node else []
    config = {"name": "m", "layers": layers}
    config |= {"input_layers": [["x", 0, 0]], "output_layers": [["a", 0, 0]]}
    _, weights = _with_option("GRU")
    model = {"class_name": "Functional", "config": config}
    path = write_hdf5(tmp_path / "m.h5", [], weights, model=model, version="2.9.0")
    with pytest.raises(UnsupportedModel, match=r"layer 'a' \(GRU\) takes a mask that versions"):
        read(path)


def test_quantized_models_are_refused(tmp_path):
    policy = {"class_name": "QuantizedDTypePolicy", "config": {"name": "int8_from_float32"}}
    path = write_hdf5(tmp_path / "m.h5", *_with_option("Dense", dtype=policy), version="3.4.0")
    with pytest.raises(UnsupportedModel, match="the dtype policy 'int8_from_float32'"):
        read(path)


def test_integer_arrays_are_refused(tmp_path):
    layers, weights = _with_option("Dense")
    weights["a"]["a/kernel:0"] = np.ones((1, 2), "int8")
    with pytest.raises(UnsupportedModel, match="array 'kernel' is of type int8"):
        read(write_hdf5(tmp_path / "m.h5", layers, weights))


def test_numbers_that_are_not_finite_are_refused(tmp_path):
    layers, weights = _with_option("Dense")
    weights["a"]["a/bias:0"][1] = np.nan
    with pytest.raises(InputError, match=r"array a\.b holds NaN"):
        read(write_hdf5(tmp_path / "m.h5", layers, weights))


def test_a_subclassed_model_is_refused():
    class Mine(keras.Model):
        def __init__(self):
            super().__init__()
            self.dense = L.Dense(1)

        def call(self, x):
            return self.dense(x)

    model = Mine()
    model(np.zeros((1, 3), "float32"))
    with pytest.raises(UnsupportedModel, match="'Mine'"):
        read(model)


def test_a_model_that_is_not_built_is_refused():
    with pytest.raises(UnsupportedModel, match="is not built: it has no weights yet"):
        read(keras.Sequential([L.LSTM(2)]))


@pytest.mark.parametrize("source", [None, 3, {"a": 1}, keras.layers.LSTM])
def test_objects_that_are_no_models_are_refused(source):
    with pytest.raises(UnsupportedModel, match="cannot read an object of the type"):
        read(source)


@pytest.mark.parametrize(
    "damage",
    [
        lambda c: c.pop("config"),
        lambda c: c["config"].pop("layers"),
        lambda c: c["config"].update(layers=3),
        lambda c: c["config"].update(layers=[None]),
        lambda c: c["config"]["layers"][1].pop("config"),
        lambda c: c["config"]["layers"][1]["config"].pop("units"),
        lambda c: c["config"]["layers"][1].update(inbound_nodes=[3]),
        lambda c: c["config"]["layers"][1].update(inbound_nodes=[{"args": []}]),
        lambda c: c["config"]["layers"][1].update(inbound_nodes=[[["ghost", 0, 0, {}]]]),
        lambda c: c["config"]["layers"][1].update(inbound_nodes=[[["a", 0, 0, {}]]]),
        lambda c: c["config"].update(output_layers=[["a", 5, 0]]),
        lambda c: c["config"].update(output_layers=[["a", 0, 7]]),
        lambda c: c["config"].update(output_layers=[]),
        lambda c: c["config"].update(input_layers=[["ghost", 0, 0]]),
        lambda c: c["config"]["layers"].append(c["config"]["layers"][1]),
    ],
)
def test_a_damaged_configuration_ends_in_one_sentence(tmp_path, damage):
    model = scrambled(_functional(L.Dense(2, name="a")))
    config = json.loads(json.dumps(keras.saving.serialize_keras_object(model)))
    damage(config)
    _, weights = _with_option("Dense")
    path = write_hdf5(tmp_path / "m.h5", [], weights, model=config, version="3.4.0")
    with pytest.raises(InputError) as caught:
        read(path)
    assert "\n" not in str(caught.value)
