"""What stands between layers is written to ONNX and to rnnlens's own archive, and read back."""

import numpy as np
import onnxruntime
import pytest

from networks import cell
from rnnlens.engine.forward import entries, forward
from rnnlens.network import axes as A
from rnnlens.network import layers as L
from rnnlens.network.activations import FUNCTIONS, Activation
from rnnlens.network.network import Network, Node, Origin
from rnnlens.readers.open import read
from rnnlens.writers.native import write as write_npz
from rnnlens.writers.onnx.file import write as write_onnx


def branches(rng):
    """Each layer by its name, and the sequences that it takes, of five units each."""
    x, u = ("lstm", 0), ("dense", 0)
    place, shorter = ("last", 0), ("first", 0)
    yield "divide", L.Binary("divide"), (x, ("positive", 0))
    yield "power", L.Binary("power"), (("positive", 0), x)
    yield "maximum", L.Binary("maximum"), (x, place)
    yield "minimum", L.Binary("minimum"), (x, u)
    yield "where", L.Where(), (("step", 0), x, place)
    for kind in ("sum", "max", "min", "product", "variance", "logsumexp"):
        yield kind, L.Reduction(kind, (1,), keepdims=kind == "max"), (x,)
    yield "unbiased", L.Reduction("variance", (1,), correction=1), (x,)
    yield "cumulative", L.CumulativeSum(1, reverse=True), (x,)
    yield "einsum", L.Einsum("aZd,akd->aZk"), (x, u)
    yield "pooled", L.Einsum("akd,ad->ak"), (x, place)
    yield "take", A.Take((2, 0, 0), 2), (x,)
    yield "repeat", A.Repeat(2, 2), (x,)
    yield "repeat_like", A.Repeat(1), (shorter, x)
    for name in FUNCTIONS:
        parameters = {"clip": {"max_value": 0.1}, "power": {"exponent": 1.5}}.get(name, {})
        ref = ("positive", 0) if name in {"log", "sqrt", "power"} else x
        yield f"f_{name}", L.Activate(Activation(name, parameters)), (ref,)


def network(rng):
    nodes = [
        Node("x", L.Input((6, 3))),
        Node("lstm", L.Recurrent(cell("lstm", rng), return_sequences=True), (("x", 0),)),
        Node("dense", L.Dense(rng.normal(size=(5, 5))), (("lstm", 0),)),
        Node("positive", L.Activate(Activation("softplus")), (("dense", 0),)),
        Node("step", L.Activate(Activation("step")), (("lstm", 0),)),
        Node("last", A.Index(-1), (("dense", 0),)),
        Node("first", A.Slice(0, 1), (("dense", 0),)),
    ]
    made = list(branches(rng))
    nodes += [Node(f"own_{name}", layer, inputs) for name, layer, inputs in made]
    outputs = tuple((f"own_{name}", 0) for name, *_ in made)
    return Network(tuple(nodes), outputs, Origin("made in a test"), "between")


@pytest.mark.parametrize("form", ["npz", "onnx"])
def test_what_stands_between_layers_is_written_and_read_back(form, rng, tmp_path):
    made = network(rng)
    path = tmp_path / f"model.{form}"
    path.write_bytes((write_npz if form == "npz" else write_onnx)(made).data)
    back, x = read(path), rng.normal(size=(4, 6, 3))
    run, again = (forward(net, entries(net, x)) for net in (made, back))
    for (name, _), ref, own in zip(made.outputs, back.outputs, run.outputs, strict=True):
        # ONNX keeps float32
        close = 1e-5 if form == "onnx" else 0
        np.testing.assert_allclose(again.value(ref), own, rtol=close * 10, atol=close, err_msg=name)


def test_onnxruntime_gives_what_was_written(rng, tmp_path):
    made, path = network(rng), tmp_path / "model.onnx"
    path.write_bytes(write_onnx(made).data)
    x = rng.normal(size=(4, 6, 3)).astype(np.float32)
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    theirs = session.run(None, {"x": x})
    for (name, _), own, their in zip(
        made.outputs, forward(made, entries(made, x.astype(float))).outputs, theirs, strict=True
    ):
        np.testing.assert_allclose(their, own, rtol=1e-4, atol=1e-5, err_msg=name)
