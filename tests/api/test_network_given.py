"""Every verb takes as its network what `rnnlens.read` takes: a path, a live model, a Network."""

import keras
import numpy as np
import pytest
import torch

import rnnlens
from keras_models import saved
from keras_models import scrambled as scrambled_keras
from rnnlens.api.shared.given.network_given import as_network
from rnnlens.errors import InputError
from torch_models import scrambled

L = keras.layers
STEPS, FEATURES = 5, 3


class Forecaster(torch.nn.Module):
    """An LSTM and a linear head; samples or steps first."""

    def __init__(self, *, batch_first: bool = True) -> None:
        super().__init__()
        self.rnn = torch.nn.LSTM(FEATURES, 4, batch_first=batch_first, dtype=torch.float64)
        self.fc = torch.nn.Linear(4, 2, dtype=torch.float64)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        whole = self.rnn(x)[0]
        return self.fc(whole[:, -1] if self.rnn.batch_first else whole[-1])


def model() -> keras.Model:
    return scrambled_keras(
        keras.Sequential([L.Input((STEPS, FEATURES)), L.LSTM(4, name="lstm"), L.Dense(1)])
    )


#: Verbs that take a network, on windows; each gives numbers that tell networks apart.
VERBS = {
    "predict": rnnlens.predict,
    "explain": lambda net, X: rnnlens.explain(net, X, method="secant").contribution,
    "interactions": lambda net, X: rnnlens.interactions(net, X, newest=2).contribution,
    "lags": lambda net, X: rnnlens.lags(net, X, certificates=None, test=None).share,
    "certify": lambda net, X: rnnlens.certify(net, X[:2], lag=1, features=0).bound,
    "trust": lambda net, X: rnnlens.trust(net, X).deletion,
    "compare_baselines": lambda net, X: (
        rnnlens.compare_baselines(net, X, baselines=["zero", "mean"]).contribution
    ),
    "trace": lambda net, X: rnnlens.trace(net, X)["lstm"]["hidden"],
    "gate_effects": lambda net, X: rnnlens.gate_effects(net, X).effect,
    "paths": lambda net, X: rnnlens.paths(net, X).contribution,
    "intervene": lambda net, X: (
        rnnlens.intervene(net, X, rnnlens.Intervention(gate="forget", clamp=0.5)).effect
    ),
    "weights": lambda net, _: rnnlens.weights(net)["lstm.W_f"],
    "describe": lambda net, _: [array["name"] for array in _arrays(rnnlens.describe(net))],
}


def _arrays(about):
    return [array for layer in about["layers"] for array in layer["arrays"]]


@pytest.fixture(scope="module")
def live(tmp_path_factory):
    """A Keras model, its file, what is read of it, and windows."""
    made = model()
    X = np.random.default_rng(5).normal(size=(30, STEPS, FEATURES))
    return made, saved(made, tmp_path_factory.mktemp("models")), rnnlens.read(made), X


@pytest.mark.parametrize("verb", VERBS)
def test_a_live_model_and_a_path_give_what_the_network_gives(live, verb):
    made, path, network, X = live
    ask = VERBS[verb]
    expected = np.asarray(ask(network, X))
    np.testing.assert_array_equal(ask(made, X), expected)
    np.testing.assert_array_equal(ask(str(path), X), expected)
    np.testing.assert_array_equal(ask(path, X), expected)


@pytest.mark.usefixtures("undrawn")
def test_a_report_is_written_of_a_path(live, tmp_path):
    _, path, _, X = live
    page = rnnlens.report(path, X, tmp_path / "page.html")
    assert "lstm" in page.read_text(encoding="utf-8")


def test_fidelity_takes_a_live_model_on_both_sides(live):
    made, _, _, X = live
    assert rnnlens.fidelity(made, made, X).attrs["agrees"]


@pytest.mark.parametrize("batch_first", [True, False])
def test_a_live_module_of_pytorch_is_read_on_the_windows_of_the_verb(rng, batch_first):
    module = scrambled(Forecaster(batch_first=batch_first))
    X = rng.normal(size=(9, STEPS, FEATURES))
    given = torch.as_tensor(X if batch_first else X.swapaxes(0, 1))
    expected = module(given).detach().numpy()
    # float64 on both sides: nothing but the order of sums differs
    np.testing.assert_allclose(rnnlens.predict(module, X), expected, rtol=0, atol=1e-13)
    found = rnnlens.explain(module, X, target=0, method="secant")
    np.testing.assert_allclose(found.forecast, expected[:, 0], rtol=0, atol=1e-13)
    assert rnnlens.fidelity(module, module, X).attrs["agrees"]


def test_a_module_without_windows_is_refused_with_what_to_do():
    with pytest.raises(InputError, match="give rnnlens.read\\(model, example=x\\)"):
        rnnlens.weights(Forecaster())


def test_a_state_dict_is_read_too(rng):
    module = scrambled(Forecaster())
    X = rng.normal(size=(9, STEPS, FEATURES))
    hidden = module.rnn(torch.as_tensor(X))[0][:, -1].detach().numpy()
    np.testing.assert_allclose(
        rnnlens.predict(module.rnn.state_dict(), X), hidden, rtol=0, atol=1e-13
    )


def test_a_model_that_has_learned_since_is_read_anew(rng):
    made, X = model(), rng.normal(size=(4, STEPS, FEATURES))
    before = rnnlens.predict(made, X)
    scrambled_keras(made, seed=8)
    after = rnnlens.predict(made, X)
    assert not np.allclose(before, after)
    np.testing.assert_array_equal(after, rnnlens.predict(rnnlens.read(made), X))


def test_arrays_alone_are_no_network(live):
    made, _, _, X = live
    with pytest.raises(InputError, match="rnnlens.weights\\(arrays\\) names them"):
        rnnlens.explain(made.get_weights(), X)


def test_a_network_is_itself(live):
    assert as_network(live[2]) is live[2]
