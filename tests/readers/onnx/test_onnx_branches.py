"""``If`` whose condition fixed numbers or shapes decide, as exporters write it for squeezes."""

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

from onnx_models import FEATURES, SAMPLES, STEPS, UNITS, arrays_of, model, ran, saved
from rnnlens.api import read
from rnnlens.engine.forward import predict
from rnnlens.errors import UnsupportedModel

node = helper.make_node


def branch(name, nodes, outputs, fixed=None):
    listed = [numpy_helper.from_array(values, key) for key, values in (fixed or {}).items()]
    given = [helper.make_tensor_value_info(one, TensorProto.FLOAT, None) for one in outputs]
    return helper.make_graph(nodes, name, [], given, listed)


ONE = np.array(1, np.int64)
SQUEEZED = branch(
    "squeezed", [node("Squeeze", ["Y", "axis"], ["s"])], ["s"], {"axis": np.array([1])}
)
AS_IT_IS = branch("as_it_is", [node("Identity", ["Y"], ["t"])], ["t"])


def choice(condition, then=SQUEEZED, otherwise=AS_IT_IS):
    return node("If", [condition], ["out"], name="choice", then_branch=then, else_branch=otherwise)


def measured(axis):
    """The nodes that ask whether an axis of the LSTM's output has the length 1."""
    return [
        node("Shape", ["Y"], ["shape"]),
        node("Constant", [], ["place"], value=numpy_helper.from_array(np.array(axis))),
        node("Gather", ["shape", "place"], ["length"]),
        node("Constant", [], ["one"], value=numpy_helper.from_array(ONE)),
        node("Equal", ["length", "one"], ["is_one"]),
    ]


SCALED = branch(
    "scaled",
    [node("Mul", ["Y", "half"], ["m"]), node("Add", ["m", "Y"], ["n"])],
    ["n"],
    {"half": np.array(0.5, np.float32)},
)
BOTH = branch(
    "both",
    [
        node("Constant", [], ["yes"], value=numpy_helper.from_array(np.array(True))),
        node("If", ["yes"], ["u"], then_branch=SQUEEZED, else_branch=AS_IT_IS),
    ],
    ["u"],
)
#: Nodes before the choice and the choice, arrays of the file.
CHOICES = {
    "initializer, true": ([choice("flag")], {"flag": np.array(True)}),
    "initializer, false": ([choice("flag")], {"flag": np.array([False])}),
    "constant": (
        [
            node("Constant", [], ["flag"], value=numpy_helper.from_array(np.array(True))),
            choice("flag", SCALED),
        ],
        {},
    ),
    "length of an axis, one": ([*measured(1), choice("is_one")], {}),
    "length of an axis, more": ([*measured(3), choice("is_one")], {}),
    "turned round": (
        [*measured(1), node("Not", ["is_one"], ["more"]), choice("more", AS_IT_IS, SQUEEZED)],
        {},
    ),
    "within another": ([choice("flag", BOTH)], {"flag": np.array(True)}),
}


def made(before, fixed, rng):
    """An LSTM, a choice, and an operation on what it gives."""
    nodes = [node("LSTM", ["x", "W", "R", "B"], ["Y"], hidden_size=UNITS), *before]
    nodes += [node("Tanh", ["out"], ["y"])]
    shapes = [("x", (STEPS, "n", FEATURES))]
    return model(nodes, shapes, [("y", None)], {**arrays_of(rng, "LSTM"), **fixed})


@pytest.mark.parametrize("name", CHOICES)
def test_the_branch_that_is_taken_is_read(name, tmp_path, rng):
    whole = made(*CHOICES[name], rng)
    windows = rng.normal(size=(STEPS, SAMPLES, FEATURES)).astype(np.float32)
    (theirs,) = ran(whole, {"x": windows})
    net = read(saved(whole, tmp_path), batch_axes={"x": 1})
    ours = predict(net, windows.swapaxes(0, 1).astype(float))
    theirs = np.moveaxis(theirs, theirs.shape.index(SAMPLES), 0)
    # onnxruntime computes in float32
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-6)
    assert net.origin.notes == ()


def test_a_choice_by_an_open_length_is_said(tmp_path, rng):
    before = [*measured(0), choice("is_one")]
    nodes = [node("LSTM", ["x", "W", "R", "B"], ["Y"], hidden_size=UNITS), *before]
    whole = model(nodes, [("x", ("steps", "n", FEATURES))], [("out", None)], arrays_of(rng, "LSTM"))
    net = read(saved(whole, tmp_path), batch_axes={"x": 1})
    assert any("asks for the number of samples or of steps" in note for note in net.origin.notes)


def test_a_choice_by_the_values_is_refused(tmp_path, rng):
    before = [
        node("ReduceMax", ["Y"], ["top"], keepdims=0),
        node("Greater", ["top", "limit"], ["big"]),
        choice("big"),
    ]
    whole = made(before, {"limit": np.array(0.5, np.float32)}, rng)
    with pytest.raises(UnsupportedModel):
        read(saved(whole, tmp_path), batch_axes={"x": 1})


def test_a_choice_by_an_input_is_refused_and_each_case_is_read(tmp_path, rng):
    shapes = [("x", (STEPS, "n", FEATURES))]
    flag = helper.make_tensor_value_info("flag", TensorProto.FLOAT, ["n"])
    nodes = [node("LSTM", ["x", "W", "R", "B"], ["Y"], hidden_size=UNITS)]
    nodes += [node("Cast", ["flag"], ["asked"], to=TensorProto.BOOL), choice("asked")]
    whole = model(nodes, [*shapes, flag], [("out", None)], arrays_of(rng, "LSTM"))
    with pytest.raises(UnsupportedModel, match="is an operator that|chooses between two graphs"):
        read(saved(whole, tmp_path), batch_axes={"x": 1, "flag": 0})
