"""Networks that a format does not hold, and files that cannot be written."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np

import rnnlens
from networks import cell, chain, head
from refused.registry import instead_of_modules, section
from rnnlens.api.shared import conversion
from rnnlens.network.activations import Activation
from rnnlens.network.axes import Constant, Lengths
from rnnlens.network.layers import (
    Activate,
    Add,
    Bidirectional,
    CellNode,
    Concatenate,
    Conv1D,
    DescribedRecurrent,
    Input,
    Layer,
    LayerNormalization,
    Masking,
    MaskValues,
    Multiply,
    Recurrent,
    Reduction,
    RepeatVector,
    Rescaling,
    Standardization,
    TimeDistributed,
)
from rnnlens.network.network import Network, Node, Origin
from rnnlens.readers import run
from rnnlens.readers.torch.written import class_outputs
from rnnlens.writers import native as npz_file
from rnnlens.writers.keras import archive as keras_archive
from rnnlens.writers.onnx import file as onnx_file
from rnnlens.writers.torch import safetensors_file
from rnnlens.writers.written import Written
from writers_zoo import HARD, zoo

rng = np.random.default_rng(4)
ZOO = zoo(np.random.default_rng(4))


def lstm(**options: Any) -> Recurrent:
    return Recurrent(cell("lstm", rng), return_sequences=True, **options)


def joined(*nodes: Node) -> Network:
    return Network(nodes, ((nodes[-1].name, 0),), Origin("made in a test"), "net")


def giving_its_input() -> Network:
    network = ZOO["lstm"]
    return dataclasses.replace(network, outputs=(*network.outputs, ("x", 0)))


def with_lengths() -> Network:
    nodes = [Node("x", Input((6, 3))), Node("n", Input(()))]
    nodes += [Node("lengths", Lengths(), (("x", 0), ("n", 0)))]
    return joined(*nodes, Node("lstm", lstm(), (("lengths", 0),)))


def chain_of_lengths(*, newest: bool) -> Network:
    nodes = [Node("x", Input((6, 3))), Node("n", Input(()))]
    nodes += [Node("lengths", Lengths(newest), (("x", 0), ("n", 0)))]
    return joined(*nodes, Node("lstm", Recurrent(cell("lstm", rng)), (("lengths", 0),)))


def described() -> Network:
    """A state that is half of what it was and the input besides."""
    nodes = (
        CellNode("half", Rescaling(np.array(0.5), np.array(0.0)), (("state", 0),)),
        CellNode("sum", Add(), (("half", 0), ("input", 0))),
    )
    return chain(DescribedRecurrent(nodes, (("sum", 0),), (3,), 1, 0), shape=(4, 3))


def masked_with_states() -> Network:
    nodes = [Node("x", Input((6, 3))), Node("mask", Masking(0.0), (("x", 0),))]
    nodes += [Node("one", Constant(np.ones(5)), (("x", 0),))]
    taken = (("mask", 0), ("one", 0), ("one", 0))
    return joined(*nodes, Node("lstm", lstm(), taken))


def giving_states() -> Network:
    nodes = [Node("x", Input((6, 3))), Node("mask", Masking(0.0), (("x", 0),))]
    return joined(*nodes, Node("lstm", lstm(return_state=True), (("mask", 0),)))


def masked_pair(merge: Layer) -> Network:
    nodes = [Node("x", Input((6, 3))), Node("y", Input((6, 3)))]
    nodes += [Node(f"mask_{name}", Masking(0.0), ((name, 0),)) for name in ("x", "y")]
    nodes += [Node("both", merge, (("mask_x", 0), ("mask_y", 0)))]
    features = 6 if isinstance(merge, Concatenate) and merge.axis == -1 else 3
    layer = Recurrent(cell("lstm", rng, features), return_sequences=True)
    return joined(*nodes, Node("lstm", layer, (("both", 0),)))


def sum_of_ranks() -> Network:
    nodes = [Node("x", Input((6, 3))), Node("z", Input((3,)))]
    return joined(*nodes, Node("sum", Add(), (("x", 0), ("z", 0))))


def repeated_as_often() -> Network:
    nodes = [Node("x", Input((None, 3))), Node("z", Input((2,)))]
    nodes += [Node("repeat", RepeatVector(None), (("z", 0), ("x", 0)))]
    nodes += [Node("both", Concatenate(), (("x", 0), ("repeat", 0)))]
    return joined(*nodes, Node("lstm", Recurrent(cell("lstm", rng, features=5)), (("both", 0),)))


SHRINK = Activate(Activation("soft_shrink", {"threshold": 0.1}))
DILATED = Conv1D(rng.normal(size=(3, 3, 2)), stride=2, dilation=2, padding="same")

# --- Keras -------------------------------------------------------------------------------------

#: Networks by the reason why Keras does not hold them.
KERAS: dict[str, Callable[[], Network]] = {
    "peepholes": lambda: ZOO["lstm_peephole"],
    "projection": lambda: ZOO["lstm_projected"],
    "described cell": described,
    "lengths": with_lengths,
    "input that is an output": giving_its_input,
    "function on the cell state": lambda: chain(
        Recurrent(cell("lstm", rng, phi=HARD)), shape=(4, 3)
    ),
    "function that Keras lacks": lambda: chain(Recurrent(cell("lstm", rng)), SHRINK, shape=(4, 3)),
    "function of another slope": lambda: chain(
        Recurrent(cell("lstm", rng)), Activate(HARD), shape=(4, 3)
    ),
    "LayerNormalization without a scale": lambda: chain(
        LayerNormalization(centred=False), shape=(4, 3)
    ),
    "Standardization of a small variance": lambda: chain(
        Standardization(np.zeros(3), np.full(3, 1e-20), epsilon=0.0), shape=(4, 3)
    ),
    "Standardization of other axes": lambda: chain(
        Standardization(np.zeros((2, 1)), np.ones((2, 1))), shape=(4, 3)
    ),
    "masked directions that keep their values": lambda: chain(
        Masking(0.0), Bidirectional(lstm(), lstm(go_backwards=True)), shape=(4, 3)
    ),
    "function of a masked sequence": lambda: chain(
        Masking(0.0), Activate(Activation("abs")), lstm(), shape=(4, 3)
    ),
    "variance over steps that are not counted": lambda: chain(
        Reduction("variance", (1,), correction=1), shape=(None, 3)
    ),
    "mask as numbers": lambda: chain(Masking(0.0), MaskValues(), shape=(4, 3)),
    "masked sequence with states": masked_with_states,
}

# --- ONNX --------------------------------------------------------------------------------------

#: Networks by the reason why ONNX does not hold them.
ONNX: dict[str, Callable[[], Network]] = {
    "mask as numbers": lambda: chain(Masking(0.0), MaskValues(), shape=(4, 3)),
    "projection of masked steps": lambda: chain(
        Masking(0.0), Recurrent(cell("lstm_projected", rng)), shape=(4, 3)
    ),
    "projection with a function that no operator has": lambda: chain(
        Recurrent(cell("lstm_projected", rng, phi=Activation("squareplus"))), shape=(4, 3)
    ),
    "masked sequence multiplied": lambda: masked_pair(Multiply()),
    "input that is an output": giving_its_input,
    "function that recurrent operators lack": lambda: chain(
        Recurrent(cell("lstm", rng, phi=Activation("silu"))), shape=(4, 3)
    ),
    "function that no operator has": lambda: chain(
        Recurrent(cell("lstm", rng)), Activate(Activation("squareplus")), shape=(4, 3)
    ),
    "recurrent layer within steps": lambda: chain(
        TimeDistributed(Recurrent(cell("lstm", rng))), shape=(2, 4, 3)
    ),
    "LayerNormalization without its mean": lambda: chain(
        LayerNormalization(np.ones(3), centred=False), shape=(4, 3)
    ),
    "Conv1D that is dilated, strided and padded": lambda: chain(DILATED, shape=(6, 3)),
    "variance over steps that are not counted": lambda: chain(
        Reduction("variance", (1,), correction=1), shape=(None, 3)
    ),
}

# --- PyTorch -----------------------------------------------------------------------------------

#: Networks by the reason why a state dict of PyTorch does not hold them.
TORCH: dict[str, Callable[[], Network]] = {
    "masked sequence that gives states": giving_states,
    "masked sequence multiplied": lambda: masked_pair(Multiply()),
    "mask as numbers": lambda: chain(Masking(0.0), MaskValues(), shape=(4, 3)),
    "cell of a function without code": lambda: chain(
        Recurrent(cell("lstm", rng, phi=Activation("sparse_plus"))), head(rng, 5), shape=(4, 3)
    ),
    "function without code": lambda: chain(
        Recurrent(cell("lstm", rng)), head(rng, 5, 2, "sparsemax"), shape=(4, 3)
    ),
}

for heading, makes, writer in (
    ("Networks that Keras does not hold", KERAS, keras_archive),
    ("Networks that ONNX does not hold", ONNX, onnx_file),
    ("Networks that a state dict of PyTorch does not hold", TORCH, safetensors_file),
):
    case = section(heading)
    for name, make in makes.items():

        @case(name)
        def _(_: Path, make: Callable = make, writer: Any = writer) -> object:
            return writer.write(make())


# --- conversion --------------------------------------------------------------------------------

case = section("Conversions")


@case("onnx not installed")
def _(folder: Path) -> object:
    with patch.object(onnx_file, "find_spec", lambda _: None):
        return rnnlens.convert(ZOO["lstm"], folder / "model.onnx")


@case("masked steps that no library runs")
def _(folder: Path) -> object:
    with instead_of_modules({"onnxruntime": None}):
        return rnnlens.convert(ZOO["masked"], folder / "model.onnx")


@case("PyTorch not installed")
def _(_: Path) -> object:
    with instead_of_modules({"torch": None}):
        return class_outputs("", {}, {})


@case("class of PyTorch that computes something else")
def _(folder: Path) -> object:
    def outputs(*_: object) -> tuple[list[np.ndarray], str]:
        return [np.full((16, 2), 5.0)], "Another library"

    with patch.object(conversion, "class_outputs", outputs):
        return rnnlens.convert(ZOO["lstm"], folder / "model.safetensors")


@case("no format for the ending")
def _(folder: Path) -> object:
    return rnnlens.convert(ZOO["lstm"], folder / "model.h5")


@case("no folder")
def _(folder: Path) -> object:
    return rnnlens.convert(ZOO["lstm"], folder / "none" / "model.npz")


@case("folder in the place of the file")
def _(folder: Path) -> object:
    (folder / "model.npz").mkdir()
    return rnnlens.convert(ZOO["lstm"], folder / "model.npz")


@case("source in the place of the file")
def _(folder: Path) -> object:
    rnnlens.convert(ZOO["lstm"], folder / "model.npz")
    return rnnlens.convert(folder / "model.npz", folder / "model.npz")


@case("file that differs from the source")
def _(folder: Path) -> object:
    network = ZOO["lstm"]
    gates = network["recurrent"].layer.cell  # type: ignore[attr-defined]
    swapped = dataclasses.replace(gates, input=gates.forget, forget=gates.input)
    layer = dataclasses.replace(network["recurrent"].layer, cell=swapped)
    nodes = [
        dataclasses.replace(node, layer=layer) if node.name == "recurrent" else node
        for node in network.nodes
    ]
    wrong = npz_file.write(dataclasses.replace(network, nodes=tuple(nodes))).data
    target = folder / "model.npz"
    target.write_bytes(b"the file before")
    try:
        with patch.object(npz_file, "write", lambda _: Written(wrong)):
            return rnnlens.convert(network, target)
    finally:
        assert target.read_bytes() == b"the file before"
        assert list(folder.iterdir()) == [target]


@case("file that its library runs otherwise")
def _(folder: Path) -> object:
    def outputs(*_: object) -> tuple[list[np.ndarray], str]:
        return [np.full((16, 2), 5.0)], "Another library"

    with patch.object(run, "source_outputs", outputs):
        return rnnlens.convert(ZOO["lstm"], folder / "model.keras")
