"""Damaged and hostile ONNX files, their inputs and their options."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import onnx
from onnx import TensorProto, helper

from onnx_models import arrays_of, model, saved, single, tensor
from refused.registry import instead_of_modules, section
from rnnlens.readers.onnx import proto as onnx_proto
from rnnlens.readers.open import read
from rnnlens.readers.options import ReadOptions

node = helper.make_node


def gru() -> Any:
    return single("GRU", arrays_of(np.random.default_rng(4), "GRU"))


def changed(folder: Path, change: Callable[[Any], object], made: Any = None) -> object:
    """Read a GRU's file after a change to its message."""
    made = made or gru()
    change(made)
    path = folder / "model.onnx"
    path.write_bytes(made.SerializeToString())
    return read(path)


def plain(entry: Any, *nodes: Any, fixed: dict[str, Any] | None = None) -> Any:
    """Make a graph with one input of its own."""
    return model(list(nodes) or [node("Tanh", ["x"], ["y"])], [entry], [("y", None)], fixed or {})


# --- the file ----------------------------------------------------------------------------------

case = section("ONNX files")


@case("truncated")
def _(folder: Path) -> object:
    path = saved(gru(), folder)
    path.write_bytes(path.read_bytes()[:-9])
    return read(path)


@case("no version of its operators")
def _(folder: Path) -> object:
    return changed(folder, lambda made: made.ClearField("opset_import"))


for opset in (5, 99):

    @case(f"operators of version {opset}")
    def _(folder: Path, opset: int = opset) -> object:
        fixed = arrays_of(np.random.default_rng(4), "GRU")
        return read(saved(single("GRU", fixed, opset=opset), folder))


#: Operators of version 6 that version 7 does not write.
OLD = {
    "broadcast along an axis, version 6": helper.make_node(
        "Add", ["Y_h", "b"], ["sum"], "Sum", broadcast=1, axis=1
    ),
    "moments of each batch, version 6": helper.make_node(
        "BatchNormalization", ["Y_h", "b", "b", "b", "b"], ["sum", "m", "v"], "Norm"
    ),
}

for name, old in OLD.items():

    @case(name)
    def _(folder: Path, old: Any = old) -> object:
        made = single("GRU", arrays_of(np.random.default_rng(4), "GRU"), opset=6)
        made.graph.node.append(old)
        return read(saved(made, folder))


@case("name that is no text")
def _(folder: Path) -> object:
    return changed(folder, lambda made: setattr(made.graph, "name", "a\nb"))


@case("more nodes than any forecaster has")
def _(folder: Path) -> object:
    with patch.object(onnx_proto, "LARGEST_GRAPH", 0):
        return read(saved(gru(), folder))


def functions(*bodies: list[Any], opset: int = 21) -> Any:
    """Make a model of its own functions F0, F1 and so on."""
    made = plain(("x", ("n", 4)), node("F0", ["x"], ["y"], domain="own"))
    for k, body in enumerate(bodies):
        imports = [helper.make_opsetid("", opset), helper.make_opsetid("own", 1)]
        made.functions.append(helper.make_function("own", f"F{k}", ["a"], ["b"], body, imports))
    made.opset_import.append(helper.make_opsetid("own", 1))
    return made


@case("functions that call themselves")
def _(folder: Path) -> object:
    body = [node(f"F{k % 3}", ["a"], ["b"], domain="own") for k in (1, 2)]
    return read(saved(functions(body, body, body), folder))


@case("functions that cannot be written out")
def _(folder: Path) -> object:
    made = functions([node("Relu", ["a"], ["b"])])
    made.graph.node[0].input.append("x")  # one more than the function takes
    return read(saved(made, folder))


@case("onnx not installed")
def _(folder: Path) -> object:
    path = saved(gru(), folder)
    with instead_of_modules({"onnx": None}):
        return read(path)


# --- inputs and options ------------------------------------------------------------------------

case = section("Inputs of ONNX files")


@case("no input")
def _(folder: Path) -> object:
    entry = ("x", ("n", 4))
    return read(saved(plain(entry, node("Identity", ["k"], ["y"]), fixed={"k": 1.0}), folder))


