"""Keras 3 and `predict` agree, over everything that the reader of Keras models lets through.

Every model is saved and read back, so that reader and engine are tested together. Keras computes in
float32 and rnnlens in float64: the tolerance is 1e-6 of the largest output (or of 1), which is what
float32 keeps over a few steps (`keras_models.agree`).
"""

from __future__ import annotations

import h5py
import keras
import numpy as np
import pytest

from keras_models import agree, outputs_of, rich_model, saved, scrambled, sequence
from rnnlens.engine.forward import predict
from rnnlens.errors import UnsupportedModel
from rnnlens.readers.open import read

pytestmark = [
    pytest.mark.filterwarnings("ignore:Layer .* was passed an input with a mask"),
    pytest.mark.filterwarnings("ignore:You passed `rms_scaling=True`, which is deprecated"),
]

L = keras.layers
STEPS, FEATURES, UNITS = 6, 3, 4

CELLS = {
    "LSTM": L.LSTM,
    "GRU reset after": lambda units, **options: L.GRU(units, reset_after=True, **options),
    "GRU reset before": lambda units, **options: L.GRU(units, reset_after=False, **options),
    "SimpleRNN": L.SimpleRNN,
}
DIRECTIONS = ("forward", "backwards", "concat", "sum", "mul", "ave", None)


def _recurrent(cell, direction, **options):
    if direction == "forward":
        return CELLS[cell](UNITS, **options)
    if direction == "backwards":
        return CELLS[cell](UNITS, go_backwards=True, **options)
    return L.Bidirectional(CELLS[cell](UNITS, **options), merge_mode=direction)


def _padded(X, value=0.0):
    """Pad windows on the left, in the middle, on the right, at both ends, wholly and not at all."""
    X = X.copy()
    for sample, steps in enumerate(([0, 1], [2, 3], [4, 5], [0, 5], range(STEPS), [])):
        X[sample, list(steps)] = value
    return X


def _compare(model, X, tmp_path, *endings):
    """Require agreement by way of each kind of source."""
    scrambled(model)
    theirs = outputs_of(model, X)
    assert all(np.isfinite(value).all() for value in theirs)
    for ending in endings or ("keras",):
        network = read(model if ending == "live" else saved(model, tmp_path, ending))
        agree(predict(network, X), theirs)


def _chain(*layers, shape=(STEPS, FEATURES)):
    """Join layers to a model; a layer that gives several outputs must be the last."""
    entry = value = L.Input(shape, name="x")
    for layer in layers:
        value = layer(value)
    return keras.Model(entry, value)


@pytest.mark.parametrize("sequences", [False, True], ids=["last", "sequences"])
@pytest.mark.parametrize("direction", DIRECTIONS, ids=str)
@pytest.mark.parametrize("cell", CELLS)
def test_cells_directions_sequences_and_masks(cell, direction, sequences, tmp_path, rng):
    X = sequence(rng, 6, STEPS, FEATURES)
    make = {"return_sequences": sequences}
    _compare(_chain(_recurrent(cell, direction, **make)), X, tmp_path, "keras", "h5", "live")
    masked = _chain(L.Masking(-1.5), _recurrent(cell, direction, **make))
    _compare(masked, _padded(X, -1.5), tmp_path)
    tokens = _padded(rng.integers(1, 5, size=(6, STEPS)))
    embedded = _chain(
        L.Embedding(5, FEATURES, mask_zero=True),
        _recurrent(cell, direction, **make),
        shape=(STEPS,),
    )
    _compare(embedded, tokens, tmp_path)


@pytest.mark.parametrize("direction", ["forward", "backwards", "concat", None], ids=str)
@pytest.mark.parametrize("cell", CELLS)
def test_states_come_out_and_may_go_in(cell, direction, tmp_path, rng):
    X = _padded(sequence(rng, 6, STEPS, FEATURES))
    entry = L.Input((STEPS, FEATURES), name="x")
    encoder = _recurrent(cell, direction, return_sequences=True, return_state=True)
    outputs = encoder(L.Masking()(entry))
    states = outputs[2 if direction is None else 1 :]
    decoder = _recurrent(cell, direction, return_sequences=True)
    decoded = decoder(entry, initial_state=list(states))
    _compare(keras.Model(entry, [*outputs, decoded]), X, tmp_path)


