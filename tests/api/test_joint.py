"""Several inputs of a network explained at once: a tree by input, what is held named in it."""

import json

import numpy as np
import pytest
import xarray as xr

import rnnlens
from joined_networks import JOINED, joined
from networks import cell, head
from rnnlens.errors import DataError, InputError
from rnnlens.network import layers as L
from rnnlens.network.network import Network, Node, Origin
from rnnlens.results import save
from rnnlens.results.store import as_dict

METHODS = ("auto", "secant", "tree", "owen", "permutation", "integrated_gradients", "causal_order")
TOKENS = {"day", "shop"}


def total(tree):
    """The sum of all contributions of all inputs: (sample,)."""
    parts = [node["contribution"] for node in tree.children.values()]
    return sum(p.sum([d for d in p.dims if d != "sample"]).values for p in parts)


def zeros(inputs, names):
    return inputs | {name: np.zeros_like(inputs[name]) for name in names}


@pytest.mark.parametrize("name", JOINED)
def test_contributions_of_all_inputs_sum_to_the_networks_own_change(name):
    net, inputs = joined(name)
    change = (rnnlens.predict(net, inputs) - rnnlens.predict(net, zeros(inputs, inputs)))[:, 0]
    for method in METHODS:
        if method == "integrated_gradients" and TOKENS & set(inputs):
            continue
        found = rnnlens.explain(net, inputs, baseline="zero", method=method)
        assert list(found.children) == list(inputs)
        # integrated gradients sum to a stated 1e-6; all others up to rounding
        np.testing.assert_allclose(total(found), change, rtol=0, atol=1e-6, err_msg=method)
        assert (found.attrs["inputs"], found.attrs["held_inputs"]) == (", ".join(inputs), "")


def test_inputs_that_are_not_named_keep_their_values_and_are_named():
    net, inputs = joined("everywhere")
    for of in (["x"], ["site"], ["x", "site"], ["y", "x"]):
        hidden = zeros(inputs, of)
        change = (rnnlens.predict(net, inputs) - rnnlens.predict(net, hidden))[:, 0]
        found = rnnlens.explain(net, inputs, of=of, baseline="zero", method="secant")
        assert isinstance(found, xr.Dataset) == (len(of) == 1)
        summed = (
            total(found)
            if len(of) > 1
            else found["contribution"].sum([d for d in found["contribution"].dims if d != "sample"])
        )
        np.testing.assert_allclose(summed, change, rtol=0, atol=1e-12)
        held = [name for name in inputs if name not in of]
        assert found.attrs["held_inputs"] == ", ".join(held)
        assert set(found.attrs["inputs"].split(", ")) == set(of)
    by_name = rnnlens.explain(net, inputs, of="x", baseline="zero", method="secant")
    by_list = rnnlens.explain(net, inputs, of=["x"], baseline="zero", method="secant")
    xr.testing.assert_equal(by_name, by_list)


def test_a_static_vector_has_features_and_no_lags_and_a_known_future_counts_forward():
    net, inputs = joined("static after")
    one = rnnlens.explain(net, inputs, of="site")
    assert dict(one.sizes) == {"sample": 4, "feature": 3}
    both = rnnlens.explain(net, inputs)
    assert "lag" not in both["site"].dims
    assert both["x"].lag.values.tolist() == [1, 2, 3, 4]
    net, inputs = joined("decoder")
    both = rnnlens.explain(net, inputs, method="secant", baseline="zero")
    assert both["future"].ahead.values.tolist() == [1, 2, 3]
    # the first step of the future by itself
    alone = rnnlens.explain(net, inputs, of="future", method="tree", baseline="zero")
    tree = rnnlens.explain(net, inputs, of=["future"], method="tree", baseline="zero")
    xr.testing.assert_equal(alone, tree)


def test_each_input_may_have_a_baseline_and_held_features_of_its_own():
    net, inputs = joined("everywhere")
    hidden = inputs | {
        "x": np.broadcast_to(inputs["x"].mean((0, 1)), inputs["x"].shape).copy(),
        "y": np.full_like(inputs["y"], 0.5),
        "site": np.zeros_like(inputs["site"]),
    }
    found = rnnlens.explain(
        net, inputs, method="owen", baseline={"x": "mean", "y": [0.5], "site": "zero"}
    )
    change = (rnnlens.predict(net, inputs) - rnnlens.predict(net, hidden))[:, 0]
    np.testing.assert_allclose(total(found), change, rtol=0, atol=1e-9)
    assert "x: mean" in found.attrs["baseline"] and "site: zero" in found.attrs["baseline"]
    held = rnnlens.explain(net, inputs, baseline="zero", held=["feature 1"], method="owen")
    assert (held["x"].contribution.sel(feature="feature 1") == 0).all()
    assert (held["site"].contribution.sel(feature="feature 1") == 0).all()
    assert held.attrs["held"] == "feature 1"


