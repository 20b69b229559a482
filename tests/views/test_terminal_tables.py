"""Terminal tables show the numbers of their result, at any width and without colour."""

from __future__ import annotations

import re
from io import StringIO

import numpy as np
import pytest
import xarray as xr
from rich.console import Console

from rnnlens.views.tables.explanation import explanation_view, lags_view, trace_view

ATTRS = {"target": "temp", "unit": "F", "method": "secant", "baseline": "mean", "held": "hour_sin"}


def shown(renderable, width=100):
    """What a pipe of that width would get."""
    text = StringIO()
    Console(file=text, width=width).print(renderable, highlight=False, markup=False)
    return text.getvalue()


@pytest.fixture
def shares():
    share = np.array([0.6, 0.25, 0.15])
    return xr.Dataset(
        {
            "share": ("lag", share),
            "share_low": ("lag", share - 0.05),
            "share_high": ("lag", share + 0.0625),
            "mean_contribution": ("lag", [-1.234, 0.5, 0.007]),
        },
        coords={"lag": [1, 2, 3], "lag_to": ("lag", [1, 2, 24])},
        attrs={**ATTRS, "samples": 1234, "max_residual": 2.5e-14, "block_length": 48},
    )


def explained(samples, rng):
    contribution = rng.normal(size=(samples, 3, 4))
    baseline = np.full(samples, 50.0)
    return xr.Dataset(
        {
            "contribution": (("sample", "lag", "feature"), contribution),
            "forecast": ("sample", baseline + contribution.sum((1, 2))),
            "baseline_forecast": ("sample", baseline),
            "residual": ("sample", np.zeros(samples)),
        },
        coords={
            "lag": [1, 2, 3],
            "feature": ["temp", "dewp", "wind", "hour_sin"],
            "time": ("sample", np.datetime64("2013-09-01", "ns") + np.arange(samples)),
        },
        attrs=ATTRS,
    )


def test_the_lag_table_shows_shares_intervals_means_and_how_they_were_made(shares):
    text = shown(lags_view(shares))
    rows = [line.split("%")[0:3] for line in text.splitlines() if line.count("%") == 3]
    assert [[float(cell.split()[-1]) for cell in row] for row in rows] == [
        [60.0, 55.0, 66.2],
        [25.0, 20.0, 31.2],
        [15.0, 10.0, 21.2],
    ]
    assert "3–24" in text
    assert "-1.23" in text
    for part in ("secant", "1,234 windows", "baseline mean", "2.5e-14 F", "blocks of 48"):
        assert part in text


def test_the_bars_are_as_long_as_the_shares(shares):
    lengths = [
        line.count("█") for line in shown(lags_view(shares), 140).splitlines() if "%" in line
    ]
    first, second, third = lengths[:3]
    # A bar ends in a block of an eighth to seven eighths, which is not counted.
    assert second == pytest.approx(first * 25 / 60, abs=1)
    assert third == pytest.approx(first * 15 / 60, abs=1)


@pytest.mark.parametrize("width", [40, 60, 100, 200])
def test_no_line_is_wider_than_the_terminal_and_nothing_is_coloured(shares, rng, width):
    for view in (lags_view(shares), explanation_view(explained(5, rng))):
        text = shown(view, width)
        assert "\x1b" not in text
        assert max(len(line) for line in text.splitlines()) <= width


def test_one_window_is_shown_with_its_time_and_its_own_numbers(rng):
    explanation = explained(1, rng)
    text = shown(explanation_view(explanation))
    assert "2013-09-01 00:00" in text
    rows = [line.split() for line in text.splitlines() if re.match(r" *\d ", line)]
    expected = explanation["contribution"].sum("feature").values[0]
    np.testing.assert_allclose([float(row[1]) for row in rows], expected, atol=0.00501)
    change = float((explanation["forecast"] - explanation["baseline_forecast"])[0])
    assert f"{change:+.4g} F" in text
    assert "mean size" not in text


def test_a_row_names_the_features_that_count_most_first(rng):
    explanation = explained(1, rng)
    values = explanation["contribution"].values[0, 0]
    order = np.argsort(-np.abs(values))[:3]
    row = next(
        line
        for line in shown(explanation_view(explanation)).splitlines()
        if line.startswith("  1 ")
    )
    named = re.findall(r"([a-z_]+) [-+]", row)
    assert named == [str(explanation["feature"].values[place]) for place in order]


def test_many_windows_are_shown_as_means(rng):
    explanation = explained(50, rng)
    text = shown(explanation_view(explanation))
    assert "means over 50 windows" in text
    row = next(line.split() for line in text.splitlines() if line.startswith("  1 "))
    per_lag = explanation["contribution"].sum("feature").values[:, 0]
    assert float(row[1]) == pytest.approx(per_lag.mean(), abs=0.00501)
    assert float(row[2]) == pytest.approx(np.abs(per_lag).mean(), abs=0.00501)


def test_sensitivities_are_never_called_contributions(rng):
    explanation = explained(2, rng).rename(contribution="sensitivity")
    explanation = explanation.drop_vars(["baseline_forecast", "residual"])
    text = shown(explanation_view(explanation))
    assert "Sensitivities" in text
    assert "ontribution" not in text


def test_the_trace_table_has_a_row_for_each_gate_and_state(rng):
    gates = ["input", "forget", "cell", "output"]
    values = rng.uniform(size=(2, 5, 4, 3))
    layer = xr.Dataset(
        {
            "gate_value": (("sample", "step", "gate", "unit"), values),
            "cell": (("sample", "step", "unit"), rng.normal(size=(2, 5, 3))),
            "hidden": (("sample", "step", "unit"), rng.normal(size=(2, 5, 3))),
        },
        coords={"gate": gates},
        attrs={"layer": "lstm"},
    )
    text = shown(trace_view(xr.DataTree.from_dict({"/": xr.Dataset(), "lstm": layer})))
    assert "lstm: 3 units over 5 steps, 2 windows" in text
    for place, gate in enumerate(gates):
        row = next(line for line in text.splitlines() if line.startswith(f"{gate} gate"))
        own = values[:, :, place]
        numbers = [own[:, 0].mean(), own[:, -1].mean(), own.mean(), own.min(), own.max()]
        assert row.split()[2:] == [f"{number:.3f}" for number in numbers]
    assert "cell state" in text
    assert "hidden state" in text


def test_numbers_far_from_exact_are_marked_where_they_are_drawn(shares, rng):
    from rnnlens.views.tables.summary import far_off_text, lag_labels

    far = {"audit_share": 0.34, "exact_lags": 1}
    marked = shares.assign_attrs(far)
    assert lag_labels(marked) == ["1", "~2", "~3–24"]
    text = shown(lags_view(marked))
    assert "~2" in text and "off exact values by 34 % of their size" in " ".join(text.split())
    explanation = explained(5, rng).assign_attrs(far)
    assert "~2" in shown(explanation_view(explanation))
    near = shares.assign_attrs(far | {"audit_share": 0.1})
    assert "~" not in shown(lags_view(near)) and far_off_text(near) == ""
    assert "~" not in shown(lags_view(shares))
