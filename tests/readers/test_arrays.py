"""Every array of a Keras model is found, cut and named right, from each kind of source."""

import keras
import numpy as np
import pytest

from keras_models import outputs_of, rich_model, saved, scrambled, sequence
from rnnlens.network.inventory import inventory
from rnnlens.network.layers import Bidirectional, Input, Recurrent
from rnnlens.readers.layouts import KERAS
from rnnlens.readers.open import read

pytestmark = pytest.mark.filterwarnings("ignore:Layer .* was passed an input with a mask")

L = keras.layers


def _one(layer, steps=5, features=3):
    return scrambled(keras.Sequential([L.Input((steps, features)), layer], name="m"))


@pytest.mark.parametrize("ending", ["keras", "h5", "live"])
@pytest.mark.parametrize(
    ("layer", "letters"),
    [(L.LSTM, "ifco"), (L.GRU, "zrn")],
)
def test_each_gate_gets_its_block_of_kernel_recurrent_kernel_and_bias(
    layer, letters, ending, tmp_path
):
    units = 4
    options = {} if layer is L.LSTM else {"reset_after": False}
    model = _one(layer(units, name="cell_layer", **options))
    network = read(model if ending == "live" else saved(model, tmp_path, ending))
    kernel, recurrent, bias = model.get_weights()
    arrays = {array.name: array for array in inventory(network)}
    assert len(arrays) == 3 * len(letters)
    for k, letter in enumerate(letters):
        block = slice(k * units, (k + 1) * units)
        np.testing.assert_array_equal(arrays[f"cell_layer.W_{letter}"].values, kernel[:, block])
        np.testing.assert_array_equal(arrays[f"cell_layer.U_{letter}"].values, recurrent[:, block])
        np.testing.assert_array_equal(arrays[f"cell_layer.b_{letter}"].values, bias[block])
        span = f"{k * units}:{(k + 1) * units}"
        assert arrays[f"cell_layer.W_{letter}"].source.text == f"cell_layer/kernel[:, {span}]"
        assert arrays[f"cell_layer.b_{letter}"].source.text == f"cell_layer/bias[{span}]"


@pytest.mark.parametrize("ending", ["keras", "h5", "live"])
def test_the_two_bias_rows_of_a_gru_with_reset_after_go_to_b_and_b_r(ending, tmp_path):
    model = _one(L.GRU(2, name="gru"))
    network = read(model if ending == "live" else saved(model, tmp_path, ending))
    bias = model.get_weights()[2]
    assert bias.shape == (2, 6)
    arrays = {array.name: array for array in inventory(network)}
    for k, letter in enumerate("zrn"):
        block = slice(2 * k, 2 * k + 2)
        np.testing.assert_array_equal(arrays[f"gru.b_{letter}"].values, bias[0, block])
        np.testing.assert_array_equal(arrays[f"gru.b_r{letter}"].values, bias[1, block])
    assert arrays["gru.b_n"].source.text == "gru/bias[0, 4:6]"
    assert arrays["gru.b_rn"].source.text == "gru/bias[1, 4:6]"


def test_the_layout_table_gives_the_gates_in_the_order_in_which_keras_uses_them():
    assert KERAS["LSTM"].gates == ("input", "forget", "cell", "output")
    assert KERAS["GRU"].gates == ("update", "reset", "candidate")
    assert all(layout.proof for layout in KERAS.values())


def test_sources_say_where_in_the_file_an_array_lies(tmp_path):
    model = _one(L.LSTM(2, name="memory"))
    stored = {
        "keras": "layers/lstm/cell/vars/0",
        "h5": "model_weights/memory/m/memory/lstm_cell/kernel",
    }
    for ending, place in stored.items():
        network = read(saved(model, tmp_path, ending))
        assert network["memory"].sources["W_f"].stored_at == place
        assert network["memory"].sources["W_f"].text == "memory/kernel[:, 2:4]"
    assert not read(model)["memory"].sources["W_f"].stored_at


def test_each_direction_keeps_its_own_arrays_and_names_them(tmp_path):
    model = _one(L.Bidirectional(L.SimpleRNN(2, name="rnn"), name="both"))
    for source in (saved(model, tmp_path), saved(model, tmp_path, "h5"), model):
        node = read(source)["both"]
        assert isinstance(node.layer, Bidirectional)
        forward, backward = node.layer.forward.cell.hidden, node.layer.backward.cell.hidden
        for array, expected in zip(
            (forward.W, forward.U, forward.b, backward.W, backward.U, backward.b),
            model.get_weights(),
            strict=True,
        ):
            np.testing.assert_array_equal(array, expected)
        assert node.sources["forward.W"].text == "both/forward_rnn/kernel"
        assert node.sources["backward.U"].text == "both/backward_rnn/recurrent_kernel"
        assert node.layer.backward.go_backwards
        assert not node.layer.forward.go_backwards


def test_every_array_has_a_source(tmp_path):
    network = read(saved(rich_model(), tmp_path))
    for node in network.nodes:
        names = {a.local_name for a in inventory(network) if a.layer == node.name}
        if names:
            assert set(node.sources) == names


