"""What the reader of ONNX files refuses, each with its sentence."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from onnx_models import FEATURES, STEPS, UNITS, arrays_of, model, saved, single
from rnnlens.errors import UnreadableFile, UnsupportedModel
from rnnlens.readers.onnx_graph import KINDS, RULES
from rnnlens.readers.open import read
from rnnlens.readers.options import Options

node = helper.make_node


def refused(made, folder, sentence, error=UnsupportedModel, options=None):
    with pytest.raises(error) as caught:
        read(saved(made, folder), options)
    assert str(caught.value) == sentence


@pytest.mark.parametrize(
    ("kind", "options", "sentence"),
    [
        (
            "LSTM",
            {"clip": 0.5},
            "node 'Y' (LSTM) clips what goes into its activations (clip = 0.5), which rnnlens does "
            "not implement; export the model without it",
        ),
        (
            "LSTM",
            {"input_forget": 1},
            "node 'Y' (LSTM) couples its input and forget gates (input_forget = 1), which rnnlens "
            "does not implement",
        ),
        (
            "LSTM",
            {"activations": ["Sigmoid", "Tanh", "Relu"]},
            "node 'Y' (LSTM) puts tanh on the candidate and relu on the cell state, and rnnlens "
            "has one function for both",
        ),
        (
            "GRU",
            {"activations": ["HardSigmoid", "Tanh"], "activation_beta": [0.4]},
            "node 'Y' (GRU) uses the activation HardSigmoid with alpha = 0.2 and beta = 0.4, which "
            "rnnlens does not implement",
        ),
        (
            "RNN",
            {"activations": ["Affine"], "activation_alpha": [2.0]},
            "node 'Y' (RNN) uses the activation Affine with alpha = 2 and beta = 0, which rnnlens "
            "does not implement",
        ),
        (
            "RNN",
            {"activations": ["ScaledTanh"], "activation_alpha": [1.7159]},
            "node 'Y' (RNN) uses the activation ScaledTanh with alpha = 1.7159 and beta = 1, which "
            "rnnlens does not implement",
        ),
        (
            "RNN",
            {"activations": ["Swish"]},
            "node 'Y' (RNN) names the activation 'Swish', which is none of the standard",
        ),
        (
            "GRU",
            {"activation_alpha": [0.1]},
            "node 'Y' (GRU) states more numbers in activation_alpha than its activations take, so "
            "that which belongs to which cannot be told",
        ),
        (
            "GRU",
            {"output_sequence": 1},
            "node 'Y' (GRU) has the option output_sequence, which is not standard",
        ),
    ],
    ids=[
        "clip",
        "input_forget",
        "g and h",
        "beta",
        "Affine",
        "ScaledTanh",
        "Swish",
        "alpha",
        "old",
    ],
)
def test_options_of_a_recurrent_node(kind, options, sentence, tmp_path, rng):
    refused(single(kind, arrays_of(rng, kind), **options), tmp_path, sentence)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (
            {"activations": ["Sigmoid"]},
            "node 'Y' (GRU) names 1 activations where 2 are called for: the file is damaged",
        ),
        (
            {"hidden_size": 9},
            "node 'Y' (GRU) states hidden_size = 9, but its arrays are for 4 units: the file is "
            "damaged",
        ),
        ({"direction": "up"}, "node 'Y' (GRU) has the direction 'up', which is none"),
    ],
    ids=["activations", "hidden_size", "direction"],
)
def test_options_that_do_not_fit(options, sentence, tmp_path, rng):
    refused(single("GRU", arrays_of(rng, "GRU"), **options), tmp_path, sentence, UnreadableFile)


def test_arrays_that_do_not_fit(tmp_path, rng):
    arrays = arrays_of(rng, "GRU")
    refused(
        single("GRU", arrays | {"B": arrays["B"][:, :-1]}),
        tmp_path,
        "node 'Y' (GRU): its B has shape (1, 23) and type float32, but (1, 24) of floating point "
        "fits the others: the file is damaged",
        UnreadableFile,
    )


def sequence(nodes, arrays=None, outputs=("y",), opset=21):
    inputs = [("x", (STEPS, "n", FEATURES))]
    return model(nodes, inputs, [(name, None) for name in outputs], arrays or {}, opset=opset)


ADVICE = (
    "without an LSTM, GRU or RNN node, and rnnlens does not guess which gate is which; export so "
    "that the recurrent layer stays whole, or read the source model itself (rnnlens reads Keras "
    "and PyTorch models)"
)


def test_a_loop_is_named(tmp_path):
    body = helper.make_graph([], "body", [], [])
    for kind in ("Loop", "Scan"):
        refused(
            sequence([node(kind, ["x"], ["y"], name="rnn", body=body)]),
            tmp_path,
            f"node 'rnn' is a {kind}: the recurrence is written out as a loop instead of an LSTM, "
            "GRU or RNN node, and rnnlens does not guess which gate is which; export from the "
            "source framework so that the recurrent layer stays whole, or read the source model "
            "itself",
        )


def test_steps_written_out_are_named(tmp_path, rng):
    nodes = [node("Transpose", ["U"], ["Ut"])]
    state = "x"
    for t in range(3):
        nodes += [node("MatMul", [state, "Ut"], [f"a{t}"]), node("Tanh", [f"a{t}"], [f"h{t}"])]
        state = f"h{t}"
    refused(
        sequence(nodes, {"U": rng.normal(size=(3, 3))}, ["h2"]),
        tmp_path,
        "the graph holds a recurrence written out step by step (the weights 'U' multiply what "
        f"came of their own product) {ADVICE}",
    )


def test_one_step_taken_apart_is_named(tmp_path, rng):
    nodes = [
        node("MatMul", ["x", "W"], ["a"]),
        node("Sigmoid", ["a"], ["o"]),
        node("Tanh", ["a"], ["c"]),
        node("Mul", ["o", "c"], ["y"]),
    ]
    refused(
        sequence(nodes, {"W": rng.normal(size=(3, 3))}),
        tmp_path,
        "the graph holds a cell taken apart into its gates (node 'y' (Mul) multiplies a sigmoid "
        f"by a tanh) {ADVICE}",
    )


@pytest.mark.parametrize(
    ("nodes", "sentence"),
    [
        (
            [node("Erf", ["x"], ["y"])],
            "node 'y' (Erf) is an operator that rnnlens does not read; it reads "
            f"{', '.join(sorted({*KINDS, *RULES}))}",
        ),
        (
            [node("LSTM", ["x"], ["y"], domain="com.microsoft", name="q")],
            "node 'q' is the operator LSTM of the domain com.microsoft, which is not standard "
            "ONNX; export the model without quantisation or vendor operators",
        ),
        (
            [node("Cast", ["x"], ["y"], to=TensorProto.INT64)],
            "node 'y' (Cast) cuts values off to whole numbers, which rnnlens does not read",
        ),
        (
            [node("MatMul", ["x", "x"], ["y"])],
            "node 'y' (MatMul) takes its kernel from the data instead of from the file's own "
            "numbers, which rnnlens does not read",
        ),
        (
            [node("HardSigmoid", ["x"], ["y"], beta=0.3)],
            "node 'y' (HardSigmoid) with beta = 0.30000001192092896 is a function that rnnlens "
            "does not implement",
        ),
    ],
    ids=["operator", "domain", "Cast", "MatMul", "HardSigmoid"],
)
def test_operators_around_it(nodes, sentence, tmp_path):
    refused(sequence(nodes), tmp_path, sentence, options=Options(batch_axes={"x": 1}))


@pytest.mark.parametrize("opset", [6, 99])
def test_operators_of_another_generation(opset, tmp_path, rng):
    made = single("GRU", arrays_of(rng, "GRU"), opset=opset)
    refused(
        made,
        tmp_path,
        f"{tmp_path / 'model.onnx'} uses version {opset} of ONNX's operators, and rnnlens reads 7 "
        "to 28; convert it with onnx.version_converter",
    )


def test_numbers_of_other_types(tmp_path, rng):
    made = single("GRU", arrays_of(rng, "GRU"))
    made.graph.initializer[0].data_type = TensorProto.BFLOAT16
    refused(
        made,
        tmp_path,
        "tensor 'W' holds numbers of type BFLOAT16, and rnnlens reads float16, float32, float64 "
        "and plain integers; export the model in float32",
    )


def test_states_and_lengths_that_differ_from_sample_to_sample(tmp_path, rng):
    arrays = arrays_of(rng, "GRU") | {"h0": rng.normal(size=(1, 5, UNITS)).astype(np.float32)}
    gru = node("GRU", ["x", "W", "R", "B", "", "h0"], ["y"], hidden_size=UNITS)
    refused(
        sequence([gru], arrays),
        tmp_path,
        "node 'y' (GRU) holds numbers that differ from sample to sample (shape (1, 5, 4)); rnnlens "
        "reads networks that treat every sample alike",
    )
    arrays |= {"lengths": np.array([1, 2, 3, 4, 5], np.int32)}
    gru = node("GRU", ["x", "W", "R", "B", "lengths"], ["y"], hidden_size=UNITS)
    refused(
        sequence([gru], arrays),
        tmp_path,
        "node 'y' (GRU) fixes another length for each sample of a batch; rnnlens reads networks "
        "that treat every sample alike",
    )


def test_a_model_for_one_window_without_a_batch_axis(tmp_path, rng):
    arrays = arrays_of(rng, "GRU") | {"one": np.array([1])}
    nodes = [
        node("Unsqueeze", ["x", "one"], ["wide"]),
        node("GRU", ["wide", "W", "R", "B"], ["y"], hidden_size=UNITS),
    ]
    made = model(nodes, [("x", (STEPS, FEATURES))], [("y", None)], arrays, opset=21)
    refused(
        made,
        tmp_path,
        "node 'y' (GRU) takes its samples along axis 1, and what it is given has them elsewhere or "
        "nowhere; export the model with a batch axis",
    )


def test_training_mode(tmp_path, rng):
    arrays = {name: np.ones(FEATURES, np.float32) for name in "gbmv"}
    refused(
        model(
            [node("BatchNormalization", ["x", *"gbmv"], ["y", "m2", "v2"], training_mode=1)],
            [("x", ("n", FEATURES))],
            [("y", None)],
            arrays,
            opset=21,
        ),
        tmp_path,
        "node 'y' (BatchNormalization) normalises by the batch at hand, as in training; export the "
        "model in evaluation mode",
    )


def test_weights_for_an_input_that_is_not_there(tmp_path, rng):
    refused(
        single("GRU", arrays_of(rng, "GRU")),
        tmp_path,
        "weights came for 'Q', which is no input of the graph: it has X",
        options=Options(weights={"Q": np.zeros(3)}),
    )


def test_a_node_that_takes_what_nothing_gives(tmp_path):
    made = sequence([node("Tanh", ["z"], ["w"]), node("Add", ["x", "w"], ["y"])])
    onnx.save(made, tmp_path / "model.onnx")
    refused(
        made,
        tmp_path,
        "node 'w' (Tanh) takes 'z', which nothing before it gives: the file is damaged",
        UnreadableFile,
    )
