"""TensorFlow Lite files against the outputs of TensorFlow Lite's own interpreter.

The files were made by ``benchmarks/tensorflow/write_tflite.py`` with TensorFlow 2.21 from models
with random weights, a fixed batch of one; ``given.npz`` holds windows and what the interpreter gave
for each, its states set to zero before.
"""

from dataclasses import replace

import numpy as np
import pytest

import rnnlens
from flat_files import operator_file
from rnnlens.engine.forward import predict
from rnnlens.errors import UnreadableFile
from rnnlens.readers.hardening.flatbuffers import root
from rnnlens.readers.tflite import file
from rnnlens.readers.tflite.model import model_in


@pytest.fixture(scope="module")
def files(root_of_tests):
    return root_of_tests / "data/tflite"


@pytest.fixture(scope="module")
def root_of_tests(root):
    return root / "tests"


@pytest.fixture(scope="module")
def given(files):
    with np.load(files / "given.npz") as held:
        return dict(held)


@pytest.mark.parametrize("name", ["plain", "stacked", "both", "rnn", "both_fused", "half"])
def test_a_fused_layer_gives_what_the_interpreter_gives(name, files, given):
    net = rnnlens.read(files / f"{name}.tflite")
    ours = predict(net, given[f"{name}_X"].astype(float))
    # float32 keeps 6e-8 of a number, over six steps and two layers
    np.testing.assert_allclose(ours, given[f"{name}_Y"], rtol=0, atol=1e-6)
    assert net.origin.left_out == ()


def test_contributions_of_a_tflite_file_sum_to_the_change_of_its_forecast(files, given):
    net = rnnlens.read(files / "plain.tflite")
    X = given["plain_X"].astype(float)
    result = rnnlens.explain(net, X[:1], target=0, baseline=np.zeros(X[0].shape))
    total = float(result["contribution"].sum())
    change = predict(net, X[:1])[0, 0] - predict(net, np.zeros_like(X[:1]))[0, 0]
    assert abs(total - change) < 1e-9


def rounded(tensor):
    """The same tensor in whole numbers of eight bits, a scale for each row."""
    values = tensor.values()
    scales = (np.abs(values).max(1) / 127).astype("f4")
    whole = np.round(values / scales[:, None]).astype("i1")
    raw = np.frombuffer(whole.tobytes(), "u1")
    zeros = np.zeros(len(scales), "i8")
    return replace(tensor, kind=9, raw=raw, scales=scales, zeros=zeros, axis=0), (
        whole * scales.astype(float)[:, None]
    )


def test_rounded_weights_are_whole_numbers_times_scales_and_the_rounding_is_said(
    files, monkeypatch
):
    path = files / "plain.tflite"
    model = model_in(path)
    (lstm,) = (one for one in model.operators if one.kind == "UNIDIRECTIONAL_SEQUENCE_LSTM")
    tensors, expected = list(model.tensors), {}
    for place in lstm.inputs[1:9]:
        tensors[place], expected[tensors[place].name] = rounded(tensors[place])
    monkeypatch.setattr(file, "model_in", lambda _: replace(model, tensors=tuple(tensors)))
    net = rnnlens.read(path)
    gates = net.nodes[1].layer.cell.gates
    for number, name in enumerate(("input", "forget", "cell", "output")):
        for first, array in ((1, gates[name].W), (5, gates[name].U)):
            named = tensors[lstm.inputs[first + number]].name
            np.testing.assert_allclose(array.T, expected[named], rtol=1e-15)
    assert any("rounding of values" in clause for clause in net.origin.left_out)


def in_eight_bits(x):
    """What the interpreter makes of one vector before it multiplies it: 8 bits over its range."""
    low, high = min(x.min(), 0), max(x.max(), 0)
    scale = (high - low) / 255 or 1.0
    zero = np.round(-128 - low / scale if -low <= high else 127 - high / scale)
    return (np.clip(np.round(x / scale) + zero, -128, 127) - zero) * scale


def interpreted(path, X):
    """A model LSTM > Dense > Dense as the interpreter runs it, from its arrays alone."""
    model = model_in(path)
    lstm, _, *heads = model.operators

    def kept(operator, place):
        tensor = model.tensors[operator.inputs[place]]
        return np.array(tensor.values(), float), tensor.rounded

    gates = [[kept(lstm, first + k)[0] for first in (1, 5, 12)] for k in range(4)]
    made = []
    for window in X:
        h = c = np.zeros(len(gates[0][2]))
        for x in window:
            x, h = in_eight_bits(x), in_eight_bits(h)
            i, f, g, o = (W @ x + U @ h + b for W, U, b in gates)
            c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
            h = sigmoid(o) * np.tanh(c)
        for number, head in enumerate(heads):
            (W, is_rounded), (b, _) = kept(head, 1), kept(head, 2)
            h = W @ (in_eight_bits(h) if is_rounded else h) + b
            h = np.maximum(h, 0) if not number else h
        made.append(h)
    return np.array(made)


def test_weights_of_eight_bits_differ_from_the_interpreter_by_its_own_rounding_alone(files, given):
    path, X, Y = files / "eight_bits.tflite", given["eight_bits_X"], given["eight_bits_Y"]
    # with the rounding of what is multiplied it is the interpreter, but for float32
    np.testing.assert_allclose(interpreted(path, X.astype(float)), Y, rtol=0, atol=1e-6)
    net = rnnlens.read(path)
    ours = predict(net, X.astype(float))
    # half a step of 8 bits over a range of some 4 is 0.8 %, over many products that cancel
    assert 1e-5 < abs(ours - Y).max() < 0.01 * abs(Y).max()
    assert any("rounding of values" in clause for clause in net.origin.left_out)
    found = rnnlens.fidelity(net, Y, X)
    assert bool(found.attrs["agrees"]) and "8 bits" in found.attrs["rounds"]
    assert not bool(rnnlens.fidelity(net, 1.1 * Y + 0.05, X).attrs["agrees"])


