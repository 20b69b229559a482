"""A model of tf.keras whose layers are joined by functions of TensorFlow, as TensorFlow wrote it.

``benchmarks/tensorflow/write_operations.py`` wrote the files and what the model gave.
"""

from pathlib import Path

import numpy as np
import pytest

import rnnlens
from rnnlens.engine.forward import predict

FILES = Path(__file__).parents[2] / "data/tf_operations"
GIVEN = dict(np.load(FILES / "given.npz"))

SOURCES = {
    "whole model": ("model.h5", {}),
    "checkpoint": ("ck.index", {"architecture": FILES / "architecture.json"}),
}


@pytest.mark.parametrize("name", SOURCES)
def test_it_gives_what_it_gave_in_tensorflow(name):
    file, options = SOURCES[name]
    network = rnnlens.read(FILES / file, **options)
    ours = predict(network, GIVEN["windows"])
    # float32 in TensorFlow: a few 6e-8 of values of size 1
    np.testing.assert_allclose(ours, GIVEN["outputs"], rtol=0, atol=1e-6)
    assert not [note for note in network.origin.notes if "left over" in note]
