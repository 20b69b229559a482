"""The archive of rnnlens gives back what was written, and takes nothing else."""

from __future__ import annotations

import contextlib
import zipfile
from dataclasses import fields, is_dataclass, replace

import numpy as np
import pytest

from rnnlens.errors import InputError, UnreadableFile
from rnnlens.network.inventory import inventory
from rnnlens.network.layers import Layer
from rnnlens.readers.native.npz import match, read
from rnnlens.readers.open import read as read_any
from rnnlens.writers.native import write
from writers_zoo import NAMES, zoo


@pytest.fixture
def networks(rng):
    return zoo(rng)


def same(one, other):
    """Compare layers field by field, arrays bit by bit."""
    if isinstance(one, np.ndarray):
        return one.dtype == other.dtype and np.array_equal(one, other)
    if is_dataclass(one) and (isinstance(one, Layer) or hasattr(one, "arrays")):
        return type(one) is type(other) and all(
            same(getattr(one, spec.name), getattr(other, spec.name)) for spec in fields(one)
        )
    if hasattr(one, "gates"):
        return all(same(vars(one)[k], vars(other)[k]) for k in vars(one))
    return one == other


@pytest.mark.parametrize("name", NAMES)
def test_nothing_is_lost(name, networks, tmp_path):
    network = networks[name]
    path = tmp_path / "model.npz"
    path.write_bytes(write(network).data)
    back = read_any(path)
    assert (back.name, back.outputs) == (network.name, network.outputs)
    assert [node.name for node in back.nodes] == [node.name for node in network.nodes]
    for before, after in zip(network.nodes, back.nodes, strict=True):
        assert before.inputs == after.inputs
        assert same(before.layer, after.layer)
    shared = [[a.layer is b.layer for b in net.nodes] for net in (network, back) for a in net.nodes]
    assert shared[: len(network.nodes)] == shared[len(network.nodes) :]


def test_what_is_said_of_a_source_stays_with_its_copy(networks, tmp_path):
    said = {"assumed": ("a head",), "left_out": ("a state",), "rounds": "int8", "calls": 60}
    network = networks[NAMES[0]]
    origin = replace(network.origin, **said)
    path = tmp_path / "model.npz"
    path.write_bytes(write(replace(network, origin=origin)).data)
    back = read_any(path).origin
    assert {name: getattr(back, name) for name in said} == said


def test_arrays_have_their_canonical_names(networks, tmp_path):
    path = tmp_path / "model.npz"
    path.write_bytes(write(networks["merged_concat"]).data)
    with np.load(path, allow_pickle=False) as archive:
        names = {item.name for item in inventory(networks["merged_concat"])}
        assert set(archive) == names | {"rnnlens"}
        expected = networks["merged_concat"]["bidirectional"].layer.backward.cell.forget.U
        assert np.array_equal(archive["bidirectional.backward.U_f"], expected)


def test_any_flipped_byte_gives_the_network_or_a_sentence(networks, rng, tmp_path):
    data = bytearray(write(networks["lstm"]).data)
    path = tmp_path / "model.npz"
    for place in rng.integers(0, len(data), 150):
        mutated = bytearray(data)
        mutated[place] ^= int(rng.integers(1, 256))
        path.write_bytes(mutated)
        # Any other error fails the test.
        with contextlib.suppress(InputError):
            read_any(path)


def test_an_archive_that_swells_is_not_unpacked(networks, tmp_path):
    path = tmp_path / "model.npz"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        archive.writestr("rnnlens.npy", bytes(2**20))
        archive.writestr("rnnlens.npy.copy", b"")
    info = zipfile.ZipFile(path).getinfo("rnnlens.npy")
    assert info.file_size / info.compress_size < 1100  # deflate itself cannot swell further
    with pytest.raises(UnreadableFile, match="damaged"):
        read(path)


def test_another_archive_of_arrays_is_not_taken(tmp_path):
    path = tmp_path / "arrays.npz"
    np.savez(path, X=np.ones(3))
    assert not match(path)
