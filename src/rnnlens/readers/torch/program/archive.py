"""Files of ``torch.export.save``: a zip archive of JSON and of plain numbers.

``torch.export.load`` unpickles and evaluates what stands in such a file, so it is never used: the
graph is read as the JSON that it is, by the schema of PyTorch (torch/_export/serde/schema.py), and
the weights as numbers, by the list of them beside (torch/export/pt2_archive/constants.py). Before
PyTorch 2.8 both stood in other places (`older`).
"""

from __future__ import annotations

import json
import re
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rnnlens.errors import MissingLibrary, UnreadableFile, UnsupportedModel
from rnnlens.readers.hardening.zips import is_zip, swells, zip_names
from rnnlens.readers.torch.program import older
from rnnlens.readers.torch.program.steps import Name, Program, Step

if TYPE_CHECKING:
    import torch

__all__ = ["match", "program_in"]

MODEL = re.compile(r"(?:[^/]+/)?models/([^/]+)\.json")
#: Bytes of JSON at most: a graph of thousands of steps has some millions.
LARGEST = 256 * 1024**2
#: Numbers of ``ScalarType`` in the schema, by PyTorch's names.
TYPES = {1: "uint8", 2: "int8", 3: "int16", 4: "int32", 5: "int64", 6: "float16", 7: "float32"} | {
    8: "float64",
    12: "bool",
    13: "bfloat16",
}
#: An expression that is one symbol.
SYMBOL = re.compile(r"Symbol\('(\w+)'[^()]*\)|(\w+)")
#: Arguments that are what they are.
PLAIN = {"as_int", "as_float", "as_string", "as_bool", "as_ints", "as_floats", "as_strings"} | {
    "as_bools"
}


def match(path: Path) -> bool:
    """Tell whether a file was written by ``torch.export.save``, by its content."""
    names = (zip_names(path) or ()) if is_zip(path) else ()
    return older.is_older(names) or any(MODEL.fullmatch(name) for name in names)


def program_in(path: Path) -> Program:
    """Give the program in a file."""
    try:
        import torch  # noqa: F401
    except ImportError as error:
        raise MissingLibrary(
            f"{path} is a program of PyTorch, and torch is not installed: "
            'pip install "rnnlens[torch]"'
        ) from error
    with zipfile.ZipFile(path) as archive:
        try:
            return _reader(path, archive).read()
        except (UnreadableFile, UnsupportedModel):  # which are values that do not fit, too
            raise
        except (
            KeyError,
            TypeError,
            ValueError,
            IndexError,
            AttributeError,
            RecursionError,
        ) as error:
            raise UnreadableFile(
                f"{path} is damaged: its graph does not follow the schema of PyTorch "
                f"({type(error).__name__}); save or download it again"
            ) from error


def _reader(path: Path, archive: zipfile.ZipFile) -> _Reader:
    """Find the graph and the weights in an archive."""
    names = [name for name in archive.namelist() if MODEL.fullmatch(name)]
    if len(names) > 1:
        raise UnsupportedModel(
            f"{path} holds {len(names)} programs: save the one that is meant in a file of its "
            "own with torch.export.save"
        )
    if not names:
        held = _Archive(path, archive, "")
        weights = older.tensors_in(path, lambda name: held.bytes(name, 2**40))
        return _Reader(held.json(older.GRAPH)["graph_module"], weights)
    found = MODEL.fullmatch(names[0])
    assert found is not None
    model = found[1]
    held = _Archive(path, archive, names[0].removesuffix(f"models/{model}.json"))
    tensors = held.tensors("weights", model) | held.tensors("constants", model)
    return _Reader(held.json(f"models/{model}.json")["graph_module"], tensors)


class _Archive:
    """The members of one archive."""

    def __init__(self, path: Path, archive: zipfile.ZipFile, folder: str) -> None:
        self.path, self.archive, self.folder = path, archive, folder

    def bytes(self, name: str, largest: int) -> bytes:
        member = self.archive.getinfo(self.folder + name)
        if member.file_size > largest or swells(member, 100):
            raise UnreadableFile(
                f"{self.path} holds a member of {member.file_size} bytes, {name}, which PyTorch "
                "does not write: it is damaged or hostile"
            )
        try:
            return self.archive.read(member)
        except (zipfile.BadZipFile, OSError, RuntimeError, EOFError) as error:
            raise UnreadableFile(
                f"{self.path} is damaged: {name} cannot be read; save or download it again"
            ) from error

    def json(self, name: str) -> Any:
        return json.loads(self.bytes(name, LARGEST).decode())

    def tensors(self, kind: str, model: str) -> dict[str, torch.Tensor]:
        """Give the weights, or the constants, of a model."""
        listed = self.json(f"data/{kind}/{model}_{kind}_config.json")["config"]
        return {name: self._tensor(kind, name, one) for name, one in listed.items()}

    def _tensor(self, kind: str, name: str, stated: Mapping[str, Any]) -> torch.Tensor:
        import torch

        if stated["use_pickle"] or stated["tensor_meta"] is None:
            raise UnsupportedModel(
                f"{self.path} holds a pickled object ({name}), and opening it would run code from "
                "the file, so rnnlens does not: give the state dict of the model that was exported"
            )
        meta, place = stated["tensor_meta"], stated["path_name"]
        if not re.fullmatch(r"\w+", place) or meta["layout"] != 7:
            raise ValueError(place)
        data = self.bytes(f"data/{kind}/{place}", 2**40)
        dtype = getattr(torch, TYPES[meta["dtype"]])
        shape, strides = ([one["as_int"] for one in meta[key]] for key in ("sizes", "strides"))
        if 0 in shape:
            return torch.empty(shape, dtype=dtype)
        numbers = torch.frombuffer(bytearray(data), dtype=dtype)
        last = meta["storage_offset"]["as_int"]
        last += sum((size - 1) * step for size, step in zip(shape, strides, strict=True))
        if min([*shape, *strides, 0]) < 0 or last >= len(numbers):
            raise ValueError(name)
        return numbers.as_strided(shape, strides, meta["storage_offset"]["as_int"]).clone()


