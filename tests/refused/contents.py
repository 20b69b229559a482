"""Files and folders that hold no model, and sources that are none."""

from __future__ import annotations

import gzip
import io
import json
import os
import zipfile
import zlib
from pathlib import Path
from unittest.mock import patch

import keras

from refused.registry import section
from rnnlens.readers.open import read

case = section("Files that are no models")


def _zip(*names: str) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        for name in names:
            archive.writestr(name, b"x")
    return made.getvalue()


def _field(number: int, content: bytes) -> bytes:
    """Write one length-delimited field of a protocol buffer."""
    return bytes([number << 3 | 2, len(content)]) + content


def _node(name: str, operation: str) -> bytes:
    named = _field(1, name.encode()) + _field(2, operation.encode())
    return _field(1, named + _field(5, _field(1, b"dtype")))


SEQUENTIAL = json.dumps({"class_name": "Sequential", "config": []})

#: The bytes of each file.
FILES: dict[str, bytes] = {
    "empty": b"",
    "text": b"temp,dewp\n1,2\n",
    "text with umlauts": "Größe\n".encode(),
    "Git LFS pointer": b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 123\n",
    "HTML page": b"\n<!DOCTYPE html>\n<html><head><title>Not found</title></head></html>",
    "architecture in JSON": SEQUENTIAL.encode(),
    "architecture in JSON within JSON": json.dumps(SEQUENTIAL).encode(),
    "architecture in YAML": b"backend: tensorflow\nclass_name: Model\nconfig:\n  {}\n",
    "other JSON": b'{"epochs": 3}',
    "TensorFlow.js": b'{"format": "layers-model", "modelTopology": {}, "weightsManifest": []}',
    "frozen TensorFlow graph": _node("x", "Placeholder") + _node("lstm/kernel", "Const"),
    "file within a SavedModel": (
        b"\x08\x01" + _field(2, _field(2, _node("x", "VarHandleOp") + _node("y", "NoOp")))
    ),
    "zipped SavedModel": _zip("m/saved_model.pb", "m/variables/variables.index"),
    "TensorFlow checkpoint": b'model_checkpoint_path: "model.ckpt-100"\n',
    "Deeplearning4j": _zip("configuration.json", "coefficients.bin", "updaterState.bin"),
    "pickle": b"\x80\x04\x95\x10\x00\x00\x00\x00\x00\x00\x00}\x94.",
    "dump of joblib": zlib.compress(b"\x80\x04}."),
    "gzip": gzip.compress(b"\x89HDF\r\n\x1a\n"),
    "bzip2": b"BZh91AY&SY",
    "xz": b"\xfd7zXZ\x00\x00\x04",
    "tar": b"model.keras".ljust(257, b"\x00") + b"ustar\x0000",
    "7-Zip": b"7z\xbc\xaf\x27\x1c\x00\x04",
    "RAR": b"Rar!\x1a\x07\x00",
    "MATLAB": b"MATLAB 5.0 MAT-file",
    "PDF": b"%PDF-1.7\n",
    "picture": b"\x89PNG\r\n\x1a\n",
    "NumPy array": b"\x93NUMPY\x01\x00",
    "NumPy archive": _zip("X.npy"),
    "truncated zip": b"PK\x03\x04 and no end",
    "zip whose list is damaged": _zip("notes.txt").replace(b"PK\x01\x02", b"PK\x09\x09"),
    "zip of a PyTorch file without its version": _zip("m/data.pkl", "m/data/0"),
    "zip with a part of a PyTorch file": _zip("constants.pkl"),
    "another zip": _zip("m/notes.txt"),
    "truncated HDF5": b"\x89HDF\r\n\x1a\n and no more",
    "ONNX without a graph": b"\x08\x01\x12\x05",
    "noise": bytes(range(250, 256)) * 100,
}

for name, content in FILES.items():

    @case(name)
    def _(folder: Path, content: bytes = content) -> object:
        path = folder / "model"
        path.write_bytes(content)
        return read(path)


@case("no such file")
def _(folder: Path) -> object:
    return read(folder / "absent.keras")


@case("folder")
def _(folder: Path) -> object:
    (folder / "model.keras").write_bytes(b"x")
    return read(folder)


@case("SavedModel of another library")
def _(folder: Path) -> object:
    (folder / "saved_model.pb").write_bytes(b"x")
    return read(folder)


@case("file that may not be opened")
def _(folder: Path) -> object:
    path = folder / "model.keras"
    path.write_bytes(b"text")
    with patch.object(Path, "open", side_effect=PermissionError(13, os.strerror(13))):
        return read(path)


for name, source in {
    "None": None,
    "number": 3,
    "dict": {"a": 1},
    "class of a layer": keras.layers.LSTM,
}.items():

    @case(f"object: {name}")
    def _(_: Path, source: object = source) -> object:
        return read(source)
