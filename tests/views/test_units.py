"""A unit stands behind numbers and in headings; where there is none, nothing does."""

from __future__ import annotations

import html
import json
import re
from io import StringIO

import numpy as np
from rich.console import Console

import rnnlens
from networks import forecaster
from rnnlens.series.sidecar import Sidecar, Variable
from rnnlens.views import charts
from rnnlens.views.tables.certificates import certificate_view
from rnnlens.views.tables.explanation import explanation_view, lags_view
from rnnlens.views.tables.forecast import check_view
from rnnlens.views.tables.lags import evidence_view
from rnnlens.views.tables.trust import trust_view

#: "-" where a unit would stand: behind a number, in brackets, or before the unit it is divided by.
STRAY = re.compile(r"\d[)\]]? -(?:\^2)?(?=[\s.,;:)<\"]|$)|\(-(?:\^2)?\)|(?<!\S)- per ")

RANGES = rnnlens.Certificates(range={"rain": 0.5, "flow": 0.5, "soil": 0.5})


def shown(view) -> str:
    out = StringIO()
    Console(file=out, width=400, no_color=True).print(view)
    return out.getvalue()


def made(unit: str) -> tuple:
    """Give a network and windows whose features and targets have a unit."""
    rng = np.random.default_rng(7)
    network = forecaster("gru_after", rng, steps=4)
    variables = tuple(
        Variable(name, unit=unit, mean=mean, scale=3.0)
        for name, mean in (("rain", 2.0), ("flow", 50.0), ("soil", 9.0))
    )
    series = {each.name: rng.normal(each.mean, each.scale, 90) for each in variables}
    return network, rnnlens.windows(series, Sidecar(variables, 4, 1, targets=variables[:2]))


def sweep(unit: str) -> dict[str, str]:
    """Give the text of views of results whose target has a unit."""
    network, windows = made(unit)
    explained = rnnlens.explain(network, windows, target="flow")
    slopes = rnnlens.explain(network, windows, target="flow", method="gradient")
    certified = rnnlens.certify(
        network, windows.select(slice(0, 2)), lag=[1, 2], target="flow", certificates=RANGES
    )
    drawn = {
        "lag contributions": charts.lag_contributions(explained),
        "one window": charts.lag_contributions(explained, sample=0),
        "lag and feature": charts.lag_feature(explained),
        "forecast": charts.forecast(explained),
        "chart of certificates": charts.certificates(certified),
    }
    return {
        "explanation": shown(explanation_view(explained)),
        "explanation of one": shown(explanation_view(explained.isel(sample=[3]))),
        "slopes": shown(explanation_view(slopes)),
        "certificates": shown(certificate_view(certified)),
        "check": shown(check_view(rnnlens.check(network, windows, target="flow"))),
        **{name: json.dumps(chart.to_dict()) for name, chart in drawn.items()},
    }


def evidence_sweep(unit: str, folder) -> dict[str, str]:
    """Give the text of the evidence on lags, of the page of checks and of both reports."""
    from pypdf import PdfReader

    network, windows = made(unit)
    evidence = rnnlens.lags(
        network,
        windows,
        target="flow",
        certificates=RANGES,
        test=rnnlens.Test(loss="squared"),
    )
    page, file = folder / "page.html", folder / "page.pdf"
    rnnlens.report(network, windows, page, target="flow", evidence=evidence)
    rnnlens.report(network, windows, file, target="flow", evidence=evidence)
    tags = re.compile(r"<style.*?</style>|<script.*?</script>|<[^>]*>", re.DOTALL)
    return {
        "shares": shown(lags_view(evidence)),
        "chart of shares": json.dumps(charts.lag_shares(evidence).to_dict()),
        "evidence": shown(evidence_view(evidence)),
        "trust": shown(trust_view(rnnlens.trust(network, windows, target="flow"))),
        "page": html.unescape(tags.sub("\n", page.read_text(encoding="utf-8"))),
        "paper": "\n".join(part.extract_text() for part in PdfReader(file).pages),
    }


def test_no_view_of_what_has_no_unit_writes_one(tmp_path):
    texts = sweep("-") | evidence_sweep("-", tmp_path)
    strays = {name: found for name, text in texts.items() if (found := STRAY.findall(text))}
    assert not strays


def test_every_view_of_what_has_a_unit_writes_it():
    texts = sweep("mm")
    written = r"\d mm|\(mm( per network unit)?\)"
    assert [name for name, text in texts.items() if not re.search(written, text)] == []
