"""Exact values of many inputs at their defaults: what they cost is told, kept to and said."""

import numpy as np
import pytest

import rnnlens
from networks import cell, head
from rnnlens.attribution.games import costs
from rnnlens.engine.forward import predict
from rnnlens.network import layers as L
from rnnlens.network.network import Network, Node, Origin


def many(rng, count, steps=3):
    """A network of many series and a static vector, and three windows."""
    shapes = {f"x{k}": (steps, 1) for k in range(count)} | {"site": (2,)}
    nodes = [Node(name, L.Input(shape)) for name, shape in shapes.items()]
    series = tuple((name, 0) for name in shapes if name != "site")
    nodes += [
        Node("again", L.RepeatVector(None), (("site", 0), ("x0", 0))),
        Node("both", L.Concatenate(), (*series, ("again", 0))),
        Node("lstm", L.Recurrent(cell("lstm", rng, count + 2, 3)), (("both", 0),)),
        Node("dense", head(rng, 3, 1), (("lstm", 0),)),
    ]
    network = Network(tuple(nodes), (("dense", 0),), Origin("made in a test"))
    return network, {name: rng.normal(size=(3, *shape)) for name, shape in shapes.items()}


@pytest.mark.parametrize(
    ("budget", "newest", "said"),
    [
        # after each step as many states as choices among players that have begun, three windows:
        # 3 (8 + 32 + 128 + 512), 3 (8 + 8 + 32 + 128), 3 (8 + 8 + 8 + 32)
        (2040, 4, "exact: all lags of each input one by one, 2,040 cells"),
        (2039, 2, "exact: the 2 newest lags of each input one by one, 528 cells; 3 would "
                  "take 2,040, beyond the budget of 2,039"),
        (527, 1, "exact: the newest lag of each input one by one, 168 cells; 2 would take "
                 "528, beyond the budget of 527"),
        (5, 1, "exact: the newest lag of each input one by one, 168 cells; 2 would take "
               "528, beyond the budget of 5"),
    ],
)  # fmt: skip
def test_lags_of_several_inputs_are_as_many_as_fit_the_usual_budget(
    budget, newest, said, rng, monkeypatch
):
    network, inputs = many(rng, 2, steps=4)
    monkeypatch.setattr(costs, "BUDGET", budget)
    made = rnnlens.explain(network, inputs, method="tree")
    assert made.attrs["why"] == said
    assert len(made["x0"].contribution.lag) == min(newest + 1, 4)
    same = rnnlens.explain(network, inputs, method="tree", newest=newest)
    np.testing.assert_array_equal(made["x1"].contribution, same["x1"].contribution)
    assert rnnlens.explain(network, inputs, method="owen").attrs["why"].startswith("exact: ")


@pytest.mark.parametrize(
    ("count", "said"), [(12, "Shapley values of whole inputs in "), (22, None)]
)
def test_the_default_answers_for_more_inputs_than_a_tree_takes_players(count, said, rng):
    network, inputs = many(rng, count)
    made = rnnlens.explain(network, inputs)
    parts = [node.contribution for node in made.children.values()]
    total = sum(part.sum([one for one in part.dims if one != "sample"]) for part in parts)
    change = made.forecast - made.baseline_forecast
    # sums of some dozens of numbers in float64
    np.testing.assert_allclose(total, change, rtol=0, atol=1e-12)
    np.testing.assert_allclose(made.forecast, predict(network, inputs)[:, 0], rtol=0, atol=1e-12)
    if said is None:
        assert "not audited: of so many inputs" in made.attrs["why"] and "audit" not in made.attrs
        few = rnnlens.explain(network, inputs, of=["x0", "x1"])
        assert "audit" in few.attrs or few.attrs["method"] == "owen"
    else:
        assert said in made.attrs["audit"]


def test_lags_that_are_asked_for_are_not_reduced(rng, monkeypatch):
    network, inputs = many(rng, 2)
    monkeypatch.setattr(costs, "BUDGET", 5)
    made = rnnlens.explain(network, inputs, method="tree", newest=3)
    assert len(made["x0"].contribution.lag) == 3 and "why" not in made.attrs