@pytest.mark.parametrize("cell", CELLS)
def test_a_mask_beside_an_initial_state_is_left_out_as_keras_3_does(cell, tmp_path, rng):
    X = _padded(sequence(rng, 6, STEPS, FEATURES))
    entry = L.Input((STEPS, FEATURES), name="x")
    masked = L.Masking()(entry)
    _, *states = CELLS[cell](UNITS, return_state=True)(masked)
    decoded = CELLS[cell](UNITS, return_sequences=True)(masked, initial_state=states)
    steps = L.TimeDistributed(L.Dense(2))(decoded)
    _compare(keras.Model(entry, [decoded, steps]), X, tmp_path)


def test_a_mask_passed_beside_an_initial_state_is_kept(tmp_path, rng):
    X = _padded(sequence(rng, 6, STEPS, FEATURES))
    entry = L.Input((STEPS, FEATURES), name="x")
    masked = L.Masking()(entry)
    _, *states = L.LSTM(UNITS, return_state=True)(masked)
    mask = keras.ops.any(keras.ops.not_equal(entry, 0.0), axis=-1)
    decoded = L.LSTM(UNITS, return_sequences=True)(masked, initial_state=states, mask=mask)
    _compare(keras.Model(entry, [decoded, L.GRU(2)(decoded)]), X, tmp_path)


ELEMENTWISE = [
    *("linear", "tanh", "sigmoid", "relu", "relu6", "leaky_relu", "elu", "selu", "celu", "gelu"),
    *("softplus", "softsign", "silu", "mish", "exponential", "squareplus", "log_sigmoid"),
    *("hard_sigmoid", "hard_silu", "hard_tanh", "hard_shrink", "soft_shrink", "tanh_shrink"),
    *("sparse_plus", "sparse_sigmoid", "softmax", "log_softmax"),
]


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_activations_in_cells_and_as_layers(name, tmp_path, rng):
    # Two steps: with an exponential in its gates a cell soon leaves the numbers that float32 has.
    X = sequence(rng, 6, 2, FEATURES)
    model = _chain(
        L.LSTM(UNITS, activation=name, recurrent_activation=name, return_sequences=True),
        L.BatchNormalization(),
        L.GRU(UNITS, recurrent_activation=name, return_sequences=True),
        L.SimpleRNN(UNITS, activation=name, return_sequences=True),
        L.Activation(name),
        L.Dense(3, activation=name),
        shape=(2, FEATURES),
    )
    scrambled(model, scale=0.05 if name == "exponential" else 0.2)
    theirs = outputs_of(model, X)
    agree(predict(read(saved(model, tmp_path)), X), theirs)


def test_every_activation_that_keras_has_is_tested_or_named():
    from keras.src.activations import ALL_OBJECTS_DICT

    named = {"swish": "silu", "hard_swish": "hard_silu", "glu": "a layer", "threshold": "no name"}
    named["sparsemax"] = "refused"
    assert set(ALL_OBJECTS_DICT) == {*ELEMENTWISE, *named}