@case("sparse tensors")
def _(folder: Path) -> object:
    return changed(folder, lambda made: made.graph.sparse_initializer.add())


@case("input that is no tensor")
def _(folder: Path) -> object:
    kind = helper.make_tensor_type_proto(TensorProto.FLOAT, None)
    entry = helper.make_value_info("x", helper.make_sequence_type_proto(kind))
    return read(saved(plain(entry), folder))


@case("input without a shape")
def _(folder: Path) -> object:
    return read(saved(plain(("x", None)), folder))


@case("input of no known type")
def _(folder: Path) -> object:
    def change(made: Any) -> None:
        made.graph.input[0].type.tensor_type.elem_type = 99

    return changed(folder, change)


@case("input of truth values")
def _(folder: Path) -> object:
    return read(saved(plain(tensor("x", ("n", 4), TensorProto.BOOL)), folder))


@case("input that is one number")
def _(folder: Path) -> object:
    return read(saved(plain(("x", ())), folder))


@case("batch axis that is open")
def _(folder: Path) -> object:
    return read(saved(plain(("x", ("a", "b"))), folder))


@case("batch axis that is not there")
def _(folder: Path) -> object:
    return read(saved(plain(("x", ("a", "b"))), folder), ReadOptions(batch_axes={"x": 2}))


@case("batch axis of another input")
def _(folder: Path) -> object:
    return read(saved(gru(), folder), ReadOptions(batch_axes={"Q": 0}))


@case("weights of another input")
def _(folder: Path) -> object:
    return read(saved(gru(), folder), ReadOptions(weights={"Q": np.zeros(3)}))


@case("a state dict's option")
def _(folder: Path) -> object:
    return read(saved(gru(), folder), ReadOptions(head="fc"))


# --- numbers -----------------------------------------------------------------------------------

case = section("Numbers of ONNX files")


@case("bfloat16")
def _(folder: Path) -> object:
    def change(made: Any) -> None:
        made.graph.initializer[0].data_type = TensorProto.BFLOAT16

    return changed(folder, change)


@case("declared size beyond reason")
def _(folder: Path) -> object:
    def change(made: Any) -> None:
        made.graph.initializer[0].dims[1] = 1 << 40

    return changed(folder, change)


@case("fewer bytes than declared")
def _(folder: Path) -> object:
    def change(made: Any) -> None:
        made.graph.initializer[0].dims[1] += 1

    return changed(folder, change)


@case("fewer numbers than declared")
def _(folder: Path) -> object:
    def change(made: Any) -> None:
        tensor = made.graph.initializer[0]
        tensor.ClearField("raw_data")
        tensor.float_data.append(1.0)

    return changed(folder, change)


def beside(folder: Path) -> Path:
    """Write a GRU whose numbers lie in the file w beside it."""
    path = folder / "m.onnx"
    onnx.save(gru(), path, save_as_external_data=True, location="w", size_threshold=0)
    return path


def entry(path: Path, key: str, value: str) -> object:
    """Read it after a change to where the first tensor's numbers lie."""
    made = onnx.load(path, load_external_data=False)
    for each in made.graph.initializer[0].external_data:
        if each.key == key:
            each.value = value
    path.write_bytes(made.SerializeToString())
    return read(path)


@case("weights that are not there")
def _(folder: Path) -> object:
    path = beside(folder)
    (folder / "w").unlink()
    return read(path)


for name, place in {
    "in the folder above": "../w",
    "by a whole path": "w",
    "through a link": "link",
    "in a folder": ".",
    "nowhere": "",
}.items():

    @case(f"weights {name}")
    def _(folder: Path, place: str = place) -> object:
        (folder / "model").mkdir()
        path = beside(folder / "model")
        (folder / "model" / "w").rename(folder / "w")
        (folder / "model" / "link").symlink_to(folder / "w")
        return entry(path, "location", str(folder / place) if place == "w" else place)


@case("weights that begin nowhere")
def _(folder: Path) -> object:
    return entry(beside(folder), "offset", "first")


@case("weights cut off")
def _(folder: Path) -> object:
    path = beside(folder)
    whole = (folder / "w").read_bytes()
    (folder / "w").write_bytes(whole[: len(whole) // 4])
    return read(path)
