"""Operations as tf.keras 2.2 and 2.3 write them: nodes of TensorFlow's graph, numbers beside them.

The configurations are written by hand as ``json_format.MessageToDict`` lays out a node: whole
numbers as text, a key for each type. What they compute is written in NumPy.
"""

import json

import numpy as np
import pytest

import rnnlens
from keras_graphs import entry, graph
from rnnlens.engine.forward import predict
from rnnlens.errors import UnsupportedModel


def attribute(value):
    if isinstance(value, bool):
        return {"b": value}
    if isinstance(value, int):
        return {"i": str(value)}
    if isinstance(value, list):
        return {"list": {"i": [str(item) for item in value]} if value else {}}
    return {"type": value} if isinstance(value, str) else {"f": value}


def node(kind, taken=("x",), fixed=None, name="op", **attributes):
    """A layer of tf.keras 2.3: its own name is longer than that in its configuration."""
    held = {"name": name, "op": kind, "input": [*taken, "constant"]}
    held["attr"] = {
        key: attribute(value) for key, value in ({"T": "DT_FLOAT"} | attributes).items()
    }
    calls = [[[one, 0, 0, {}] for one in taken]]
    fixed = {str(place): value for place, value in (fixed or {}).items()}
    made = entry("TensorFlowOpLayer", f"tf_op_layer_{name}", calls, node_def=held, constants=fixed)
    made["config"] |= {"name": name, "dtype": "float32"}
    return json.loads(json.dumps(made))


def softmax(x):
    e = np.exp(x)
    return e / e.sum(-1, keepdims=True)


MASKS = {"begin_mask": 0, "end_mask": 0, "ellipsis_mask": 0, "new_axis_mask": 0}
MASKS |= {"shrink_axis_mask": 0, "Index": "DT_INT32"}


def picked(first, last, strides, **masks):
    fixed = {1: first, 2: last, 3: strides}
    return node(
        "StridedSlice", ("x",), fixed, **(MASKS | {f"{k}_mask": v for k, v in masks.items()})
    )


