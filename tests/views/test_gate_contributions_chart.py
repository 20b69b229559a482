"""The chart of gates draws every gate at every lag, with the sums that the result holds."""

from __future__ import annotations

import pytest

import rnnlens
from networks import forecaster
from rnnlens.views import charts


@pytest.mark.parametrize(("kind", "gates"), [("lstm", 4), ("gru_after", 2)])
def test_bars_are_the_contributions_summed_over_units(kind, gates, rng):
    net = forecaster(kind, rng, scale=0.5)
    carried = rnnlens.gate_contributions(net, rng.normal(size=(5, 7, 3)), target=0)
    summed = carried.contribution.sum("unit")
    for sample, expected in ((None, summed.mean("sample")), (2, summed.isel(sample=2))):
        drawn = charts.gate_contributions(carried, sample=sample).to_dict()
        rows = max(drawn["datasets"].values(), key=len)
        assert len(rows) == 7 * gates
        total = sum(row["contribution"] for row in rows)
        assert total == pytest.approx(float(expected.sum()), abs=1e-12)
        first = [row["contribution"] for row in rows if row["lag"] == 1]
        assert first == pytest.approx(expected.sel(lag=1).values.tolist(), abs=1e-12)
