"""Damaged and hostile files of Keras: archives, HDF5."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest.mock import patch

import h5py
import keras
import numpy as np

from keras_models import saved, scrambled, write_hdf5
from refused.registry import section
from rnnlens.readers.hardening.hdf5 import opened, stored
from rnnlens.readers.open import read

L = keras.layers
KERNEL = "layers/lstm/cell/vars/0"


def archive(folder: Path) -> Path:
    model = keras.Sequential([L.Input((4, 2)), L.LSTM(3, name="l")], name="m")
    return saved(scrambled(model), folder)


def rewritten(
    folder: Path,
    members: dict[str, bytes],
    drop: tuple[str, ...] = (),
    compression: int = zipfile.ZIP_STORED,
) -> Path:
    """Copy an archive with members changed or left out."""
    path, new = folder / "changed.keras", dict(members)
    with zipfile.ZipFile(archive(folder)) as old, zipfile.ZipFile(path, "w", compression) as copy:
        for member in old.namelist():
            if member not in drop:
                copy.writestr(member, new.pop(member, None) or old.read(member))
        for member, content in new.items():
            copy.writestr(member, content)
    return path


def weights_changed(folder: Path, change: Callable[[h5py.File], object]) -> Path:
    """Copy an archive with its weights changed."""
    with zipfile.ZipFile(archive(folder)) as zipped:
        content = io.BytesIO(zipped.read("model.weights.h5"))
    with h5py.File(content, "r+") as file:
        change(file)
    return rewritten(folder, {"model.weights.h5": content.getvalue()})


# --- archives ----------------------------------------------------------------------------------

case = section("Keras archives")

#: What is put into an archive, and what is left out.
PARTS: dict[str, tuple[dict[str, bytes], tuple[str, ...]]] = {
    "no metadata": ({}, ("metadata.json",)),
    "no weights": ({}, ("model.weights.h5",)),
    "weights of another form": ({"model.weights.npz": b"x"}, ("model.weights.h5",)),
    "configuration that is no JSON": ({"config.json": b"{nonsense"}, ()),
    "configuration that is a list": ({"config.json": b"[]"}, ()),
    "version that is none": ({"metadata.json": b'{"keras_version": "newest"}'}, ()),
    "version to come": ({"metadata.json": b'{"keras_version": "4.0.0"}'}, ()),
}

for name, (members, drop) in PARTS.items():

    @case(name)
    def _(folder: Path, members: dict = members, drop: tuple = drop) -> object:
        return read(rewritten(folder, members, drop))


@case("damaged member")
def _(folder: Path) -> object:
    path = archive(folder)
    content = path.read_bytes()
    at = content.index(b'"class_name"')
    path.write_bytes(content[:at] + b"?" * 8 + content[at + 8 :])
    return read(path)


@case("member that swells")
def _(folder: Path) -> object:
    bomb = {"config.json": b" " * 20_000_000 + b"{}"}
    return read(rewritten(folder, bomb, compression=zipfile.ZIP_DEFLATED))


@case("configuration nested without end")
def _(folder: Path) -> object:
    deep = b'{"class_name": "Sequential", "config": ' + b"[" * 100_000 + b"]" * 100_000 + b"}"
    return read(rewritten(folder, {"config.json": deep}))


@case("models nested without end")
def _(folder: Path) -> object:
    entry: dict[str, Any] = {"class_name": "Dense", "config": {"name": "d", "units": 1}}
    for k in range(40):
        entry = {"class_name": "Sequential", "config": {"name": f"m{k}", "layers": [entry]}}
    entry["config"]["build_input_shape"] = [None, 3]
    return read(rewritten(folder, {"config.json": json.dumps(entry).encode()}))


@case("arrays of another layer")
def _(folder: Path) -> object:
    def change(file: h5py.File) -> None:
        file["layers/lstm/vars"].attrs["name"] = "other"

    return read(weights_changed(folder, change))


@case("array where the layers belong")
def _(folder: Path) -> object:
    def change(file: h5py.File) -> None:
        del file["layers"]
        file.create_dataset("layers", (2**40,), "f4", chunks=(2**20,))

    return read(weights_changed(folder, change))


# --- HDF5 --------------------------------------------------------------------------------------

case = section("HDF5 files")


def linked(to: Any) -> Callable[[h5py.File], None]:
    def change(file: h5py.File) -> None:
        del file[KERNEL]
        file[KERNEL] = to

    return change


@case("link to another file")
def _(folder: Path) -> object:
    with h5py.File(folder / "other.h5", "w") as other:
        other["x"] = np.ones((2, 12), "float32")
    return read(weights_changed(folder, linked(h5py.ExternalLink(str(folder / "other.h5"), "x"))))


@case("link within the file")
def _(folder: Path) -> object:
    return read(weights_changed(folder, linked(h5py.SoftLink("/layers"))))


@case("numbers in another file")
def _(folder: Path) -> object:
    raw = folder / "raw.bin"
    np.ones((2, 12), "float32").tofile(raw)

    def change(file: h5py.File) -> None:
        del file[KERNEL]
        options = {"external": [(str(raw), 0, 96)]}
        file[KERNEL.rpartition("/")[0]].create_dataset("0", (2, 12), "float32", **options)

    return read(weights_changed(folder, change))


@case("array of an absurd size")
def _(folder: Path) -> object:
    def change(file: h5py.File) -> None:
        del file[KERNEL]
        options = {"chunks": (1024, 12), "compression": "gzip"}
        file[KERNEL.rpartition("/")[0]].create_dataset("0", (10**9, 12), "float32", **options)

    return read(weights_changed(folder, change))


@case("group where an array belongs")
def _(folder: Path) -> object:
    def change(file: h5py.File) -> None:
        del file[KERNEL]
        file.create_group(KERNEL)

    return read(weights_changed(folder, change))


@case("bfloat16 of four bytes")
def _(folder: Path) -> object:
    def change(file: h5py.File) -> None:
        shape = file[KERNEL].shape
        del file[KERNEL]
        file[KERNEL] = np.ones(shape, "i4")
        file[KERNEL].attrs["dtype"] = "bfloat16"

    return read(weights_changed(folder, change))


@case("name that is no text")
def _(folder: Path) -> object:
    def change(file: h5py.File) -> None:
        h5py.h5g.create(file["layers"].id, b"\xff\xfe")

    return read(weights_changed(folder, change))


def kept(folder: Path, **options: Any) -> object:
    """Read an array of which the file keeps nothing, or pieces larger than itself."""
    with h5py.File(folder / "m.h5", "w") as file:
        file.create_dataset("kernel", dtype="f4", **options)
    with opened(folder / "m.h5", "m") as file:
        return stored("kernel", file["kernel"], "kernel").values()


@case("array of which nothing is kept")
def _(folder: Path) -> object:
    return kept(folder, shape=(1 << 28,))


@case("array in pieces of which nothing is kept")
def _(folder: Path) -> object:
    return kept(folder, shape=(1 << 28,), chunks=(1 << 24,))


@case("array with pieces larger than itself")
def _(folder: Path) -> object:
    return kept(folder, shape=(4,), maxshape=(None,), chunks=(1 << 28,))


@case("data")
def _(folder: Path) -> object:
    with h5py.File(folder / "data.h5", "w") as file:
        file["temperature"] = np.arange(3.0)
    return read(folder / "data.h5")


@case("no weights")
def _(folder: Path) -> object:
    path = write_hdf5(folder / "model.h5", [], {})
    with h5py.File(path, "r+") as file:
        del file["model_weights"]
    return read(path)


@case("configuration that is no JSON")
def _(folder: Path) -> object:
    return attribute(folder, "model_config", b"{nonsense")


@case("heap that never ends")
def _(folder: Path) -> object:
    path = write_hdf5(folder / "model.h5", [], {})
    content = bytearray(path.read_bytes())
    heap = content.index(b"GCOL")
    # The first object of the heap becomes a free one of no size: HDF5 would look at it for ever.
    content[heap + 16 : heap + 32] = bytes(16)
    path.write_bytes(content)
    return read(path)


def with_text(path: Path, libver: str, length: int | None = None) -> io.BytesIO:
    """Write an HDF5 file with a text of variable length, whose stated length is replaced."""
    text = "a text of forty-one letters and no others"
    with h5py.File(path, "w", libver=libver) as file:
        file.attrs["model_config"] = text
    data = path.read_bytes()
    if length is not None:
        name = data.index(b"model_config\0")
        at = data.index(len(text).to_bytes(4, "little"), name + 13)
        data = data[:at] + length.to_bytes(4, "little") + data[at + 4 :]
    return io.BytesIO(data)


for libver in ("earliest", "latest"):

    @case(f"text longer than the file, {libver} form")
    def _(folder: Path, libver: str = libver) -> object:
        with opened(with_text(folder / "m.h5", libver, length=1_500_000_000), "m") as file:
            return file


def attribute(folder: Path, name: str, value: Any, group: str = "/") -> object:
    """Read a file of one Dense layer with an attribute changed."""
    layer = {"name": "a", "units": 2, "batch_input_shape": [None, 1]}
    arrays = {"a": {"a/kernel:0": np.ones((1, 2)), "a/bias:0": np.ones(2)}}
    layers = [{"class_name": "Dense", "config": layer}]
    path = write_hdf5(folder / "model.h5", layers, arrays)
    with h5py.File(path, "r+") as file:
        del file[group].attrs[name]
        file[group].attrs[name] = value
    return read(path)


@case("attribute that is no text")
def _(folder: Path) -> object:
    return attribute(folder, "keras_version", np.arange(3))


@case("attribute of text in a shape")
def _(folder: Path) -> object:
    return attribute(folder, "weight_names", np.array([[b"a/kernel:0"]]), "model_weights/a")


@case("attribute that is no list")
def _(folder: Path) -> object:
    return attribute(folder, "weight_names", "a/kernel:0", "model_weights/a")


@case("attribute in an unknown encoding")
def _(folder: Path) -> object:
    def unknown(*_: object) -> object:
        raise TypeError("unknown character set")

    path = write_hdf5(folder / "model.h5", [], {})
    with patch("h5py.AttributeManager.__getitem__", unknown):
        return read(path)


@case("arrays of other names")
def _(folder: Path) -> object:
    layer = {"name": "a", "units": 2, "batch_input_shape": [None, 1]}
    arrays = {"a": {"a/kernel:0": np.ones((1, 2)), "a/gamma:0": np.ones(2)}}
    layers = [{"class_name": "Dense", "config": layer}]
    return read(write_hdf5(folder / "model.h5", layers, arrays))


# --- CuDNN -------------------------------------------------------------------------------------

case = section("CuDNN layers")


def cudnn(folder: Path, kind: str, bias: int, **options: Any) -> object:
    rng = np.random.default_rng(4)
    config = {"name": "a", "units": 4, "batch_input_shape": [None, 5, 3], **options}
    shapes = {"kernel": (3, 12), "recurrent_kernel": (4, 12), "bias": (bias,)}
    arrays = {"a": {f"a/{role}:0": rng.normal(size=shape) for role, shape in shapes.items()}}
    layers = [{"class_name": kind, "config": config}]
    return read(write_hdf5(folder / "model.h5", layers, arrays, version="2.2.4"))


@case("GRU that resets before the product, with arrays of cuDNN")
def _(folder: Path) -> object:
    return cudnn(folder, "GRU", 24, reset_after=False)


@case("CuDNNGRU with arrays of a GRU that resets before the product")
def _(folder: Path) -> object:
    return cudnn(folder, "CuDNNGRU", 12)
