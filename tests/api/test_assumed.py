"""What a read assumed or left out stands in every result and every view, until outputs show it."""

import io
from dataclasses import replace

import numpy as np
import pytest
from rich.console import Console

import rnnlens
from rnnlens.network.network import still_assumed
from rnnlens.views import charts
from rnnlens.views.tables.certificates import certificate_view
from rnnlens.views.tables.explanation import explanation_view, trace_view
from rnnlens.views.tables.forecast import check_view
from rnnlens.views.tables.inspection import render_inspection
from rnnlens.views.tables.lags import evidence_view
from rnnlens.views.tables.trust import trust_view

ASSUMED = "fc takes the last hidden state of rnn"
LEFT = "norm.weight"


@pytest.fixture
def unsure(small_network):
    origin = replace(small_network.origin, assumed=(ASSUMED,), left_out=(LEFT,))
    return replace(small_network, origin=origin)


@pytest.fixture
def small_network(rng):
    from torch import nn

    module = nn.LSTM(2, 3, batch_first=True)
    state = {f"rnn.{key}": value for key, value in module.state_dict().items()}
    linear = nn.Linear(3, 1)
    state |= {f"fc.{key}": value for key, value in linear.state_dict().items()}
    net = rnnlens.read(state, head="fc")
    return replace(net, origin=replace(net.origin, assumed=(), left_out=()))


def windows(rng):
    return rng.normal(size=(40, 6, 2)), rng.normal(size=(40, 1))


def answers(net, rng):
    """Give a result of every verb, and its view where it has one."""
    X, y = windows(rng)
    yield rnnlens.explain(net, X), explanation_view
    yield rnnlens.trace(net, X), trace_view
    yield rnnlens.check(net, X, y), check_view
    yield rnnlens.lags(net, X, y, certificates=None, test=None), evidence_view
    yield rnnlens.certify(net, X[:4], lag=1), certificate_view
    yield rnnlens.trust(net, X), trust_view
    yield rnnlens.weights(net), None
    yield rnnlens.interactions(net, X[:4]), None


def printed(shown):
    console = Console(width=300, record=True, file=io.StringIO())
    console.print(shown)
    return console.export_text()


def test_every_result_and_view_says_what_is_assumed_and_left_out(unsure, rng):
    for result, view in answers(unsure, rng):
        assert result.attrs["assumed"] == ASSUMED
        assert result.attrs["left_out"] == LEFT
        if view is not None:
            assert ASSUMED in printed(view(result)), view
            assert LEFT in printed(view(result)), view


def test_nothing_is_said_where_nothing_is_assumed(small_network, rng):
    for result, view in answers(small_network, rng):
        assert not {"assumed", "left_out"} & set(result.attrs)
        if view is not None:
            assert "ASSUMED" not in printed(view(result))


def test_outputs_of_the_model_show_what_was_assumed(unsure, rng):
    X, _ = windows(rng)
    wrong = rnnlens.fidelity(unsure, rnnlens.predict(unsure, X) + 0.1, X)
    assert not wrong.attrs["agrees"]
    assert still_assumed(unsure.origin) == (ASSUMED,)
    rnnlens.fidelity(unsure, rnnlens.predict(unsure, X), X)
    assert still_assumed(unsure.origin) == ()
    assert "assumed" not in rnnlens.explain(unsure, X).attrs
    assert rnnlens.explain(unsure, X).attrs["left_out"] == LEFT


def test_what_was_shown_of_one_network_is_not_shown_of_another_like_it(unsure):
    other = replace(unsure, origin=replace(unsure.origin))
    X = np.zeros((2, 6, 2))
    rnnlens.fidelity(unsure, rnnlens.predict(unsure, X), X)
    assert still_assumed(other.origin) == (ASSUMED,)


def test_charts_say_it_beneath_their_titles(unsure, rng):
    X, _ = windows(rng)
    explained = rnnlens.explain(unsure, X, method="secant")
    for chart in (
        charts.lag_contributions(explained),
        charts.lag_feature(explained),
        charts.gates(rnnlens.trace(unsure, X)["rnn_l0"].to_dataset()),
        charts.weights(rnnlens.weights(unsure)["rnn_l0"].to_dataset()),
        charts.certificates(rnnlens.certify(unsure, X[:4], lag=1)),
    ):
        said = " ".join(chart.to_dict()["title"]["subtitle"])
        assert ASSUMED in said
        assert LEFT in said


def test_inspection_and_description_say_it(unsure):
    described = rnnlens.describe(unsure)
    assert described["assumed"] == [ASSUMED]
    assert ASSUMED in render_inspection(described, width=300)


@pytest.mark.usefixtures("undrawn")
def test_a_report_says_it_first(unsure, rng, tmp_path):
    X, _ = windows(rng)
    page = rnnlens.report(unsure, X, tmp_path / "r.html")
    text = page.read_text(encoding="utf-8")
    assert ASSUMED in text
    assert text.index(ASSUMED) < text.index("Is the forecast any good?</h2>")


def test_a_copy_in_another_format_is_as_unsure_as_its_source(unsure, tmp_path):
    done = rnnlens.convert(unsure, tmp_path / "m.npz")
    assert done.network.origin.assumed == (ASSUMED,)
    assert any(ASSUMED in note for note in done.notes)
    assert rnnlens.read(tmp_path / "m.npz").origin.assumed == (ASSUMED,)
    assert rnnlens.read(tmp_path / "m.npz").origin.left_out == (LEFT,)
