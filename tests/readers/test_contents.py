"""Files that are no models are refused by what they are, each in one sentence."""

import pytest

from readers.refusals import ARCHITECTURE, FILES, FOLDERS
from rnnlens.errors import UnreadableFile
from rnnlens.readers.open import read


@pytest.mark.parametrize("case", FILES)
def test_a_file_that_is_no_model_is_refused_by_what_it_is(tmp_path, case):
    content, sentence = FILES[case]
    path = tmp_path / "model.h5"
    path.write_bytes(content)
    with pytest.raises(UnreadableFile) as caught:
        read(path)
    assert str(caught.value) == f"{path} {sentence}"


@pytest.mark.parametrize("case", FOLDERS)
def test_a_folder_is_refused_by_what_it_holds(tmp_path, case):
    names, sentence = FOLDERS[case]
    for name in names:
        (tmp_path / name).write_bytes(b"x")
    with pytest.raises(UnreadableFile) as caught:
        read(tmp_path)
    assert str(caught.value) == f"{tmp_path} {sentence}"


def test_no_two_kinds_of_file_are_refused_in_the_same_words_by_chance():
    sentences = [sentence for _, sentence in FILES.values()]
    repeated = {sentence for sentence in sentences if sentences.count(sentence) > 1}
    assert all(
        sentence == ARCHITECTURE or sentence.startswith("is a text file") for sentence in repeated
    )


def test_architectures_of_others_ask_for_their_weights(shared):
    path = shared / "models/json_weights/ecg/lstm-auto-encoder-architecture.json"
    with pytest.raises(UnreadableFile) as caught:
        read(path)
    assert str(caught.value) == f"{path} {ARCHITECTURE}"


def test_arrays_of_others_are_no_model(shared):
    path = shared / "models/keras1/simple_lstm_tf_keras_1_inputs_and_outputs.h5"
    with pytest.raises(UnreadableFile, match="is HDF5 without a Keras model: it holds activations"):
        read(path)