LAYERS = {
    "glu": lambda: [L.LSTM(4, return_sequences=True), L.Activation("glu")],
    "softmax over steps": lambda: [L.Softmax(axis=1)],
    "relu layer": lambda: [L.ReLU(0.8, 0.1, 0.2)],
    "leaky relu": lambda: [L.LeakyReLU(0.15)],
    "prelu": lambda: [L.PReLU()],
    "prelu shared over steps": lambda: [L.PReLU(shared_axes=[1])],
    "elu": lambda: [L.ELU(0.4)],
    "activation object": lambda: [L.Dense(3, activation=L.LeakyReLU(negative_slope=0.4))],
    "dense without bias": lambda: [L.Dense(3, use_bias=False)],
    "cells without bias": lambda: [
        L.LSTM(3, use_bias=False, return_sequences=True),
        L.GRU(3, use_bias=False, return_sequences=True),
        L.SimpleRNN(2, use_bias=False),
    ],
    "at rest": lambda: [
        L.Dropout(0.5),
        L.SpatialDropout1D(0.5),
        L.GaussianNoise(1.0),
        L.GaussianDropout(0.5),
        L.AlphaDropout(0.5),
        L.ActivityRegularization(0.1, 0.1),
        L.Identity(),
        L.LSTM(3, dropout=0.4, recurrent_dropout=0.3),
    ],
    "batch normalisation": lambda: [L.BatchNormalization(epsilon=0.01)],
    "batch normalisation over steps": lambda: [L.BatchNormalization(axis=1, scale=False)],
    "batch normalisation, frozen": lambda: [L.BatchNormalization(center=False, trainable=False)],
    "layer normalisation": lambda: [L.LayerNormalization()],
    "layer normalisation over both axes": lambda: [L.LayerNormalization(axis=[1, 2], epsilon=0.1)],
    "layer normalisation, rms": lambda: [L.LayerNormalization(rms_scaling=True)],
    "normalisation": lambda: [L.Normalization()],
    "normalisation, inverted": lambda: [
        L.Normalization(mean=[1.0, 2.0, 4.0, 3.0], variance=[0.5, 1.0, 2.0, 3.0], invert=True)
    ],
    "normalisation over all": lambda: [L.Normalization(axis=None, mean=1.5, variance=2.0)],
    "normalisation by step": lambda: [L.Normalization(axis=(1, 2))],
    "rescaling": lambda: [L.Rescaling([0.1, 2.0, 3.0, 0.5], offset=-1.0)],
    "flatten": lambda: [L.Flatten(), L.Dense(2)],
    "reshape": lambda: [L.Reshape((4, -1)), L.GRU(2)],
    "permute": lambda: [L.Permute((2, 1)), L.GRU(2)],
    "repeat": lambda: [L.LSTM(3), L.RepeatVector(5), L.LSTM(2, return_sequences=True)],
    "conv valid": lambda: [L.Conv1D(3, 2, activation="relu")],
    "conv same": lambda: [L.Conv1D(3, 4, padding="same", strides=2)],
    "conv causal": lambda: [L.Conv1D(4, 3, padding="causal", dilation_rate=2, use_bias=False)],
    "conv groups": lambda: [L.Conv1D(4, 2, groups=2)],
    "max pooling": lambda: [L.MaxPooling1D(2)],
    "max pooling same": lambda: [L.MaxPooling1D(3, strides=2, padding="same")],
    "average pooling": lambda: [L.AveragePooling1D(3, strides=1)],
    "average pooling same": lambda: [L.AveragePooling1D(4, padding="same")],
    "global pooling": lambda: [L.GlobalMaxPooling1D()],
    "global pooling kept": lambda: [L.GlobalAveragePooling1D(keepdims=True)],
    "masked mean": lambda: [L.Masking(), L.GlobalAveragePooling1D()],
    "masked max": lambda: [L.Masking(), L.GlobalMaxPooling1D()],
    "mask handed on": lambda: [
        L.Masking(),
        L.Dense(3),
        L.Dropout(0.5),
        L.BatchNormalization(),
        L.LayerNormalization(),
        L.PReLU(),
        L.Activation("tanh"),
        L.TimeDistributed(L.Dense(3)),
        L.Rescaling(0.5),
        L.LSTM(3, return_sequences=True),
        L.Bidirectional(L.GRU(2, return_sequences=True)),
        L.SimpleRNN(2),
    ],
    "mask dropped by a reshape": lambda: [L.Masking(), L.Reshape((3, 8)), L.LSTM(2)],
    "mask dropped by a convolution": lambda: [L.Masking(), L.Conv1D(2, 2), L.LSTM(2)],
    "mask dropped by pooling": lambda: [L.Masking(), L.MaxPooling1D(2), L.LSTM(2)],
    "mask dropped by a permutation": lambda: [L.Masking(), L.Permute((2, 1)), L.LSTM(2)],
    "each step dense": lambda: [L.TimeDistributed(L.Dense(3, activation="tanh"))],
    "each step normalised": lambda: [L.TimeDistributed(L.BatchNormalization())],
    "each step activated": lambda: [L.TimeDistributed(L.Activation("softmax"))],
    "each step rescaled": lambda: [L.TimeDistributed(L.Rescaling(2.0))],
    "each step a sequence": lambda: [L.Reshape((6, 2, 2)), L.TimeDistributed(L.LSTM(2))],
    "each step convolved": lambda: [
        L.Reshape((3, 4, 2)),
        L.TimeDistributed(L.Conv1D(2, 2)),
        L.Flatten(),
    ],
    "stacked": lambda: [
        L.LSTM(4, return_sequences=True),
        L.GRU(3, return_sequences=True, go_backwards=True),
        L.Bidirectional(L.SimpleRNN(3, return_sequences=True), merge_mode="ave"),
        L.LSTM(2),
        L.Dense(2),
        L.Activation("linear"),
    ],
    "stateful and unrolled": lambda: [L.LSTM(3, unroll=True)],
    "other functions in the gates": lambda: [
        L.LSTM(3, activation="relu", recurrent_activation="tanh", unit_forget_bias=False)
    ],
}


