"""TensorFlow Lite files that are damaged, or hold what a network of ours cannot."""

from __future__ import annotations

import shutil
import struct
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np

from flat_files import operator_file
from refused.registry import section
from rnnlens.readers.hardening.flatbuffers import Table
from rnnlens.readers.open import read
from rnnlens.readers.tflite import file as tflite_file
from rnnlens.readers.tflite import model as tflite_model
from rnnlens.readers.tflite.model import Model, Operator, model_in

case = section("TensorFlow Lite")

FILES = Path(__file__).parents[1] / "data/tflite"
Change = Callable[[Operator], Operator]


def options(*numbers: tuple[int, str, float]) -> Table:
    """Give options by their numbers and forms."""
    data, places = b"", [0] * (1 + max(field for field, _, _ in numbers))
    for field, form, value in numbers:
        places[field] = 4 + len(data)
        data += struct.pack("<" + form, value)
    return Table(memoryview(bytes(4) + data), 0, tuple(places))


def changed(folder: Path, name: str, kind: str, change: Change) -> object:
    """Read a good file, of which the operators of a kind are changed."""
    path = folder / "m.tflite"
    shutil.copy(FILES / f"{name}.tflite", path)
    model = model_in(path)
    operators = tuple(change(one) if one.kind == kind else one for one in model.operators)
    return given(path, replace(model, operators=operators))


def given(path: Path, model: Model) -> object:
    with patch.object(tflite_file, "model_in", lambda _: model):
        return read(path)


def with_input(place: int, tensor: int) -> Change:
    def change(one: Operator) -> Operator:
        return replace(one, inputs=(*one.inputs[:place], tensor, *one.inputs[place + 1 :]))

    return change


def with_options(*numbers: tuple[int, str, float]) -> Change:
    return lambda one: replace(one, options=options(*numbers))


LSTM, DENSE, PICK = "UNIDIRECTIONAL_SEQUENCE_LSTM", "FULLY_CONNECTED", "STRIDED_SLICE"


@case("end missing")
def _(folder: Path) -> object:
    (folder / "m.tflite").write_bytes((FILES / "plain.tflite").read_bytes()[:1000])
    return read(folder / "m.tflite")


@case("larger than any")
def _(folder: Path) -> object:
    shutil.copy(FILES / "plain.tflite", folder / "m.tflite")
    with patch.object(tflite_model, "LARGEST", 1):
        return read(folder / "m.tflite")


@case("loop in place of a fused LSTM")
def _(folder: Path) -> object:
    shutil.copy(FILES / "gru.tflite", folder / "m.tflite")
    return read(folder / "m.tflite")


@case("tensors of other shapes")
def _(folder: Path) -> object:
    return changed(folder, "plain", PICK, with_input(1, 10**6))


@case("operator that is not known")
def _(folder: Path) -> object:
    return changed(folder, "plain", PICK, lambda one: replace(one, kind="WHERE"))


@case("fixed numbers as values")
def _(folder: Path) -> object:
    return changed(folder, "plain", PICK, with_input(0, 1))


@case("weights that are computed")
def _(folder: Path) -> object:
    return changed(folder, "plain", DENSE, with_input(1, 0))


@case("activation that is none of ours")
def _(folder: Path) -> object:
    return changed(folder, "plain", DENSE, with_options((0, "b", 5)))


@case("peepholes")
def _(folder: Path) -> object:
    return changed(folder, "plain", LSTM, with_input(9, 1))


@case("coupled gates")
def _(folder: Path) -> object:
    return changed(folder, "plain", LSTM, with_input(1, -1))


@case("steps first")
def _(folder: Path) -> object:
    return changed(folder, "plain", LSTM, with_options((0, "b", 4), (3, "B", 1)))


@case("shuffled weights")
def _(folder: Path) -> object:
    return changed(folder, "plain", DENSE, with_options((1, "b", 1)))


@case("new axes")
def _(folder: Path) -> object:
    return changed(folder, "plain", PICK, with_options((3, "i", 2)))


@case("samples picked")
def _(folder: Path) -> object:
    return changed(folder, "plain", PICK, with_options((4, "i", 1)))


@case("samples turned round")
def _(folder: Path) -> object:
    return changed(folder, "both", "REVERSE_V2", lambda one: replace(one, inputs=(0, 1)))


@case("samples joined")
def _(folder: Path) -> object:
    return changed(folder, "both", "CONCATENATION", with_options((0, "i", 0)))


@case("samples mixed")
def _(folder: Path) -> object:
    return changed(folder, "plain", LSTM, lambda one: replace(one, kind="RESHAPE", outputs=(1,)))


@case("softmax with a beta")
def _(folder: Path) -> object:
    change = with_options((0, "f", 2.0))
    return changed(folder, "stacked", "TANH", lambda one: replace(change(one), kind="SOFTMAX"))


@case("plain steps first")
def _(folder: Path) -> object:
    array = np.ones((4, 3), np.float32)
    taken = [(1, 6, 3), array, np.eye(4, dtype=np.float32), array[:, 0], (1, 4)]
    data = operator_file(35, taken, [(1, 6, 4)], {0: ("B", 1), 1: ("b", 4)})
    (folder / "m.tflite").write_bytes(data)
    return read(folder / "m.tflite")


def both_ways(folder: Path, second: Any = None, **fields: int) -> object:
    kernels = [np.ones((4, 3), np.float32)] * 4
    others = [np.eye(4, dtype=np.float32)] * 4, [np.ones(4, np.float32)] * 4
    side = [*kernels, *others[0], *[None] * 3, *others[1], None, None]
    taken = [(1, 6, 3), *side, *side, *[(1, 4)] * 4, second]
    options = {0: ("b", 4), 3: ("B", 1), 4: ("B", fields.get("steps_first", 0))}
    (folder / "m.tflite").write_bytes(operator_file(52, taken, [(1, 6, 8)], options))
    return read(folder / "m.tflite")


@case("both directions, steps first")
def _(folder: Path) -> object:
    return both_ways(folder, steps_first=1)


@case("both directions with a second input")
def _(folder: Path) -> object:
    return both_ways(folder, second=np.ones((1, 6, 3), np.float32))
