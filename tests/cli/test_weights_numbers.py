"""The commands on weights as numbers print tables, and give them as JSON and files."""

import json


def test_weights_alone_need_no_data(call, model):
    said = call("summarize-weights", model)
    assert said.code == 0, said.err
    assert "U radius" in said.out and "saturated" not in said.out


def test_with_data_gates_and_units_are_looked_at(call, model, data, tmp_path):
    out = tmp_path / "weights.csv"
    said = call("summarize-weights", model, data, "--last", "12", "--json", "--out", out)
    page = json.loads(said.out)
    assert len(page["units"]) == 32 and page["target"] == "temp" and page["samples"] == 12
    assert {"closed", "open", "saturated"} <= set(page["gates"][0])
    assert "spectral_radius" in out.read_text(encoding="utf-8")


def test_a_network_beside_itself_is_the_same(call, model, data):
    said = call("compare-weights", model, model)
    assert said.code == 0, said.err
    assert "all units stand where their partners do" in said.out
    assert "the weights are the same" in said.out
    page = json.loads(call("compare-weights", model, model, data, "--last", "12", "--json").out)
    assert page["matched_by"] == "hidden states"
    assert [row["partner"] for row in page["units"]] == list(range(32))
