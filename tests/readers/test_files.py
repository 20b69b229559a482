"""Content decides what a file is, and a file that is no model says what it is instead."""

import h5py
import keras
import numpy as np
import pytest

from keras_models import rich_model, saved, scrambled
from processes import python
from rnnlens.errors import InputError, UnsupportedModel
from rnnlens.network.inventory import inventory
from rnnlens.readers.open import read

pytestmark = pytest.mark.filterwarnings("ignore:Layer .* was passed an input with a mask")

L = keras.layers


@pytest.fixture
def archive(tmp_path):
    return saved(scrambled(keras.Sequential([L.Input((4, 2)), L.LSTM(3, name="l")])), tmp_path)


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
    assert python("-c", code, str(archive)).returncode == 0


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
