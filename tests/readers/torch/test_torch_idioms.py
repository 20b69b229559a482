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
from torch_idioms import IDIOMS, Several
from torch_idioms.groups import GROUPS, OWN_LENGTH, READ
from torch_models import scrambled

pytestmark = pytest.mark.usefixtures("doubles")

REFUSED = [name for name, one in IDIOMS.items() if one.refused]


def leaves(given):
    """Give the tensors that a module gives, in order."""
    if isinstance(given, torch.Tensor):
        return [given]
    parts = given.values() if isinstance(given, dict) else given
    return [leaf for one in parts for leaf in leaves(one)]


def outputs_of(module, arrays):
    """Give what a module gives, as arrays."""
    with torch.no_grad():
        made = leaves(module(*map(torch.as_tensor, arrays.values())))
    return [one.numpy().reshape(len(one), *(one.shape[1:] or (1,))) for one in made]


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


@pytest.mark.parametrize("names", GROUPS, ids=lambda names: names[0])
def test_idioms_are_read_right_and_their_contributions_sum(names, rng):
    idiom = IDIOMS[names[0]]
    module = scrambled(Several(names).double()) if len(names) > 1 else idiom.module()
    network = read_as_called(module, idiom.arrays(rng, 3))
    sides = next(iter(network.inputs.values())).shape
    assert (sides[0] is None) == (names[0] not in OWN_LENGTH)
    lengths = (None, None, None) if names[0] in OWN_LENGTH else (None, 5, 13)
    for samples, steps in zip((3, 1, 5), lengths, strict=True):
        arrays = idiom.arrays(rng, samples, steps)
        ours = predict(network, named(network, arrays))
        ours = ours if isinstance(ours, tuple) else (ours,)
        for ref, mine, theirs in zip(
            network.outputs, ours, outputs_of(module, arrays), strict=True
        ):
            size = max(1.0, float(np.abs(theirs).max()))
            np.testing.assert_allclose(mine, theirs, rtol=0, atol=1e-9 * size, err_msg=str(ref))
    given = idiom.arrays(rng, 2)
    for number, forecast in enumerate(outputs_of(module, given)):
        several = {"output": number} if len(ours) > 1 else {}
        target = Target(0, **several, **({"horizon": 1} if forecast.ndim > 2 else {}))
        explained = explain(network, named(network, given), target=target, method="secant")
        one = forecast[:, 0].reshape(2, -1)[:, 0] if forecast.ndim > 2 else forecast[:, 0]
        size = max(1.0, float(np.abs(one).max()))
        ref = str(network.outputs[number])
        np.testing.assert_allclose(explained.forecast, one, rtol=0, atol=1e-9 * size, err_msg=ref)
        change = explained.forecast - explained.baseline_forecast
        np.testing.assert_allclose(
            together(explained), change, rtol=0, atol=1e-6 * size, err_msg=ref
        )


@pytest.mark.filterwarnings("ignore:`torch.jit.script` is deprecated")
@pytest.mark.parametrize("name", REFUSED)
def test_an_idiom_that_is_not_read_is_refused_truly(name, rng):
    idiom = IDIOMS[name]
    with pytest.raises(UnsupportedModel, match=idiom.refused):
        read_as_called(idiom.module(), idiom.arrays(rng, 3))


def test_there_are_more_than_hundred_idioms():
    assert len(READ) > 100
    assert set(READ) >= OWN_LENGTH
    assert sorted(READ) == sorted(name for names in GROUPS for name in names)
