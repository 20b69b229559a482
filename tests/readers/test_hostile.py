"""A model file is hostile input: damaged copies end in a network or in one sentence."""

import importlib.util
import io
import json
import random
import sys
import zipfile

import h5py
import numpy as np
import onnx
import pytest

from rnnlens.errors import InputError, UnreadableFile
from rnnlens.readers.hardening.hdf5 import opened, stored, text_attribute
from rnnlens.readers.onnx.tensors import tensor_values
from rnnlens.readers.open import read, read_or_name_arrays
from rnnlens.readers.torch.file import LEGACY


@pytest.fixture(scope="module")
def fuzz(root):
    """The scripts under ``fuzz``, by the names damage and mutate."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "path", [str(root / "fuzz"), *sys.path])
        spec = importlib.util.spec_from_file_location("mutate", root / "fuzz" / "mutate.py")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        yield module
        for name in ("damage", "good", "several"):
            sys.modules.pop(name, None)


@pytest.mark.filterwarnings("ignore")
def test_damaged_copies_of_every_format_are_read_or_refused_in_one_line(fuzz, tmp_path):
    of_kind = {}
    for path in fuzz.seeds(tmp_path):
        of_kind.setdefault(path.suffix, []).append(path)
    newer = {".several", ".pt2", ".tflite", ".scaler", ".inputs"}
    assert {".keras", ".h5", ".npz", ".safetensors", ".onnx", ".pt", *newer} <= set(of_kind)
    findings, refused = [], 0
    for suffix, files in of_kind.items():
        for number in range(40):
            rng = random.Random(f"{suffix}-{number}")
            path = tmp_path / f"damaged{suffix}"
            source = rng.choice(files)
            path.write_bytes(fuzz.damaged(source, rng))
            outcome = fuzz.attempt(path, fuzz.weights_of(source))
            refused += outcome == "refused"
            findings += [(suffix, number, outcome)] if outcome.startswith("FINDING") else []
    assert findings == []
    assert refused > 100  # so the copies are damaged


def test_an_error_that_is_not_our_own_is_a_finding(fuzz, tmp_path, monkeypatch):
    def broken(path, _):
        raise ZeroDivisionError(path)

    monkeypatch.setattr("rnnlens.readers.open.read", broken)
    assert fuzz.attempt(tmp_path / "any").startswith("FINDING ZeroDivisionError")


def with_text(path, libver, length=None):
    """An HDF5 file with a text of variable length, whose stated length is replaced."""
    text = "a text of forty-one letters and no others"
    with h5py.File(path, "w", libver=libver) as file:
        file.attrs["model_config"] = text
    data = path.read_bytes()
    if length is not None:
        name = data.index(b"model_config\0")
        at = data.index(len(text).to_bytes(4, "little"), name + 13)
        data = data[:at] + length.to_bytes(4, "little") + data[at + 4 :]
    return io.BytesIO(data)


@pytest.mark.parametrize("libver", ["earliest", "latest"])
def test_a_text_within_the_file_is_read(tmp_path, libver):
    with opened(with_text(tmp_path / "m.h5", libver), "m") as file:
        assert text_attribute(file, "model_config") == "a text of forty-one letters and no others"


def test_an_address_that_no_file_has_is_refused():
    content = io.BytesIO()
    with h5py.File(content, "w", libver="earliest") as file:
        file.attrs["name"] = "a"
    data = bytearray(content.getvalue())
    assert data[48:56] == b"\xff" * 8  # in the superblock, where no driver information lies
    data[48:56] = (2**63).to_bytes(8, "little")
    with (
        pytest.raises(UnreadableFile, match="m begins like HDF5, but it is truncated or damaged"),
        opened(io.BytesIO(data), "m"),
    ):
        pytest.fail("the file was opened")


def test_a_packed_array_is_read(tmp_path):
    values = np.repeat(np.arange(4.0), 250_000)
    with h5py.File(tmp_path / "m.h5", "w") as file:
        file.create_dataset("kernel", data=values, compression="gzip", compression_opts=9)
    with opened(tmp_path / "m.h5", "m") as file:
        assert np.array_equal(stored("kernel", file["kernel"], "kernel").values(), values)


@pytest.mark.parametrize(
    ("at", "changed"),
    [(0, b"PK\x01\x03"), (6, (236).to_bytes(2, "little"))],
    ids=["no list of members", "a version of the future"],
)
def test_an_old_container_that_ends_as_a_damaged_zip_is_refused(tmp_path, at, changed):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("archive/data.pkl", b"")
    data = packed.getvalue()
    at += data.index(b"PK\x01\x02")
    hostile = LEGACY + data[:at] + changed + data[at + len(changed) :]
    (tmp_path / "m.pt").write_bytes(hostile)
    with pytest.raises(UnreadableFile, match="m.pt is damaged or hostile"):
        read(tmp_path / "m.pt")


def test_a_line_end_or_a_terminal_code_in_a_name_stays_out_of_the_message():
    assert str(UnreadableFile("layer a\nb\x1b[31m\u2028 of a file")) == (
        "layer a\\nb\\x1b[31m\\u2028 of a file"
    )


@pytest.mark.parametrize("letters", ["x" * 5000, "x" * 400 + "/x", "\u20ac" * 100])
def test_a_name_longer_than_any_file_has_is_that_of_a_file_that_is_not_there(letters, tmp_path):
    index = {"weight_map": {"/layers/lstm/cell/vars": letters.rpartition("/")[2] * 300}}
    (tmp_path / "m.weights.json").write_text(json.dumps(index))
    with pytest.raises(UnreadableFile, match="is not beside it: copy all of them"):
        read(tmp_path / "m.weights.json")
    tensor = onnx.TensorProto(name="W", dims=[2], data_type=1, data_location=1)
    tensor.external_data.add(key="location", value=letters * 10)
    with pytest.raises(UnreadableFile, match="is not there; copy it to the model's folder"):
        tensor_values(tensor, tmp_path / "m.onnx")


def test_a_layer_whose_options_are_a_text_is_named_without_them(tmp_path):
    layers = [{"class_name": "A", "config": "lstm"}]
    with h5py.File(tmp_path / "m.h5", "w") as file:
        file.attrs["model_config"] = json.dumps({"class_name": "Own", "config": layers})
        file.attrs["keras_version"], file.attrs["backend"] = "2.4.0", "tensorflow"
        group = file.create_group("model_weights/lstm")
        file["model_weights"].attrs["layer_names"] = [b"lstm"]
        group.attrs["weight_names"] = [b"kernel"]
        group["kernel"] = np.ones((2, 3))
    with pytest.raises(InputError, match="is of the class 'Own'"):
        read(tmp_path / "m.h5")
    groups = read_or_name_arrays(tmp_path / "m.h5").groups
    assert [array.values.shape for group in groups for array in group.arrays] in ([], [(2, 3)])
