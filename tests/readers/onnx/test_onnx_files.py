"""ONNX files of others: the backend's node tests, and what exporters write."""

from __future__ import annotations

import logging
import shutil
from contextlib import suppress
from functools import cache

import keras
import numpy as np
import onnx
import pytest
import torch
from onnx import numpy_helper

from naive import gru_loop, lstm_loop
from onnx_models import SAMPLES, STEPS, UNITS, arrays_of, feeds, ran, saved, single, tensor
from rnnlens.checks.fidelity import fidelity
from rnnlens.engine.forward import predict
from rnnlens.errors import InputError, UnreadableFile, UnsupportedModel
from rnnlens.network.network import layer_kind
from rnnlens.readers.onnx import file as onnx_file
from rnnlens.readers.onnx.graph.read import read_graph
from rnnlens.readers.open import read

NODES = (
    "gru_batchwise",
    "gru_defaults",
    "gru_seq_length",
    "gru_with_initial_bias",
    "lstm_batchwise",
    "lstm_defaults",
    "lstm_with_initial_bias",
    "lstm_with_peepholes",
)


def stored(path):
    message = onnx.TensorProto()
    message.ParseFromString(path.read_bytes())
    return numpy_helper.to_array(message)


def test_every_node_test_is_named_here(shared):
    folders = (shared / "models" / "onnx" / "node").iterdir()
    assert sorted(folder.name for folder in folders) == [f"test_{name}" for name in NODES]


@pytest.mark.parametrize("name", NODES)
def test_node_tests_of_the_backend_give_their_stored_outputs(name, shared):
    folder = shared / "models" / "onnx" / "node" / f"test_{name}"
    path, data = folder / "model.onnx", folder / "test_data_set_0"
    graph = onnx.load(path).graph
    given = {each.name: stored(data / f"input_{k}.pb") for k, each in enumerate(graph.input)}
    weights = {role: given[role] for role in "WRBP" if role in given}
    with pytest.raises(UnsupportedModel, match="give them: weights="):
        read(path)
    reading = read_graph(path, weights=weights)
    X = {entry.name: np.moveaxis(given[entry.name], entry.batch, 0) for entry in reading.inputs}
    ours = predict(reading.network, X)
    ours = ours if isinstance(ours, tuple) else (ours,)
    assert len(ours) == len(list(data.glob("output_*.pb")))
    for k, (mine, entry) in enumerate(zip(ours, reading.outputs, strict=True)):
        theirs = stored(data / f"output_{k}.pb")
        np.testing.assert_allclose(np.moveaxis(mine, 0, entry.batch), theirs, rtol=0, atol=1e-6)


#: Nodes of our own, as those of the backend: kind, and what `single` is asked for.
OWN_NODES = {
    "gru_batchwise": ("GRU", {"layout": 1}),
    "gru_defaults": ("GRU", {}),
    "gru_seq_length": ("GRU", {"lengths": True, "bias": True}),
    "gru_with_initial_bias": ("GRU", {"bias": True}),
    "lstm_batchwise": ("LSTM", {"layout": 1}),
    "lstm_defaults": ("LSTM", {}),
    "lstm_seq_length": ("LSTM", {"lengths": True, "bias": True}),
    "lstm_with_initial_bias": ("LSTM", {"bias": True}),
    "lstm_with_peepholes": ("LSTM", {"bias": True, "peepholes": True}),
}
#: The order of the gates in the arrays of ONNX, by the letters of the equations.
ONNX_GATES = {"LSTM": "iofc", "GRU": "zrn"}


def weights_as_inputs(made):
    """Take a model's weights out of the file, so that the caller gives them."""
    for each in made.graph.initializer:
        made.graph.input.append(tensor(each.name, each.dims))
    del made.graph.initializer[:]
    return made


def run_by_the_equations(kind, arrays, window):
    """Give every hidden state and the last cell state, unit by unit, from ONNX's arrays."""
    order, named = ONNX_GATES[kind], {}
    bias = arrays.get("B", np.zeros((1, 2 * len(order) * UNITS)))[0].astype(float)
    sides = np.split(bias, 2)
    for number, gate in enumerate(order):
        rows = slice(number * UNITS, (number + 1) * UNITS)
        named[f"W_{gate}"] = arrays["W"][0, rows].T.astype(float)
        named[f"U_{gate}"] = arrays["R"][0, rows].T.astype(float)
        if kind == "LSTM":
            named[f"b_{gate}"] = sides[0][rows] + sides[1][rows]
        else:
            named[f"b_{gate}"], named[f"b_r{gate}"] = sides[0][rows], sides[1][rows]
    for number, gate in enumerate("iof" if "P" in arrays else ""):
        named[f"V_{gate}"] = arrays["P"][0, number * UNITS : (number + 1) * UNITS].astype(float)
    steps = lstm_loop(named, window) if kind == "LSTM" else gru_loop(named, window, False)
    return [step["h"] for step in steps], steps[-1].get("c")