@pytest.mark.parametrize("name", LAYERS)
def test_every_layer(name, tmp_path, rng):
    # A window without any real step has no mean: Keras gives NaN.
    X = _padded(sequence(rng, 6, STEPS, 4))[[0, 1, 2, 3, 5]]
    chain = [L.Input((STEPS, 4)), *LAYERS[name]()]
    # HDF5 does not keep the shape by which the axes of a normalisation by step can be told.
    endings = ("keras", "live") if "by step" in name else ("keras", "h5", "live")
    _compare(keras.Sequential(chain), X, tmp_path, *endings)


@pytest.mark.parametrize("name", ["Add", "Subtract", "Multiply", "Average", "Concatenate"])
@pytest.mark.parametrize("masks", ["none", "one", "same", "different"])
def test_merges_and_the_masks_after_them(name, masks, tmp_path, rng):
    entries = [L.Input((STEPS, FEATURES), name=key) for key in "ab"]
    left, right = entries
    if masks != "none":
        left = L.Masking(0.0)(left)
    if masks == "same":
        left, right = L.Dense(FEATURES)(left), L.Dense(FEATURES)(left)
    if masks == "different":
        right = L.Masking(1.0)(right)
    merged = getattr(L, name)()([left, right])
    outputs = [merged, L.LSTM(2)(merged), L.GlobalAveragePooling1D()(merged)]
    X = {"a": _padded(sequence(rng, 6)), "b": np.roll(_padded(sequence(rng, 6), 1.0), 1, axis=0)}
    if masks == "different" or masks == "one":
        # A window without any real step has no mean: Keras gives NaN.
        X = {key: value[[0, 1, 2, 5]] for key, value in X.items()}
    if masks == "same":
        X = {key: value[[0, 1, 2, 3, 5]] for key, value in X.items()}
    _compare(keras.Model(entries, outputs), X, tmp_path)


def test_a_concatenation_over_steps_joins_masks_too(tmp_path, rng):
    entries = [L.Input((STEPS, FEATURES), name=key) for key in "ab"]
    joined = L.Concatenate(axis=1)([L.Masking(0.0)(entries[0]), entries[1]])
    X = {"a": _padded(sequence(rng, 6)), "b": sequence(rng, 6)}
    _compare(keras.Model(entries, [joined, L.GRU(2)(joined)]), X, tmp_path)


def test_a_merge_broadcasts_as_keras_does(tmp_path, rng):
    entry = L.Input((STEPS, FEATURES), name="x")
    last = L.Reshape((1, FEATURES))(L.LSTM(FEATURES)(entry))
    model = keras.Model(entry, [L.Multiply()([entry, last]), L.Add()([entry, last, entry])])
    _compare(model, sequence(rng, 6), tmp_path)


