"""Arrays without names are named by gate: as Keras 1, 2 and 3 and PyTorch print them."""

import re

import keras
import numpy as np
import pytest
import torch

import rnnlens
from keras_models import scrambled as scrambled_keras
from rnnlens.errors import InputError
from torch_models import made

L = keras.layers


def model(*layers, shape=(5, 3)):
    return scrambled_keras(keras.Sequential([L.Input(shape), *layers]))


KERAS = {
    "lstm": lambda: model(L.LSTM(4), L.Dense(2)),
    "gru": lambda: model(L.GRU(4), L.Dense(2)),
    "gru_before": lambda: model(L.GRU(4, reset_after=False)),
    "simple_rnn": lambda: model(L.SimpleRNN(4), L.Dense(1)),
    "without biases": lambda: model(L.LSTM(4, use_bias=False)),
    "stacked": lambda: model(L.LSTM(4, return_sequences=True), L.GRU(2), L.Dense(1)),
    "bidirectional": lambda: model(L.Bidirectional(L.LSTM(4)), L.Dense(1)),
    "batch normalization": lambda: model(L.LSTM(4), L.BatchNormalization(), L.Dense(1)),
    "tokens": lambda: model(L.Embedding(20, 3), L.LSTM(4), L.Dense(1), shape=(5,)),
}


def of(tree, name):
    return np.asarray(tree[name])


@pytest.mark.parametrize("kind", KERAS)
def test_what_get_weights_gives_is_named_as_the_model_is(kind):
    made_model = KERAS[kind]()
    known = rnnlens.weights(rnnlens.read(made_model))
    named = rnnlens.weights(made_model.get_weights())
    compared = [
        (ours, theirs)
        for ours, theirs in zip(named.array_names, known.array_names, strict=True)
        if re.search(r"\.[WUb](_[a-z]+)?$", ours) and "dense" not in ours
    ]
    assert compared
    for ours, theirs in compared:
        assert ours.partition(".")[2] == theirs.partition(".")[2]
        np.testing.assert_array_equal(of(named, ours), of(known, theirs))


@pytest.mark.parametrize(
    ("cell", "options"),
    [
        ("lstm", {}),
        ("gru", {"num_layers": 2}),
        ("lstm", {"bidirectional": True}),
        ("lstm", {"bias": False}),
        ("rnn_tanh", {}),
    ],
)
def test_the_values_of_a_state_dict_are_named_as_its_names_say(cell, options):
    state = made(cell, **options).state_dict()
    known, named = rnnlens.weights(state), rnnlens.weights(list(state.values()))
    assert len(named.array_names) == len(known.array_names) > 0
    for ours, theirs in zip(named.array_names, known.array_names, strict=True):
        assert ours.partition(".")[2] == theirs.partition(".")[2]
        np.testing.assert_array_equal(of(named, ours), of(known, theirs))


@pytest.mark.parametrize(
    ("kind", "letters", "gates"),
    [("lstm", "icfo", ("i", "c", "f", "o")), ("gru", "zrh", ("z", "r", "n"))],
)
def test_three_arrays_a_gate_are_those_of_keras_1_in_its_order(rng, kind, letters, gates):
    shapes = [(3, 4), (4, 4), (4,)] * len(letters)
    arrays = [rng.normal(size=shape) for shape in shapes]
    named = rnnlens.weights(arrays)
    for number, gate in enumerate(gates):
        for place, letter in enumerate("WUb"):
            array = arrays[3 * number + place]
            np.testing.assert_array_equal(of(named, f"{kind}.{letter}_{gate}"), array)
    assert "Keras 1" in named.attrs["notes"]


def test_the_notes_say_what_is_assumed_and_what_would_prove_it():
    notes = rnnlens.weights(KERAS["lstm"]().get_weights()).attrs["notes"]
    assert "Keras 2 or 3 keeps (LSTM input, forget, cell, output), which no shape shows" in notes
    assert "rnnlens.identify(arrays, X, Y)" in notes
    assert "ambiguous" not in notes


def test_shapes_that_fit_several_networks_are_said_to_be_ambiguous(rng):
    square = [rng.normal(size=shape) for shape in [(4, 4), (4, 4), (4,)] * 4]
    notes = rnnlens.weights(square).attrs["notes"]
    assert "read as Keras 1: LSTM" in notes
    assert "the shapes are ambiguous, for they fit as well Keras 2 or 3: " in notes


def test_describe_names_arrays_too():
    about = rnnlens.describe(KERAS["lstm"]().get_weights())
    names = [array["name"] for layer in about["layers"] for array in layer["arrays"]]
    assert names[:2] == ["lstm.W_i", "lstm.W_f"] and names[-2:] == ["dense.W", "dense.b"]
    assert about["format"] == "5 arrays without names"


def test_what_was_named_is_proven_by_identify(rng):
    lstm = model(L.LSTM(4))
    X = rng.normal(size=(6, 5, 3))
    Y = rnnlens.predict(lstm, X)
    found = rnnlens.identify(lstm.get_weights(), X, Y)
    assert found.table[0] == ("array 0, columns 0:4", "lstm.W_i", "input kernel, input gate")
    head, *rows = str(found).splitlines()
    assert head.startswith("LSTM, gates in the order input, forget, cell, output (")
    assert rows[0].startswith("array 0, columns 0:4   = lstm.W_i  input kernel, input gate")
    assert len(rows) == 12


@pytest.mark.parametrize("given", [[], [np.ones((3, 7)), np.ones((2, 2))], [np.ones((2, 3, 4, 5))]])
def test_arrays_of_no_recurrent_layer_are_refused(given):
    with pytest.raises(InputError):
        rnnlens.weights(given)


def test_an_array_answers_to_its_name_and_to_its_path():
    tree = rnnlens.weights(KERAS["bidirectional"]().get_weights())
    name = "bidirectional.forward.W_i"
    np.testing.assert_array_equal(tree[name], tree["bidirectional/forward/W_i"])
    assert name in tree and "bidirectional.forward.W_x" not in tree
    assert "bidirectional" in tree and tree["bidirectional"].children
    with pytest.raises(KeyError, match="there are dense.W, dense.b, bidirectional.forward.W_i"):
        tree["lstm.W_i"]


def test_tensors_and_other_library_s_arrays_serve(rng):
    tensors = [torch.tensor(rng.normal(size=s)) for s in ((3, 8), (2, 8), (8,))]
    np.testing.assert_array_equal(rnnlens.weights(tensors)["lstm.W_i"], tensors[0][:, :2])
