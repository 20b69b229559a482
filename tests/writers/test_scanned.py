"""Cells that ONNX has no operator for are written as its Scan, and run there as they do here."""

from dataclasses import replace

import numpy as np
import onnxruntime
import pytest
import torch

import handwritten_cells
import rnnlens
from networks import cell, chain, head
from refused.writers import described
from rnnlens.engine.forward import entries, forward
from rnnlens.network.activations import Activation
from rnnlens.network.layers import Bidirectional, DescribedRecurrent, Input, Recurrent
from rnnlens.network.network import Network, Node, Origin
from rnnlens.writers.onnx.file import write

#: Weights are kept in single precision, and the numbers are of the size of 1.
CLOSE = 2e-6


def agrees(network, rng, samples=4):
    """Run what is written, and hold every output against ours."""
    inputs = {
        name: rng.normal(size=(samples, *(5 if size is None else size for size in layer.shape)))
        for name, layer in network.inputs.items()
    }
    inputs = {name: array.astype(np.float32) for name, array in inputs.items()}
    session = onnxruntime.InferenceSession(write(network).data)
    theirs = session.run(None, inputs)
    ours = forward(network, entries(network, inputs)).outputs
    assert len(theirs) == len(ours) == len(network.outputs)
    for (name, number), their, our in zip(network.outputs, theirs, ours, strict=True):
        np.testing.assert_allclose(their, our, atol=CLOSE, err_msg=f"{name}[{number}]")


@pytest.mark.parametrize("kind", handwritten_cells.DESCRIBED)
def test_cells_written_by_hand_run_as_they_were_written(kind, rng):
    torch.manual_seed(3)
    network = rnnlens.read(kind().eval(), example=torch.randn(5, 4, handwritten_cells.FEATURES))
    assert any(isinstance(node.layer, DescribedRecurrent) for node in network.nodes)
    agrees(network, rng)


def projected(rng, **options):
    return Recurrent(cell("lstm_projected", rng, 3, 5), **options)


def seeing_itself(rng):
    """A projected cell whose gates look at the cell state, with functions of its own."""
    core = cell("lstm_projected", rng, 3, 5, sigma=Activation("hard_sigmoid", {"slope": 0.2}))
    gates = {
        name: replace(gate, V=rng.normal(size=5))
        for name, gate in core.gates.items()
        if name != "cell"
    }
    return chain(Recurrent(replace(core, **gates)), shape=(6, 3))


def from_states(rng, layer, sizes, outputs):
    """A layer that starts from states which are inputs."""
    nodes = [Node("x", Input((6, 3)))]
    nodes += [Node(f"state_{k}", Input((size,))) for k, size in enumerate(sizes)]
    nodes.append(Node("core", layer, tuple((node.name, 0) for node in nodes)))
    refs = tuple(("core", k) for k in range(outputs))
    return Network(tuple(nodes), refs, Origin("made in a test"))


CELLS = {
    "a projected cell": lambda rng: chain(projected(rng), head(rng, 2), shape=(6, 3)),
    "every step, newest first": lambda rng: chain(
        projected(rng, return_sequences=True, go_backwards=True), shape=(6, 3)
    ),
    "two directions": lambda rng: chain(
        Bidirectional(
            projected(rng, return_sequences=True),
            projected(rng, return_sequences=True, go_backwards=True),
        ),
        Recurrent(cell("gru_after", rng, 4, 3)),
        shape=(6, 3),
    ),
    "peepholes and hard gates": seeing_itself,
    "windows of any length": lambda rng: chain(projected(rng), shape=(None, 3)),
    "states given and taken": lambda rng: from_states(
        rng, projected(rng, return_sequences=True, return_state=True), (2, 5), 3
    ),
    "a described cell newest first": lambda rng: chain(
        replace(described().nodes[1].layer, go_backwards=True), shape=(4, 3)
    ),
    "a described cell, its state given": lambda rng: from_states(
        rng, described().nodes[1].layer, (3,), 2
    ),
}


@pytest.mark.parametrize("what", CELLS)
def test_what_is_written_gives_what_the_network_gives(what, rng):
    agrees(CELLS[what](rng), rng)


def test_a_file_that_scans_is_proven_by_onnxruntime_and_not_read_back(tmp_path, rng):
    network = chain(projected(rng), head(rng, 2), shape=(6, 3))
    assert not write(network).reads_back
    done = rnnlens.convert(network, tmp_path / "model.onnx")
    assert (tmp_path / "model.onnx").exists()
    assert done is not None
