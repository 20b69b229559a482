"""A budget in seconds becomes cells at a pace that is kept; as cells it gives the same again."""

import json

import numpy as np
import pytest

import rnnlens
from networks import forecaster
from rnnlens import Effort
from rnnlens.api.shared import pace
from rnnlens.api.shared.planning import Limited, expected
from rnnlens.engine.schedule import calibration
from rnnlens.errors import DataError, InputError


@pytest.fixture
def paced(tmp_path, monkeypatch):
    """Let a cell take so many seconds, and keep that where nobody looks."""
    file, asked = tmp_path / "cache" / "pace.json", []
    monkeypatch.setattr(calibration, "_file", lambda: file)
    monkeypatch.setattr(calibration, "_known", {})

    def each_takes(seconds):
        monkeypatch.setattr(pace, "tree_pace", lambda question: asked.append(seconds) or seconds)
        return file, asked

    return each_takes


def test_seconds_become_cells_at_a_rounded_pace_and_are_said(rng, paced):
    net, X = forecaster("lstm", rng, steps=9, features=2), rng.normal(size=(3, 9, 2))
    file, asked = paced(1 / 3000)
    found = rnnlens.explain(net, X, target=0, method="owen", effort=Effort(budget="2 s"))
    # 3,000 cells a second are 2,048, rounded down to a power of two
    assert found.attrs["budget_cells"] == 4096 and found.attrs["budget_seconds"] == 2.0
    assert list(json.loads(file.read_text()).values()) == [2048.0] and len(asked) == 1
    again = rnnlens.explain(net, X, target=0, method="owen", effort=Effort(budget=4096))
    np.testing.assert_array_equal(again.contribution, found.contribution)
    assert again.attrs["why"] == found.attrs["why"] and "budget_seconds" not in again.attrs


def test_a_pace_is_measured_once_for_a_machine_whatever_it_does_later(rng, paced, monkeypatch):
    net, X = forecaster("gru_after", rng, steps=5, features=2), rng.normal(size=(2, 5, 2))
    file, asked = paced(1e-4)
    first = rnnlens.explain(net, X, target=0, effort=Effort(budget="1 s"))
    monkeypatch.setattr(calibration, "_known", {})  # another process, and the machine is busy
    paced(1.0)
    second = rnnlens.explain(net, X, target=0, effort=Effort(budget="1 s"))
    assert first.attrs["budget_cells"] == second.attrs["budget_cells"] == 8192
    assert len(asked) == 1
    file.write_text('{"what": "is no pace", "nor": 3.0, "broken": ')
    monkeypatch.setattr(calibration, "_known", {})
    slow = rnnlens.explain(net, X, target=0, effort=Effort(budget="1 s"))
    assert slow.attrs["budget_cells"] == 1


def test_several_targets_share_the_time(rng, paced):
    net, X = forecaster("lstm", rng, steps=5, features=2), rng.normal(size=(2, 5, 2))
    paced(1 / 1024)
    both = rnnlens.explain(net, X, target=[0, 1], effort=Effort(budget="2 s"))
    assert both.attrs["budget_cells"] == 1024


def test_a_stated_budget_is_all_for_one_window_where_there_is_one(rng):
    net, X = forecaster("lstm", rng, steps=24, features=3), rng.normal(size=(1, 24, 3))
    usual = rnnlens.explain(net, X, target=0)
    more = rnnlens.explain(net, X, target=0, effort=Effort(budget=60_000_000))
    assert usual.attrs["method"] == more.attrs["method"] == "owen"
    less = rnnlens.explain(net, X, target=0, effort=Effort(budget=20_000))
    assert less.attrs["method"] == "secant" and "20,000" in less.attrs["why"]


@pytest.mark.parametrize("method", ["auto", "tree", "owen"])
@pytest.mark.parametrize("budget", [2_000, 20_000, 400_000, "1 s"])
def test_what_is_announced_keeps_the_budget_and_is_what_is_done(rng, paced, method, budget):
    paced(1 / 20_000)  # a second is 16,384 cells
    net, X = forecaster("lstm", rng, steps=16, features=3), rng.normal(size=(2, 16, 3))
    effort = Effort(budget=budget)
    told = expected(net, X, target=0, method=method, within=Limited(effort=effort))
    allowed = 16_384 if isinstance(budget, str) else budget
    found = rnnlens.explain(net, X, target=0, method=method, effort=effort).attrs
    if found["method"] == "permutation":  # batches of orders seldom end at the budget itself
        assert 0.75 * told.cells <= found["cells"] <= told.cells == allowed
    elif found["method"] == "secant":
        assert told.cells < 1.5 * allowed < expected(net, X, target=0, method=method).cells
    else:
        assert told.cells == found["cells"] <= allowed


def test_what_a_budget_is_too_small_for_is_announced_as_nothing_and_refused_by_the_verb(rng):
    net, X = forecaster("lstm", rng, steps=16, features=3), rng.normal(size=(2, 16, 3))
    effort = Effort(budget=10)
    assert expected(net, X, target=0, method="owen", within=Limited(effort=effort)).cells == 0
    with pytest.raises(DataError, match="beyond the budget of 10 cell evaluations"):
        rnnlens.explain(net, X, target=0, method="owen", effort=effort)


def test_several_targets_are_announced_with_the_audit_that_they_share(rng):
    net = forecaster("lstm", rng, steps=40, features=3, targets=4)
    X = rng.normal(size=(60, 40, 3))
    one, four = (expected(net, X, target=target) for target in (0, [0, 1, 2, 3]))
    assert one.cells < four.cells < 4 * one.cells


@pytest.mark.parametrize("wrong", ["soon", "30", 0, -1.0, "0 s"])
def test_a_budget_is_cells_or_a_time(wrong):
    with pytest.raises(InputError, match="a number of cells from 1, or a time such as"):
        Effort(budget=wrong)
