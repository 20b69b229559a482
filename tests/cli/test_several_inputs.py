"""A network of several inputs on the command line: one file holds an array of each by its name."""

from __future__ import annotations

import json

import numpy as np
import pytest

import rnnlens
from joined_networks import joined
from rnnlens.series.sidecar import read_sidecar


@pytest.fixture
def site(tmp_path):
    net, inputs = joined("static after")
    rnnlens.convert(net, tmp_path / "site.npz", check=False)
    np.savez(tmp_path / "inputs.npz", **inputs)
    return tmp_path / "site.npz", tmp_path / "inputs.npz", net, inputs


def test_an_archive_of_arrays_is_explained_by_input(call, site):
    model, data, net, inputs = site
    said = call("explain", model, data, "--baseline", "zero", "--last", "3", "--json")
    assert said.code == 0, said.err
    found = json.loads(said.out)
    assert set(found["inputs"]) == {"x", "site"}
    newest = {name: array[-3:] for name, array in inputs.items()}
    total = sum(
        np.array(one["variables"]["contribution"]["values"]).reshape(3, -1).sum(axis=1)
        for one in found["inputs"].values()
    )
    zero = {name: np.zeros_like(array) for name, array in newest.items()}
    change = (rnnlens.predict(net, newest) - rnnlens.predict(net, zero))[:, 0]
    np.testing.assert_allclose(total, change, rtol=0, atol=1e-9)
    shown = call("explain", model, data)
    assert shown.code == 0 and "site, by feature" in shown.out and "x, by lag" in shown.out


def test_what_holds_no_array_of_each_input_is_refused_and_the_advice_works(call, site, tmp_path):
    model, _, _, inputs = site
    np.savez(tmp_path / "half.npz", x=inputs["x"])
    said = call("explain", model, tmp_path / "half.npz")
    assert said.code == 1 and "half.npz lacks site" in said.err
    for verb in ("lags", "trust", "check", "trace"):
        other = call(verb, model, tmp_path / "half.npz")
        assert other.code == 1 and "takes several inputs (x, site)" in other.err
    assert call("explain", model, tmp_path / "inputs.npz").code == 0
    wrong = call("explain", model, tmp_path / "inputs.npz", "--window", "4")
    assert wrong.code == 1 and "leave it out" in wrong.err


def test_init_names_each_input_and_its_size_and_the_draft_is_a_sidecar(call, site, tmp_path):
    model, _, _, _ = site
    (tmp_path / "rows.csv").write_text("flow\n1\n2\n", encoding="utf-8")
    said = call("init", model, tmp_path / "rows.csv")
    assert said.code == 0, said.err
    (tmp_path / "first.toml").write_text(said.out, encoding="utf-8")
    drafted = read_sidecar(tmp_path / "first.toml")
    found = {one.name: (one.static, len(one.features)) for one in drafted.inputs}
    assert found == {"x": (False, 2), "site": (True, 3)}
