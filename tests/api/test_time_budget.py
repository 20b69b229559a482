"""Certificates within a time, and after Ctrl-C: what is done is given, the rest is named."""

import json
from io import StringIO
from threading import enumerate as enumerate_threads
from threading import get_ident

import numpy as np
import pytest
import xarray as xr

import rnnlens
from networks import forecaster
from rnnlens import Certificates, Test
from rnnlens.errors import InputError
from rnnlens.evidence.proof import search
from rnnlens.results import save
from rnnlens.views import charts
from rnnlens.views.tables.certificates import certificate_summary, certificate_view
from rnnlens.views.tables.lags import evidence_summary, evidence_view

NO_TIME = Certificates(range=1.0, tolerance=0.05, budget="0.001 ms")


@pytest.fixture
def network(rng):
    return forecaster("lstm", rng, targets=1)


@pytest.fixture
def X(rng):
    return rng.normal(size=(20, 7, 3))


@pytest.fixture
def interrupted(monkeypatch):
    """Ctrl-C, when boxes are bounded for the third time."""
    honest, left = search.bounds, [2]

    def bounds(*given):
        left[0] -= 1
        if left[0] < 0:
            raise KeyboardInterrupt
        return honest(*given)

    monkeypatch.setattr(search, "bounds", bounds)


def text_of(view):
    from rich.console import Console

    console = Console(width=200, record=True, file=StringIO())
    console.print(view)
    return " ".join(console.export_text().split())


def test_a_time_that_is_over_at_once_names_all_as_not_asked(network, X, tmp_path):
    found = rnnlens.certify(network, X, lag=[1, 3], features=0, certificates=NO_TIME)
    assert (found.verdict == "not asked").all()
    assert found.not_asked.values.tolist() == [20, 20]
    assert found.attrs["ended"] == "time"
    assert found.attrs["budget_seconds"] == 1e-6
    assert found.attrs["seconds_used"] >= 0
    said = text_of(certificate_view(found))
    assert "not asked 20/20" in said
    assert "not known" in said
    assert "the time that it was given was over; 40 were not asked" in said
    assert "In none" not in said
    rows = json.loads(json.dumps(certificate_summary(found), allow_nan=False))["lags"]
    assert [row["bound"] for row in rows] == [None, None]
    charts.certificates(found)
    save(found, tmp_path / "partial.nc")
    np.testing.assert_array_equal(xr.load_dataset(tmp_path / "partial.nc").bound, found.bound)


def test_a_time_that_suffices_changes_nothing(network, X):
    timed, usual = (
        rnnlens.certify(
            network, X, lag=[1, 3], features=0,
            certificates=Certificates(range=1.0, tolerance=0.05, budget=budget),
        )
        for budget in ("10 min", None)
    )  # fmt: skip
    np.testing.assert_array_equal(timed.bound, usual.bound)
    assert timed.attrs["ended"] == ""
    assert 0 < timed.attrs["seconds_used"] < timed.attrs["budget_seconds"]
    assert "budget_seconds" not in usual.attrs


def test_ctrl_c_in_certify_keeps_what_is_done(network, X, interrupted):
    found = rnnlens.certify(
        network, X, lag=[1, 3, 7], features=0,
        certificates=Certificates(range=1.0, tolerance=1e-4),
    )  # fmt: skip
    assert found.attrs["ended"] == "interrupted"
    assert "it was interrupted" in certificate_summary(found)["sentence"]
    assert (found.attained <= found.bound).all()


def test_a_table_whose_time_is_over_says_so_and_goes_on_to_its_tests(network, X):
    table = rnnlens.lags(network, X, certificates=NO_TIME, test=Test(hiding=False))
    assert (table.not_asked == 10).all()
    assert table.attrs["certificates_ended"] == "time"
    assert table.attrs["questions_not_asked"] == table.attrs["questions"]
    assert "observed_exceeded" in table
    assert not (table.verdict == "proven").any()
    said = text_of(evidence_view(table))
    assert "not asked: the time that it was given was over" in said
    assert "all decided" not in said
    json.dumps(evidence_summary(table), allow_nan=False)


