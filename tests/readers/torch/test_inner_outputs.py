"""A live module, or a program of it, is read up to a layer whose output becomes the network's."""

import numpy as np
import pytest
import torch
from torch import nn

import rnnlens
from rnnlens.errors import InputError
from torch_models import scrambled

pytestmark = pytest.mark.filterwarnings("ignore:.*attributes.*assigned during export:UserWarning")


class Net(nn.Module):
    """Two recurrent layers and a head of two; the statics join before the last."""

    def __init__(self):
        super().__init__()
        self.encoder = nn.LSTM(3, 4, batch_first=True)
        self.decoder = nn.GRU(4, 5, batch_first=True)
        self.hidden = nn.Linear(7, 6)
        self.fc = nn.Linear(6, 2)

    def forward(self, x, static):
        h = self.decoder(self.encoder(x)[0])[0][:, -1]
        return self.fc(torch.tanh(self.hidden(torch.cat([h, static], -1))))


@pytest.fixture
def module():
    return scrambled(Net().double()).eval()


@pytest.fixture
def inputs(rng):
    return rng.normal(size=(4, 6, 3)), rng.normal(size=(4, 2))


#: What each layer is called as read: a program of torch.export has no names of modules.
NAMES = {
    "encoder": ("encoder_l0", "lstm_l0"),
    "decoder": ("decoder_l0", "gru_l0"),
    "hidden": ("hidden", "linear"),
    "fc": ("fc", "linear_1"),
}


@pytest.mark.parametrize("layer", NAMES)
def test_an_inner_layer_of_a_live_module_is_what_the_module_itself_computes_there(
    module, inputs, layer
):
    given = tuple(torch.as_tensor(one) for one in inputs)
    seen = []
    hook = getattr(module, layer).register_forward_hook(lambda *called: seen.append(called[2]))
    module(*given)
    hook.remove()
    expected = seen[0][0] if isinstance(seen[0], tuple) else seen[0]
    if layer == "decoder":  # of which the network takes the last step alone
        expected = expected[:, -1]
    program = torch.export.export(module, given)
    for name, source, options in zip(
        NAMES[layer], (module, program), ({"example": given}, {}), strict=True
    ):
        network = rnnlens.read(source, output=name, **options)
        x = dict(zip(("x", "static"), inputs, strict=True))
        found = rnnlens.predict(network, {one: x[one] for one in network.inputs})
        # both in float64, so they differ by rounding alone
        np.testing.assert_allclose(found, expected.detach().numpy(), rtol=0, atol=1e-12)
        assert tuple(network.inputs) == (("x",) if layer.endswith("coder") else ("x", "static"))


def test_a_name_that_is_no_layer_of_a_live_module_is_refused_with_those_that_are(module, inputs):
    given = tuple(torch.as_tensor(one) for one in inputs)
    with pytest.raises(InputError, match=r"'encoder' is no layer .*did you mean 'encoder_l0'"):
        rnnlens.read(module, example=given, output="encoder")