@pytest.mark.parametrize("name", OWN_NODES)
def test_nodes_whose_weights_are_inputs_give_what_the_equations_give(name, rng, tmp_path):
    kind, asked = OWN_NODES[name]
    options = {key: asked[key] for key in ("layout", "lengths") if key in asked}
    arrays = arrays_of(
        rng, kind, bias=asked.get("bias", False), peepholes=asked.get("peepholes", False)
    )
    path = saved(weights_as_inputs(single(kind, arrays, **options)), tmp_path)
    with pytest.raises(UnsupportedModel, match="give them: weights="):
        read(path)
    reading = read_graph(path, weights=arrays)
    feed = feeds(rng, lengths="lengths" in options)
    windows = feed["X"].swapaxes(0, 1).astype(float)
    lengths = feed.get("lengths", [STEPS] * SAMPLES)
    given = {"X": windows, "lengths": lengths} if "lengths" in options else {"X": windows}
    ours = predict(reading.network, given)
    for sample, (window, length) in enumerate(zip(windows, lengths, strict=True)):
        hidden, cell = run_by_the_equations(kind, arrays, window[:length])
        whole = np.zeros((STEPS, 1, UNITS))  # zero after a sequence's own end
        whole[:length, 0] = hidden
        # Weights of float32 on both sides; all else runs in float64.
        np.testing.assert_allclose(ours[0][sample], whole, rtol=0, atol=1e-12)
        np.testing.assert_allclose(ours[1][sample, 0], hidden[-1], rtol=0, atol=1e-12)
        if cell is not None:
            np.testing.assert_allclose(ours[2][sample, 0], cell, rtol=0, atol=1e-12)


class Forecaster(torch.nn.Module):
    """A recurrent layer and a linear head on one of its outputs."""

    def __init__(self, kind, head, **options):
        super().__init__()
        self.layer = getattr(torch.nn, kind)(3, 4, **options)
        ways = 2 if self.layer.bidirectional else 1
        self.dense = torch.nn.Linear(4 * ways, 2)
        self.head = head
        for weights in self.parameters():
            torch.nn.init.normal_(weights, std=0.5)

    def forward(self, x):
        y, states = self.layer(x)
        h = states[0] if isinstance(states, tuple) else states
        if self.head == "every step":
            return self.dense(y)
        if self.head == "last step":
            return self.dense(y[:, -1] if self.layer.batch_first else y[-1])
        parts = [h[-2], h[-1]] if self.layer.bidirectional else [h[-1]]
        return self.dense(torch.cat(parts, dim=1))


def exported(module, x, path, *, dynamo, batch):
    logging.disable(logging.WARNING)
    try:
        if dynamo:
            shapes = ({batch: torch.export.Dim("batch")},)
            torch.onnx.export(module, (x,), path, dynamo=True, verbose=False, dynamic_shapes=shapes)
        else:
            axes = {"x": {batch: "batch"}}
            torch.onnx.export(
                module, (x,), path, dynamo=False, input_names=["x"], dynamic_axes=axes
            )
    finally:
        logging.disable(logging.NOTSET)


torch_warns = pytest.mark.filterwarnings("ignore")


@pytest.fixture(scope="module", autouse=True)
def one_list_of_operators():
    """Let the new exporter list what it can write once: each time it is a third of an export."""
    with pytest.MonkeyPatch.context() as patch:
        with suppress(ImportError, AttributeError):  # another PyTorch lists it somewhere else
            from torch.onnx._internal.exporter._registration import ONNXRegistry

            once = staticmethod(cache(ONNXRegistry.from_torchlib))
            patch.setattr(ONNXRegistry, "from_torchlib", once)
        yield


@torch_warns
@pytest.mark.parametrize("head", ["last step", "every step", "last state"])
@pytest.mark.parametrize("batch_first", [True, False], ids=["batch first", "steps first"])
@pytest.mark.parametrize(
    ("kind", "dynamo"),
    [("LSTM", True), ("LSTM", False), ("GRU", True), ("GRU", False), ("RNN", False)],
)
def test_exports_of_pytorch_read_as_the_layers_they_were(
    kind, dynamo, batch_first, head, tmp_path, rng
):
    torch.manual_seed(7)
    # The new exporter takes a tenth of a second for every step of every layer and direction: steps
    # are two, which tell the first from the last and one way from the other, and the grid is
    # thinned, each option with each kind.
    options = [(1, False), (2, True)] if dynamo else [(1, False), (1, True), (2, False), (2, True)]
    X = rng.normal(size=(5, 2 if dynamo else 6, 3))
    x = torch.tensor(X if batch_first else X.swapaxes(0, 1), dtype=torch.float32)
    for layers, both in options:
        module = Forecaster(
            kind, head, num_layers=layers, bidirectional=both, batch_first=batch_first
        ).eval()
        path = tmp_path / "model.onnx"
        exported(module, x, path, dynamo=dynamo, batch=0 if batch_first else 1)
        network = read(path)
        theirs = module(x).detach().numpy()
        if head == "every step" and not batch_first:
            theirs = theirs.swapaxes(0, 1)
        np.testing.assert_allclose(predict(network, X), theirs, rtol=0, atol=1e-6)
        cell = {"RNN": "SimpleRNN"}.get(kind, kind)
        recurrent = [f"Bidirectional {cell}" if both else cell] * layers
        picked = ["Index"] if head == "last step" else []
        kinds = [layer_kind(node.layer) for node in network.nodes]
        assert kinds == ["Input", *recurrent, *picked, "Dense"]
        assert fidelity(network, path, X).agrees


