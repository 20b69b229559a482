"""Every verb and method over small networks of each form: an answer, or a sentence of ours."""

import warnings

import numpy as np
import pytest

import rnnlens
from every_question import questions
from networks import chain
from rnnlens.errors import DataError, RnnlensError
from rnnlens.network import layers as L
from small_networks import SMALL, small

#: Asked by name where a network has several sequences.
WHICH = {"two sequences": "x"}


@pytest.mark.parametrize("name", SMALL)
def test_nothing_but_an_answer_or_a_sentence_of_ours_comes_out(name):
    net, x = small(name)
    said: dict[str, str] = {}
    for question, ask in questions(net, x, of=WHICH.get(name)):
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # those of other libraries are not for the user
            try:
                ask()
            except RnnlensError as error:
                said[question] = str(error)
            except Exception as other:
                other.add_note(f"asked: {question}")
                raise
    assert not [question for question, sentence in said.items() if "\n" in sentence]


def test_a_single_player_gets_the_whole_change_for_certain():
    net, x = small("one of all")
    found = rnnlens.explain(net, x, method="permutation", target=0)
    change = found.forecast - found.baseline_forecast
    np.testing.assert_allclose(found.contribution[:, 0, 0], change, rtol=0, atol=1e-15)
    assert (found.standard_error < 1e-15).all()  # of equal numbers, up to rounding


@pytest.mark.parametrize("method", ["owen", "permutation", "tree", "secant", "occlusion"])
def test_blocks_are_lags_and_what_is_within_them_is_named_by_its_place(method):
    net, x = small("blocks")
    found = rnnlens.explain(net, x, method=method, target=0)
    assert found.lag.values.tolist() == [1, 2]
    np.testing.assert_allclose(found.forecast, rnnlens.predict(net, x)[:, 0], rtol=0, atol=1e-15)
    if "feature" in found.dims:
        assert found.feature.values[:4].tolist() == [
            "number 0, 0", "number 0, 1", "number 1, 0", "number 1, 1",
        ]  # fmt: skip
        assert found.sizes["feature"] == 6


def test_exact_values_of_blocks_are_those_of_every_coalition_by_hand():
    net, x = small("blocks")
    found = rnnlens.explain(net, x, method="tree", target=0, baseline="zero")

    def forecast(*shown):
        hidden = x.copy()
        hidden[:, [k for k in (0, 1) if k not in shown]] = 0.0
        return rnnlens.predict(net, hidden)[:, 0]

    newest = (forecast(1) - forecast() + forecast(0, 1) - forecast(0)) / 2
    np.testing.assert_allclose(found.contribution[:, 0], newest, rtol=0, atol=1e-14)


def test_a_network_that_needs_whole_sequences_beside_another_input_is_explained_exactly():
    net, x = small("lengths")
    found = rnnlens.explain(net, x, method="tree", target=0, baseline="zero")
    change = found.forecast - found.baseline_forecast
    np.testing.assert_allclose(found.contribution.sum("lag"), change, rtol=0, atol=1e-14)
    # lags count from the newest real step, and padding behind the lengths gets nothing
    short = x["lengths"] == 1
    assert found.contribution.values[short, 0].any()
    assert not found.contribution.values[short, 1:].any()


def test_sampled_values_of_tokens_are_those_of_every_coalition():
    net, x = small("tokens both ways")
    exact = rnnlens.explain(net, x, method="tree", target=0)
    found = rnnlens.explain(net, x, method="permutation", target=0)
    away = np.abs(found.contribution.sum("feature") - exact.contribution)
    assert (away <= 6 * found.standard_error.sum("feature") + 1e-12).all()


def test_an_input_without_steps_has_features_alone_and_lags_are_refused_by_its_shape():
    net, x = chain(L.Dense(np.ones((6, 1))), shape=(6,)), np.arange(12.0).reshape(2, 6)
    found = rnnlens.explain(net, x, baseline="zero")
    np.testing.assert_allclose(found.contribution, x, rtol=0, atol=1e-12)
    for asked in ({}, {"of": "x"}):
        with pytest.raises(DataError, match=r"takes shape \(6,\) a sample, which has no steps"):
            rnnlens.paths(net, x, target=0, **asked)


@pytest.mark.parametrize("name", ["tokens", "masked tokens"])
def test_tokens_have_the_same_usual_baseline_in_every_verb(name):
    net, x = small(name)
    explained = rnnlens.explain(net, x, method="tree")
    assert explained.attrs["baseline"].startswith("zero")
    for verb in (rnnlens.trust, rnnlens.interactions, rnnlens.paths):
        assert verb(net, x).attrs["baseline"].startswith("zero")
    assert "mean" not in rnnlens.compare_baselines(net, x).baseline
    with pytest.raises(
        DataError, match="holds tokens, which have no mean, and the baseline 'mean'"
    ):
        rnnlens.trust(net, x, baseline="mean")


def test_all_horizons_of_an_output_without_that_axis_are_the_first():
    net, x = small("one step")
    found = rnnlens.explain(net, x, target=rnnlens.Target("all", horizon="all"))
    assert found.horizon.values.tolist() == [1]