def test_archive_hdf5_and_live_model_give_equal_arrays(tmp_path):
    model = rich_model()
    archive, hdf5 = saved(model, tmp_path), saved(model, tmp_path, "h5")
    networks = [read(source) for source in (archive, hdf5, model)]
    first, *others = [inventory(network) for network in networks]
    for other in others:
        assert [array.name for array in other] == [array.name for array in first]
        for mine, theirs in zip(first, other, strict=True):
            np.testing.assert_array_equal(mine.values, theirs.values)
            assert mine.values.dtype == theirs.values.dtype == np.float32
            assert mine.source.text == theirs.source.text
    assert [network.outputs for network in networks].count(networks[0].outputs) == 3
    counted = sum(array.values.size for array in first)
    assert counted == sum(int(np.prod(variable.shape)) for variable in model.weights)


def test_the_graph_of_a_rich_model_is_laid_flat(tmp_path):
    network = read(saved(rich_model(), tmp_path))
    assert list(network.inputs) == ["series", "tokens"]
    assert network["decoder"].inputs == (("embedding", 0), ("encoder", 1), ("encoder", 2))
    assert network["shared"].layer is network["shared_1"].layer
    assert network["inner.gru"].layer is network["inner_1.gru"].layer
    assert network["inner.gru"].inputs == (("both", 0),)
    assert network["inner_1.gru"].inputs == (("encoder", 0),)
    assert network["block.wide"].inputs == (("embedding", 0),)
    assert network["block.wide"].sources["W"].text == "block/wide/kernel"
    assert network.outputs == (("normal", 0), ("each", 0))
    assert network.name == "rich"
    assert not [node for node in network.nodes if "not_equal" in node.name]


def test_a_second_call_is_named_past_layers_of_that_name():
    entry = L.Input((4, 2), name="x")
    dense = L.Dense(2, name="dense")
    taken = L.Dense(2, name="dense_1")
    model = keras.Model(entry, taken(dense(dense(entry))))
    network = read(scrambled(model))
    assert [node.name for node in network.nodes] == ["x", "dense", "dense_2", "dense_1"]


def test_the_network_does_not_change_when_the_live_model_trains_on():
    model = _one(L.LSTM(2, name="lstm"))
    network = read(model)
    before = network["lstm"].layer.cell.input.W.copy()
    scrambled(model, seed=99)
    np.testing.assert_array_equal(network["lstm"].layer.cell.input.W, before)


def test_double_precision_stays_double(tmp_path):
    model = keras.Sequential([L.Input((3, 2)), L.LSTM(2, dtype="float64")])
    for source in (saved(scrambled(model), tmp_path), model):
        assert inventory(read(source))[0].values.dtype == np.float64


def test_origin_says_format_version_path_and_digest(tmp_path):
    import hashlib

    model = _one(L.LSTM(2))
    path = saved(model, tmp_path)
    origin = read(path).origin
    assert (origin.format, origin.version) == ("Keras 3 archive (.keras)", keras.__version__)
    assert origin.path == str(path)
    assert origin.digest == hashlib.sha256(path.read_bytes()).hexdigest()
    assert read(saved(model, tmp_path, "h5")).origin.format == "Keras 3 HDF5"
    live = read(model).origin
    assert (live.format, live.path, live.digest) == ("live Keras 3 model", "", "")


def test_stateful_layers_and_fixed_batches_are_noted(tmp_path):
    model = keras.Sequential([L.Input(batch_shape=(2, 3, 1)), L.LSTM(2, stateful=True, name="s")])
    for source in (saved(scrambled(model), tmp_path), saved(model, tmp_path, "h5"), model):
        network = read(source)
        assert network["s"].layer.stateful
        notes = " ".join(network.origin.notes)
        assert "starts at zero" in notes
        assert "2 samples at a time" in notes


@pytest.mark.parametrize("merge_mode", ["concat", "sum", "mul", "ave", None])
def test_both_directions_give_zero_at_masked_steps_where_sequences_come_out(merge_mode):
    entry = L.Input((4, 2))
    layer = L.Bidirectional(L.GRU(2, return_sequences=True), merge_mode=merge_mode, name="b")
    read_layer = read(keras.Model(entry, layer(entry)))["b"].layer
    assert read_layer.merge_mode == merge_mode
    assert read_layer.forward.zero_output_for_mask
    assert read_layer.backward.zero_output_for_mask


def test_a_given_backward_layer_is_read_as_it_is():
    backward = L.LSTM(2, activation="relu", go_backwards=True)
    model = _one(L.Bidirectional(L.LSTM(3), backward_layer=backward, name="b"))
    layer = read(model)["b"].layer
    assert layer.backward.cell.activation.name == "relu"
    assert (layer.forward.cell.units, layer.backward.cell.units) == (3, 2)


def test_inputs_given_by_name_come_in_the_models_order(rng):
    entries = {"b": L.Input((3, 1), name="b"), "a": L.Input((3, 2), name="a")}
    joined = L.Concatenate()([entries["b"], entries["a"]])
    model = scrambled(keras.Model(entries, {"y": L.Dense(1)(joined), "x": L.LSTM(1)(joined)}))
    network = read(model)
    assert sorted(network.inputs) == ["a", "b"]
    given = {"b": sequence(rng, 2, 3, 1), "a": sequence(rng, 2, 3, 2)}
    shapes = [values.shape for values in outputs_of(model, given)]
    assert shapes == [(2, 1), (2, 3, 1)]
    assert isinstance(network[network.outputs[0][0]].layer, Recurrent)


def test_a_network_without_a_stated_length_takes_any(tmp_path):
    model = keras.Sequential([L.Input((None, 2), name="x"), L.LSTM(2)])
    assert isinstance(read(model)["x"].layer, Input)
    assert read(model)["x"].layer.shape == (None, 2)
