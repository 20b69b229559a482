"""A name that is nearly right is answered with the one that was probably meant."""

import numpy as np
import pytest

import rnnlens
from networks import forecaster
from rnnlens.errors import InputError
from rnnlens.series.sidecar import Sidecar, Variable


@pytest.fixture(scope="module")
def river():
    rng = np.random.default_rng(3)
    variables = tuple(Variable(name) for name in ("rain", "flow", "season"))
    sidecar = Sidecar(variables, window=4, targets=variables[:2])
    series = {name: rng.normal(size=20) for name in ("rain", "flow", "season")}
    return forecaster("lstm", rng, steps=4), rnnlens.windows(series, sidecar)


@pytest.mark.parametrize(
    ("verb", "options", "meant"),
    [
        ("explain", {"method": "secnat"}, "secant"),
        ("explain", {"baseline": "persistance"}, "persistence"),
        ("explain", {"target": "flwo"}, "flow"),
        ("explain", {"held": ["seson"]}, "season"),
        ("trust", {"method": "oclusion"}, "occlusion"),
        ("certify", {"lag": 1, "features": "rian"}, "rain"),
        ("explain", {"target": rnnlens.Target("flow", output="activte")}, "activate"),
    ],
)
def test_a_name_that_is_nearly_right_is_answered_with_the_right_one(river, verb, options, meant):
    with pytest.raises(InputError, match=rf"did you mean '{meant}'\?"):
        getattr(rnnlens, verb)(*river, **({"target": "flow"} | options))


def test_a_name_that_is_near_none_is_not_guessed_at(river):
    with pytest.raises(InputError) as refused:
        rnnlens.explain(*river, target="flow", method="quantum")
    assert "did you mean" not in str(refused.value)
