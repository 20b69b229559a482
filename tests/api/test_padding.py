"""Padding is no data: no number depends on how much of it there is, nor on its side."""

from functools import cache

import numpy as np
import pytest

import rnnlens
from networks import cell, chain, head
from rnnlens.api.shared.evidence import background_values
from rnnlens.api.shared.given.joint.baselines import baseline_of
from rnnlens.api.shared.given.joint.making import make_case
from rnnlens.api.shared.given.padding import LAST_REAL, LAST_STEP
from rnnlens.attribution.registry import METHODS
from rnnlens.errors import RnnlensError
from rnnlens.network import layers as L
from rnnlens.network.axes import Index
from rnnlens.network.network import Node

AMOUNTS = (0, 4, 12, 40)
SIDES = ("front", "behind")
SIDED = [(amount, side) for amount in AMOUNTS[1:] for side in SIDES]
#: Real steps of the longest sequence, and the other windows' data for backgrounds.
LONGEST = 5
BASELINES = {
    "zero": "zero",
    "mean": "mean",
    "persistence": "persistence",
    "background": "background",
    "one value a feature": np.array([0.3, -0.2]),
}


@cache
def network(value=0.0):
    rng = np.random.default_rng(5)
    return chain(
        L.Masking(value), L.Recurrent(cell("lstm", rng, 2, 3)), head(rng, 3, 1), shape=(None, 2)
    )


@cache
def sequences(count=10, seed=6):
    rng = np.random.default_rng(seed)
    sizes = [1 + k % LONGEST for k in range(count)]
    return [rng.normal(size=(size, 2)) + 3.0 for size in sizes]


def padded(amount, side, given=None, value=0.0):
    given = sequences() if given is None else given
    x = np.full((len(given), LONGEST + amount, 2), value)
    for row, one in zip(x, given, strict=True):
        if side == "front":
            row[len(row) - len(one) :] = one
        else:
            row[: len(one)] = one
    return x


def numbers(found):
    """Give all numbers of a result by name."""
    every = {**found.data_vars, **found.coords}
    return {str(name): one.values for name, one in every.items() if one.dtype.kind in "fiub"}


def asked(name, baseline):
    """Give a verb by its name, with what it is asked beside the windows."""
    options = {"baseline": BASELINES[baseline]} if baseline else {}
    others = padded(0, "front", sequences(40, 7))

    def explained(method):
        return lambda x, **more: rnnlens.explain(network(), x, method=method, **options, **more)

    clamped = rnnlens.Intervention(gate="forget", clamp="mean", lags=[1, 2])
    verbs = {
        "trust": lambda x: rnnlens.trust(network(), x, **options),
        "interactions": lambda x: rnnlens.interactions(network(), x, **options),
        "paths": lambda x: rnnlens.paths(network(), x, **options),
        "compare_baselines": lambda x: rnnlens.compare_baselines(
            network(), x, baselines={"one": BASELINES[baseline], "zero": "zero"}
        ),
        "lags": lambda x: rnnlens.lags(
            network(), x, shares=rnnlens.Shares(method="secant", **options)
        ),
        "gate_effects": lambda x: rnnlens.gate_effects(network(), x),
        "intervene": lambda x: rnnlens.intervene(network(), x, clamped),
        "background of its own": lambda x: rnnlens.explain(
            network(), x, background=others, **options
        ),
    }
    return explained(name) if name in METHODS else verbs[name]


WITH_BASELINE = [
    *(name for name, one in METHODS.items() if one.hides),
    "trust",
    "interactions",
    "paths",
    "compare_baselines",
    "lags",
    "background of its own",
]
WITHOUT = [*(name for name, one in METHODS.items() if not one.hides), "gate_effects", "intervene"]
CASES = [(name, one) for name in WITH_BASELINE for one in BASELINES] + [(n, "") for n in WITHOUT]


@pytest.mark.parametrize(("name", "baseline"), CASES)
def test_no_number_depends_on_how_much_padding_there_is_nor_on_its_side(name, baseline):
    verb = asked(name, baseline)
    first = numbers(verb(padded(0, "front")))
    assert first
    for amount, side in SIDED:
        other = numbers(verb(padded(amount, side)))
        assert other.keys() == first.keys()
        for key, values in first.items():
            np.testing.assert_allclose(other[key], values, rtol=0, atol=1e-12, err_msg=key)


@pytest.mark.parametrize("amount", AMOUNTS)
@pytest.mark.parametrize("side", SIDES)
def test_what_verbs_are_asked_about_is_the_same_to_the_bit(amount, side):
    first, other = (make_case(network(), x) for x in (padded(0, "front"), padded(amount, side)))
    np.testing.assert_array_equal(first.x, other.x)
    assert first.real is not None and other.real is not None
    np.testing.assert_array_equal(first.real, other.real)
    for baseline in BASELINES.values():
        made, same = (baseline_of(one, baseline, None, None, 0)[0] for one in (first, other))
        for window, again in zip(made.windows, same.windows, strict=True):
            np.testing.assert_array_equal(window, again)


