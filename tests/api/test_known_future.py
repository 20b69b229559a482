"""A known future asked about alone counts forward, as it does among other inputs."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import xarray as xr

import rnnlens
from joined_networks import joined
from networks import cell, head
from rnnlens.errors import DataError
from rnnlens.network import layers as L
from rnnlens.network.network import Network, Node, Origin
from rnnlens.series.joint.arrays import plain_by_input

OF = {"of": "future"}


@pytest.fixture(scope="module")
def decoder():
    net, inputs = joined("decoder")
    rng = np.random.default_rng(1)
    return net, {name: rng.normal(size=(12, *one.shape[1:])) for name, one in inputs.items()}


@pytest.fixture(scope="module")
def beside():
    """A forecast of what was observed and of what is known beforehand, side by side."""
    rng = np.random.default_rng(2)
    shapes = {"past": (4, 2), "weather": (3, 1)}
    nodes = (
        *(Node(name, L.Input(shape)) for name, shape in shapes.items()),
        Node("gru", L.Recurrent(cell("gru_after", rng, 2, 3)), (("past", 0),)),
        Node("rain", L.Recurrent(cell("gru_after", rng, 1, 3)), (("weather", 0),)),
        Node("both", L.Concatenate(), (("gru", 0), ("rain", 0))),
        Node("dense", head(rng, 6, 1), (("both", 0),)),
    )
    net = Network(nodes, (("dense", 0),), Origin("made in a test"))
    arrays = {name: rng.normal(size=(12, *shape)) for name, shape in shapes.items()}
    plain = plain_by_input(arrays, list(shapes), ["flow"])
    parts = dict(plain) | {"weather": replace(plain["weather"], ahead=3)}
    return net, replace(plain, parts=parts)


@pytest.mark.parametrize("step", [1, 2, 3])
def test_a_step_ahead_that_is_as_its_baseline_gives_exactly_nothing_under_its_own_name(
    decoder, step
):
    net, inputs = decoder
    future = inputs["future"].copy()
    future[:, step - 1] = 0
    for method in ("secant", "tree"):
        alone = rnnlens.explain(
            net, inputs | {"future": future}, **OF, method=method, baseline="zero"
        ).contribution
        assert "lag" not in alone.dims
        by_step = abs(alone).sum([name for name in alone.dims if name != "ahead"])
        assert by_step.ahead.values.tolist() == [1, 2, 3]
        assert by_step.ahead[(by_step == 0).values].values.tolist() == [step]


def test_evidence_and_certificates_on_a_known_future_alone_are_those_among_other_inputs(beside):
    net, windows = beside
    options = {"certificates": rnnlens.Certificates(windows=2), "test": None}
    alone = rnnlens.lags(net, windows, of="weather", **options)
    assert alone.share.dims == ("ahead",) and alone.ahead.values.tolist() == [1, 2, 3]
    proof = rnnlens.certify(net, windows, lag=[1, 3], of="weather")
    assert proof.ahead.values.tolist() == [1, 3]
    among = rnnlens.lags(net, windows, **options)["weather"]
    np.testing.assert_array_equal(alone.largest_bound, among.largest_bound)
    both = rnnlens.certify(net, windows, lag=[1, 3])["weather"]
    np.testing.assert_array_equal(proof.bound, both.bound)
    assert "lags_from" not in alone.attrs


def test_pairs_of_steps_ahead_are_named_by_step_and_rows_sum_to_the_tree(decoder):
    net, inputs = decoder
    pairs = rnnlens.interactions(net, inputs, **OF, baseline="zero")
    assert pairs.player.values.tolist() == ["future, t+3", "future, t+2", "future, t+1"]
    tree = rnnlens.explain(net, inputs, **OF, method="tree", baseline="zero").contribution
    expected = tree.sel(ahead=[3, 2, 1]).values  # by step alone
    np.testing.assert_allclose(pairs.interaction.sum("with_player"), expected, atol=1e-12)
    with pytest.raises(DataError, match="what is asked about is future"):
        rnnlens.interactions(net, inputs, **OF, groups={"first": [1, 2]})
    rnnlens.interactions(net, inputs, of="past", groups={"first": [1, 2]}, newest=2)


def test_what_is_looked_at_in_a_decoder_stands_by_step_ahead(decoder):
    net, inputs = decoder
    names = [node.name for node in net.nodes if "Recurrent" in type(node.layer).__name__]
    encoder, reader = names
    paths = rnnlens.paths(net, inputs, of="future", layer=reader)
    assert "lag" not in paths.dims and paths.ahead.values.tolist() == [1, 2, 3]
    assert paths.attrs["held_inputs"] == "past"
    effects = rnnlens.gate_effects(net, inputs, of="future", layer=reader)
    assert "lag" not in effects.dims and effects.ahead.values.tolist() == [1, 2, 3]
    assert "lag" in rnnlens.gate_effects(net, inputs, of="future", layer=encoder).dims
    compared = rnnlens.compare_baselines(net, inputs, baselines=["zero", "mean"], of="future")
    assert isinstance(compared, xr.Dataset) and compared.ahead.values.tolist() == [1, 2, 3]


def test_a_background_of_all_inputs_gives_gates_their_means_and_paths_their_baseline(beside):
    net, windows = beside
    arrays = windows.as_arrays()
    for of, layer in (("past", "gru"), ("weather", "rain")):
        asked = {"of": of, "layer": layer}
        paths = rnnlens.paths(net, windows, background=windows, **asked)
        whole = rnnlens.explain(net, arrays, of=of, method="secant", background=arrays[of])
        total = paths.contribution.sum([d for d in paths.contribution.dims if d != "sample"])
        change = whole.forecast - whole.baseline_forecast
        np.testing.assert_allclose(total, change, rtol=0, atol=1e-12)
        effects = rnnlens.gate_effects(net, windows, background=windows.newest(6), **asked)
        own = {name: array[-6:] for name, array in arrays.items()}
        plain = rnnlens.gate_effects(net, arrays, background=own, **asked)
        turned = slice(None, None, -1 if of == "weather" else 1)  # arrays say of no future
        np.testing.assert_array_equal(effects.mean_size, plain.mean_size[turned])
        held = "weather" if of == "past" else "past"
        for found in (paths, effects):
            assert (found.attrs["inputs"], found.attrs["held_inputs"]) == (of, held)
            assert ("ahead" in found.dims) == (of == "weather")


@pytest.mark.parametrize("method", ["secant", "tree"])
def test_baselines_of_several_inputs_are_compared_as_each_is_explained(beside, method):
    net, windows = beside
    found = rnnlens.compare_baselines(net, windows, method=method, background=windows)
    assert list(found.children) == ["past", "weather"] and found.attrs["held_inputs"] == ""
    sizes = spread = 0.0
    for baseline in found.baseline.values:
        own = (
            rnnlens.explain(
                net, windows, method=method, baseline=str(baseline), background=windows, newest=8
            )
            if method == "tree"
            else rnnlens.explain(
                net, windows, method=method, baseline=str(baseline), background=windows
            )
        )
        for name, part in own.children.items():
            expected = part.contribution.sum([d for d in part.contribution.dims if d == "feature"])
            got = found[name].contribution.sel(baseline=baseline)
            np.testing.assert_allclose(got, expected, rtol=0, atol=1e-12)
            sizes += float(abs(expected).mean("sample").sum()) / found.sizes["baseline"]
    spread = sum(float(node.spread.sum()) for node in found.children.values())
    np.testing.assert_allclose(found.attrs["dependence"], spread / sizes, rtol=1e-12)
