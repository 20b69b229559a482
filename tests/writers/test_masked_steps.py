"""Masked steps are written for targets without masks, wherever the padding stands."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import onnx
import onnxruntime
import pytest

import rnnlens
from networks import cell, chain, head
from refused.writers import chain_of_lengths, masked_pair
from rnnlens.checks.inputs import random_inputs
from rnnlens.engine.forward import predict
from rnnlens.errors import UnsupportedModel
from rnnlens.network.layers import (
    Add,
    Average,
    Bidirectional,
    Binary,
    Concatenate,
    CumulativeSum,
    Embedding,
    GlobalPooling1D,
    Input,
    Masking,
    Recurrent,
)
from rnnlens.network.network import Network, Node, Origin
from rnnlens.writers.keras.archive import write as write_keras
from rnnlens.writers.onnx.file import write
from rnnlens.writers.torch.safetensors_file import write as write_torch
from run_by_pytorch import by_pytorch, many
from writers_zoo import as_float32


def networks(rng):
    def layer(kind="lstm", features=3, **options):
        return Recurrent(cell(kind, rng, features), **options)

    def both(merge, kind="lstm", **options):
        return Bidirectional(
            layer(kind, **options), layer(kind, go_backwards=True, **options), merge
        )

    pooled = GlobalPooling1D("average", True)
    zero = {"return_sequences": True, "zero_output_for_mask": True}
    states = Node("lstm", layer(return_sequences=True, return_state=True), (("mask", 0),))
    nodes = (Node("x", Input((6, 3))), Node("mask", Masking(0.0), (("x", 0),)), states)
    made = [
        chain(Masking(0.0), layer(), head(rng, 5), shape=(6, 3)),
        chain(Masking(0.0), layer("gru_before", return_sequences=True), shape=(None, 3)),
        chain(Masking(0.0), layer("gru_after", **zero), shape=(6, 3)),
        chain(Masking(0.0), layer("gru_after", zero_output_for_mask=True), shape=(6, 3)),
        chain(
            Masking(0.0),
            layer("simple_rnn", return_sequences=True, go_backwards=True),
            pooled,
            shape=(6, 3),
        ),
        chain(Masking(0.0), both("concat", return_sequences=True), shape=(6, 3)),
        chain(Masking(0.0), both("sum"), shape=(6, 3)),
        chain(Masking(0.0), both("mul", "gru_before", **zero), pooled, shape=(6, 3)),
        chain(
            Embedding(rng.normal(size=(7, 3)), mask_zero=True),
            layer(return_sequences=True),
            layer("gru_after", 5),
            shape=(6,),
        ),
        Network(nodes, tuple(("lstm", k) for k in range(3)), Origin("made in a test"), "states"),
    ]
    names = [
        "last",
        "every",
        "zeros",
        "zero_at_the_end",
        "backwards",
        "both_ways",
        "both_ends",
        "both_zeros",
    ]
    return dict(zip([*names, "tokens", "states"], made, strict=True))


NAMES = tuple(networks(np.random.default_rng(0)))


def starting(rng, kind, **options):
    """Layers over masked steps that start from a vector, one way and both ways."""
    one = Recurrent(cell(kind, rng), **options)
    back = Recurrent(cell(kind, rng), go_backwards=True, **options)
    count = len(one.cell.states)
    nodes = (
        Node("x", Input((6, 3))),
        Node("z", Input((5,))),
        Node("mask", Masking(0.0), (("x", 0),)),
        Node("one", one, (("mask", 0), *[("z", 0)] * count)),
        Node("both", Bidirectional(one, back), (("mask", 0), *[("z", 0)] * 2 * count)),
    )
    outputs = (("one", 0), ("both", 0))
    if options.get("return_state"):
        outputs += (("one", count), ("both", 2 * count))
    return Network(nodes, outputs, Origin("made in a test"), "starting")


@pytest.mark.parametrize("kind", ["lstm", "gru_before", "simple_rnn"])
@pytest.mark.parametrize("sequences", [False, True])
@pytest.mark.parametrize("states", [False, True])
def test_states_to_start_from_are_kept_until_a_real_step(kind, sequences, states, rng):
    network = as_float32(starting(rng, kind, return_sequences=sequences, return_state=states))
    x, z = windows(network, rng), rng.normal(size=(6, 5)).astype(np.float32)
    x[0] = 0.0
    inputs = {"x": x, "z": z.astype(float)}
    ours = many(predict(network, inputs))
    session = onnxruntime.InferenceSession(write(network).data, providers=["CPUExecutionProvider"])
    theirs = session.run(None, {"x": x.astype(np.float32), "z": z})
    for mine, their in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(their, mine, atol=1e-6)
    if not states:
        for mine, their in zip(ours, by_pytorch(write_torch(network), inputs), strict=True):
            np.testing.assert_allclose(their.numpy(), mine, atol=1e-12)


def half_masked(merge):
    """Two sequences, the second of them without a mask, before one recurrent layer."""
    nodes = [node for node in masked_pair(merge).nodes if node.name != "mask_y"]
    both = [replace(n, inputs=(("mask_x", 0), ("y", 0))) if n.name == "both" else n for n in nodes]
    return Network(tuple(both), (("lstm", 0),), Origin("made in a test"), "half")


def running(layer):
    """A sum over masked steps, whose mask goes on to a recurrent layer."""
    return chain(
        Masking(0.0), layer, Recurrent(cell("lstm", np.random.default_rng(3))), shape=(6, 3)
    )


MERGES = {
    "larger of two": lambda: masked_pair(Binary("maximum")),
    "smaller, one without a mask": lambda: half_masked(Binary("minimum")),
    "sum": lambda: masked_pair(Add()),
    "mean": lambda: masked_pair(Average()),
    "side by side": lambda: masked_pair(Concatenate()),
    "one behind another": lambda: masked_pair(Concatenate(1)),
    "beside a sequence without a mask": lambda: half_masked(Concatenate()),
    "before a sequence without a mask": lambda: half_masked(Concatenate(1)),
    "sum with a sequence without a mask": lambda: half_masked(Add()),
}


@pytest.mark.parametrize("name", MERGES)
def test_masks_that_meet_are_merged_as_they_are_here(name, rng):
    network = as_float32(MERGES[name]())
    x = windows(network, rng)
    inputs = {"x": x, "y": x[[3, 1, 4, 0, 5, 2]]}
    ours = predict(network, inputs)
    session = onnxruntime.InferenceSession(write(network).data, providers=["CPUExecutionProvider"])
    (theirs,) = session.run(None, {key: one.astype(np.float32) for key, one in inputs.items()})
    np.testing.assert_allclose(theirs, ours, atol=1e-6)
    (theirs,) = by_pytorch(write_torch(network), inputs)
    np.testing.assert_allclose(theirs.numpy(), ours, atol=1e-12)


def windows(network, rng):
    """Windows padded before, behind, in between, at both ends, and not at all."""
    padded = ([], [0, 1, 2], [3, 4, 5], [1, 2], [0, 2, 5], [0, 1, 2, 3, 4])
    if network.nodes[1].name == "embedding":
        x = rng.integers(1, 7, (len(padded), 6)).astype(float)
    else:
        x = rng.normal(size=(len(padded), 6, 3)).astype(np.float32).astype(float)
    for row, steps in zip(x, padded, strict=True):
        row[steps] = 0.0
    return x


@pytest.mark.parametrize("name", NAMES)
def test_onnxruntime_reads_the_real_steps_alone(name, rng):
    network = as_float32(networks(rng)[name])
    x = windows(network, rng)
    session = onnxruntime.InferenceSession(write(network).data, providers=["CPUExecutionProvider"])
    whole = "int64" in session.get_inputs()[0].type
    theirs = session.run(None, {"x": x.astype(np.int64 if whole else np.float32)})
    for mine, their in zip(many(predict(network, x)), theirs, strict=True):
        # onnxruntime computes in float32
        np.testing.assert_allclose(their, mine, atol=1e-6)


@pytest.mark.parametrize("name", sorted(set(NAMES) - {"states"}))
def test_the_class_of_pytorch_reads_the_real_steps_alone(name, rng):
    network = networks(rng)[name]
    x = windows(network, rng)
    (theirs,) = by_pytorch(write_torch(network), {"x": x})
    np.testing.assert_allclose(theirs.numpy(), predict(network, x), atol=1e-12)


def test_a_running_sum_hands_its_mask_on(rng):
    network = as_float32(running(CumulativeSum(1)))
    x = windows(network, rng)
    session = onnxruntime.InferenceSession(write(network).data, providers=["CPUExecutionProvider"])
    (theirs,) = session.run(None, {"x": x.astype(np.float32)})
    np.testing.assert_allclose(theirs, predict(network, x), atol=1e-6)
    with pytest.raises(UnsupportedModel, match="hands no mask on through operations"):
        write_keras(network)


def test_a_sample_of_padding_alone_gives_zeros_in_onnx(rng):
    network = as_float32(networks(rng)["every"])
    session = onnxruntime.InferenceSession(write(network).data, providers=["CPUExecutionProvider"])
    (given,) = session.run(None, {"x": np.zeros((2, 4, 3), np.float32)})
    assert not given.any()


@pytest.mark.parametrize("newest", [False, True])
def test_counted_steps_are_sequence_lens_from_either_end(newest):
    network = as_float32(chain_of_lengths(newest=newest))
    made = write(network)
    (node,) = [n for n in onnx.load_from_string(made.data).graph.node if n.op_type == "LSTM"]
    assert node.input[4]
    # what stands at the front already needs no moving, and is read back
    assert made.reads_back != newest
    session = onnxruntime.InferenceSession(made.data, providers=["CPUExecutionProvider"])
    inputs = random_inputs(network)
    (theirs,) = session.run(None, {key: x.astype(np.float32) for key, x in inputs.items()})
    np.testing.assert_allclose(theirs, predict(network, inputs), atol=1e-6)


def test_a_conversion_of_masked_steps_is_proven_by_onnxruntime(rng, tmp_path):
    done = rnnlens.convert(as_float32(networks(rng)["last"]), tmp_path / "m.onnx", check=False)
    assert done.library.startswith("onnxruntime")
    assert done.library_difference == done.largest_difference
    assert 0 < done.largest_difference < 1e-6
    assert any("does not read masked steps back from ONNX" in note for note in done.notes)


def test_the_class_of_pytorch_is_run_in_a_conversion(rng, tmp_path):
    done = rnnlens.convert(networks(rng)["both_ways"], tmp_path / "m.safetensors")
    assert done.library.startswith("PyTorch")
    assert done.library_difference is not None
    assert done.library_difference < 1e-12


def test_no_name_of_a_layer_becomes_code_that_runs(rng, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    planted = "x); open('planted', 'w') #\nopen('planted', 'w')"
    nodes = [
        Node(planted, Input((6, 3))),
        Node("list", Recurrent(cell("gru_before", rng), return_sequences=True), ((planted, 0),)),
        Node("torch", GlobalPooling1D("average"), (("list", 0),)),
        Node("range", head(rng, 5), (("torch", 0),)),
    ]
    outputs = (("range", 0), ("torch", 0))
    network = Network(tuple(nodes), outputs, Origin("made in a test"), planted)
    done = rnnlens.convert(network, tmp_path / "m.safetensors")
    assert done.library.startswith("PyTorch")
    assert [each.name for each in tmp_path.iterdir()] == ["m.safetensors"]
