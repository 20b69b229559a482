"""What is refused is refused before the network is run on more than one window."""

import numpy as np
import pytest

import rnnlens
from rnnlens.demo.weather import demo_files
from rnnlens.engine.operations import recurrent
from rnnlens.errors import RnnlensError

REFUSED = {
    "lags, few windows": lambda net, x: rnnlens.lags(net, x[:9], target=0),
    "lags, no such target": lambda net, x: rnnlens.lags(net, x, target=99),
    "lags, no such horizon": lambda net, x: rnnlens.lags(
        net, x, target=rnnlens.Target(0, horizon=99)
    ),
    "lags, no such held feature": lambda net, x: rnnlens.lags(net, x, target=0, held=["rain"]),
    "lags, range of no feature": lambda net, x: rnnlens.lags(
        net, x, target=0, certificates=rnnlens.Certificates(range={"rain": 1.0})
    ),
    "lags, other background": lambda net, x: rnnlens.lags(net, x, target=0, background=x[:, :, :3]),
    "explain, no such target": lambda net, x: rnnlens.explain(net, x, target=99),
    "explain, no such held feature": lambda net, x: rnnlens.explain(
        net, x, target=0, held=["rain"]
    ),
    "explain, no such baseline": lambda net, x: rnnlens.explain(net, x, target=0, baseline="nil"),
    "trust, conditional baseline": lambda net, x: rnnlens.trust(
        net, x, target=0, baseline="conditional"
    ),
    "certify, no such lag": lambda net, x: rnnlens.certify(
        net, x, lag=99, target=0, certificates=rnnlens.Certificates(range=0.1, tolerance=1.0)
    ),
    "certify, range of no feature": lambda net, x: rnnlens.certify(
        net, x, lag=1, target=0, certificates=rnnlens.Certificates(range={"rain": 1.0})
    ),
}


@pytest.mark.parametrize("question", REFUSED)
def test_what_is_refused_is_refused_before_the_network_is_run(question, rng, monkeypatch):
    net, x = rnnlens.read(demo_files().network), rng.normal(size=(40, 24, 10))
    weights = recurrent._kernels_of  # every way to run a layer asks for them first

    def at_most_one(layer, x):
        assert len(x) <= 1
        return weights(layer, x)

    monkeypatch.setattr(recurrent, "_kernels_of", at_most_one)
    with pytest.raises(RnnlensError):
        REFUSED[question](net, x)
    with pytest.raises(AssertionError):  # the guard guards
        rnnlens.predict(net, np.asarray(x))
