"""A model file is hostile input: damaged copies end in a network or in one sentence."""

import importlib.util
import io
import random
import sys
import zipfile

import h5py
import numpy as np
import pytest

from rnnlens.errors import UnreadableFile
from rnnlens.readers.hdf5 import opened, stored, text_attribute
from rnnlens.readers.keras_weights_found import weights_in
from rnnlens.readers.open import read


@pytest.fixture(scope="module")
def fuzz(root):
    """The scripts under ``fuzz``, by the names damage and mutate."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "path", [str(root / "fuzz"), *sys.path])
        spec = importlib.util.spec_from_file_location("mutate", root / "fuzz" / "mutate.py")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        yield module
        sys.modules.pop("damage", None)


@pytest.mark.filterwarnings("ignore")
def test_damaged_copies_of_every_format_are_read_or_refused_in_one_line(fuzz, tmp_path):
    of_kind = {}
    for path in fuzz.seeds(tmp_path):
        of_kind.setdefault(path.suffix, []).append(path)
    assert {".keras", ".h5", ".npz", ".safetensors", ".onnx"} <= set(of_kind)
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
def test_a_text_that_declares_more_bytes_than_the_file_is_refused_unread(tmp_path, libver):
    hostile = with_text(tmp_path / "m.h5", libver, length=1_500_000_000)
    with pytest.raises(UnreadableFile, match="a text within it has no end"), opened(hostile, "m"):
        pytest.fail("the file was opened")


@pytest.mark.parametrize("libver", ["earliest", "latest"])
def test_a_text_within_the_file_is_read(tmp_path, libver):
    with opened(with_text(tmp_path / "m.h5", libver), "m") as file:
        assert text_attribute(file, "model_config") == "a text of forty-one letters and no others"


@pytest.mark.parametrize("options", [{}, {"chunks": (1 << 24,)}], ids=["whole", "in pieces"])
def test_an_array_of_which_the_file_keeps_nothing_is_not_read(tmp_path, options):
    with h5py.File(tmp_path / "m.h5", "w") as file:
        file.create_dataset("kernel", shape=(1 << 28,), dtype="f4", **options)
    with opened(tmp_path / "m.h5", "m") as file:
        array = stored("kernel", file["kernel"], "kernel")
        with pytest.raises(UnreadableFile, match="declares shape .* and the file keeps 0 bytes"):
            array.values()


def test_an_array_whose_pieces_are_larger_than_itself_is_not_read(tmp_path):
    with h5py.File(tmp_path / "m.h5", "w") as file:
        file.create_dataset("kernel", shape=(4,), maxshape=(None,), chunks=(1 << 28,), dtype="f4")
    with opened(tmp_path / "m.h5", "m") as file:
        array = stored("kernel", file["kernel"], "kernel")
        with pytest.raises(UnreadableFile, match="damaged or hostile"):
            array.values()


def test_a_packed_array_is_read(tmp_path):
    values = np.repeat(np.arange(4.0), 250_000)
    with h5py.File(tmp_path / "m.h5", "w") as file:
        file.create_dataset("kernel", data=values, compression="gzip", compression_opts=9)
    with opened(tmp_path / "m.h5", "m") as file:
        assert np.array_equal(stored("kernel", file["kernel"], "kernel").values(), values)


def test_an_array_header_that_ends_within_a_bracket_is_refused(tmp_path):
    header = b"{'descr': '<U9', 'shape': (".ljust(117) + b"\n"
    member = b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header
    with zipfile.ZipFile(tmp_path / "m.npz", "w") as archive:
        archive.writestr("rnnlens.npy", member)
    with pytest.raises(UnreadableFile, match="truncated or damaged"):
        read(tmp_path / "m.npz")


def test_an_array_where_a_group_belongs_is_not_read(root, tmp_path):
    with zipfile.ZipFile(root / "src/rnnlens/demo/weather.keras") as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    weights = io.BytesIO(members["model.weights.h5"])
    with h5py.File(weights, "r+") as file:
        del file["layers"]
        file.create_dataset("layers", (2**40,), "f4", chunks=(2**20,))
    members["model.weights.h5"] = weights.getvalue()
    with zipfile.ZipFile(tmp_path / "m.keras", "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    with pytest.raises(UnreadableFile, match="holds 0 arrays where"):
        read(tmp_path / "m.keras")


def test_a_layer_that_holds_itself_is_refused(tmp_path):
    with h5py.File(tmp_path / "m.weights.h5", "w") as file:
        layer = file.create_group("layers/dense")
        layer["one"] = layer["two"] = layer
    with (
        opened(tmp_path / "m.weights.h5", "m") as file,
        pytest.raises(UnreadableFile, match="is a layer within itself"),
    ):
        weights_in(file)


def test_a_line_end_or_a_terminal_code_in_a_name_stays_out_of_the_message():
    assert str(UnreadableFile("layer a\nb\x1b[31m\u2028 of a file")) == (
        "layer a\\nb\\x1b[31m\\u2028 of a file"
    )


def test_a_text_beyond_unicode_is_refused(tmp_path):
    member = io.BytesIO()
    np.lib.format.write_array(member, np.array("abc"), version=(1, 0))
    with zipfile.ZipFile(tmp_path / "m.npz", "w") as archive:
        archive.writestr("rnnlens.npy", member.getvalue()[:-4] + b"\xff\xff\xff\x7f")
    with pytest.raises(UnreadableFile, match="holds what is no text"):
        read(tmp_path / "m.npz")
