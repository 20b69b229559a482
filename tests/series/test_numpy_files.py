"""Files of NumPy arrays are hostile input: the header is checked before anything is believed."""

import io
import zipfile

import numpy as np
import pytest

from rnnlens.errors import UnreadableFile
from rnnlens.series.arrays import read_windows
from rnnlens.series.scalers.arrays import array_of, plain
from rnnlens.series.scalers.inert import Global, Made, Refused
from rnnlens.series.scalers.read import read_content
from rnnlens.series.tables.npy import LARGEST_RATIO, array_in, arrays_in


def npy(header, body=b""):
    text = header.encode().ljust(117) + b"\n"
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text + body


def archive(path, data, packing=zipfile.ZIP_STORED):
    with zipfile.ZipFile(path, "w", packing) as file:
        file.writestr("series.npy", data)
    return path


def test_every_kind_of_plain_array_is_read_as_numpy_reads_it(tmp_path, rng):
    arrays = {
        "windows": rng.normal(size=(3, 4, 2)),
        "columns_first": np.asfortranarray(rng.normal(size=(3, 4)).astype(">f4")),
        "times": np.arange(5).astype("datetime64[h]"),
        "texts": np.array(["dry", "\U0001f327"]),
        "scaled": np.array(True),
        "none": np.zeros((0, 3)),
        "records": np.array([(1, 2.0)], dtype=[("a", "i4"), ("b", "f8")]),
    }
    for write in (np.savez, np.savez_compressed):
        write(tmp_path / "m.npz", **arrays)
        ours = arrays_in(tmp_path / "m.npz")
        assert list(ours) == list(arrays)
        for name, array in arrays.items():
            assert ours[name].shape == array.shape
            np.testing.assert_array_equal(ours[name], array)
    np.save(tmp_path / "m.npy", arrays["columns_first"])
    np.testing.assert_array_equal(array_in(tmp_path / "m.npy"), arrays["columns_first"])


HOSTILE = {
    "a header that ends within a bracket": npy("{'descr': '<f8', 'shape': (3,"),
    "a header that is no dict": npy("'<f8'"),
    "a type that is none": npy("{'descr': 'nope', 'fortran_order': False, 'shape': (3,)}"),
    "a huge shape": npy("{'descr': '<f8', 'fortran_order': False, 'shape': (3, 99999999999)}"),
    "a negative shape": npy("{'descr': '<i8', 'fortran_order': False, 'shape': (-1,)}", bytes(8)),
    "too few numbers": npy("{'descr': '<f8', 'fortran_order': False, 'shape': (3,)}", bytes(8)),
    "no text": npy("{'descr': '<U1', 'fortran_order': False, 'shape': (1,)}", b"\xff" * 4),
    "a version to come": b"\x93NUMPY\x09\x00" + bytes(40),
    "nothing": b"",
}  # fmt: skip


@pytest.mark.parametrize("what", HOSTILE)
def test_a_damaged_array_is_one_sentence_in_an_archive_and_alone(what, tmp_path):
    with pytest.raises(UnreadableFile, match="m.npz is a damaged .npz archive") as caught:
        read_windows(archive(tmp_path / "m.npz", HOSTILE[what]))
    assert len(str(caught.value).splitlines()) == 1
    (tmp_path / "m.npy").write_bytes(HOSTILE[what])
    with pytest.raises(UnreadableFile, match="m.npy is a damaged .npy file"):
        array_in(tmp_path / "m.npy")


def test_a_member_that_swells_more_than_deflate_can_is_refused_unread(tmp_path):
    data = np.lib.format.magic(1, 0)
    path = archive(tmp_path / "m.npz", data, zipfile.ZIP_DEFLATED)
    packed = bytearray(path.read_bytes())
    at = packed.index(b"PK\x01\x02") + 24  # the size that the list of members states
    packed[at : at + 4] = (LARGEST_RATIO * 1000).to_bytes(4, "little")
    path.write_bytes(packed)
    with pytest.raises(UnreadableFile, match="series.npy unpacks to 1100000 bytes"):
        arrays_in(path)


class _Payload:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (open, (str(self.path), "w"))


def test_a_payload_in_an_array_of_objects_is_not_run(tmp_path):
    mark = tmp_path / "mark"
    np.savez(tmp_path / "m.npz", series=np.array([_Payload(mark)], dtype=object))
    with pytest.raises(UnreadableFile, match="holds Python objects, which are never loaded"):
        arrays_in(tmp_path / "m.npz")
    assert not mark.exists()
    with np.load(tmp_path / "m.npz", allow_pickle=True) as unsafe:
        unsafe["series"][0].close()
    assert mark.exists()  # so the payload is one


def test_a_type_that_is_no_text_and_numbers_beyond_bytes_are_refused():
    dtype = Made(Global("numpy", "dtype"), ("f8",), (3, ["<"]))
    state = (1, (1,), dtype, False, b"12345678")
    maker = Global("numpy.core.multiarray", "_reconstruct")
    with pytest.raises(Refused, match="one of its arrays has no type"):
        plain(Made(maker, (), state))
    dtype = Made(Global("numpy", "dtype"), ("f8",), (3, "<"))
    with pytest.raises(Refused, match="the numbers of one of its arrays are missing"):
        plain(Made(maker, (), (1, (1,), dtype, False, "\u04a5 1234567")))
    assert array_of("<f8", (1,), bytes(8), "C") == 0


def test_a_node_of_skops_of_no_kind_is_refused():
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as file:
        file.writestr("schema.json", '{"__loader__": ["ObjectNode"], "content": {}}')
    with pytest.raises(Refused, match="what skops wrote makes no sense"):
        read_content(content.getvalue())


def test_a_power_transformer_whose_method_is_a_list_is_refused():
    steps = b"csklearn.preprocessing._data\nPowerTransformer\n)\x81}(X\x06\x00\x00\x00method]ub."
    with pytest.raises(Refused, match="a method that rnnlens does not know"):
        read_content(b"\x80\x02" + steps)
