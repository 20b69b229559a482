"""Content decides what a file is, and a file that is no model says what it is instead."""

import io
import json
import subprocess
import sys
import zipfile

import h5py
import keras
import numpy as np
import pytest

from keras_models import rich_model, saved, scrambled, write_hdf5
from rnnlens.errors import InputError, UnreadableFile, UnsupportedModel
from rnnlens.network.inventory import inventory
from rnnlens.readers.open import read

pytestmark = pytest.mark.filterwarnings("ignore:Layer .* was passed an input with a mask")

L = keras.layers


@pytest.fixture
def archive(tmp_path):
    return saved(scrambled(keras.Sequential([L.Input((4, 2)), L.LSTM(3, name="l")])), tmp_path)


def _rewritten(archive, name="changed.keras", drop=(), compression=zipfile.ZIP_STORED, **members):
    """Copy an archive with members changed or left out; ``_`` in a name stands for a dot."""
    path = archive.with_name(name)
    new = {key.replace("_", "."): value for key, value in members.items()}
    with zipfile.ZipFile(archive) as old, zipfile.ZipFile(path, "w", compression) as copy:
        for member in old.namelist():
            if member not in drop:
                copy.writestr(member, new.pop(member, None) or old.read(member))
        for member, content in new.items():
            copy.writestr(member, content)
    return path


def test_a_path_may_be_text_or_a_path(archive):
    assert read(str(archive))["l"].layer.cell.units == read(archive)["l"].layer.cell.units == 3


def test_the_name_of_a_file_decides_nothing(archive, tmp_path):
    model = scrambled(keras.Sequential([L.Input((4, 2)), L.GRU(3)]))
    hdf5 = saved(model, tmp_path, "h5")
    as_keras, as_h5 = tmp_path / "hdf5.keras", tmp_path / "zip.h5"
    as_keras.write_bytes(hdf5.read_bytes())
    as_h5.write_bytes(archive.read_bytes())
    assert read(as_keras).origin.format == "Keras 3 HDF5"
    assert read(as_h5).origin.format == "Keras 3 archive (.keras)"


def test_reading_a_file_imports_no_keras(archive):
    code = (
        "import sys; from rnnlens.readers.open import read; read(sys.argv[1]);"
        "sys.exit(any(name in sys.modules for name in ('keras', 'torch', 'tensorflow')))"
    )
    assert subprocess.run([sys.executable, "-c", code, str(archive)], check=False).returncode == 0


def test_no_such_file(tmp_path):
    with pytest.raises(UnreadableFile, match=r"absent\.keras: no such file"):
        read(tmp_path / "absent.keras")


@pytest.mark.parametrize("members", [["data.pkl", "data/0"], ["a.npy"], ["notes.txt"]])
def test_a_zip_that_is_no_keras_archive_says_what_it_holds(tmp_path, members):
    path = tmp_path / "model.keras"
    with zipfile.ZipFile(path, "w") as archive:
        for name in members:
            archive.writestr(f"m/{name}", b"x")
    with pytest.raises(UnreadableFile, match=r"PyTorch|NumPy archive|without config\.json"):
        read(path)


def test_a_truncated_archive_or_hdf5_file_ends_in_one_sentence_wherever_it_was_cut(tmp_path):
    model = rich_model()
    for ending in ("keras", "h5"):
        whole = saved(model, tmp_path, ending).read_bytes()
        cut = tmp_path / f"cut.{ending}"
        for share in np.linspace(0.001, 0.999, 25):
            cut.write_bytes(whole[: int(share * len(whole))])
            with pytest.raises(InputError) as caught:
                read(cut)
            assert "\n" not in str(caught.value)


def test_a_file_with_bytes_changed_never_ends_in_another_kind_of_error(archive, tmp_path, rng):
    model = scrambled(keras.Sequential([L.Input((4, 2)), L.LSTM(3), L.Dense(1)]))
    for path in (archive, saved(model, tmp_path, "h5")):
        whole = path.read_bytes()
        changed = path.with_name("changed")
        for _ in range(60):
            content = bytearray(whole)
            for place in rng.integers(0, len(content), size=4):
                content[place] = int(rng.integers(256))
            changed.write_bytes(content)
            try:
                read(changed)
            except InputError as error:
                assert "\n" not in str(error)  # ruff: ignore[pytest-assert-in-except]


