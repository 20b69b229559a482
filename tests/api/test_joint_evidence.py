"""Evidence on all inputs of a network: pairs, checks, certificates and the table of lags."""

import numpy as np
import pytest
import xarray as xr

import rnnlens
from joined_networks import joined
from rnnlens.errors import DataError


def windows(name, count=12):
    """More windows than an interval needs, distinct in every input."""
    net, inputs = joined(name)
    rng = np.random.default_rng(1)
    more = {
        key: np.concatenate([array] * (count // len(array)))
        if key in {"day", "shop"}
        else rng.normal(size=(count, *array.shape[1:]))
        for key, array in inputs.items()
    }
    return net, more


@pytest.mark.parametrize("name", ["static repeated", "decoder", "everywhere", "category"])
def test_pairs_of_players_of_different_inputs_sum_to_their_values(name):
    net, inputs = windows(name)
    found = rnnlens.interactions(net, inputs, newest=2)
    np.testing.assert_allclose(
        found.interaction.sum("with_player"), found.contribution, rtol=0, atol=1e-12
    )
    change = (found.forecast - found.baseline_forecast).values
    np.testing.assert_allclose(found.contribution.sum("player"), change, rtol=0, atol=1e-12)
    tree = rnnlens.explain(net, inputs, method="tree", newest=2, baseline="mean")
    for title in found.player.values:
        where, _, lag = str(title).partition(", ")
        own = tree[where].contribution
        along = next((d for d in own.dims if d != "sample"), None)
        if along is None:
            expected = own
        elif along == "ahead":
            expected = own.sel(ahead=int(lag.split()[0][2:]))
        else:
            expected = own.sel(lag=int(lag.split()[1]))
        np.testing.assert_allclose(
            found.contribution.sel(player=title), expected, rtol=0, atol=1e-12
        )
    assert found.attrs["inputs"] == ", ".join(inputs)


def test_shares_sum_to_one_over_all_inputs_and_are_those_of_the_contributions():
    net, inputs = windows("static after")
    table = rnnlens.lags(net, inputs, certificates=None, test=None)
    from rnnlens.api.shared.given.joint.making import make_case
    from rnnlens.api.shared.given.shares import share_question
    from rnnlens.evidence.options import Shares

    case = make_case(net, inputs, several=True)
    explained = rnnlens.explain(net, inputs, **share_question(case, Shares()))
    sizes = {
        "x": abs(explained["x"].contribution.sum("feature")).mean("sample"),
        "site": abs(explained["site"].contribution).mean("sample"),
    }
    total = sum(float(size.sum()) for size in sizes.values())
    for name, size in sizes.items():
        np.testing.assert_allclose(table[name].share, size / total, rtol=0, atol=1e-12)
    assert table["site"].share.dims == ("feature",)
    assert table["x"].share.dims == ("lag",)


def test_an_input_that_nothing_reaches_the_forecast_from_is_structural():
    net, inputs = windows("ignored")
    table = rnnlens.lags(net, inputs)
    assert set(table["extra"].verdict.values) == {"structural"}
    assert "structural" not in set(table["x"].verdict.values)
    with pytest.raises(DataError, match="or nothing of them reaches the forecast"):
        rnnlens.lags(net, inputs, of="extra")


def test_evidence_on_an_input_of_several_is_that_on_it_with_the_others_held():
    net, inputs = windows("static repeated")
    both, alone = rnnlens.lags(net, inputs), rnnlens.lags(net, inputs, of="x")
    for name in ("largest_attained", "observed_largest", "attained"):
        np.testing.assert_array_equal(both["x"][name], alone[name])
    assert alone.attrs["held_inputs"] == "site"
    proofs = rnnlens.certify(net, inputs, lag=[1, 3])
    for name in ("x", "site"):
        own = rnnlens.certify(net, inputs, lag=[1, 3], of=name)
        xr.testing.assert_equal(proofs[name].bound.drop_vars("sample", errors="ignore"), own.bound)
    assert "lag" not in proofs["site"].dims


def test_a_certified_bound_of_a_static_vector_holds():
    net, inputs = windows("static after")
    low, high = inputs["site"].min(axis=0), inputs["site"].max(axis=0)
    proof = rnnlens.certify(
        net, inputs, lag=1, of="site", certificates=rnnlens.Certificates(quantiles=(0.0, 1.0))
    )
    rng = np.random.default_rng(0)
    before = rnnlens.predict(net, inputs)[:, 0]
    for _ in range(200):
        moved = inputs | {"site": rng.uniform(low, high, inputs["site"].shape)}
        change = np.abs(rnnlens.predict(net, moved)[:, 0] - before)
        assert (change <= proof.bound.values.ravel() + 1e-12).all()


def test_tokens_are_left_out_of_certificates_and_named():
    net, inputs = windows("tokens merged")
    proofs = rnnlens.certify(net, inputs, lag=1)
    assert list(proofs.children) == ["x"]
    assert proofs.attrs["inputs_left_out"] == "day"


@pytest.mark.parametrize("name", ["static as a state", "tokens merged", "two towers"])
def test_a_page_of_checks_is_about_all_inputs(name):
    net, inputs = windows(name)
    page = rnnlens.trust(net, inputs)
    assert float(page.share.sum()) == pytest.approx(1.0, abs=1e-12)
    assert page.attrs["inputs"] == ", ".join(inputs)
    assert any(str(title).startswith(list(inputs)[-1]) for title in page.player.values)


@pytest.mark.parametrize("name", ["static repeated", "decoder", "category"])
@pytest.mark.usefixtures("undrawn")
def test_a_report_shows_all_inputs_in_their_own_right(name, tmp_path):
    net, inputs = windows(name)
    evidence = rnnlens.lags(net, inputs, certificates=None, test=None)
    page = rnnlens.report(net, inputs, tmp_path / "all.html", evidence=evidence)
    text = page.read_text()
    assert "All inputs at once" in text and "all asked about at once:" in text
    assert f"<dt>Held inputs</dt><dd>{list(inputs)[1]}</dd>" in text
    rows = text.split("<h3>All inputs at once</h3>")[1].split("</table>")[0]
    for part in {"decoder": ("t+1", "t+3", "lag 4"), "category": ("shop",)}.get(name, ("site",)):
        assert part in rows
