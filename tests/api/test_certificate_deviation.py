"""The deviation of a network's own framework is measured where a certificate asks."""

import numpy as np
import pytest

import rnnlens
from networks import forecaster
from rnnlens import Certificates
from rnnlens.errors import DataError, InputError

SEEN = Certificates(tolerance=0.5, deviation=0.1)


@pytest.fixture
def torch_model(rng):
    torch = pytest.importorskip("torch")

    class Model(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.lstm = torch.nn.LSTM(2, 6, batch_first=True)
            self.head = torch.nn.Linear(6, 1)

        def forward(self, x):
            return self.head(self.lstm(x)[0][:, -1])

    torch.manual_seed(3)
    return Model().eval()


def test_the_deviation_of_a_live_model_is_measured_and_added_twice(rng, torch_model):
    import torch

    X = rng.normal(size=(5, 6, 2)).astype(np.float32).astype(float)
    net = rnnlens.read(torch_model, example=X[:1].astype(np.float32))
    certificates = Certificates(range=1.0, tolerance=0.01)
    asked = {"lag": [1, 6], "features": 0, "target": 0, "certificates": certificates}
    plain = rnnlens.certify(net, X, **asked)
    found = rnnlens.certify(net, X, **asked, source=torch_model)
    deviation = found.attrs["deviation"]
    # what float32 loses, and no more; the windows themselves are among those compared
    with torch.no_grad():
        theirs = torch_model(torch.tensor(X, dtype=torch.float32)).numpy().astype(float)
    at_least = np.abs(theirs[:, 0] - plain.forecast.values).max()
    assert 0 < at_least <= deviation < 1e-6
    np.testing.assert_allclose(found.bound - plain.bound, 2 * deviation, atol=1e-12)
    assert "25 windows" in found.attrs["deviation_against"]
    assert plain.attrs["deviation_against"] == "not measured"


def test_stored_outputs_serve_as_the_source(rng):
    net = forecaster("lstm", rng, targets=1)
    X = rng.normal(size=(4, 7, 3))
    asked = {"lag": 2, "features": 0, "certificates": Certificates(range=0.5, tolerance=0.5)}
    stored = rnnlens.predict(net, X) + 0.002
    found = rnnlens.certify(net, X, **asked, source=stored.reshape(4, 1))
    assert found.attrs["deviation"] == pytest.approx(0.002)
    assert found.attrs["deviation_against"] == "stored outputs, 4 windows"


def test_a_source_that_computes_something_else_is_refused_whatever_kind_it_is(rng, torch_model):
    import torch

    X = rng.normal(size=(5, 6, 2)).astype(np.float32).astype(float)
    net = rnnlens.read(torch_model, example=X[:1].astype(np.float32))
    asked = {"lag": 1, "features": 0, "certificates": Certificates(range=0.1, tolerance=0.01)}
    stored = rnnlens.predict(net, X)
    with torch.no_grad():  # two gates change places
        W = torch_model.lstm.weight_ih_l0
        W.copy_(W[torch.tensor([*range(6, 12), *range(6), *range(12, 24)])])
    for other in (torch_model, np.roll(stored, 1, axis=0), stored * 1.1):
        with pytest.raises(DataError, match="the source computes something else: its forecasts"):
            rnnlens.certify(net, X, **asked, source=other)
    # half precision is what the network was read from all the same
    half = stored.astype(np.float16).astype(float)
    assert 0 < rnnlens.certify(net, X, **asked, source=half).attrs["deviation"] < 1e-3


def test_the_size_of_a_difference_is_judged_in_the_networks_own_unit(rng):
    """A target of 280 +- 1 K does not let a network through that is a tenth of its spread off."""
    net = forecaster("lstm", rng, targets=1)
    X = rng.normal(size=(4, 7, 3))
    asked = {"lag": 2, "features": 0, "certificates": Certificates(range=0.5, tolerance=0.5)}
    stored = rnnlens.predict(net, X)
    for factor in (1.05, 0.9):
        with pytest.raises(DataError, match="computes something else"):
            rnnlens.certify(net, X, **asked, source=stored * factor)


@pytest.mark.parametrize(
    ("options", "error", "sentence"),
    [
        ({"source": np.zeros((3, 1))}, DataError, "the source gives outputs of shapes"),
        ({"source": np.full((4, 1), np.nan)}, DataError, "not finite"),
        ({"source": object()}, InputError, "not an object of type object"),
        ({"source": np.zeros((4, 1)), "certificates": SEEN}, InputError, "not both"),
    ],
)
def test_a_source_that_does_not_fit_is_refused_in_a_sentence(rng, options, error, sentence):
    net = forecaster("lstm", rng, targets=1)
    with pytest.raises(error, match=sentence):
        rnnlens.certify(
            net,
            rng.normal(size=(4, 7, 3)),
            lag=1,
            features=0,
            **{"certificates": Certificates(tolerance=0.5), **options},
        )