def test_an_archive_without_its_parts_is_refused(archive):
    with pytest.raises(UnreadableFile, match=r"without metadata\.json"):
        read(_rewritten(archive, drop=["metadata.json"]))
    with pytest.raises(UnsupportedModel, match="keeps its weights in no file"):
        read(_rewritten(archive, drop=["model.weights.h5"]))
    changed = _rewritten(archive, drop=["model.weights.h5"], **{"model.weights.npz": b"x"})
    with pytest.raises(UnsupportedModel, match=r"keeps its weights in model\.weights\.npz"):
        read(changed)
    with pytest.raises(UnreadableFile, match=r"config\.json in .* is not JSON"):
        read(_rewritten(archive, config_json=b"{nonsense"))
    with pytest.raises(UnreadableFile, match="does not hold a configuration"):
        read(_rewritten(archive, config_json=b"[]"))
    with pytest.raises(UnreadableFile, match="which is not a version number"):
        read(_rewritten(archive, metadata_json=b'{"keras_version": "newest"}'))


def test_a_member_that_swells_beyond_reason_is_not_unpacked(archive):
    bomb = b" " * 20_000_000 + b"{}"
    path = _rewritten(archive, compression=zipfile.ZIP_DEFLATED, config_json=bomb)
    with pytest.raises(UnreadableFile, match=r"declares that config\.json unpacks from"):
        read(path)


def test_deeply_nested_json_ends_in_one_sentence(archive):
    deep = b'{"class_name": "Sequential", "config": ' + b"[" * 100_000 + b"]" * 100_000 + b"}"
    with pytest.raises(UnreadableFile):
        read(_rewritten(archive, config_json=deep))


def test_models_nested_without_end_are_refused(archive):
    entry = {"class_name": "Dense", "config": {"name": "d", "units": 1}}
    for k in range(40):
        entry = {"class_name": "Sequential", "config": {"name": f"m{k}", "layers": [entry]}}
    entry["config"]["build_input_shape"] = [None, 3]
    with pytest.raises(UnreadableFile, match="nested more than 32 deep"):
        read(_rewritten(archive, config_json=json.dumps(entry).encode()))


def _weights_changed(archive, change):
    with zipfile.ZipFile(archive) as zipped:
        content = io.BytesIO(zipped.read("model.weights.h5"))
    with h5py.File(content, "r+") as file:
        change(file)
    path = archive.with_name("changed.keras")
    with zipfile.ZipFile(archive) as old, zipfile.ZipFile(path, "w") as copy:
        for name in ("config.json", "metadata.json"):
            copy.writestr(name, old.read(name))
        copy.writestr("model.weights.h5", content.getvalue())
    return path


def test_links_out_of_the_weights_are_not_followed(archive, tmp_path):
    place = "layers/lstm/cell/vars/0"
    with h5py.File(tmp_path / "other.h5", "w") as other:
        other["x"] = np.ones((2, 12), "float32")

    def link(to):
        def change(file):
            del file[place]
            file[place] = to

        return change

    for to in (h5py.ExternalLink(str(tmp_path / "other.h5"), "x"), h5py.SoftLink("/layers")):
        with pytest.raises(UnreadableFile, match="rnnlens follows no links"):
            read(_weights_changed(archive, link(to)))


def test_arrays_kept_outside_the_file_are_not_read(archive, tmp_path):
    raw = tmp_path / "raw.bin"
    np.ones((2, 12), "float32").tofile(raw)

    def change(file):
        del file["layers/lstm/cell/vars/0"]
        file["layers/lstm/cell/vars"].create_dataset(
            "0", (2, 12), "float32", external=[(str(raw), 0, 96)]
        )

    with pytest.raises(UnreadableFile, match="keeps its numbers in another file"):
        read(_weights_changed(archive, change))