@pytest.mark.parametrize("side", SIDES)
def test_windows_in_front_of_which_nothing_is_padded_are_what_padding_is_compared_with(side):
    whole = [one for one in sequences() if len(one) == LONGEST]
    bare = rnnlens.explain(network(), np.stack(whole), baseline="mean")
    found = rnnlens.explain(network(), padded(12, side, whole), baseline="mean")
    np.testing.assert_array_equal(bare.contribution, found.contribution)
    assert found.attrs["padding"] == "12 steps that are padding in all windows left out"
    assert "padding" not in bare.attrs
    assert found.attrs["lags_from"] == (LAST_REAL if side == "behind" else LAST_STEP)


def test_the_mean_is_that_of_the_real_steps():
    steps = np.concatenate(sequences())
    found = rnnlens.explain(network(), padded(4, "behind"), baseline="mean", method="secant")
    at_mean = rnnlens.predict(network(), np.broadcast_to(steps.mean(axis=0), (1, LONGEST, 2)))
    full = [k for k, one in enumerate(sequences()) if len(one) == LONGEST]
    # the same mean, summed in another order
    np.testing.assert_allclose(found.baseline_forecast[full], at_mean[0, 0], rtol=1e-12)


def test_what_a_drawn_window_lacks_comes_from_others_at_the_same_lag():
    x = padded(0, "front")
    case = make_case(network(), x)
    made, _ = baseline_of(case, "background", None, None, 0)
    by_lag = [{tuple(one[-lag]) for one in sequences() if len(one) >= lag} for lag in range(1, 6)]
    for window in made.windows:
        for lag in range(1, LONGEST + 1):
            assert tuple(window[0, -lag]) in by_lag[lag - 1]
    assert made.text.endswith("seed 0, steps that are padding from others)")


def test_an_array_of_steps_stands_in_for_the_steps_that_were_given(rng):
    own = rng.normal(size=(LONGEST, 2))
    whole = [one for one in sequences() if len(one) == LONGEST]
    bare = rnnlens.explain(network(), np.stack(whole), baseline=own)
    for side, around in (("front", (7, 0)), ("behind", (0, 7))):
        given = np.pad(own, (around, (0, 0)), constant_values=9.0)
        found = rnnlens.explain(network(), padded(7, side, whole), baseline=given)
        np.testing.assert_array_equal(found.contribution, bare.contribution)
    # ragged ones: each step of the array goes with the step that it stands beside
    x = padded(2, "behind")
    given = rng.normal(size=(LONGEST + 2, 2))
    found = rnnlens.explain(network(), x, baseline=given, method="secant")
    for k, one in enumerate(sequences()):
        alone = rnnlens.explain(
            network(), one[None], baseline=given[: len(one)], method="secant"
        ).contribution[0]
        np.testing.assert_allclose(found.contribution[k, : len(one)], alone, rtol=0, atol=1e-12)


def reads_its_last_step(value=0.0):
    """A network whose forecast is that of a masked LSTM plus something of the last step itself."""
    rng = np.random.default_rng(5)
    nodes = (
        Node("x", L.Input((None, 2))),
        Node("masking", L.Masking(value), (("x", 0),)),
        Node("lstm", L.Recurrent(cell("lstm", rng, 2, 3)), (("masking", 0),)),
        Node("last", Index(-1), (("x", 0),)),
        Node("both", L.Concatenate(), (("lstm", 0), ("last", 0))),
        Node("dense", head(rng, 5, 1), (("both", 0),)),
    )
    return type(network())(nodes, (("dense", 0),), network().origin)


def test_windows_stay_as_they_are_where_turning_their_padding_would_change_a_forecast():
    net, x = reads_its_last_step(), padded(3, "behind")
    found = rnnlens.explain(net, x, baseline="zero", method="secant")
    np.testing.assert_allclose(found.forecast, rnnlens.predict(net, x)[:, 0], rtol=0, atol=1e-12)
    assert found.sizes["lag"] == LONGEST + 3
    assert found.attrs["lags_from"] == LAST_STEP
    # in front of the real steps nothing reads it
    before = rnnlens.explain(net, padded(3, "front"), baseline="zero", method="secant")
    assert before.sizes["lag"] == LONGEST


def test_steps_that_all_windows_mask_are_kept_where_the_network_takes_one_number_of_steps():
    rng = np.random.default_rng(5)
    net = chain(
        L.Masking(0.0), L.Recurrent(cell("gru_after", rng, 2, 3)), head(rng, 3, 1),
        shape=(LONGEST + 4, 2),
    )  # fmt: skip
    found = rnnlens.explain(net, padded(4, "behind"), method="secant", baseline="zero")
    assert found.sizes["lag"] == LONGEST + 4
    assert not found.contribution[:, LONGEST:].any()
    assert found.attrs["lags_from"] == LAST_REAL


