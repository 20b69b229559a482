"""A check of a forecast that was made is kept: said the same, made once, and made anew if need be.

Nothing has a tolerance here: what is said is to be the same to the letter.
"""

import numpy as np
import pytest

import rnnlens
from networks import forecaster
from rnnlens.api.shared.forecast import kept
from rnnlens.series.sidecar import Sidecar, Variable

SAID = ("forecast_check", "caution", "forecast_verdict")


@pytest.fixture
def series(rng):
    return {"rain": rng.gamma(1.0, 2.0, size=90), "flow": rng.normal(50, 12, size=90)}


@pytest.fixture
def sidecar():
    variables = (
        Variable("rain", unit="mm", mean=2.0, scale=3.0),
        Variable("flow", unit="m3/s", mean=50.0, scale=12.0),
    )
    return Sidecar(variables, window=7, targets=variables)


@pytest.fixture
def made(monkeypatch):
    """Note each check that is made."""
    checks, honest = [], kept.check_forecast
    monkeypatch.setattr(kept, "check_forecast", lambda *a, **k: checks.append(1) or honest(*a, **k))
    return checks


def one_of(series, sidecar, place):
    return rnnlens.windows({n: v[place : place + 7] for n, v in series.items()}, sidecar)


def said(network, window, background):
    found = rnnlens.explain(
        network, window, target="flow", method="secant", background=background
    ).attrs
    return [found[name] for name in SAID]


def test_a_background_is_judged_once_for_all_windows_and_said_the_same(
    rng, series, sidecar, made, monkeypatch
):
    network = forecaster("lstm", rng, steps=7, features=2)
    background = rnnlens.windows(series, sidecar)
    each = [said(network, one_of(series, sidecar, k), background) for k in range(5)]
    assert len(made) == 1
    assert "judged on the background" in each[0][0]
    monkeypatch.setattr(kept, "_digest", lambda *given, **more: str(len(made)))
    anew = [said(network, one_of(series, sidecar, k), background) for k in range(5)]
    assert len(made) == 6
    assert each == anew


def test_another_background_or_other_weights_are_judged_anew(rng, series, sidecar, made):
    network = forecaster("lstm", rng, steps=7, features=2)
    background, window = rnnlens.windows(series, sidecar), one_of(series, sidecar, 3)
    before = said(network, window, background)
    shifted = {**series, "flow": series["flow"] + rng.normal(size=90)}
    assert said(network, window, rnnlens.windows(shifted, sidecar)) != before
    assert said(network, window, background) == before
    assert len(made) == 2
    _, recurrent = next(iter(network.recurrent()))
    weights = recurrent.cell.input.W
    if not weights.flags.writeable:
        weights.flags.writeable = True
    weights *= 3.0
    assert said(network, window, background) != before
    assert len(made) == 3


def test_who_writes_into_a_check_changes_no_other(rng, series, sidecar):
    network = forecaster("lstm", rng, steps=7, features=2)
    windows = rnnlens.windows(series, sidecar)
    first = rnnlens.check(network, windows, target="flow")
    expected = first["error"].values.copy()
    first["error"].values[...] = -1.0
    again = rnnlens.check(network, windows, target="flow")
    np.testing.assert_array_equal(again["error"].values, expected)
