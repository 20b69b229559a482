"""Cells written by hand in live PyTorch modules are recurrent layers once read."""

import numpy as np
import pytest
import torch

import rnnlens
from handwritten_cells import FEATURES, KNOWN, STATIC, UNITS, EntityAware


@pytest.mark.parametrize("cell", KNOWN, ids=lambda cell: cell.__name__)
def test_a_known_cell_is_read_by_its_equations(cell):
    torch.manual_seed(3)
    module = cell().double().eval()
    x = torch.randn(5, 4, FEATURES, dtype=torch.float64)
    net = rnnlens.read(module, example=x)
    assert [layer.cell.kind for _, layer in net.recurrent()] == [KNOWN[cell]]
    assert len(net.nodes) == 3  # the input, the layer, the head: nothing of the loop is left
    # the same sums in another order
    longer = torch.randn(4, 9, FEATURES, dtype=torch.float64)
    given = module(longer).detach().numpy()
    np.testing.assert_allclose(rnnlens.predict(net, longer.numpy()), given, rtol=0, atol=1e-12)


def test_the_input_gate_of_an_entity_aware_lstm_sees_the_statics_alone():
    torch.manual_seed(4)
    module = EntityAware().double().eval()
    x, z = torch.randn(5, 5, FEATURES).double(), torch.randn(5, STATIC).double()
    net = rnnlens.read(module, example=(x, z))
    ((name, layer),) = net.recurrent()
    assert not layer.cell.input.W[:FEATURES].any()
    assert not layer.cell.input.U.any()
    assert not layer.cell.forget.W[FEATURES:].any()
    given = {"x": x.numpy(), "z": z.numpy()}
    np.testing.assert_allclose(
        rnnlens.predict(net, given), module(x, z).detach().numpy(), rtol=0, atol=1e-12
    )
    gates = rnnlens.trace(net, given)[name]["gate_value"].sel(gate="input")
    wanted = torch.sigmoid(module.wi(z)).detach().numpy()
    np.testing.assert_allclose(
        gates, np.broadcast_to(wanted[:, None], (5, 5, UNITS)), rtol=0, atol=1e-12
    )


def test_each_gate_says_which_of_the_codes_arrays_it_is():
    torch.manual_seed(5)
    cell = next(cell for cell in KNOWN if cell.__name__ == "PackedFOIG")
    net = rnnlens.read(cell().eval(), example=torch.randn(2, 4, FEATURES))
    sources = next(node.sources for node in net.nodes if node.name == "lstm")
    assert sources["W_f"].text == f"w[:, 0:{UNITS}]"
    assert sources["U_i"].text == f"u[:, {2 * UNITS}:{3 * UNITS}]"
