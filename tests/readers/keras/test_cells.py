"""``RNN`` around Keras's cells computes what the layers of the same arrays do."""

import json

import keras
import numpy as np
import pytest

import rnnlens
from keras_models import agree, outputs_of, scrambled, sequence
from rnnlens.network.layers import Recurrent

L = keras.layers

RECURRENT = {
    "LSTM": (lambda: L.RNN(L.LSTMCell(4)), lambda: [L.LSTM(4)]),
    "GRU": (lambda: L.RNN(L.GRUCell(4)), lambda: [L.GRU(4)]),
    "GRU that resets before": (
        lambda: L.RNN(L.GRUCell(4, reset_after=False)),
        lambda: [L.GRU(4, reset_after=False)],
    ),
    "plain cell without biases": (
        lambda: L.RNN(L.SimpleRNNCell(4, use_bias=False, activation="relu")),
        lambda: [L.SimpleRNN(4, use_bias=False, activation="relu")],
    ),
    "every step, backwards": (
        lambda: L.RNN(L.LSTMCell(4), return_sequences=True, go_backwards=True),
        lambda: [L.LSTM(4, return_sequences=True, go_backwards=True)],
    ),
    "stack": (
        lambda: L.RNN([L.LSTMCell(4), L.GRUCell(3)]),
        lambda: [L.LSTM(4, return_sequences=True), L.GRU(3)],
    ),
    "stack backwards": (
        lambda: L.RNN([L.LSTMCell(4), L.LSTMCell(3)], go_backwards=True, return_sequences=True),
        lambda: [
            L.LSTM(4, return_sequences=True, go_backwards=True),
            L.LSTM(3, return_sequences=True),
        ],
    ),
    "both ways": (
        lambda: L.Bidirectional(L.RNN(L.LSTMCell(4), return_sequences=True)),
        lambda: [L.Bidirectional(L.LSTM(4, return_sequences=True))],
    ),
}


def model(*layers):
    return keras.Sequential([L.Input((6, 3)), *layers])


@pytest.mark.parametrize("name", RECURRENT)
def test_cells_compute_what_the_layers_of_their_arrays_do(name, rng, tmp_path):
    keras.utils.clear_session(free_memory=False)
    cells, layers = (make() for make in RECURRENT[name])
    of_cells = scrambled(model(cells))
    of_layers = model(*layers)
    of_layers.set_weights(of_cells.get_weights())
    windows = sequence(rng)
    expected = outputs_of(of_layers, windows)
    agree(np.asarray(outputs_of(of_cells, windows)[0]), expected)  # the claim holds in Keras
    for ending in ("keras", "h5"):
        of_cells.save(tmp_path / f"model.{ending}")
    for source in (of_cells, tmp_path / "model.keras", tmp_path / "model.h5"):
        network = rnnlens.read(source)
        agree(rnnlens.predict(network, windows), expected)
        assert not network.origin.notes, "an array is left over"


def test_each_cell_of_a_stack_is_a_recurrent_layer_that_trace_shows(rng):
    keras.utils.clear_session(free_memory=False)
    network = rnnlens.read(scrambled(model(L.RNN([L.LSTMCell(4), L.GRUCell(3)], name="deep"))))
    assert [name for name, _ in network.recurrent()] == ["deep.lstm_cell", "deep.gru_cell"]
    traced = rnnlens.trace(network, sequence(rng))
    assert {"deep.lstm_cell", "deep.gru_cell"} <= set(traced.children)


def test_cells_whose_arrays_are_numbered_are_told_by_their_order(rng, tmp_path):
    import h5py

    # multi-backend Keras 2 names the arrays of a stack kernel, kernel_1, ..., without the cells
    keras.utils.clear_session(free_memory=False)
    whole = scrambled(model(L.RNN([L.SimpleRNNCell(4), L.SimpleRNNCell(2)], name="deep")))
    path = tmp_path / "model.h5"
    whole.save(path)
    with h5py.File(path, "r+") as file:
        group = file["model_weights/deep"]
        names = [str(name) for name in group.attrs["weight_names"]]
        plain = [f"deep/{n.rsplit('/', 1)[1]}{'_1' * ('cell_1' in n)}:0" for n in names]
        values = [group[name][()] for name in names]
        for name in list(group):
            del group[name]
        for name, value in zip(plain, values, strict=True):
            group[name] = value
        group.attrs["weight_names"] = plain
    windows = sequence(rng)
    agree(rnnlens.predict(rnnlens.read(path), windows), outputs_of(whole, windows))


def test_a_cell_that_is_called_twice_shares_its_arrays(rng):
    keras.utils.clear_session(free_memory=False)
    given = L.Input((6, 3))
    cell = L.RNN(L.GRUCell(4))
    whole = scrambled(keras.Model(given, [cell(given), cell(keras.ops.flip(given, axis=1))]))
    network = rnnlens.read(whole)
    first, second = (n.layer for n in network.nodes if isinstance(n.layer, Recurrent))
    assert first is second
    windows = sequence(rng)
    agree(rnnlens.predict(network, windows), outputs_of(whole, windows))


def test_two_cells_changed_round_are_noticed(rng):
    keras.utils.clear_session(free_memory=False)
    whole = scrambled(model(L.RNN([L.LSTMCell(3), L.LSTMCell(3)], name="deep")))
    windows = sequence(rng)
    expected = outputs_of(whole, windows)
    arrays = whole.get_weights()
    whole.set_weights([*arrays[3:], *arrays[:3]])
    with pytest.raises(AssertionError):
        agree(rnnlens.predict(rnnlens.read(whole), windows), expected)


def test_the_configuration_of_a_cell_is_plain_json(rng):
    keras.utils.clear_session(free_memory=False)
    whole = model(L.RNN(L.LSTMCell(2, recurrent_activation="hard_sigmoid")))
    assert "hard_sigmoid" in json.dumps(whole.get_config())
    windows = sequence(rng)
    agree(rnnlens.predict(rnnlens.read(scrambled(whole)), windows), outputs_of(whole, windows))
