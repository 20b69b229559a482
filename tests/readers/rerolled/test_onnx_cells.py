"""Cells written by hand and exported to ONNX, where nothing of the loop is left, are read again."""

import warnings

import numpy as np
import pytest
import torch

import rnnlens
from handwritten_cells import FEATURES, KNOWN


@pytest.mark.parametrize("cell", KNOWN, ids=lambda cell: cell.__name__)
def test_a_known_cell_is_read_by_its_equations(cell, tmp_path):
    torch.manual_seed(6)
    module, x = cell().eval(), torch.randn(5, 5, FEATURES)
    path = tmp_path / "cell.onnx"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            module, (x,), path, dynamo=False, input_names=["x"], dynamic_axes={"x": {0: "n"}}
        )
    net = rnnlens.read(path)
    assert [layer.cell.kind for _, layer in net.recurrent()] == [KNOWN[cell]]
    assert len(net.nodes) == 3  # the input, the layer, the head: nothing of the loop is left
    # float32 in PyTorch
    np.testing.assert_allclose(
        rnnlens.predict(net, x.numpy()), module(x).detach().numpy(), rtol=0, atol=1e-6
    )
