"""What `rnnlens.explain` refuses to answer, each in one sentence with the numbers in it."""

import re

import numpy as np
import pytest

import rnnlens
from networks import cell, chain, forecaster, head
from rnnlens import Effort
from rnnlens.attribution.registry import METHODS
from rnnlens.errors import DataError, InputError, NotAdditive, RnnlensError, UnsupportedModel
from rnnlens.network.layers import Dense, Embedding, Flatten, Recurrent

#: The methods that differentiate: between two tokens there is nothing to differentiate along.
SLOPES = ("gradient", "gradient_times_input", "integrated_gradients")


def refusal(error, net, x, **options):
    """Give the sentence that an explanation is refused with."""
    with pytest.raises(error) as caught:
        rnnlens.explain(net, x, target=0, **options)
    assert isinstance(caught.value, RnnlensError)
    sentence = str(caught.value)
    assert "\n" not in sentence and ". " not in sentence
    return sentence


@pytest.fixture
def net(rng):
    return forecaster("lstm", rng, steps=6)


@pytest.fixture
def x(rng):
    return rng.normal(size=(5, 6, 3))


def test_a_residual_over_tolerance_is_refused_with_the_numbers(rng, x):
    """Two sums of size 10^12 whose difference is the forecast: float64 leaves four digits of it.

    Each sum has one term that is not zero: then it is the same in whatever order a machine's
    library adds, and all that is lost is lost in the same way in every run of the network.
    """
    k = np.arange(len(x))
    single = np.zeros_like(x)
    single[k, k, k % 3] = x[k, k, k % 3]
    large = 1e12 * rng.normal(size=(18, 1))
    W = np.concatenate([large, large + rng.normal(size=(18, 1))], axis=1)
    head = Dense(np.array([[-1.0], [1.0]]), np.zeros(1))
    net = chain(Flatten(), Dense(W, np.zeros(2)), head, shape=(6, 3))
    said = refusal(NotAdditive, net, single, method="secant", baseline="zero")
    number = r"-?[0-9.e+-]+"
    assert re.fullmatch(
        f"the contributions of method 'secant' miss the change of the forecast by {number} in "
        rf"sample \d \(forecast {number}, baseline forecast {number}, tolerance {number}\): the "
        "network amplifies rounding beyond float64; use method 'tree' for this window",
        said,
    )
    found = rnnlens.explain(net, single, target=0, method="tree", baseline="zero")
    assert found.attrs["max_residual"] < 1e-8


def test_integrated_gradients_of_a_chaotic_network_are_refused_with_the_numbers(rng):
    net = chain(Recurrent(cell("gru_after", rng, scale=5.0)), head(rng, 5), shape=(60, 3))
    said = refusal(NotAdditive, net, rng.normal(size=(2, 60, 3)), method="integrated_gradients")
    assert said.startswith("integrated gradients miss the change of the forecast by ")
    assert "with 512 nodes (forecast " in said and "use method 'secant'" in said


@pytest.mark.parametrize("method", METHODS)
def test_nan_in_the_data_is_refused_by_every_method_with_its_place(method, net, x):
    x[2, 3, 1] = np.nan
    assert refusal(DataError, net, x, method=method) == (
        "input 'x' holds nan at index (2, 3, 1): fill or drop missing values before windows are "
        "made"
    )


@pytest.mark.parametrize("method", [name for name, one in METHODS.items() if one.hides])
@pytest.mark.parametrize("shape", [(4,), (5, 3), (2, 5, 3)])
def test_a_baseline_of_another_shape_is_refused_with_those_that_fit(method, shape, net, x):
    assert refusal(DataError, net, x, method=method, baseline=np.zeros(shape)) == (
        f"the baseline has shape {shape}, but must be (3,), (6, 3) or (background, 6, 3)"
    )


def test_nan_in_a_baseline_or_its_background_is_refused(net, x):
    said = refusal(InputError, net, x, baseline=np.full(3, np.nan))
    assert said.startswith("baseline must be a name, an array of finite numbers, or a mapping of")
    assert said.endswith("with 3 NaN, the first at [0]")
    holes = x.copy()
    holes[1, 0, 2] = np.nan
    said = refusal(DataError, net, x, baseline="background", background=holes)
    assert said.endswith("with 1 NaN, the first at [1, 0, 2]")


