"""Models of version 6 of ONNX's operators compute what version 7 writes of the same."""

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

import rnnlens
from onnx_models import arrays_of, ran, saved


def forecaster(kind, opset, rng):
    """A recurrent layer, a norm, a linear layer and a scaling, as each version writes them."""
    old = opset < 7
    given = {name: array.astype("f4") for name, array in arrays_of(rng, kind).items()}
    units = given["R"].shape[-1]
    given |= {
        "gamma": rng.normal(size=units), "beta": rng.normal(size=units),
        "mean": rng.normal(size=units), "var": rng.uniform(0.5, 2, size=units),
        "G": rng.normal(size=(2, units)), "c": rng.normal(size=2), "scale": rng.normal(size=2),
    }  # fmt: skip
    outputs = ["Y", "Y_h"]
    more = {"output_sequence": 1} if old else {}
    tested, wide = ({"is_test": 1}, {"broadcast": 1}) if old else ({}, {})
    nodes = [
        helper.make_node(kind, ["X", "W", "R", "B"], outputs, "Rec", hidden_size=units, **more),
        helper.make_node("Squeeze", ["Y_h"], ["last"], "Sq", axes=[0]),
        helper.make_node(
            "BatchNormalization", ["last", "gamma", "beta", "mean", "var"], ["normed"], "Norm",
            **tested,
        ),
        helper.make_node("Dropout", ["normed"], ["kept"], "Drop", **tested),
        helper.make_node(
            "Gemm", ["kept", "G", "c"], ["made"], "Lin", transB=1, **wide
        ),
        helper.make_node("Mul", ["made", "scale"], ["y"], "Mul", **wide),
    ]  # fmt: skip
    initial = [numpy_helper.from_array(np.asarray(v, "f4"), k) for k, v in given.items()]
    features = given["W"].shape[-1]
    declared = [helper.make_tensor_value_info("X", TensorProto.FLOAT, ["t", "n", features])]
    declared += [
        helper.make_tensor_value_info(each.name, TensorProto.FLOAT, list(each.dims))
        for each in initial
    ]
    result = helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", 2])
    graph = helper.make_graph(nodes, "forecaster", declared, [result], initial)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=3)


@pytest.mark.parametrize("kind", ["LSTM", "GRU", "RNN"])
def test_version_6_computes_what_version_7_does(kind, rng, tmp_path):
    made = [forecaster(kind, opset, np.random.default_rng(3)) for opset in (6, 7)]
    X = rng.normal(size=(5, 6, 3)).astype("f4")
    (expected,) = ran(made[1], {"X": X.swapaxes(0, 1)})
    for opset, one in zip((6, 7), made, strict=True):
        network = rnnlens.read(saved(one, tmp_path, f"{opset}.onnx"))
        assert network.origin.version.startswith(f"opset {opset}")
        # onnxruntime computes in float32
        np.testing.assert_allclose(rnnlens.predict(network, X), expected, rtol=0, atol=1e-5)
