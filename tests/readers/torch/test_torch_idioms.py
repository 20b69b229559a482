"""Idioms of PyTorch: equal to the module, with contributions that sum, or refused truly.

Both sides reckon in float64, in another order: 1e-9 of the largest output, or of 1, is far above
its rounding and far below what a wrong axis or a forgotten term does.
"""

import numpy as np
import pytest
import torch
import xarray as xr

from rnnlens import Target, explain
from rnnlens.api import read
from rnnlens.engine.forward import predict
from rnnlens.errors import UnsupportedModel
from torch_idioms import IDIOMS
from torch_models import Coded, agree, scrambled

pytestmark = pytest.mark.usefixtures("doubles")

READ = [name for name, one in IDIOMS.items() if not one.refused]
REFUSED = [name for name, one in IDIOMS.items() if one.refused]


def outputs_of(module, arrays):
    """Give what a module gives, as arrays."""
    with torch.no_grad():
        made = module(*map(torch.as_tensor, arrays.values()))
    made = made.values() if isinstance(made, dict) else made
    parts = [made] if isinstance(made, torch.Tensor) else list(made)
    return [one.numpy().reshape(len(one), *(one.shape[1:] or (1,))) for one in parts]


def read_as_called(module, arrays):
    """Read a module by a call of it."""
    example = tuple(arrays.values())
    return read(module, example=example if len(example) > 1 else example[0])


def named(network, arrays):
    """Give arrays by the names that the network has for its inputs."""
    return dict(zip(network.inputs, arrays.values(), strict=True))


def together(explained):
    """Give the sum of all contributions of each sample (sample,)."""
    tree = isinstance(explained, xr.DataTree)
    parts = [one.contribution for one in explained.children.values()] if tree else []
    parts = parts or [explained.contribution]
    return sum(one.sum([d for d in one.dims if d != "sample"]) for one in parts)


@pytest.mark.parametrize("name", READ)
def test_an_idiom_is_read_right_and_its_contributions_sum(name, rng):
    idiom = IDIOMS[name]
    module = idiom.module()
    network = read_as_called(module, idiom.arrays(rng, 3))
    sides = next(iter(network.inputs.values())).shape
    free = bool(sides) and sides[0] is None
    for samples, steps in (
        ((3, None), (5, 5), (4, 13)) if free else ((3, None), (1, None), (5, None))
    ):
        arrays = idiom.arrays(rng, samples, steps)
        ours = predict(network, named(network, arrays))
        ours = ours if isinstance(ours, tuple) else (ours,)
        for mine, theirs in zip(ours, outputs_of(module, arrays), strict=True):
            size = max(1.0, float(np.abs(theirs).max()))
            np.testing.assert_allclose(mine, theirs, rtol=0, atol=1e-9 * size)
    given = idiom.arrays(rng, 4)
    several, steps_ahead = {"output": 0} if len(ours) > 1 else {}, ours[0].ndim > 2
    target = Target(0, **several, **({"horizon": 1} if steps_ahead else {}))
    explained = explain(network, named(network, given), target=target)
    forecast = outputs_of(module, given)[0]
    forecast = forecast[:, 0].reshape(4, -1)[:, 0] if forecast.ndim > 2 else forecast[:, 0]
    size = max(1.0, float(np.abs(forecast).max()))
    np.testing.assert_allclose(explained.forecast, forecast, rtol=0, atol=1e-9 * size)
    change = explained.forecast - explained.baseline_forecast
    np.testing.assert_allclose(together(explained), change, rtol=0, atol=1e-6 * size)


@pytest.mark.filterwarnings("ignore:`torch.jit.script` is deprecated")
@pytest.mark.parametrize("name", REFUSED)
def test_an_idiom_that_is_not_read_is_refused_truly(name, rng):
    idiom = IDIOMS[name]
    with pytest.raises(UnsupportedModel, match=idiom.refused):
        read_as_called(idiom.module(), idiom.arrays(rng, 3))


def test_there_are_more_than_sixty_idioms():
    assert len(READ) > 60


@pytest.mark.parametrize(
    "make",
    [
        lambda x: torch.full((1, x.size(0), 4), 0.1),
        lambda x: torch.full_like(x[:, 0, :1], 0.1).expand(-1, 4)[None].contiguous(),
        lambda x: x.new_full((1, x.size(0), 4), 0.3),
        lambda x: torch.ones(1, x.size(0), 4) * torch.tensor(0.7),
    ],
    ids=["full", "full_like", "new_full", "tensor"],
)
def test_numbers_that_code_states_in_single_precision_are_read(make, rng):
    torch.set_default_dtype(torch.float32)  # the fixture puts it back
    layers = {"rnn": torch.nn.LSTM(3, 4, batch_first=True)}
    module = scrambled(Coded(lambda m, x: m.rnn(x, (make(x), make(x)))[0][:, -1], **layers))
    x = rng.normal(size=(4, 6, 3)).astype("float32")
    with torch.no_grad():
        agree(predict(read(module, example=x), x), module(torch.as_tensor(x)), "float32")
