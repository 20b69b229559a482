"""onnxruntime and `predict` agree, over everything that the reader of ONNX files lets through.

onnxruntime computes in float32 and rnnlens in float64: the tolerance is 1e-6 of the largest output
(or of 1), which is what float32 keeps over a few steps.
"""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from onnx import helper

from onnx_models import GATES, STEPS, UNITS, arrays_of, feeds, model, ran, saved, single
from rnnlens.engine.forward import predict
from rnnlens.readers.onnx.graph.read import read_graph
from rnnlens.readers.open import read

DIRECTIONS = ("forward", "reverse", "bidirectional")


def close(ours, theirs):
    size = max(1.0, np.abs(theirs).max())
    assert ours.shape == theirs.shape
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-6 * size)


def compare(made, feed, folder, theirs=None):
    """Require that the file as read gives what onnxruntime gives, axis for axis."""
    found = read_graph(saved(made, folder))
    X = {entry.name: np.moveaxis(feed[entry.name], entry.batch, 0) for entry in found.inputs}
    ours = predict(found.network, X)
    ours = ours if isinstance(ours, tuple) else (ours,)
    theirs = ran(made, feed) if theirs is None else theirs
    assert len(ours) == len(theirs)
    for mine, their, entry in zip(ours, theirs, found.outputs, strict=True):
        close(np.moveaxis(mine, 0, entry.batch), their)
    return found.network


@pytest.mark.parametrize("states", [(), ("h",), ("h", "c")], ids=["zero", "h", "h and c"])
@pytest.mark.parametrize("lengths", [False, True], ids=["whole", "lengths"])
@pytest.mark.parametrize("bias", [True, False], ids=["bias", "no bias"])
@pytest.mark.parametrize("direction", DIRECTIONS)
@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("LSTM", {}),
        ("LSTM", {"peepholes": True}),
        ("GRU", {"linear_before_reset": 0}),
        ("GRU", {"linear_before_reset": 1}),
        ("RNN", {}),
    ],
    ids=["LSTM", "LSTM with peepholes", "GRU before", "GRU after", "RNN"],
)
def test_single_nodes(kind, options, direction, bias, lengths, states, tmp_path, rng):
    if "c" in states and kind != "LSTM":
        states = ("h",)
    count = 2 if direction == "bidirectional" else 1
    options = {**options, "direction": direction}
    arrays = arrays_of(rng, kind, count, bias=bias, peepholes=options.pop("peepholes", False))
    made = single(kind, arrays, lengths=lengths, states=states, **options)
    feed = feeds(rng, count, lengths=lengths, states=states)
    compare(made, feed, tmp_path)
    for wants in (["Y"], ["Y_h"]):
        compare(
            single(kind, arrays, lengths=lengths, states=states, wants=wants, **options),
            feed,
            tmp_path,
        )


@pytest.mark.parametrize("direction", DIRECTIONS)
@pytest.mark.parametrize("kind", GATES)
def test_both_layouts_hold_the_same(kind, direction, tmp_path, rng):
    # onnxruntime runs layout 0 alone: its outputs with the axes turned are the truth for layout 1.
    count = 2 if direction == "bidirectional" else 1
    states = ("h", "c") if kind == "LSTM" else ("h",)
    arrays = arrays_of(rng, kind, count)
    feed = feeds(rng, count, lengths=True, states=states)
    theirs = ran(single(kind, arrays, lengths=True, states=states, direction=direction), feed)
    turned = [theirs[0].transpose(2, 0, 1, 3), *(value.swapaxes(0, 1) for value in theirs[1:])]
    first = {k: v if k == "lengths" else v.swapaxes(0, 1) for k, v in feed.items()}
    made = single(kind, arrays, lengths=True, states=states, layout=1, direction=direction)
    compare(made, first, tmp_path, turned)


@pytest.mark.parametrize("opset", [7, 9, 11, 13, 14, 18, 21, 22, 25, 28])
def test_every_generation_of_operators(opset, tmp_path, rng):
    made = single("LSTM", arrays_of(rng, "LSTM", peepholes=True), opset=opset)
    compare(made, feeds(rng), tmp_path)


ACTIVATIONS = {
    "Relu": ({}, {}),
    "Tanh": ({}, {}),
    "Sigmoid": ({}, {}),
    "Softsign": ({}, {}),
    "Softplus": ({}, {}),
    "LeakyRelu": ({"activation_alpha": 0.3}, {}),
    "Elu": ({"activation_alpha": 0.7}, {}),
    "ThresholdedRelu": ({"activation_alpha": 0.4}, {}),
    "HardSigmoid": ({"activation_alpha": 0.3}, {"activation_beta": 0.5}),
    "ScaledTanh": ({"activation_alpha": 1.0}, {"activation_beta": 1.0}),
    "Affine": ({"activation_alpha": 1.0}, {"activation_beta": 0.0}),
}


@pytest.mark.parametrize("name", ACTIVATIONS)
@pytest.mark.parametrize("kind", ["GRU", "RNN"])
def test_activations_of_one_function(kind, name, tmp_path, rng):
    names = ["Sigmoid", name] if kind == "GRU" else [name]
    stated = {key: [value] for each in ACTIVATIONS[name] for key, value in each.items()}
    made = single(kind, arrays_of(rng, kind), activations=names, **stated)
    compare(made, feeds(rng), tmp_path)