def test_weights_of_half_precision_are_what_they_are_and_nothing_is_left_out(files, given):
    net = rnnlens.read(files / "half.tflite")
    assert net.origin.left_out == () and net.origin.rounds == ""
    W = net.nodes[1].layer.cell.gates["input"].W
    assert np.array_equal(W, W.astype(np.float16).astype(float))
    found = rnnlens.fidelity(net, given["half_Y"], given["half_X"])
    assert bool(found.attrs["agrees"])


def test_arrays_of_a_file_with_a_loop_stand_beside_the_refusal(files):
    told = rnnlens.describe(files / "gru.tflite")
    arrays = {
        array["name"]: array["shape"] for layer in told["layers"] for array in layer["arrays"]
    }
    assert {(12, 3), (12, 4), (4, 2)} <= {tuple(shape) for shape in arrays.values()}
    assert "a loop over the steps in place of a fused LSTM" in told["notes"][0]


def test_a_file_cut_anywhere_is_refused_in_one_sentence(files, tmp_path):
    data = (files / "plain.tflite").read_bytes()
    for end in range(8, len(data), 97):
        (tmp_path / "m.tflite").write_bytes(data[:end])
        with pytest.raises(UnreadableFile, match="m.tflite is a TensorFlow Lite model"):
            rnnlens.read(tmp_path / "m.tflite")


def test_a_place_outside_the_file_is_never_followed(files):
    data = bytearray((files / "plain.tflite").read_bytes())
    for at in range(0, len(data) - 4, 4):
        hostile = bytes([*data[:at], 0xFF, 0xFF, 0xFF, 0x7F, *data[at + 4 :]])
        try:
            table = root(hostile)
            for field in range(8):
                table.tables(field)
        except ValueError:
            continue


def test_the_limit_of_the_cell_state_is_said_where_the_window_can_reach_it(files, monkeypatch):
    from rnnlens.readers.tflite import recurrent

    short = rnnlens.read(files / "plain.tflite")
    assert short.origin.left_out == ()  # six steps reach six at the most, and the limit is ten
    monkeypatch.setattr(recurrent, "_count", lambda _: np.inf)
    long = rnnlens.read(files / "plain.tflite")
    assert long.origin.left_out == (
        "the interpreter limits the cell state of an LSTM to 10 either way, and rnnlens does not",
    )


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def lstm_by_hand(X, W, U, b):
    """The states of an LSTM at every step, gates in the order of TensorFlow Lite."""
    h = c = np.zeros((len(X), len(b[0])))
    states = []
    for x in X.swapaxes(0, 1):
        i, f, g, o = (x @ W[k].T + h @ U[k].T + b[k] for k in range(4))
        c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
        h = sigmoid(o) * np.tanh(c)
        states.append(h)
    return np.stack(states, 1)


STEPS, FEATURES, UNITS = 6, 3, 4


def drawn(rng, *shape):
    return (0.5 * rng.normal(size=shape)).astype("f4")


def test_a_fused_plain_rnn_is_read(tmp_path, rng):
    W, U, b = drawn(rng, UNITS, FEATURES), drawn(rng, UNITS, UNITS), drawn(rng, UNITS)
    for number, function in ((4, np.tanh), (1, lambda x: np.maximum(x, 0)), (0, lambda x: x)):
        (tmp_path / "m.tflite").write_bytes(
            operator_file(
                35,
                [(1, STEPS, FEATURES), W, U, b, (1, UNITS)],
                [(1, STEPS, UNITS)],
                {1: ("b", number)},
            )
        )
        X, h, states = rng.normal(size=(5, STEPS, FEATURES)), np.zeros((5, UNITS)), []
        for x in X.swapaxes(0, 1):
            h = function(x @ W.T + h @ U.T + b)
            states.append(h)
        ours = predict(rnnlens.read(tmp_path / "m.tflite"), X)
        np.testing.assert_allclose(ours, np.stack(states, 1), rtol=0, atol=1e-12)


def both_directions(rng, **options):
    """The tensors of an LSTM of two directions, its arrays by direction, the file."""
    arrays, taken = [], [(1, STEPS, FEATURES)]
    for _ in range(2):
        W = [drawn(rng, UNITS, FEATURES) for _ in range(4)]
        U = [drawn(rng, UNITS, UNITS) for _ in range(4)]
        b = [drawn(rng, UNITS) for _ in range(4)]
        arrays.append((W, U, b))
        taken += [*W, *U, *[None] * 3, *b, None, None]
    taken += [(1, UNITS)] * 4 + [None] * 9
    fields = {0: ("b", 4), 3: ("B", 1), 4: ("B", 0)} | options
    return arrays, operator_file(52, taken, [(1, STEPS, 2 * UNITS)], fields)


def test_a_fused_lstm_of_two_directions_is_read_by_gate(tmp_path, rng):
    arrays, data = both_directions(rng)
    (tmp_path / "m.tflite").write_bytes(data)
    net = rnnlens.read(tmp_path / "m.tflite")
    X = rng.normal(size=(5, STEPS, FEATURES))
    forward = lstm_by_hand(X, *arrays[0])
    backward = lstm_by_hand(X[:, ::-1], *arrays[1])[:, ::-1]
    expected = np.concatenate([forward, backward], -1)
    np.testing.assert_allclose(predict(net, X), expected, rtol=0, atol=1e-12)
    gates = net.nodes[1].layer.backward.cell.gates
    np.testing.assert_array_equal(gates["cell"].U, arrays[1][1][2].T)