def test_more_lags_than_the_tree_or_the_budget_bears_are_refused_with_what_fits(rng):
    net, x = forecaster("lstm", rng, steps=30), rng.normal(size=(5, 30, 3))
    for method in ("tree", "owen"):
        said = refusal(DataError, net, x, method=method, newest=25)
        assert said.startswith("the tree takes 1 to 20 lags as players, but 25 were asked for")
    # 2 (30 - 18) + 2^20 - 4 = 1,048,596 cells a window
    said = refusal(DataError, net, x, method="tree", newest=18, effort=Effort(budget=1000))
    assert said.startswith("exact values of 18 lags for 5 windows take 5,242,980 cells and")
    assert said.endswith("beyond the budget of 1,000 cell evaluations: newest=5 fits")
    rnnlens.explain(net, x, target=0, method="tree", newest=5, effort=Effort(budget=1000))
    said = refusal(DataError, net, x, method="tree", newest=18, effort=Effort(budget=10))
    assert said.endswith("give fewer windows or a larger budget")
    said = refusal(DataError, net, x, method="permutation", newest=18, effort=Effort(budget=1000))
    assert said.startswith("the budget leaves 200 cell evaluations for each window and baseline")


def test_more_players_than_a_conditional_tree_bears_are_refused(rng):
    net = forecaster("lstm", rng, steps=16, features=1)
    x = rng.normal(size=(40, 16, 1))
    said = refusal(DataError, net, x, method="tree", newest=16, baseline="conditional")
    assert said.startswith("the conditional tree takes up to 14 players, but 16 came")


@pytest.mark.parametrize("method", METHODS)
def test_a_constant_feature_is_said_and_contributes_exactly_zero(method, net, x):
    x[..., 1] = 0.3
    found = rnnlens.explain(net, x, target=0, method=method)
    if not METHODS[method].hides:
        assert "constant" not in found.attrs
        return
    assert found.attrs["constant"] == (
        "feature 1 never changes in the explained windows: against values taken from them it "
        "contributes exactly zero, which says nothing of other values"
    )
    shown = found[found.attrs["shows"]]
    if "feature" in shown.dims:
        assert (shown.values[..., 1] == 0).all() and (shown.values[..., 0] != 0).any()


def test_features_that_change_are_not_called_constant(net, x):
    assert "constant" not in rnnlens.explain(net, x, target=0).attrs


@pytest.mark.parametrize("method", METHODS)
def test_tokens_are_explained_or_refused_by_name(method, rng):
    table = Embedding(rng.normal(size=(10, 3)))
    net = chain(table, Recurrent(cell("lstm", rng)), head(rng, 5), shape=(6,))
    words = rng.integers(1, 10, size=(4, 6)).astype(float)
    options = {"method": method} | ({"baseline": [1]} if METHODS[method].hides else {})
    if method in SLOPES:
        assert refusal(UnsupportedModel, net, words, **options) == (
            f"{method.replace('_', ' ')} needs inputs that can change a little, but input 'x' "
            "holds tokens that 'embedding' looks up in a table: use method 'secant'"
        )
        return
    found = rnnlens.explain(net, words, target=0, **options)
    assert (found[found.attrs["shows"]].values != 0).any()


@pytest.mark.parametrize("method", METHODS)
def test_a_carried_state_is_a_contribution_or_refused_by_name(method, net, x, rng):
    states = {"recurrent": rng.normal(size=(2, 5, 5))}
    if "initial_state" in METHODS[method].takes:
        found = rnnlens.explain(net, x, target=0, method=method, initial_state=states)
        assert (np.abs(found.carried) > 0).all()
        return
    assert refusal(DataError, net, x, method=method, initial_state=states) == (
        f"method {method!r} does not take initial_state: leave it out, or choose one of auto, "
        "secant, tree, owen, permutation"
    )
