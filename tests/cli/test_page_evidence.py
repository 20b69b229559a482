"""A page of the command line carries the evidence on each lag where that is asked for."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from rnnlens import api
from rnnlens.api.shared import planning


def test_what_is_typed_of_the_lags_reaches_them_and_their_table_the_page(
    call, model, data, tmp_path, monkeypatch
):
    seen = {}

    def weighing(asked):
        seen["lags"] = asked
        return seen.setdefault("table", SimpleNamespace())

    monkeypatch.setattr("rnnlens.api.forecast.lags.weighing", weighing)
    monkeypatch.setattr(api, "report", lambda *_, **asked: seen.setdefault("page", asked))
    for name in ("expected_lags", "expected_report"):
        monkeypatch.setattr(planning, name, lambda *_, **__: None)
    out = tmp_path / "p.html"
    typed = ("--margin", "0.4", "--range", "temp=0.5", "--tolerance", "0.3", "--budget", "77",
             "--baseline", "zero", "--target", "temp", "--held", "dewp")  # fmt: skip
    said = call("report", model, data, "--no-check", "--out", out, "--lags", *typed)
    assert said.code == 0, said.err
    asked = seen["lags"]
    effort, margin = asked.options.certificates, asked.options.margin
    assert (effort.range, effort.tolerance, effort.budget) == ({"temp": 0.5}, 0.3, 77)
    assert (margin, asked.shares.baseline, asked.held) == (0.4, "zero", ["dewp"])
    assert seen["page"]["evidence"] is seen["table"]
    assert seen["page"]["target"] == asked.target


@pytest.mark.usefixtures("undrawn")
def test_the_page_shows_what_was_tested_and_proven(call, model, data, tmp_path):
    out = tmp_path / "p.html"
    typed = ("--lags", "--budget", "1", "--range", "0.5", "--tolerance", "5", "--last", "12")
    said = call("report", model, data, "--no-check", "--target", "temp", "--out", out, *typed)
    assert said.code == 0, said.err
    page = out.read_text(encoding="utf-8")
    assert "<h3>Evidence" in page
    again = page.split("<pre")[1].split("</pre>")[0]
    assert "--lags --budget 1" in again


def test_what_is_about_the_evidence_is_refused_without_it_and_the_advice_works(call, model, data):
    said = call("report", model, data, "--margin", "0.4", "--budget", "5")
    assert said.code == 1
    assert "--margin, --budget is about the evidence on each lag" in said.err
    assert "add --lags, or leave it out" in said.err


def test_evidence_that_does_not_fit_is_refused_before_anything_is_explained(
    call, model, data, tmp_path, monkeypatch
):
    def explained(*_):
        raise AssertionError("explained before it was refused")

    monkeypatch.setattr("rnnlens.api.shared.page.gather.explained_for", explained)
    out = tmp_path / "p.html"
    typed = ("--lags", "--range", "nothing=0.5", "--target", "temp", "--last", "12")
    said = call("report", model, data, "--no-check", "--out", out, *typed)
    assert said.code == 1
    assert "'nothing'" in said.err
    assert not out.exists()