def test_ctrl_c_in_the_certificates_of_a_table_ends_it_and_says_what_is_missing(
    network, X, interrupted
):
    certificates = Certificates(range=1.0, tolerance=1e-4)
    table = rnnlens.lags(network, X, certificates=certificates)
    assert table.attrs["certificates_ended"] == "interrupted"
    assert "Ctrl-C ended the work" in table.attrs["missing"]
    assert "error_change" not in table
    assert "share" in table
    assert "it was interrupted" in text_of(evidence_view(table))


@pytest.mark.parametrize("budget", [None, 2000])
def test_bounds_of_a_table_hold_and_are_near_what_is_attained(network, X, budget):
    """A table brings them to a quarter of it, a certificate to the tolerance: both are bounds.

    Where no number of boxes is stated no bound is sought of a row with a counter-example.
    """
    asked = Certificates(range=1.0, tolerance=0.02, together=False, budget=budget)
    table = rnnlens.lags(network, X, by="both", certificates=asked, test=None)
    places = table.window.values
    for k in range(3):
        close = rnnlens.certify(
            network, X[places], lag=list(range(1, 8)), features=k, background=X,
            certificates=Certificates(range=1.0, tolerance=0.02),
        )  # fmt: skip
        bound, attained = table.bound.isel(feature=k).values, close.attained.values
        assert (bound >= attained).all()
        if budget is None:
            refuted = (close.verdict == "refuted").any("sample").values
            np.testing.assert_array_equal(np.isinf(bound).any(axis=0), refuted)
            bound, attained = bound[:, ~refuted], attained[:, ~refuted]
        assert (bound <= np.maximum(0.02, 1.25 * attained + 0.02)).all()


@pytest.mark.parametrize("budget", ["30", "soon", "-1 s", "0 s", 0, 1.5])
def test_a_budget_that_is_none_is_refused(budget):
    with pytest.raises(InputError, match="a number of boxes from 1, or a time"):
        Certificates(budget=budget)


def test_several_inputs_share_a_time():
    from rnnlens.api.shared.each_input import shared_time

    assert shared_time(Certificates(budget="30 s"), 3).seconds == 10.0
    assert shared_time(Certificates(budget=77), 3).budget == 77


@pytest.mark.parametrize("budget", [None, "60 s"])
def test_a_table_is_the_same_whether_its_tests_run_beside_its_certificates(
    network, rng, monkeypatch, budget
):
    X, y = rng.normal(size=(60, 7, 3)), rng.normal(size=60)
    asked = Certificates(windows=4, range=0.3, budget=budget)
    tables, told = [], []
    for threads in ("1", "2"):
        monkeypatch.setenv("RNNLENS_THREADS", threads)
        here, steps = get_ident(), []
        tables.append(
            rnnlens.lags(
                network, X, y, target=0, certificates=asked, test=Test(replacements=200),
                progress=lambda done, whole, steps=steps: steps.append((get_ident(), done, whole)),
            )
        )  # fmt: skip
        told.append(steps)
        assert {thread for thread, *_ in steps} == {here}
        counts = [done for _, done, _ in steps]
        assert counts == sorted(counts)
        assert steps[-1][1] == steps[-1][2]
    alone, beside = tables
    for name in alone.data_vars:
        if alone[name].dtype.kind == "f":
            np.testing.assert_allclose(beside[name], alone[name], rtol=1e-9, atol=1e-12)
        else:
            assert (beside[name].values == alone[name].values).all(), name


def test_ctrl_c_in_the_certificates_of_a_table_ends_the_tests_beside_them(
    network, rng, interrupted, monkeypatch
):
    monkeypatch.setenv("RNNLENS_THREADS", "2")
    X, y = rng.normal(size=(60, 7, 3)), rng.normal(size=60)
    table = rnnlens.lags(network, X, y, target=0, certificates=Certificates(windows=4))
    assert "Ctrl-C ended the work" in table.attrs["missing"]
    assert "error_change" not in table
    assert "largest_bound" in table
    assert not [one for one in enumerate_threads() if one.name == "rnnlens-aside"]


def test_tests_that_cannot_be_made_beside_certificates_are_said_to_be_missing(
    network, rng, monkeypatch
):
    monkeypatch.setenv("RNNLENS_THREADS", "2")
    X, y = rng.normal(size=(12, 7, 3)), rng.normal(size=12)
    table = rnnlens.lags(network, X, y, target=0, certificates=Certificates(windows=2))
    assert "no test over the data set" in table.attrs["missing"]
    assert "largest_bound" in table