def test_background_windows_are_drawn_of_all_inputs_together():
    net, inputs = joined("static repeated")
    found = rnnlens.explain(net, inputs, baseline="background", method="secant")
    everyone = rnnlens.predict(net, inputs)[:, 0].mean()
    np.testing.assert_allclose(found.baseline_forecast, everyone, rtol=0, atol=1e-12)
    other = {name: array[:3] + 1.0 for name, array in inputs.items()}
    drawn = rnnlens.explain(net, inputs, baseline="background", background=other, method="tree")
    expected = rnnlens.predict(net, other)[:, 0].mean()
    np.testing.assert_allclose(drawn.baseline_forecast, expected, rtol=0, atol=1e-12)


def test_padding_of_one_input_contributes_exactly_nothing(rng):
    nodes = (
        Node("x", L.Input((4, 2))),
        Node("site", L.Input((2,))),
        Node("real", L.Masking(0.0), (("x", 0),)),
        Node("h", head(rng, 2, 3, "tanh"), (("site", 0),)),
        Node("gru", L.Recurrent(cell("gru_after", rng, 2, 3)), (("real", 0), ("h", 0))),
        Node("dense", head(rng, 3, 1), (("gru", 0),)),
    )
    net = Network(nodes, (("dense", 0),), Origin("made in a test"))
    inputs = {"x": rng.normal(size=(5, 4, 2)), "site": rng.normal(size=(5, 2))}
    inputs["x"][::2, :2] = 0.0
    for method in ("secant", "owen", "permutation", "tree"):
        found = rnnlens.explain(net, inputs, method=method)
        assert (found["x"].contribution.sel(lag=[3, 4]).values[::2] == 0).all()
        change = (found.forecast - found.baseline_forecast).values
        np.testing.assert_allclose(total(found), change, rtol=0, atol=1e-12)


def test_an_input_that_the_forecast_ignores_is_a_player_with_nothing():
    net, inputs = joined("ignored")
    for method in METHODS[:-2]:
        assert (rnnlens.explain(net, inputs, method=method)["extra"].contribution == 0).all()


def test_a_tree_of_inputs_is_written_with_their_names(tmp_path):
    net, inputs = joined("static repeated")
    found = rnnlens.explain(net, inputs)
    said = json.loads(json.dumps(as_dict(found)))
    assert set(said["inputs"]) == {"x", "site"} and "forecast" in said["variables"]
    text = save(found, tmp_path / "all.csv").read_text().splitlines()
    assert text[0].startswith("input,variable,sample")
    back = xr.open_datatree(save(found, tmp_path / "all.nc"), engine="h5netcdf")
    np.testing.assert_array_equal(back["site"].contribution, found["site"].contribution)


def test_windows_that_come_flat_are_taken_as_the_steps_that_the_network_makes_of_them(rng):
    nodes = (
        Node("flat", L.Input((12,))),
        Node("steps", L.Reshape((4, 3)), (("flat", 0),)),
        Node("lstm", L.Recurrent(cell("lstm", rng, 3, 3)), (("steps", 0),)),
        Node("dense", head(rng, 3, 1), (("lstm", 0),)),
    )
    net = Network(nodes, (("dense", 0),), Origin("made in a test"))
    found = rnnlens.explain(net, rng.normal(size=(3, 12)))
    assert dict(found.sizes) == {"sample": 3, "lag": 4, "feature": 3}


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({"of": "sites"}, "no input 'sites' .did you mean 'site'"),
        ({"method": "carry"}, "steps of one sequence"),
        ({"groups": {"a": [1, 2]}}, "name one sequence with of="),
        ({"baseline": [1.0, 2.0]}, "give a mapping of input name to baseline"),
        ({"baseline": {"y": "zero"}}, "a baseline is given for 'y'"),
        ({"baseline": "conditional"}, "name one with of="),
        ({"held": ["rain"]}, "held feature 'rain'"),
    ],
)
def test_what_does_not_fit_several_inputs_is_refused(more, says):
    net, inputs = joined("static repeated")
    with pytest.raises((DataError, InputError), match=says):
        rnnlens.explain(net, inputs, **more)


@pytest.mark.parametrize("method", ["tree", "owen"])
def test_the_usual_lags_of_several_inputs_are_those_that_exact_values_take(method, rng):
    both = Node("both", L.Concatenate(), (("a", 0), ("b", 0)))
    core = Node("core", L.Recurrent(cell("lstm", rng, 2)), (("both", 0),))
    last = Node("fc", head(rng, 5, 1), (("core", 0),))
    inputs = {name: rng.normal(size=(1, 20, 1)) for name in "ab"}
    nodes = (*(Node(name, L.Input((20, 1))) for name in "ab"), both, core, last)
    net = Network(nodes, (("fc", 0),), Origin("made in a test"))
    tree = rnnlens.explain(net, inputs, method=method, baseline="zero")
    # twelve, or ten, of each would be more players than a table of coalitions takes
    assert tree["a"].lag_to.values.tolist() == [*range(1, 10), 20]
    change = tree.forecast - tree.baseline_forecast
    # float64: a thousand sums of numbers about 1
    np.testing.assert_allclose(total(tree), change, rtol=0, atol=1e-12)