def test_a_rich_graph_by_every_way_in(tmp_path, rng):
    series = _padded(sequence(rng, 6))[[0, 1, 2, 3, 5]]
    X = {"series": series, "tokens": rng.integers(0, 5, size=(5, STEPS))}
    _compare(rich_model(), X, tmp_path, "keras", "h5", "live")


def test_a_masked_sequence_goes_into_and_out_of_nested_models(tmp_path, rng):
    entry = L.Input((STEPS, FEATURES))
    inner = keras.Model(entry, L.LSTM(3, return_sequences=True)(L.Dense(3)(entry)), name="inner")
    block = keras.Sequential([L.Input((STEPS, 3)), L.GRU(3, return_sequences=True)], name="block")
    series = L.Input((STEPS, FEATURES), name="x")
    value = block(inner(L.Masking()(series)))
    model = keras.Model(series, [value, L.LSTM(2)(value), L.LSTM(2)(inner(series))])
    _compare(model, _padded(sequence(rng, 6)), tmp_path, "keras", "live")


def test_an_adapted_normalisation(tmp_path, rng):
    X = sequence(rng, 50, STEPS, FEATURES) * [1, 5, 20] + [0, 3, -7]
    layer = L.Normalization()
    layer.adapt(X)
    model = keras.Sequential([L.Input((STEPS, FEATURES)), layer, L.LSTM(3)])
    theirs = outputs_of(model, X)
    for ending in ("keras", "h5"):
        agree(predict(read(saved(model, tmp_path, ending)), X), theirs)


def test_gates_swapped_on_purpose_are_noticed(rng):
    """The comparison can fail: a model whose gates are exchanged does not agree."""
    X = sequence(rng, 6)
    model = scrambled(_chain(L.LSTM(UNITS)))
    theirs = outputs_of(model, X)
    kernel, recurrent, bias = model.get_weights()
    order = np.r_[UNITS : 2 * UNITS, 0:UNITS, 2 * UNITS : 4 * UNITS]
    model.set_weights([kernel[:, order], recurrent[:, order], bias[order]])
    with pytest.raises(AssertionError):
        agree(predict(read(model), X), theirs)


def test_stored_outputs_of_a_keras_2_network_are_reproduced(shared):
    folder = shared / "models" / "keras2"
    network = read(folder / "simple_flatten_lstm_tf_keras_2_model.h5")
    with h5py.File(folder / "simple_flatten_lstm_tf_keras_2_inputs_and_outputs.h5") as file:
        X = np.array(file["inputs/lstm_1_input"])
        predictions = np.array(file["predictions/dense_1"])
    agree(predict(network, X), [predictions])
    # The file's hard_sigmoid has slope 0.2; that of Keras 3 does not reproduce it.
    (_, layer), *_ = network.recurrent()
    assert layer.cell.recurrent_activation["slope"] == pytest.approx(0.2, rel=1e-15)


@pytest.mark.parametrize("name", ["keras2/masking_two_lstm", "tfkeras/rnn_175", "tfkeras/rnn_47"])
def test_older_files_run(shared, rng, name):
    network = read(shared / "models" / f"{name}.h5")
    ((_, entry),) = network.inputs.items()
    steps, features = entry.shape
    output = predict(network, rng.normal(size=(3, steps or 4, features or 1)))
    assert isinstance(output, np.ndarray)
    assert np.isfinite(output).all()


@pytest.mark.parametrize("name", ["Add", "Subtract", "Multiply", "Average"])
def test_a_merge_with_an_input_without_a_mask_hands_none_on(name, tmp_path, rng):
    entries = [L.Input((STEPS, FEATURES), name=key) for key in "ab"]
    merged = getattr(L, name)()([L.Masking(0.0)(entries[0]), entries[1]])
    # the mask that the merge lost, given to the layer after it: no rule of Keras makes it
    given = L.LSTM(2)(merged, mask=L.Masking(0.0).compute_mask(entries[0]))
    model = scrambled(keras.Model(entries, given))
    with pytest.raises(UnsupportedModel, match="a mask that does not follow from the Masking"):
        read(saved(model, tmp_path, "keras"))
