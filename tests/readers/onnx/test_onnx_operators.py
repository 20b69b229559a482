"""The operators that exporters put around a recurrent node, against onnxruntime."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from onnx_models import FEATURES, SAMPLES, STEPS, UNITS, arrays_of, model, ran, saved
from rnnlens.engine.forward import predict
from rnnlens.errors import UnsupportedModel
from rnnlens.network.layers import Dense, Embedding, Input, Recurrent
from rnnlens.network.network import layer_kind
from rnnlens.readers.onnx.graph.read import read_graph
from rnnlens.readers.open import read

node = helper.make_node


def ints(*values):
    return np.array(values, dtype=np.int64)


class Graph:
    """A batch-first sequence, a GRU over it, and what a test adds: tensors are called by name."""

    def __init__(self, rng, *, opset=21, samples="n"):
        self.rng = rng
        self.opset = opset
        self.arrays = dict(zip(("W", "R", "B"), arrays_of(rng, "GRU").values(), strict=True))
        self.inputs = [("x", (samples, STEPS, FEATURES))]
        self.nodes = [
            node("Transpose", ["x"], ["xt"], perm=[1, 0, 2]),
            node("GRU", ["xt", "W", "R", "B"], ["Y", "Y_h"], hidden_size=UNITS),
            self.squeezed("Y", "seq", 1),  # (step, sample, unit)
            self.squeezed("Y_h", "last", 0),  # (sample, unit)
            node("Transpose", ["seq"], ["channels"], perm=[1, 2, 0]),  # (sample, unit, step)
        ]
        self.feed = {"x": rng.normal(size=(SAMPLES, STEPS, FEATURES)).astype(np.float32)}

    def squeezed(self, source, target, axis, kind="Squeeze"):
        if self.opset < 13:
            return node(kind, [source], [target], axes=[axis])
        self.arrays[f"axis{axis}"] = ints(axis)
        return node(kind, [source, f"axis{axis}"], [target])

    def add(self, kind, inputs, outputs, arrays=None, **attributes):
        self.arrays |= {
            name: np.asarray(values, np.float32) if np.asarray(values).dtype == float else values
            for name, values in (arrays or {}).items()
        }
        self.nodes.append(node(kind, inputs, outputs, **attributes))
        return self

    def network(self, folder, *outputs):
        """The file as read, held against onnxruntime."""
        shapes = [(name, None) for name in outputs]
        made = model(self.nodes, self.inputs, shapes, self.arrays, opset=self.opset)
        reading = read_graph(saved(made, folder))
        X = {e.name: np.moveaxis(self.feed[e.name], e.batch, 0) for e in reading.inputs}
        ours = predict(reading.network, X)
        ours = ours if isinstance(ours, tuple) else (ours,)
        for mine, their, e in zip(ours, ran(made, self.feed), reading.outputs, strict=True):
            size = max(1.0, np.abs(their).max())
            np.testing.assert_allclose(np.moveaxis(mine, 0, e.batch), their, atol=1e-6 * size)
        return reading.network


def kinds(network):
    return [layer_kind(each.layer) for each in network.nodes]


@pytest.mark.parametrize("opset", [7, 9, 10, 11, 12, 13, 17, 21])
def test_a_product_and_the_sum_after_it_are_one_dense_layer(opset, tmp_path, rng):
    graph = Graph(rng, opset=opset)
    graph.add("MatMul", ["seq", "K"], ["p"], {"K": rng.normal(size=(UNITS, 2))})
    graph.add("Add", ["k", "p"], ["q"], {"k": rng.normal(size=2)})
    network = graph.network(tmp_path, "q")
    assert kinds(network) == ["Input", "GRU", "Dense"]


@pytest.mark.parametrize("turned", [0, 1])
def test_gemm_with_its_factors(turned, tmp_path, rng):
    K = rng.normal(size=(2, UNITS) if turned else (UNITS, 2))
    graph = Graph(rng).add(
        "Gemm",
        ["last", "K", "k"],
        ["y"],
        {"K": K, "k": rng.normal(size=(1, 2))},
        transB=turned,
        alpha=0.5,
        beta=2.0,
    )
    assert kinds(graph.network(tmp_path, "y")) == ["Input", "GRU", "Dense"]


@pytest.mark.parametrize(
    ("kind", "attributes"),
    [
        ("Sigmoid", {}),
        ("Tanh", {}),
        ("Relu", {}),
        ("LeakyRelu", {"alpha": 0.2}),
        ("LeakyRelu", {}),
        ("Elu", {"alpha": 0.6}),
        ("Selu", {}),
        ("Celu", {"alpha": 0.6}),
        ("HardSigmoid", {}),
        ("HardSigmoid", {"alpha": 0.3}),
        ("HardSwish", {}),
        ("Softplus", {}),
        ("Softsign", {}),
        ("Softmax", {}),
        ("Softmax", {"axis": 0}),
        ("LogSoftmax", {"axis": 2}),
        ("Gelu", {}),
        ("Gelu", {"approximate": "tanh"}),
        ("ThresholdedRelu", {"alpha": 0.1}),
        ("Exp", {}),
        ("Neg", {}),
        ("Mish", {}),
    ],
    ids=str,
)
def test_activations(kind, attributes, tmp_path, rng):
    graph = Graph(rng).add(kind, ["seq"], ["y"], **attributes)
    assert len(graph.network(tmp_path, "y").nodes) == 3


@pytest.mark.parametrize("opset", [7, 12])
def test_an_old_softmax_over_the_last_axis(opset, tmp_path, rng):
    Graph(rng, opset=opset).add("Softmax", ["last"], ["y"]).network(tmp_path, "y")
    with pytest.raises(UnsupportedModel):
        Graph(rng, opset=opset).add("Softmax", ["channels"], ["y"]).network(tmp_path, "y")


def test_clips_that_are_activations(tmp_path, rng):
    limits = {"zero": np.float32(0), "six": np.float32(0.2), "one": np.float32(1)}
    graph = Graph(rng).add("Clip", ["last", "zero", "six"], ["a"], limits)
    graph.add("Clip", ["last", "minus", "one"], ["b"], {"minus": np.float32(-1)})
    graph.network(tmp_path, "a", "b")
    Graph(rng, opset=7).add("Clip", ["last"], ["y"], min=0.0, max=0.1).network(tmp_path, "y")


@pytest.mark.parametrize("kind", ["Add", "Sub", "Mul", "Div"])
def test_arithmetic_with_fixed_numbers_and_with_values(kind, tmp_path, rng):
    graph = Graph(rng).add(kind, ["seq", "k"], ["a"], {"k": rng.uniform(1, 2, size=UNITS)})
    graph.add(kind, ["channels", "m"], ["b"], {"m": rng.uniform(1, 2, size=(UNITS, 1))})
    if kind == "Div":
        graph.network(tmp_path, "a", "b")
        return
    graph.add(kind, ["k", "seq"], ["c"])
    graph.add(kind, ["seq", "last"], ["d"]).add(kind, ["last", "seq"], ["e"])
    graph.network(tmp_path, "a", "b", "c", "d", "e")


@pytest.mark.parametrize(
    "attributes",
    [
        {},
        {"pads": [1, 1]},
        {"pads": [2, 0]},
        {"pads": [0, 2]},
        {"pads": [1, 2]},
        {"auto_pad": "SAME_UPPER"},
        {"auto_pad": "VALID"},
        {"strides": [2], "pads": [1, 1]},
        {"dilations": [2]},
        {"group": 2},
    ],
    ids=str,
)
def test_convolutions(attributes, tmp_path, rng):
    K = rng.normal(size=(6, UNITS // attributes.get("group", 1), 3))
    graph = Graph(rng)
    graph.add(
        "Conv", ["channels", "K", "k"], ["y"], {"K": K, "k": rng.normal(size=6)}, **attributes
    )
    graph.add("Transpose", ["y"], ["z"], perm=[0, 2, 1])
    network = graph.network(tmp_path, "z")
    assert "Permute" not in kinds(network)


@pytest.mark.parametrize(
    ("kind", "attributes"),
    [
        ("MaxPool", {"kernel_shape": [2]}),
        ("MaxPool", {"kernel_shape": [3], "strides": [2]}),
        ("MaxPool", {"kernel_shape": [3], "pads": [1, 1]}),
        ("AveragePool", {"kernel_shape": [2], "strides": [2]}),
        ("AveragePool", {"kernel_shape": [3], "pads": [1, 1]}),
        ("AveragePool", {"kernel_shape": [2], "pads": [1, 1], "count_include_pad": 1}),
        ("GlobalAveragePool", {}),
        ("GlobalMaxPool", {}),
    ],
    ids=str,
)
def test_pools(kind, attributes, tmp_path, rng):
    Graph(rng).add(kind, ["channels"], ["y"], **attributes).network(tmp_path, "y")


def test_normalisations(tmp_path, rng):
    moments = {name: rng.uniform(0.5, 2, size=UNITS) for name in ("g", "b", "m", "v")}
    graph = Graph(rng)
    graph.add("BatchNormalization", ["channels", "g", "b", "m", "v"], ["y"], moments)
    graph.add("BatchNormalization", ["last", "g", "b", "m", "v"], ["w"], epsilon=1e-2)
    graph.add("LayerNormalization", ["seq", "g", "b"], ["z"], epsilon=1e-3)
    wide = {"s": rng.normal(size=(UNITS, STEPS))}
    graph.add("LayerNormalization", ["channels", "s"], ["u"], wide, axis=1)
    graph.network(tmp_path, "y", "w", "z", "u")


def test_picking_cutting_and_joining(tmp_path, rng):
    places = {
        "first": np.array(0),
        "newest": np.array(-1),
        "run": ints(1, 2, 3),
        "start": ints(1),
        "end": ints(2**63 - 1),
        "back": ints(-1),
        "low": ints(-(2**63)),
        "unit": ints(2),
    }
    graph = Graph(rng)
    graph.add("Gather", ["seq", "newest"], ["a"], places, axis=0)
    graph.add("Gather", ["seq", "run"], ["b"], axis=0)
    graph.add("Gather", ["channels", "first"], ["c"], axis=1)
    graph.add("Slice", ["seq", "start", "end", "first1"], ["d"], {"first1": ints(0)})
    graph.add("Slice", ["seq", "back", "low", "first1", "back"], ["e"])
    graph.add("Split", ["seq"], ["f", "g"], axis=2, num_outputs=2)
    graph.add("Concat", ["a", "last"], ["h"], axis=-1)
    graph.add("Concat", ["d", "e"], ["i"], axis=0)
    graph.add("Slice", ["channels", "start", "unit", "start"], ["j"])
    graph.add("Slice", ["seq", "back", "first1", "first1", "back"], ["k"])
    graph.network(tmp_path, *"abcdefghijk")


def test_reductions_over_steps_and_features(tmp_path, rng):
    graph = Graph(rng).add("ReduceMean", ["seq", "steps"], ["a"], {"steps": ints(0)}, keepdims=0)
    graph.add("ReduceMean", ["seq", "both"], ["b"], {"both": ints(0, 2)})
    graph.add("ReduceMax", ["seq", "steps"], ["c"], keepdims=0)
    graph.network(tmp_path, "a", "b", "c")
    old = Graph(rng, opset=11).add("ReduceMean", ["seq"], ["a"], axes=[0], keepdims=0)
    old.network(tmp_path, "a")


def test_reshapes_keep_the_samples_apart_whatever_batch_size_the_file_is_for(tmp_path, rng):
    graph = Graph(rng, samples=SAMPLES)
    shapes = {"s": ints(SAMPLES, -1), "t": ints(-1, STEPS * UNITS), "u": ints(0, 2, 2, -1)}
    for name, shape in zip("abc", "stu", strict=True):
        graph.add("Reshape", ["channels", shape], [name], {shape: shapes[shape]})
    graph.add("Flatten", ["channels"], ["d"]).add("Flatten", ["last"], ["e"], axis=-1)
    graph.network(tmp_path, *"abcde")


def test_a_reshape_among_lengths_of_one_keeps_the_samples_where_they_were(tmp_path, rng):
    graph = Graph(rng, samples=1)
    graph.feed["x"] = graph.feed["x"][:1]
    graph.add("Reshape", ["Y_h", "s"], ["a"], {"s": ints(1, 1, UNITS)})
    graph.nodes.append(graph.squeezed("a", "b", 0))
    assert kinds(graph.network(tmp_path, "b")) == ["Input", "GRU"]


@pytest.mark.parametrize("back", [(STEPS, -1, 2), (-1, SAMPLES, 2), (STEPS, SAMPLES, 2)])
def test_a_dense_layer_over_rows_of_samples_and_steps(back, tmp_path, rng):
    graph = Graph(rng, samples=SAMPLES)
    graph.add("Reshape", ["seq", "rows"], ["a"], {"rows": ints(-1, UNITS), "back": ints(*back)})
    graph.add("MatMul", ["a", "K"], ["b"], {"K": rng.normal(size=(UNITS, 2))})
    graph.add("Add", ["b", "k"], ["c"], {"k": rng.normal(size=2)}).add("Relu", ["c"], ["d"])
    graph.add("Reshape", ["d", "back"], ["e"])
    graph.add("Reshape", ["seq", "number"], ["f"], {"number": ints(STEPS * SAMPLES, UNITS)})
    graph.add("Gemm", ["f", "K", "k"], ["g"]).add("Reshape", ["g", "back"], ["h"])
    assert kinds(graph.network(tmp_path, "e")) == ["Input", "GRU", "Dense", "Activate"]
    assert kinds(graph.network(tmp_path, "h")) == ["Input", "GRU", "Dense"]


def test_a_vector_repeated_into_steps(tmp_path, rng):
    graph = Graph(rng)
    graph.nodes.append(graph.squeezed("last", "tall", 1, "Unsqueeze"))
    graph.add("Expand", ["tall", "wide"], ["a"], {"wide": ints(1, 4, UNITS)})
    graph.add("Tile", ["tall", "times"], ["b"], {"times": ints(1, 3, 1)})
    network = graph.network(tmp_path, "a", "b")
    assert kinds(network).count("RepeatVector") == 2


def test_zero_states_made_as_large_as_the_batch_are_left_out(tmp_path, rng):
    graph = Graph(rng)
    graph.nodes.pop(1)
    graph.nodes[1:1] = [
        node("Shape", ["x"], ["shape"]),
        node("Gather", ["shape", "zero"], ["n"]),
        node("Unsqueeze", ["n", "zeros"], ["n1"]),
        node("Concat", ["one", "n1", "units"], ["state"], axis=0),
        node("ConstantOfShape", ["state"], ["h0"]),
        node("GRU", ["xt", "W", "R", "B", "", "h0"], ["Y", "Y_h"], hidden_size=UNITS),
    ]
    graph.arrays |= {"zero": np.array(0), "zeros": ints(0), "one": ints(1), "units": ints(UNITS)}
    assert kinds(graph.network(tmp_path, "last")) == ["Input", "GRU"]


def test_lengths_as_long_as_the_window_mask_nothing(tmp_path, rng):
    graph = Graph(rng)
    graph.nodes.pop(1)
    graph.nodes[1:1] = [
        node("Shape", ["xt"], ["shape"]),
        node("Slice", ["shape", "zero", "one"], ["t"]),
        node("Slice", ["shape", "one", "two"], ["n"]),
        node("Expand", ["t", "n"], ["long"]),
        node("Cast", ["long"], ["lengths"], to=TensorProto.INT32),
        node("GRU", ["xt", "W", "R", "B", "lengths"], ["Y", "Y_h"], hidden_size=UNITS),
    ]
    graph.arrays |= {"zero": ints(0), "one": ints(1), "two": ints(2)}
    assert kinds(graph.network(tmp_path, "last")) == ["Input", "GRU"]


def test_a_table_looked_up_by_tokens(tmp_path, rng):
    graph = Graph(rng)
    graph.inputs = [
        helper.make_tensor_value_info("tokens", TensorProto.INT64, ("n", STEPS)),
    ]
    graph.nodes.insert(0, node("Gather", ["table", "tokens"], ["x"]))
    graph.arrays["table"] = rng.normal(size=(7, FEATURES)).astype(np.float32)
    graph.feed = {"tokens": rng.integers(0, 7, size=(SAMPLES, STEPS))}
    network = graph.network(tmp_path, "last")
    assert [type(each.layer) for each in network.nodes] == [Input, Embedding, Recurrent]


def test_static_features_meet_the_last_state(tmp_path, rng):
    graph = Graph(rng)
    graph.inputs.append(("static", ("n", 2)))
    graph.feed["static"] = rng.normal(size=(SAMPLES, 2)).astype(np.float32)
    graph.add("Concat", ["last", "static"], ["both"], axis=1)
    graph.add("Gemm", ["both", "K"], ["y"], {"K": rng.normal(size=(UNITS + 2, 1))})
    network = graph.network(tmp_path, "y")
    assert list(network.inputs) == ["x", "static"]
    assert isinstance(network[network.outputs[0][0]].layer, Dense)


def test_an_input_whose_batch_axis_is_open_needs_a_word(tmp_path, rng):
    made = model([node("Tanh", ["x"], ["y"])], [("x", ("a", "b"))], [("y", None)], {})
    path = saved(made, tmp_path)
    reading = read_graph(path, batch_axes={"x": 1})
    X = rng.normal(size=(3, 4))
    np.testing.assert_allclose(predict(reading.network, X), np.tanh(X), atol=1e-15)
    assert reading.outputs[0].batch == 1


def test_what_no_output_needs_is_not_looked_at(tmp_path, rng):
    graph = Graph(rng).add("NonZero", ["last"], ["unused"])
    assert kinds(graph.network(tmp_path, "last")) == ["Input", "GRU"]


def test_functions_of_the_model_are_written_out(tmp_path, rng):
    graph = Graph(rng)
    body = [node("Mul", ["a", "a"], ["b"]), node("Add", ["b", "a"], ["c"])]
    function = helper.make_function(
        "own", "Twice", ["a"], ["c"], body, [helper.make_opsetid("", 21)]
    )
    graph.nodes.append(node("Twice", ["last"], ["y"], domain="own"))
    made = model(graph.nodes, graph.inputs, [("y", None)], graph.arrays, opset=21)
    made.opset_import.append(helper.make_opsetid("own", 1))
    made.functions.append(function)
    onnx.save(made, tmp_path / "f.onnx")
    ours = predict(read(tmp_path / "f.onnx"), graph.feed["x"])
    np.testing.assert_allclose(ours, ran(made, graph.feed)[0], atol=1e-6)