AXES = {"Tidx": "DT_INT32"}
#: A node, and what it gives for x (sample, 6, 4).
NODES = {
    "add": (node("AddV2", ("x",), {1: 1.5}), lambda x: x + 1.5),
    "number first": (node("Sub", ("x",), {0: 1.0}), lambda x: 1 - x),
    "number behind": (node("Sub", ("x",), {1: 1.0}), lambda x: x - 1),
    "both": (node("Mul", ("x", "x")), lambda x: x * x),
    "row": (node("Mul", ("x",), {1: [1.0, 2.0, 3.0, 4.0]}), lambda x: x * np.arange(1.0, 5)),
    "quotient": (node("RealDiv", ("x",), {1: 4.0}), lambda x: x / 4),
    "last step": (
        picked([0, -1], [0, 0], [1, 1], begin=1, end=1, shrink_axis=2),
        lambda x: x[:, -1],
    ),
    "steps": (picked([0, 2], [0, 0], [1, 1], begin=1, end=3), lambda x: x[:, 2:]),
    "turned round": (picked([0, 0], [0, 0], [1, -1], begin=3, end=3), lambda x: x[:, ::-1]),
    "feature": (picked([0, 1], [0, 2], [1, 1], ellipsis=1, shrink_axis=2), lambda x: x[..., 1]),
    "new axis": (picked([0, 0], [0, 0], [1, 1], begin=1, end=1, new_axis=2), lambda x: x[:, None]),
    "mean": (node("Mean", ("x",), {1: [1]}, keep_dims=False, **AXES), lambda x: x.mean(1)),
    "sum": (
        node("Sum", ("x",), {1: -1}, keep_dims=True, **AXES),
        lambda x: x.sum(-1, keepdims=True),
    ),
    "largest": (node("Max", ("x",), {1: 1}, keep_dims=False, **AXES), lambda x: x.max(1)),
    "joined": (
        node("ConcatV2", ("x", "x"), {2: -1}, N=2, **AXES),
        lambda x: np.concatenate([x, x], -1),
    ),
    "packed": (node("Pack", ("x", "x"), N=2, axis=1), lambda x: np.stack([x, x], 1)),
    "expanded": (node("ExpandDims", ("x",), {1: 1}, Tdim="DT_INT32"), lambda x: x[:, None]),
    "transposed": (
        node("Transpose", ("x",), {1: [0, 2, 1]}, Tperm="DT_INT32"),
        lambda x: x.swapaxes(1, 2),
    ),
    "reshaped": (node("Reshape", ("x",), {1: [-1, 3, 8]}), lambda x: x.reshape(-1, 3, 8)),
    "sigmoid": (node("Sigmoid"), lambda x: 1 / (1 + np.exp(-x))),
    "tanh": (node("Tanh"), np.tanh),
    "relu": (node("Relu"), lambda x: np.maximum(x, 0)),
    "leaky": (node("LeakyRelu", alpha=0.3), lambda x: np.where(x > 0, x, 0.3 * x)),
    "softmax": (node("Softmax"), softmax),
    "matrices": (
        node("BatchMatMulV2", ("x", "x"), adj_x=False, adj_y=True),
        lambda x: x @ x.swapaxes(1, 2),
    ),
    "turned round by name": (node("ReverseV2", ("x",), {1: [1]}), lambda x: x[:, ::-1]),
    "tiled": (node("Tile", ("x",), {1: [1, 2, 1]}), lambda x: np.tile(x, (1, 2, 1))),
    "gathered": (
        node("GatherV2", ("x",), {1: [0, 2], 2: 2}, batch_dims=0),
        lambda x: x[..., [0, 2]],
    ),
    "clipped": (node("ClipByValue", ("x",), {1: -0.5, 2: 0.5}), lambda x: x.clip(-0.5, 0.5)),
    "split": (node("Split", ("x",), {0: 2}, num_split=2), lambda x: x[..., :2]),
    "split by sizes": (
        node("SplitV", ("x",), {1: [1, 3], 2: -1}, num_split=2),
        lambda x: x[..., :1],
    ),
    "unpacked": (node("Unpack", axis=1, num=6), lambda x: x[:, 0]),
    "cast": (node("Cast", SrcT="DT_FLOAT", DstT="DT_DOUBLE", Truncate=False), lambda x: x),
    "padded": (
        node("Pad", ("x",), {1: [[0, 0], [2, 1], [0, 0]]}),
        lambda x: np.pad(x, ((0, 0), (2, 1), (0, 0))),
    ),
}


@pytest.mark.parametrize("name", NODES)
def test_a_node_of_tensorflow_computes_what_it_says(name, rng):
    made, gives = NODES[name]
    windows = rng.normal(size=(3, 6, 4))
    np.testing.assert_allclose(
        predict(graph(made), windows), gives(windows), rtol=1e-12, atol=1e-14
    )


def test_nodes_follow_each_other_by_the_names_of_their_layers(rng):
    network = graph(
        node("ExpandDims", ("x",), {1: 3}, name="wide"),
        node("Squeeze", ("tf_op_layer_wide",), name="narrow", squeeze_dims=[3]),
        node("Mul", ("tf_op_layer_narrow", "x"), name="scores"),
        node("Sum", ("tf_op_layer_scores",), {1: 1}, name="context", keep_dims=False),
    )
    windows = rng.normal(size=(3, 6, 4))
    np.testing.assert_allclose(predict(network, windows), (windows**2).sum(1), rtol=1e-12)
    result = rnnlens.explain(network, windows, target=1)
    change = predict(network, windows)[:, 1]
    whole = result["contribution"].sum(["lag", "feature"]) + result["baseline_forecast"]
    np.testing.assert_allclose(whole, change, rtol=1e-9)


def test_a_node_that_is_not_read_is_named():
    with pytest.raises(UnsupportedModel, match="is the node FFT of TensorFlow"):
        graph(node("FFT"))