@pytest.mark.parametrize("value", [-1.0, 2.5])
def test_any_value_may_mark_padding(value):
    first = rnnlens.explain(network(value), padded(0, "front", value=value), method="secant")
    other = rnnlens.explain(network(value), padded(9, "behind", value=value), method="secant")
    np.testing.assert_array_equal(first.contribution, other.contribution)


def test_tokens_are_turned_too():
    rng = np.random.default_rng(5)
    net = chain(
        L.Embedding(rng.normal(size=(7, 2)), mask_zero=True),
        L.Recurrent(cell("gru_after", rng, 2, 3)), head(rng, 3, 1), shape=(None,),
    )  # fmt: skip
    words = [rng.integers(1, 7, size=1 + k % 4) for k in range(12)]
    front = np.stack([np.pad(one, (4 - len(one), 0)) for one in words])
    behind = np.stack([np.pad(one, (0, 9 - len(one))) for one in words])
    first, other = (rnnlens.explain(net, x, baseline=[1]) for x in (front, behind))
    np.testing.assert_array_equal(first.contribution, other.contribution)


def test_a_step_named_from_the_oldest_is_that_of_the_windows_as_they_came():
    x = padded(2, "behind")
    first = rnnlens.Intervention(gate="forget", clamp=0.0, steps=0)
    at_first = rnnlens.intervene(network(), x, first).effect.values
    for k, one in enumerate(sequences()):
        alone = rnnlens.intervene(network(), one[None], first).effect.values
        np.testing.assert_allclose(at_first[k], alone[0], rtol=0, atol=1e-12)
    with pytest.raises(RnnlensError, match="name lags alone, or steps alone"):
        rnnlens.intervene(
            network(), x, [first, rnnlens.Intervention(gate="forget", clamp=0.0, lags=1)]
        )


def test_a_state_is_patched_from_a_window_laid_out_like_those_that_are_asked_about(rng):
    donor = rng.normal(size=(LONGEST, 2))
    whole = [one for one in sequences() if len(one) == LONGEST]

    def patched(x, given):
        patch = rnnlens.Intervention(patch_from=given, state="cell", lags=2)
        return rnnlens.intervene(network(), x, patch).effect.values

    bare = patched(np.stack(whole), donor)
    for side, around in (("front", (3, 0)), ("behind", (0, 3))):
        np.testing.assert_array_equal(
            patched(padded(3, side, whole), np.pad(donor, (around, (0, 0)))), bare
        )


def test_a_trace_keeps_the_steps_as_they_came():
    x = padded(2, "behind")
    traced = rnnlens.trace(network(), x)["recurrent"]
    assert traced.sizes["step"] == LONGEST + 2
    assert np.isnan(traced["gate_value"].values[0, 1:]).all()
    assert np.isfinite(traced["gate_value"].values[0, 0]).all()


def test_ranges_and_tolerances_of_evidence_are_those_of_real_steps():
    case = make_case(network(), padded(6, "behind"))
    steps = background_values(case, None).steps[0]
    np.testing.assert_array_equal(np.sort(steps, axis=0), np.sort(np.concatenate(sequences()), 0))
    given = background_values(case, padded(0, "front", sequences(40, 7)))
    assert given.whole.shape == (8, LONGEST, 2)
    with pytest.raises(RnnlensError, match="every background window holds padding"):
        background_values(case, padded(0, "front", [s[:1] for s in sequences()])).whole  # noqa: B018


def test_the_report_is_the_same_page_whatever_the_padding(tmp_path):
    def page(amount, side):
        path = rnnlens.report(network(), padded(amount, side), tmp_path / f"{amount}{side}.html")
        return path.read_text(encoding="utf-8")

    first = page(0, "front")
    assert len(first) > 10_000
    # nothing but the sentence about what was left out, and what lag 1 is, may differ
    assert abs(len(page(12, "behind")) - len(first)) < 500


def of_two_outputs():
    """A network whose second output alone reads the step that stands last."""
    net = reads_its_last_step()
    rng = np.random.default_rng(9)
    own = Node("own", head(rng, net["lstm"].layer.cell.units, 1), (("lstm", 0),))
    return type(net)((*net.nodes, own), (("own", 0), ("dense", 0)), net.origin)


ASKED = {
    "compare_baselines": lambda net, x, target: rnnlens.compare_baselines(net, x, target=target),
    "explain": lambda net, x, target: rnnlens.explain(net, x, target=target),
    "interactions": lambda net, x, target: rnnlens.interactions(net, x, target=target, newest=3),
}


@pytest.mark.parametrize("verb", ASKED)
def test_padding_is_judged_for_the_output_that_is_asked_about(verb):
    net, x = of_two_outputs(), padded(3, "behind")
    for output, lags_from in (("own", LAST_REAL), ("dense", LAST_STEP)):
        found = ASKED[verb](net, x, rnnlens.Target(output=output))
        assert found.attrs.get("lags_from", lags_from) == lags_from
        assert "lags_from" in found.attrs or verb == "compare_baselines"
