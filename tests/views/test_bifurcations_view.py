"""A change along an input in words, as a table and as a chart: each says what is in the result."""

from __future__ import annotations

import io
import json

import numpy as np
import pytest
from rich.console import Console

import rnnlens
from networks import chain
from rnnlens.network.activations import Activation
from rnnlens.network.cells import LSTM, Gate, SimpleRNN
from rnnlens.network.layers import Dense, Recurrent
from rnnlens.views import charts
from rnnlens.views.tables.bifurcations import bifurcations_summary, bifurcations_view
from rnnlens.views.words.inside.bifurcations import bifurcation_sentences
from rnnlens.views.words.inside.fixed_points import fixed_points_sentences


@pytest.fixture(scope="module")
def found():
    cell = SimpleRNN(Gate(np.ones((1, 1)), np.array([[2.0]])), Activation("tanh"))
    net = chain(Recurrent(cell), Dense(np.array([[3.0]]), np.zeros(1)), shape=(None, 1))
    X = np.random.default_rng(0).normal(size=(10, 6, 1))
    return rnnlens.bifurcations(net, X, 0, [0.0, 0.4, 0.8], target=0)


def shown(result):
    screen = Console(file=io.StringIO(), width=140)
    screen.print(bifurcations_view(result))
    return screen.file.getvalue()


def test_a_sentence_says_between_which_values_rest_states_merge(found):
    first, second = bifurcation_sentences(found)
    assert "moved from 0 to 0.8 in 3 values" in first
    assert "1 to 3 fixed points are proven at each, 1 to 2 stable" in first
    # the fold is at 0.53284
    assert second.startswith("Above 0.53")
    assert "2 rest states become 1 (3 points in all become 1): the change lies above 0.5" in second


def test_units_follow_the_values(found):
    named = found.assign_attrs(feature="temp", feature_unit="F")
    first, second = bifurcation_sentences(named)
    assert "With temp moved from 0 to 0.8 F" in first and " F, 2 rest states" in second


def test_of_one_feature_alone_no_others_are_held(found):
    first = bifurcation_sentences(found.assign_attrs(at=""))[0]
    assert "held" not in first and "in 3 values, 1 to 3 fixed points" in first
    one = found.assign(points_before=found["points_after"], points_after=found["points_before"])
    assert "(1 point in all becomes 3)" in bifurcation_sentences(one)[1]


def test_nothing_and_what_is_not_proven_are_said(found):
    still = found.isel(change=slice(0, 0)).assign(proven=("value", [True, False, True]))
    _, nothing, missing = bifurcation_sentences(still)
    assert nothing.startswith("Nothing appears") and missing.startswith("At 1 of 3 values")


def test_the_table_has_a_row_a_value_and_one_a_change(found):
    text = shown(found)
    rows = [line.split() for line in text.splitlines()]
    assert [row[:3] for row in rows if row[:1] in (["0"], ["0.4"], ["0.8"])] == [
        ["0", "3", "2"], ["0.4", "3", "2"], ["0.8", "1", "1"]
    ]  # fmt: skip
    at = next(k for k, row in enumerate(rows) if "change" in row)
    assert rows[at - 1][0] == "0.4" and rows[at + 1][0] == "0.8"


def test_json_holds_every_point(found):
    summary = json.loads(json.dumps(bifurcations_summary(found), allow_nan=False))
    assert [len(one["points"]) for one in summary["values"]] == [3, 3, 1]
    assert summary["changes"][0]["stable"] == [2, 1]


def test_the_chart_has_every_point_and_a_band_a_change(found):
    drawn = charts.bifurcations(found).to_dict()
    assert sorted(len(rows) for rows in drawn["datasets"].values()) == [1, 7]
    without = charts.bifurcations(found.drop_vars("forecast")).to_dict()
    assert "recurrent.hidden.0" in json.dumps(without)


def test_a_state_that_grows_without_end_is_said_where_it_does(rng):
    hard = Activation("hard_sigmoid")
    moved = Gate(np.ones((1, 1)), np.zeros((1, 1)))
    held = Gate(np.zeros((1, 1)), np.zeros((1, 1)), np.array([0.5]))
    # the forget gate is 1 from an input of 2.5 on
    cell = LSTM(held, moved, held, held, recurrent_activation=hard)
    net = chain(Recurrent(cell), Dense(np.array([[3.0]]), np.zeros(1)), shape=(None, 1))
    result = rnnlens.bifurcations(net, rng.normal(size=(10, 6, 1)), 0, [0.0, 1.0, 3.0], target=0)
    assert result["drifting"].values.tolist() == [0.0, 0.0, 1.0]
    (said,) = (one for one in bifurcation_sentences(result) if "without end" in one)
    assert said.startswith("At 3 a cell state grows from every state without end")
    at = rnnlens.fixed_points(net, rng.normal(size=(10, 6, 1)), at=np.array([[3.0]]), target=0)
    assert any("all states that were followed" in one for one in fixed_points_sentences(at))
