"""What stands between layers is written to ONNX and to rnnlens's own archive, and read back."""

import numpy as np
import onnxruntime
import pytest

from between_layers import network
from rnnlens.engine.forward import entries, forward
from rnnlens.readers.open import read
from rnnlens.writers.native import write as write_npz
from rnnlens.writers.onnx.file import write as write_onnx


@pytest.mark.parametrize("form", ["npz", "onnx"])
def test_what_stands_between_layers_is_written_and_read_back(form, rng, tmp_path):
    made = network(rng)
    path = tmp_path / f"model.{form}"
    path.write_bytes((write_npz if form == "npz" else write_onnx)(made).data)
    back, x = read(path), rng.normal(size=(4, 6, 3))
    run, again = (forward(net, entries(net, x)) for net in (made, back))
    for (name, _), ref, own in zip(made.outputs, back.outputs, run.outputs, strict=True):
        # ONNX keeps float32
        close = 1e-5 if form == "onnx" else 0
        np.testing.assert_allclose(again.value(ref), own, rtol=close * 10, atol=close, err_msg=name)


def test_onnxruntime_gives_what_was_written(rng, tmp_path):
    made, path = network(rng), tmp_path / "model.onnx"
    path.write_bytes(write_onnx(made).data)
    x = rng.normal(size=(4, 6, 3)).astype(np.float32)
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    theirs = session.run(None, {"x": x})
    for (name, _), own, their in zip(
        made.outputs, forward(made, entries(made, x.astype(float))).outputs, theirs, strict=True
    ):
        np.testing.assert_allclose(their, own, rtol=1e-4, atol=1e-5, err_msg=name)
