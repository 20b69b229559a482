"""Options of Keras that change nothing when the model predicts are let through."""

import pytest

from refused.keras_layers import weighted
from rnnlens.readers.open import read


@pytest.mark.parametrize("value", [None, False, 0, 0.0, "", [], {}])
def test_an_unknown_option_that_is_switched_off_is_let_through(tmp_path, value):
    read(weighted(tmp_path, "LSTM", something_new=value))


def test_options_that_act_in_training_alone_are_inert(tmp_path):
    path = weighted(
        tmp_path,
        "LSTM",
        dropout=0.4,
        recurrent_dropout=0.2,
        implementation=2,
        unroll=True,
        kernel_regularizer={"class_name": "L1L2", "config": {"l1": 0.1, "l2": 0.0}},
        kernel_initializer={"class_name": "GlorotUniform", "config": {}},
        bias_constraint="non_neg",
        trainable=False,
    )
    assert read(path)["a"].layer.cell.units == 2
