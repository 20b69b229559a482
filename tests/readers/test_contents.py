"""Files that are no models are told apart, those of others too."""

import pytest

from refused import REFUSALS
from rnnlens.errors import UnreadableFile
from rnnlens.readers.open import read

HEADING = "Files that are no models: "


def test_no_two_kinds_of_file_are_refused_in_the_same_words_by_chance():
    kinds = [
        (name, sentence)
        for name, sentence in REFUSALS.items()
        if name.startswith(HEADING) and not name.startswith(f"{HEADING}object")
    ]
    sentences = [sentence for _, sentence in kinds]
    repeated = {name for name, sentence in kinds if sentences.count(sentence) > 1}
    wholes = ("text", "text with umlauts", "architecture in JSON", "architecture in YAML")
    wholes = (*wholes, "architecture in JSON within JSON")
    assert repeated == {HEADING + name for name in wholes}


def test_architectures_of_others_ask_for_their_weights(shared):
    path = shared / "models/json_weights/ecg/lstm-auto-encoder-architecture.json"
    with pytest.raises(UnreadableFile) as caught:
        read(path)
    sentence = REFUSALS[f"{HEADING}architecture in JSON"]
    assert sentence.endswith(str(caught.value).removeprefix(str(path)))


def test_arrays_of_others_are_no_model(shared):
    path = shared / "models/keras1/simple_lstm_tf_keras_1_inputs_and_outputs.h5"
    with pytest.raises(UnreadableFile, match="it holds activations"):
        read(path)
