"""The inspection reads as the user needs it: an array a line, with its gate and its place."""

from __future__ import annotations

import re

import numpy as np
import pytest

from rnnlens.views.tables.inspection import array_line, render_inspection


@pytest.fixture
def description(rng):
    values = rng.normal(size=(2, 40)).astype(np.float32)
    arrays = [
        {
            "name": "lstm.W_i",
            "gate": "input",
            "meaning": "input kernel",
            "shape": [2, 40],
            "dimensions": ["feature", "unit"],
            "dtype": "float32",
            "source": "lstm/kernel[:, 0:40]",
            "stored_at": "layers/lstm/cell/vars/0",
            "values": values.astype(str).astype(float).tolist(),
        }
    ]
    layer = {
        "name": "lstm",
        "kind": "LSTM",
        "units": 40,
        "features": 2,
        "parameters": 6880,
        "formula": "4 (F + H + 1) H = 4 (2 + 40 + 1) 40 = 6,880",
        "options": {"activation": "tanh", "go_backwards": True, "stateful": False},
        "inputs": ["input"],
        "output_shape": [40],
        "shares_arrays_of": None,
        "arrays": arrays,
    }
    return {
        "name": "sequential",
        "format": "Keras 3 archive",
        "version": "3.15.1",
        "path": "weather.keras",
        "sha256": "ab" * 32,
        "parameters": 6880,
        "notes": ["dropout 0.2 acts in training only"],
        "time_steps": "The window's 24 steps are in no array.",
        "inputs": {"input": [24, 2]},
        "layers": [layer],
    }


def test_an_array_has_one_line_with_gate_and_place(description):
    line = "lstm.W_i (2, 40) input kernel, input gate, from lstm/kernel[:, 0:40]"
    assert array_line(description["layers"][0]["arrays"][0]) == line
    assert line in [each.strip() for each in render_inspection(description).split("\n")]
    narrow = render_inspection(description, width=40)
    assert line in " ".join(narrow.split())  # in a narrow terminal it goes on below, whole
    wide = [one for one in narrow.splitlines() if len(one) > 40]
    assert all(len(one.split()) <= 2 for one in wide)  # a hash alone, which is one word


def test_the_text_holds_count_formula_options_steps_and_notes(description):
    text = render_inspection(description)
    for part in (
        "weather.keras: Keras 3 archive 3.15.1",
        "6,880 parameters",
        "4 (2 + 40 + 1) 40",
        "go_backwards True",
        "24 steps are in no array",
        "dropout 0.2 acts in training only",
    ):
        assert part in text
    assert "stateful" not in text
    assert "Param" not in text


def test_values_are_printed_whole_and_to_the_last_digit(description):
    text = render_inspection(description, values=True)
    found = text[text.index("Param lstm_W_i: ") :]
    assert "..." not in found
    numbers = np.array(re.findall(r"-?\d+\.\d*(?:e[-+]\d+)?", found), dtype=np.float32)
    stored = np.array(description["layers"][0]["arrays"][0]["values"], dtype=np.float32)
    np.testing.assert_array_equal(numbers.reshape(stored.shape), stored)