def test_alphas_go_to_the_functions_that_take_one_in_their_order(tmp_path, rng):
    made = single(
        "LSTM",
        arrays_of(rng, "LSTM", 2),
        activations=["HardSigmoid", "Tanh", "Tanh", "HardSigmoid", "LeakyRelu", "LeakyRelu"],
        activation_alpha=[0.2, 0.3, 0.1, 0.1],
        activation_beta=[0.5, 0.5],
    )
    compare(made, feeds(rng), tmp_path)


@pytest.mark.parametrize("kind", ["LSTM", "GRU"])
def test_exchanging_two_gates_is_noticed(kind, tmp_path, rng):
    arrays = arrays_of(rng, kind)
    feed = feeds(rng)
    theirs = ran(single(kind, arrays), feed)
    for a in range(GATES[kind]):
        for b in range(a):
            order = list(range(GATES[kind]))
            order[a], order[b] = b, a
            swapped = {}
            for name, values in arrays.items():
                blocks = values.reshape(1, -1, len(order), UNITS, *values.shape[2:])
                swapped[name] = blocks[:, :, order].reshape(values.shape)
            with pytest.raises(AssertionError, match="Mismatched elements"):
                compare(single(kind, swapped), feed, tmp_path, theirs)


def test_exchanging_two_peepholes_is_noticed(tmp_path, rng):
    arrays = arrays_of(rng, "LSTM", peepholes=True)
    feed = feeds(rng)
    theirs = ran(single("LSTM", arrays), feed)
    compare(single("LSTM", arrays), feed, tmp_path, theirs)
    for order in ([1, 0, 2], [2, 1, 0], [0, 2, 1]):
        P = arrays["P"].reshape(1, 3, UNITS)[:, order].reshape(1, -1)
        with pytest.raises(AssertionError, match="Mismatched elements"):
            compare(single("LSTM", {**arrays, "P": P}), feed, tmp_path, theirs)


def test_arrays_are_named_by_gate_and_say_where_they_lay(tmp_path, rng):
    arrays = arrays_of(rng, "LSTM", 2, peepholes=True)
    network = read(saved(single("LSTM", arrays), tmp_path))
    layer = network["lstm"].layer
    np.testing.assert_array_equal(layer.backward.cell.forget.W, arrays["W"][1, 8:12].T)
    np.testing.assert_array_equal(layer.forward.cell.output.V, arrays["P"][0, 4:8])
    assert network["lstm"].sources["backward.W_f"].text == "W[1, 8:12, :].T"
    assert network["lstm"].sources["forward.b_ro"].text == "B[0, 20:24]"


def test_fixed_initial_states_and_lengths(tmp_path, rng):
    arrays = arrays_of(rng, "LSTM", 2)
    node = helper.make_node(
        "LSTM",
        ["X", "W", "R", "B", "lengths", "h0", "c0"],
        ["Y", "Y_h", "Y_c"],
        hidden_size=UNITS,
        direction="bidirectional",
    )
    h0, c0 = rng.normal(size=(2, 2, 1, UNITS)).astype(np.float32)
    arrays |= {
        "h0": np.repeat(h0, 5, axis=1),
        "c0": np.repeat(c0, 5, axis=1),
        "lengths": np.full(5, STEPS - 2, dtype=np.int32),
    }
    outputs = [("Y", (STEPS, 2, 5, UNITS)), ("Y_h", (2, 5, UNITS)), ("Y_c", (2, 5, UNITS))]
    made = model([node], [("X", (STEPS, 5, 3))], outputs, arrays)
    compare(made, feeds(rng), tmp_path)


def test_weights_that_graph_operators_make_are_folded(tmp_path, rng):
    arrays = arrays_of(rng, "GRU")
    W, R, B = (arrays[name] for name in "WRB")
    nodes = [
        helper.make_node("Transpose", ["Wt"], ["W0"], perm=[1, 0]),
        helper.make_node("Unsqueeze", ["W0", "zero"], ["W"]),
        helper.make_node("Slice", ["R_long", "zero", "rows", "one"], ["R"]),
        helper.make_node("Split", ["B_long"], ["B0", "B_rest"], axis=1, num_outputs=2),
        helper.make_node("Cast", ["B0"], ["B1"], to=onnx.TensorProto.FLOAT),
        helper.make_node("Identity", ["B1"], ["B2"]),
        helper.make_node("Concat", ["B2", "B_half"], ["B"], axis=1),
        helper.make_node("GRU", ["X", "W", "R", "B"], ["Y", ""], hidden_size=UNITS),
        helper.make_node("Squeeze", ["Y", "one"], ["Z"]),
    ]
    half = B.shape[1] // 2
    fixed = {
        "Wt": W[0].T.copy(),
        "R_long": np.concatenate([R, R[:, :2]], axis=1),
        "B_long": np.concatenate([B[:, :half], B[:, :half] + 1], axis=1),
        "B_half": B[:, half:],
        "zero": np.array([0]),
        "one": np.array([1]),
        "rows": np.array([R.shape[1]]),
    }
    made = model(nodes, [("X", ("t", "n", 3))], [("Z", ("t", "n", UNITS))], fixed)
    network = compare(made, feeds(rng), tmp_path)
    assert [type(node.layer).__name__ for node in network.nodes] == ["Input", "Recurrent"]