class _Reader:
    """One program of an archive."""

    def __init__(self, whole: Mapping[str, Any], tensors: Mapping[str, torch.Tensor]) -> None:
        self.graph, self.signature = whole["graph"], whole["signature"]
        self.tensors = tensors
        self.hints: dict[str, int] = {}

    def read(self) -> Program:
        inputs, weights = [], {}
        for spec in self.signature["input_specs"]:
            ((kind, stated),) = spec.items()
            if kind == "user_input":
                ((form, value),) = stated["arg"].items()
                if form == "as_tensor":
                    inputs.append(self._input(value["name"]))
            elif kind in {"parameter", "buffer", "tensor_constant"}:
                where = stated[f"{kind}_name"]
                weights[stated["arg"]["name"]] = where, self.tensors[where]
            elif kind != "constant_input":
                raise ValueError(kind)
        outputs = [
            Name(spec["user_output"]["arg"]["as_tensor"]["name"])
            for spec in self.signature["output_specs"]
            if "as_tensor" in spec.get("user_output", {}).get("arg", {})
        ]
        steps = tuple(self._step(node) for node in self.graph["nodes"])
        return Program(tuple(inputs), self.hints, steps, tuple(outputs), weights)

    def _input(self, name: str) -> tuple[str, tuple[int | str, ...], torch.dtype]:
        import torch

        meta = self.graph["tensor_values"][name]
        shape = tuple(self._size(one) for one in meta["sizes"])
        return name, shape, getattr(torch, TYPES[meta["dtype"]])

    def _size(self, stated: Mapping[str, Any]) -> int | str:
        if "as_int" in stated:
            return int(stated["as_int"])
        found = SYMBOL.fullmatch(stated["as_expr"]["expr_str"])
        if found is None:
            raise ValueError(stated)
        symbol = found[1] or found[2]
        hint = stated["as_expr"].get("hint") or {"as_int": 4}
        self.hints[symbol] = min(int(hint["as_int"]), 64)
        return symbol

    def _step(self, node: Mapping[str, Any]) -> Step:
        arguments: dict[str | int, Any] = {
            one["name"] or number: self._argument(one["arg"])
            for number, one in enumerate(node["inputs"])
        }
        results = [name for one in node["outputs"] for name in _results(one)]
        several = len(node["outputs"]) > 1 or any("as_tensors" in one for one in node["outputs"])
        name = str(node.get("name") or results[0] if results else "")
        if results and not several:
            return Step(str(node["target"]), arguments, (), results[0])
        return Step(str(node["target"]), arguments, tuple(results), name)

    def _argument(self, stated: Mapping[str, Any]) -> Any:
        import torch

        ((kind, value),) = stated.items()
        single = kind.removesuffix("s")
        if kind in PLAIN:
            return float(value) if kind == "as_float" else value
        if kind == "as_none" or (kind == "as_optional_tensor" and "as_none" in value):
            return None
        if kind == "as_optional_tensor":
            return Name(value["as_tensor"]["name"])
        if kind == "as_tensor":
            return Name(value["name"])
        if kind in {"as_sym_int", "as_sym_float", "as_sym_bool"}:
            ((form, inner),) = value.items()
            return Name(inner) if form == "as_name" else inner
        if kind in {"as_tensors", "as_optional_tensors", "as_sym_ints", "as_sym_floats"}:
            return [self._argument({single: one}) for one in value]
        if kind == "as_scalar_type":
            return getattr(torch, TYPES[value])
        if kind == "as_device":
            return torch.device("cpu")
        if kind == "as_layout" and value == 7:
            return torch.strided
        if kind == "as_memory_format":
            return torch.contiguous_format if value in {1, 4} else None
        raise ValueError(kind)


def _results(stated: Mapping[str, Any]) -> list[str]:
    """Give the names of what a step gives."""
    ((kind, value),) = stated.items()
    if kind == "as_tensor":
        return [str(value["name"])]
    if kind == "as_tensors":
        return [str(one["name"]) for one in value]
    if kind.startswith("as_sym"):
        return [str(value["as_name"])]
    if kind == "as_none":
        return [""]
    raise ValueError(kind)
