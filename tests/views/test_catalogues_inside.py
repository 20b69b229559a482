"""What is inside a network is said in every language: its charts, tables and sentences."""

from __future__ import annotations

import copy
import io
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from rich.console import Console

import rnnlens
from drawings import RECORD
from networks import cell, chain, forecaster, head, stacked_bidirectional
from probed import found as probed
from pseudo import outside, pseudo_language, titles_of
from rnnlens.names import Told, told
from rnnlens.network.activations import Activation
from rnnlens.network.axes import Slice
from rnnlens.network.cells import LSTM, Gate, SimpleRNN
from rnnlens.network.layers import Dense, Recurrent
from rnnlens.views import charts
from rnnlens.views.tables.bifurcations import bifurcations_view
from rnnlens.views.tables.certificates import certificate_view
from rnnlens.views.tables.fixed_points import fixed_points_view
from rnnlens.views.tables.inside.compared_weights import comparison_view
from rnnlens.views.tables.inside.gate_contributions import gate_contributions_view
from rnnlens.views.tables.inside.probe import probe_view
from rnnlens.views.tables.inside.summarized_weights import weights_view
from rnnlens.views.tables.inspection import render_inspection
from rnnlens.views.words.language import language
from rnnlens.views.words.origin import fact_text


def held(order: int = 1) -> Any:
    """A network of one state, whose points of rest are known: one, or three between the folds."""
    sign = 1.0 if order == 1 else -1.0
    cell = SimpleRNN(Gate(np.ones((1, 1)), np.array([[2.0 * sign]])), Activation("tanh"))
    return chain(Recurrent(cell), Dense(np.array([[3.0]]), np.zeros(1)), shape=(None, 1))


def endless() -> Any:
    """A network whose cell grows without end where its input is large."""
    hard = Activation("hard_sigmoid")
    moved = Gate(np.ones((1, 1)), np.zeros((1, 1)))
    still = Gate(np.zeros((1, 1)), np.zeros((1, 1)), np.array([0.5]))
    cell = LSTM(still, moved, still, still, recurrent_activation=hard)
    return chain(Recurrent(cell), Dense(np.array([[3.0]]), np.zeros(1)), shape=(None, 1))


def certified(rng: Any, windows: int, budget: int | str = 200, **asked: Any) -> Any:
    """Certificates of a few windows, but for the range, which a result keeps in English."""
    how = rnnlens.Certificates(budget=budget, range=0.5, tolerance=0.01)
    network, X = forecaster("lstm", rng, scale=0.3), rng.normal(size=(windows, 7, 3))
    found = rnnlens.certify(network, X, target=0, certificates=how, **asked)
    return found.assign_attrs(range="0.5")


#: Each result that is shown, by its name.
RESULTS: dict[str, Callable[[Any], Any]] = {
    "fixed points": lambda rng: rnnlens.fixed_points(
        held(), rng.normal(size=(6, 5, 1)), at=np.zeros(1), target=0
    ),
    "no cycle": lambda rng: rnnlens.fixed_points(
        held(), rng.normal(size=(6, 5, 1)), order=2, at=np.zeros(1), target=0
    ),
    "cycles": lambda rng: rnnlens.fixed_points(
        held(2), rng.normal(size=(6, 5, 1)), order=2, at=np.zeros(1), target=0
    ),
    "endless": lambda rng: rnnlens.fixed_points(
        endless(), rng.normal(size=(6, 5, 1)), at=np.full((1, 1), 3.0), target=0
    ),
    "bifurcations": lambda rng: rnnlens.bifurcations(
        held(), rng.normal(size=(6, 5, 1)), 0, [0.0, 0.4, 0.8], target=0
    ),
    "endless along an input": lambda rng: rnnlens.bifurcations(
        endless(), rng.normal(size=(6, 5, 1)), 0, [0.0, 3.0], target=0
    ),
    "gates' parts": lambda rng: rnnlens.gate_contributions(
        forecaster("lstm", rng), rng.normal(size=(5, 7, 3)), target=0
    ),
    "gates' parts of one window": lambda rng: rnnlens.gate_contributions(
        forecaster("gru_after", rng), rng.normal(size=(1, 7, 3)), target=0
    ),
    "weights alone": lambda rng: rnnlens.summarize_weights(forecaster("lstm", rng)),
    "weights": lambda rng: rnnlens.summarize_weights(
        forecaster("lstm", rng), rng.normal(size=(9, 7, 3)), target=0
    ),
    "two networks": lambda rng: rnnlens.compare_weights(
        forecaster("gru_after", rng), forecaster("gru_after", rng),
        X=rng.normal(size=(9, 7, 3)), target=0,
    ),
    "one network twice": lambda rng: rnnlens.compare_weights(
        *[forecaster("gru_after", np.random.default_rng(1))] * 2
    ),
    "probe": lambda _: probed(),
    "probe, not held": lambda _: probed(r2=-0.3, erased_p_value=0.2),
    "probe, told better": lambda _: probed(
        selectivity=-0.2, selectivity_low=-0.3, selectivity_high=-0.1, erased_change=1e-9
    ),
    "certificates": lambda rng: certified(rng, 3, lag=[1, 2], features=0),
    "certificate of one window": lambda rng: certified(rng, 1, lag=[1]),
    "certificates out of time": lambda rng: certified(rng, 3, "0.001 ms", lag=[1, 2]),
    "record": lambda _: RECORD.assign(**{
        "lstm/half_life/median": [1.0, 2.0, 3.0], "lstm/half_life/longest": [4.0, 5.0, 6.0]
    }),
}  # fmt: skip

