"""What a table and a page of the same windows ask for alike is explained once, and nothing else."""

import numpy as np
import pytest

import rnnlens
from networks import forecaster
from rnnlens import Certificates, Shares, Test
from rnnlens.api.shared.forecast import explained_once
from rnnlens.api.shared.forecast.explained_once import (
    ToExplain,
    explained_for_shares,
    explaining_once,
)
from rnnlens.api.shared.given.joint.making import make_case
from rnnlens.series.sidecar import Sidecar, Variable

ZEROS = np.zeros((40, 7, 3))


@pytest.fixture
def asked(rng):
    variables = (Variable("rain"), Variable("snow"), Variable("flow", mean=50.0, scale=12.0))
    sidecar = Sidecar(variables, window=7, lead=1, targets=variables[2:])
    series = {one.name: rng.normal(size=50) for one in variables}
    return forecaster("lstm", rng, targets=1), rnnlens.windows(series, sidecar)


@pytest.fixture
def explained(monkeypatch):
    """How often windows are explained for shares."""
    seen, honest = [], explained_once.explained
    monkeypatch.setattr(
        explained_once, "explained", lambda *a, **k: seen.append(k) or honest(*a, **k)
    )
    return seen


@pytest.fixture
def pages(monkeypatch, undrawn):
    """What pages were made of, which are not drawn."""
    seen = []
    monkeypatch.setattr(
        "rnnlens.views.report.render.render_report", lambda parts, *_: seen.append(parts) or ""
    )
    return seen


def both(asked, tmp_path, **page):
    network, windows = asked
    table = rnnlens.lags(
        network, windows, target="flow", certificates=Certificates(windows=0),
        test=Test(hiding=False, replacements=0), shares=Shares(draws=20),
    )  # fmt: skip
    page = {"target": "flow", "shares": Shares(draws=20)} | page
    rnnlens.report(network, windows, tmp_path / "page.html", evidence=table, **page)


def test_a_table_and_its_page_explain_once_and_say_the_same(asked, explained, pages, tmp_path):
    both(asked, tmp_path)
    assert len(explained) == 2
    with explaining_once():
        both(asked, tmp_path)
    assert len(explained) == 3
    apart, together = pages
    assert together.explanation.equals(apart.explanation)
    assert together.lags.equals(apart.lags)
    assert together.sentences == apart.sentences
    both(asked, tmp_path)  # nothing is kept afterwards
    assert len(explained) == 5


@pytest.mark.parametrize(
    "other",
    [
        {"held": ["snow"]},
        {"background": ZEROS},
        {"precision": "float32"},
        {"shares": Shares(seed=1, draws=20)},
        {"shares": Shares(baseline=np.zeros(3), draws=20)},
        {"shares": Shares(baseline="zero", draws=20)},
    ],
    ids=["held", "background", "precision", "seed", "numbers", "baseline"],
)
@pytest.mark.usefixtures("pages")
def test_another_question_is_another_explanation(asked, explained, tmp_path, other):
    with explaining_once():
        both(asked, tmp_path, **other)
    assert len(explained) == 2


def test_what_is_done_to_one_answer_does_not_reach_the_next(asked):
    network, windows = asked
    given = ToExplain(network, windows, "flow", None, None, None)
    case = make_case(network, windows)
    with explaining_once():
        first = explained_for_shares(given, case, Shares())
        first.attrs["method"] = "none"
        again = explained_for_shares(given, case, Shares())
    assert again.attrs["method"] != "none"
