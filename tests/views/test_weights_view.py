"""Weights as tables, sentences, JSON and charts: each says what is in the result."""

import io
import json

import numpy as np
import pandas as pd
import pytest
import vl_convert
from rich.console import Console

import rnnlens
from networks import cell, chain, forecaster, head, stacked_bidirectional
from rnnlens.cli.output import as_json
from rnnlens.errors import DataError
from rnnlens.network.layers import Recurrent
from rnnlens.views import charts
from rnnlens.views.tables.inside.compared_weights import comparison_summary, comparison_view
from rnnlens.views.tables.inside.summarized_weights import weights_summary, weights_view


def shown(view, result):
    screen = Console(file=io.StringIO(), width=100)
    screen.print(view(result))
    return screen.file.getvalue()


def svg(chart):
    return vl_convert.vegalite_to_svg(json.dumps(chart.to_dict()))


@pytest.fixture
def tree(rng):
    net = stacked_bidirectional(rng)
    return rnnlens.summarize_weights(net, rng.normal(size=(9, 6, 3)), target=0)


def test_every_layer_has_its_tables_and_json_its_rows(tree):
    text = shown(weights_view, tree)
    for layer in ("bidirectional.forward", "bidirectional.backward", "recurrent", "recurrent_1"):
        assert f"Weights of {layer}" in text
    assert text.count("saturated") == 4 and "…" not in text
    page = weights_summary(tree)
    as_json(page)
    assert len(page["gates"]) == 4 + 4 + 3 + 1 and len(page["units"]) == 16
    assert page["gates"][4]["closed"] == float(
        tree["bidirectional/backward"]["closed"].isel(gate=0).mean()
    )
    ranks = [row["influence_rank"] for row in page["units"][:4]]
    assert ranks == [1, 2, 3, 4]


def test_without_data_nothing_is_said_of_steps(rng):
    tree = rnnlens.summarize_weights(forecaster("lstm", rng))
    text = shown(weights_view, tree)
    assert "saturated" not in text and "steps" not in text
    assert len(charts.summarized_weights(tree).to_dict()["vconcat"]) == 1
    assert "open" not in weights_summary(tree)["gates"][0]


def test_shares_of_the_chart_are_those_of_the_result_and_sum_to_one(tree):
    drawn = charts.summarized_weights(tree)
    assert "<svg" in svg(drawn)
    spec = drawn.to_dict()
    rows = spec["datasets"][spec["vconcat"][-1]["data"]["name"]]
    by_gate = pd.DataFrame(rows).groupby("gate")["share"].sum()
    assert len(by_gate) == 12
    np.testing.assert_allclose(by_gate, 1.0)
    forget = [r["share"] for r in rows if r["gate"] == "bidirectional.forward, forget gate"]
    one = tree["bidirectional/forward"].dataset.sel(gate="forget")
    np.testing.assert_allclose([forget[0], forget[2]], [one["closed"].mean(), one["open"].mean()])


@pytest.mark.parametrize("data", [False, True])
def test_two_networks_stand_side_by_side_in_table_json_and_chart(data, rng):
    one, two = forecaster("gru_after", rng), forecaster("gru_after", rng)
    given = {"X": rng.normal(size=(9, 7, 3)), "target": 0} if data else {}
    tree = rnnlens.compare_weights(one, two, **given)
    text = shown(comparison_view, tree)
    radius = tree["recurrent"]["spectral_radius"].values[:, 0]
    assert f"{radius[0]:.3g} > {radius[1]:.3g}" in text and "…" not in text
    page = comparison_summary(tree)
    as_json(page)
    assert page["gates"][0]["spectral_radius"] == radius.tolist()
    assert ("saturated" in page["gates"][0]) == data and len(page["units"]) == 5
    drawn = charts.compared_weights(tree)
    assert len(drawn.to_dict()["vconcat"]) == 2 + data and "<svg" in svg(drawn)


def test_a_record_is_drawn_as_it_was_written(tmp_path):
    torch = pytest.importorskip("torch")

    class Module(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.rnn, self.fc = torch.nn.LSTM(3, 4, batch_first=True), torch.nn.Linear(4, 1)

        def forward(self, x):
            return self.fc(self.rnn(x)[0][:, -1])

    rnnlens.record(Module(), np.ones((2, 5, 3)), tmp_path / "gates.csv").close()
    drawn = charts.record(pd.read_csv(tmp_path / "gates.csv"))
    assert len(drawn.to_dict()["vconcat"]) == 3 and "<svg" in svg(drawn)
    with pytest.raises(DataError, match="read the file that rnnlens.record wrote"):
        charts.record(pd.DataFrame({"loss": [1.0]}))
    with pytest.raises(DataError, match="read the file that rnnlens.record wrote"):
        charts.record(tmp_path / "gates.csv")


def test_many_units_are_counted_and_few_are_named(rng):
    core = cell("lstm", rng, units=40)
    net = chain(Recurrent(core), head(rng, 40, 1), shape=(7, 3))
    said = rnnlens.summarize_weights(net, rng.normal(size=(9, 7, 3)), target=0).attrs["summary"]
    assert "each of the 40 units moves the forecast" in said
    assert "units of 40 carry half of all influence on output 0, by derivatives" in said