#: How it is shown in the terminal, and drawn.
TABLES = {
    "fixed points": fixed_points_view,
    "no cycle": fixed_points_view,
    "cycles": fixed_points_view,
    "endless": fixed_points_view,
    "bifurcations": bifurcations_view,
    "endless along an input": bifurcations_view,
    "gates' parts": gate_contributions_view,
    "gates' parts of one window": gate_contributions_view,
    "weights alone": weights_view,
    "weights": weights_view,
    "two networks": comparison_view,
    "one network twice": comparison_view,
    "probe": probe_view,
    "probe, not held": probe_view,
    "probe, told better": probe_view,
    "certificates": certificate_view,
    "certificate of one window": certificate_view,
    "certificates out of time": certificate_view,
}
DRAWN = {
    "fixed points": charts.fixed_points,
    "cycles": charts.fixed_points,
    "bifurcations": charts.bifurcations,
    "gates' parts": charts.gate_contributions,
    "weights": charts.summarized_weights,
    "two networks": charts.compared_weights,
    "probe": charts.probe,
    "record": charts.record,
}
#: What stays as it is: the names of layers, targets and features, and what these networks are of.
AS_IT_IS = frozenset({"recurrent", "lstm", "output", "feature", "flow", "made", "test"})


@pytest.fixture(scope="module")
def results():
    made: dict[str, Any] = {}

    def give(name):
        if name not in made:
            made[name] = RESULTS[name](np.random.default_rng(7))
        return made[name]

    return give


def shown(view, result):
    screen = Console(file=io.StringIO(), width=400)
    screen.print(view(result))
    return re.sub(r"\s*\n\s*", "\n", screen.file.getvalue())


def spoken_in(spec):
    """What a reader sees of a chart that is no title: the words of its rows."""
    for rows in spec.get("datasets", {}).values():
        for row in rows:
            yield from (value for value in row.values() if isinstance(value, str))


@pytest.mark.parametrize("name", TABLES)
def test_a_table_says_nothing_that_no_catalogue_has(name, results, tmp_path, monkeypatch):
    result = results(name)
    with pseudo_language(tmp_path, monkeypatch):
        text = shown(TABLES[name], result)
    assert outside(text, AS_IT_IS) == []


@pytest.mark.parametrize("name", DRAWN)
def test_a_chart_says_nothing_that_no_catalogue_has(name, results, tmp_path, monkeypatch):
    result = results(name)
    with pseudo_language(tmp_path, monkeypatch):
        spec = DRAWN[name](result).to_dict()
    assert [text for text in titles_of(spec) if outside(text, AS_IT_IS)] == []
    assert [text for text in spoken_in(spec) if outside(text, AS_IT_IS)] == []


NAMES = frozenset({"bidirectional", "recurrent"})


def described(rng):
    """Every kind of array, an output that cannot see the newest steps, and one input not wired."""
    core = Recurrent(cell("lstm", rng, 2), return_sequences=True)
    direct = rnnlens.describe(chain(core, Slice(-12, None), head(rng, 5, 1), shape=(24, 2)))
    whole = rnnlens.describe(stacked_bidirectional(rng))
    sight = {
        "label": "A", "place": [0], "input": "x", "steps": 24, "newest": 1, "oldest": 9,
        "unseen": ["B"], "why": {"oldest": "zero weights", "unseen": "not wired"},
    }  # fmt: skip
    reach = [*direct["reach"], sight, {**sight, "newest": 0, "why": {"newest": "not wired"}}]
    return {**whole, "reach": [{**one, "label": "A"} for one in reach]}


def test_an_inspection_says_nothing_that_no_catalogue_has(rng, tmp_path, monkeypatch):
    # names and settings of layers, and where arrays come from, are as they are in every language
    kept = {"name": "A", "kind": "B", "options": {}, "formula": "4 (F + H + 1) H"}
    whole = described(rng)
    layers = [
        {
            **layer,
            **kept,
            "arrays": [{**array, "name": "C", "source": "D"} for array in layer["arrays"]],
        }
        for layer in whole["layers"]
    ]
    note = told("the graph as exported serves windows of the example's length")
    facts = {"name": "A", "format": "B", "path": "", "notes": [note], "layers": layers}
    with pseudo_language(tmp_path, monkeypatch):
        text = render_inspection({**whole, **facts}, width=4000)
    assert outside(text, NAMES) == []


def test_what_is_told_of_a_network_is_said_in_english_as_it_was_told(rng):
    core = Recurrent(cell("gru_after", rng, 2), return_sequences=True)
    networks = (
        stacked_bidirectional(rng),
        chain(core, head(rng, 5, 1), shape=(None, 2)),
        chain(Dense(np.ones((2, 1)), np.zeros(1)), shape=(2,)),
    )
    for network in networks:
        told_of_it = rnnlens.describe(network)["time_steps"]
        assert isinstance(told_of_it, Told)
        assert fact_text(told_of_it) == told_of_it
        assert fact_text(copy.deepcopy(told_of_it)) == told_of_it


def test_what_is_told_of_a_network_is_said_in_the_language_that_is_asked_for():
    turns = told("{number} turns", number=3)
    parts = tuple(told("in {layers} as {turns}", layers=names, turns=turns) for names in ("a", "b"))
    fact = told("The steps act {parts}.", parts=parts)
    assert fact == "The steps act in a as 3 turns; in b as 3 turns."
    with language("zh"):
        assert "turns" not in fact_text(fact) and "3 轮；" in fact_text(fact)
        assert fact_text(str(fact)) == fact


def test_letters_of_two_columns_are_broken_at_the_width(rng):
    with language("zh"):
        text = render_inspection(described(rng), width=60)
    widths = [
        sum(2 if "\u2e80" < one < "\uffef" else 1 for one in line) for line in text.splitlines()
    ]
    assert max(widths) <= 66  # a line may mix both, by a few columns
