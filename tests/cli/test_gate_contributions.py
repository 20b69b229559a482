"""The command ``gate-contributions`` shows what each gate carried, and gives it as JSON."""

import json

import pytest

from rnnlens import api


def test_each_gate_has_a_column_and_all_of_them_sum_to_the_change(call, model, data, tmp_path):
    said = call("gate-contributions", model, data)
    assert said.code == 0, said.err
    assert all(gate in said.out for gate in ("input", "forget", "cell", "output"))
    out = tmp_path / "carried.csv"
    given = call("gate-contributions", model, data, "--last", "3", "--json", "--out", out)
    page = json.loads(given.out)
    assert page["samples"] == 3 and len(page["steps"]) == 24 and len(page["units"]) == 32
    change = page["mean_forecast"] - page["mean_baseline_forecast"] - page["mean_elsewhere"]
    # sums of the same numbers in three orders
    assert sum(page["gates"].values()) == pytest.approx(change, rel=1e-9)
    assert sum(page["units"]) == pytest.approx(change, rel=1e-9)
    rows = [sum(row[gate] for gate in page["gates"]) for row in page["steps"]]
    assert sum(rows) == pytest.approx(change, rel=1e-9)
    assert "contribution" in out.read_text(encoding="utf-8")


def test_a_window_of_many_steps_has_a_row_for_those_that_are_long_ago(rng):
    from networks import forecaster
    from rnnlens.views.tables.inside.gate_contributions import gate_contributions_view

    net = forecaster("gru", rng, steps=40)
    carried = api.gate_contributions(net, rng.normal(size=(2, 40, 3)), target=0)
    from rich.console import Console

    console = Console(width=100, record=True)
    console.print(gate_contributions_view(carried), markup=False, highlight=False)
    shown = console.export_text()
    assert "25\u201340" in shown and "By size, the " in shown
    # no windows say a unit, so none is said
    assert "Units that carried most: " in shown and "each in" not in shown


def test_one_input_alone_is_asked_about(call, model, data):
    said = call("gate-contributions", model, data, "--of", "a,b")
    assert said.code == 2 and "--of takes one input here, and a, b are 2" in said.err