@torch_warns
def test_a_file_for_one_batch_size_serves_any_number_of_samples(tmp_path, rng):
    module = Forecaster("LSTM", "last step", batch_first=True).eval()
    path = tmp_path / "model.onnx"
    x = torch.zeros(3, 6, 3)
    torch.onnx.export(module, (x,), path, dynamo=False, input_names=["x"])
    X = rng.normal(size=(7, 6, 3))
    result = fidelity(read(path), path, X)
    assert result.agrees
    assert result.samples == 7
    assert result.against.startswith("onnxruntime ")


@torch_warns
def test_recurrences_that_exporters_wrote_out_are_layers_again(tmp_path, rng):
    module = Forecaster("RNN", "last step", batch_first=True).eval()
    path, x = tmp_path / "torch.onnx", torch.from_numpy(rng.normal(size=(2, 6, 3))).float()
    exported(module, x, path, dynamo=True, batch=0)
    network = read(path)
    assert [layer_kind(node.layer) for node in network.nodes] == ["Input", "SimpleRNN", "Dense"]
    # float32 in the file
    np.testing.assert_allclose(
        predict(network, x.numpy()), module(x).detach().numpy(), rtol=0, atol=1e-6
    )
    entry = keras.layers.Input((4, 3), name="x")
    keras_model = keras.Model(entry, keras.layers.LSTM(4)(entry))
    X = rng.normal(size=(2, 4, 3)).astype("float32")
    theirs = keras.ops.convert_to_numpy(keras_model(X))
    keras_model.export(tmp_path / "keras.onnx", format="onnx", verbose=False)
    network = read(tmp_path / "keras.onnx")
    assert [layer_kind(node.layer) for node in network.nodes] == ["Input", "LSTM"]
    np.testing.assert_allclose(predict(network, X), theirs, rtol=0, atol=1e-6)


def test_weights_beside_the_model_are_read_from_its_own_folder_alone(tmp_path, rng):
    arrays, feed = arrays_of(rng, "LSTM"), feeds(rng)
    made = single("LSTM", arrays, wants=["Y_h"])
    theirs = ran(made, feed)[0]
    folder = tmp_path / "model"
    folder.mkdir()
    onnx.save(
        made,
        folder / "m.onnx",
        save_as_external_data=True,
        location="weights.bin",
        size_threshold=0,
    )
    X = feed["X"].swapaxes(0, 1)
    np.testing.assert_allclose(predict(read(folder / "m.onnx"), X)[:, 0], theirs[0], atol=1e-6)
    outside = onnx.load(folder / "m.onnx", load_external_data=False)
    shutil.move(folder / "weights.bin", tmp_path / "weights.bin")
    with pytest.raises(UnreadableFile, match="which is not there; copy it to the model's folder"):
        read(folder / "m.onnx")
    (folder / "link.bin").symlink_to(tmp_path / "weights.bin")
    for place in ("../weights.bin", str(tmp_path / "weights.bin"), "link.bin", ".", ""):
        for each in outside.graph.initializer:
            each.external_data[0].value = place
        (folder / "m.onnx").write_bytes(outside.SerializeToString())
        with pytest.raises(UnreadableFile, match="outside the model's own folder"):
            read(folder / "m.onnx")


def test_a_file_that_is_cut_or_changed_ends_in_one_sentence(tmp_path, rng):
    whole = single("LSTM", arrays_of(rng, "LSTM", peepholes=True), lengths=True).SerializeToString()
    path = tmp_path / "m.onnx"
    refused = []
    for trial in range(400):
        changed = bytearray(whole)
        if trial % 4 == 0:
            changed = changed[: int(rng.integers(len(whole)))]
        else:
            for place in rng.integers(min(len(whole), 400 if trial % 2 else 10**9), size=3):
                changed[place] = int(rng.integers(256))
        path.write_bytes(bytes(changed))
        try:
            read(path)
        except InputError as error:
            refused.append(str(error))
    assert len(refused) > 100
    assert not any("\n" in sentence for sentence in refused)


def test_the_reader_knows_its_files_without_onnx(tmp_path, rng):
    path = saved(single("GRU", arrays_of(rng, "GRU")), tmp_path)
    assert onnx_file.match(path)
    for content in (b"", b"\x08\x01\x12\x05", b"text", b"\x0a\x03abc", path.read_bytes()[2:]):
        other = tmp_path / "other"
        other.write_bytes(content)
        assert not onnx_file.match(other)