def test_an_array_that_declares_an_absurd_size_is_not_read(archive):
    def change(file):
        del file["layers/lstm/cell/vars/0"]
        file["layers/lstm/cell/vars"].create_dataset(
            "0", (10**9, 12), "float32", chunks=(1024, 12), compression="gzip"
        )

    with pytest.raises(UnreadableFile, match="more than 4 GiB"):
        read(_weights_changed(archive, change))


def test_arrays_under_another_layers_name_are_refused(archive):
    def change(file):
        file["layers/lstm/vars"].attrs["name"] = "other"

    with pytest.raises(UnreadableFile, match="holds the arrays of layer 'other'"):
        read(_weights_changed(archive, change))


def test_hdf5_without_a_model_says_what_it_holds(tmp_path):
    path = tmp_path / "data.h5"
    with h5py.File(path, "w") as file:
        file["temperature"] = np.arange(3.0)
    with pytest.raises(UnreadableFile, match="HDF5 without a Keras model: it holds temperature"):
        read(path)


def test_weights_without_an_architecture_say_so(tmp_path, archive):
    path = tmp_path / "m.weights.h5"
    with zipfile.ZipFile(archive) as zipped:
        path.write_bytes(zipped.read("model.weights.h5"))
    with pytest.raises(UnreadableFile, match="holds weights only: the architecture is missing"):
        read(path)


def test_hdf5_without_weights_is_refused(tmp_path):
    path = write_hdf5(tmp_path / "m.h5", [], {})
    with h5py.File(path, "r+") as file:
        del file["model_weights"]
    with pytest.raises(UnreadableFile, match="a configuration but no weights"):
        read(path)


KERAS2 = (
    "bidirectional_lstm_no_return_sequences_tensorflow_2",
    "bidirectional_lstm_tensorflow_2",
    "embedding_lstm_tensorflow_2",
    "lstm_functional_tf_keras_2",
    "lstm_tensorflow_2",
    "masking_two_lstm",
    "masking_zero_lstm",
    "reshape_model",
    "simple_flatten_lstm_tf_keras_2_model",
)
TFKERAS = ("rnn_4", "rnn_15", "rnn_29", "rnn_31", "rnn_38", "rnn_47", "rnn_175")


@pytest.mark.parametrize(
    "name", [*(f"keras2/{name}" for name in KERAS2), *(f"tfkeras/{name}" for name in TFKERAS)]
)
def test_files_of_keras_2_and_tf_keras_are_read_whole(shared, name):
    path = shared / "models" / f"{name}.h5"
    network = read(path)
    generation = "Keras 2" if name.startswith("keras2") else "tf.keras"
    assert network.origin.format == f"{generation} HDF5"
    with h5py.File(path) as file:
        kept: list[int] = []
        file["model_weights"].visititems(
            lambda _, item: kept.append(item.size) if isinstance(item, h5py.Dataset) else None
        )
        for array in inventory(network):
            assert array.source.stored_at in file
    assert sum(array.values.size for array in inventory(network)) == sum(kept)


@pytest.mark.parametrize("number", [0, 3, 17])
def test_recurrences_over_images_are_refused(shared, number):
    with pytest.raises(UnsupportedModel, match="ConvLSTM2D"):
        read(shared / "models" / "tfkeras" / f"convlstm2d_{number}.h5")


def test_a_heap_of_text_that_never_ends_is_refused_before_it_is_walked(tmp_path):
    path = write_hdf5(tmp_path / "m.h5", [], {})
    content = bytearray(path.read_bytes())
    heap = content.index(b"GCOL")
    # The first object of the heap becomes a free one of no size: HDF5 would look at it for ever.
    content[heap + 16 : heap + 32] = bytes(16)
    path.write_bytes(content)
    with pytest.raises(UnreadableFile, match="begins like HDF5, but it is truncated or damaged"):
        read(path)


def test_an_attribute_that_is_no_text_is_refused(tmp_path):
    path = write_hdf5(tmp_path / "m.h5", [], {})
    with h5py.File(path, "r+") as file:
        del file.attrs["keras_version"]
        file.attrs["keras_version"] = np.arange(3)
    with pytest.raises(UnreadableFile, match="the attribute keras_version in the file is not text"):
        read(path)
