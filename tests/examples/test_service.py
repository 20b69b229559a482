"""The service and the stream of the examples give what the verb gives, or refuse in a sentence."""

from __future__ import annotations

import importlib.util

import numpy as np
import pytest

import rnnlens
from networks import forecaster
from rnnlens.demo.weather import leave_files
from rnnlens.errors import DataError, InputError
from small_networks import small


@pytest.fixture
def example(root, tmp_path, monkeypatch):
    """Load an example where the demo's files lie."""
    leave_files(tmp_path)
    monkeypatch.chdir(tmp_path)

    def load(name):
        path = root / "examples" / "service" / f"{name}.py"
        spec = importlib.util.spec_from_file_location(f"service_{name}", path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module

    return load


def test_the_service_gives_what_the_verb_gives_and_is_short(example, root):
    pytest.importorskip("fastapi")
    app = example("app")
    one = app.past.newest(1)
    said = app.explained(app.Window(steps=one.values[0].tolist()))
    whole = rnnlens.explain(app.net, one, target="temp", method="secant", background=app.past)
    np.testing.assert_allclose(said["contribution"], whole.contribution.values[0], atol=5.1e-5)
    assert said["forecast"] == f"{float(whole.forecast[0]):.2f} F"
    assert list(said["features"]) == list(whole.feature.values)
    lines = (root / "examples" / "service" / "app.py").read_text(encoding="utf-8").splitlines()
    assert len(lines) <= 30


@pytest.mark.parametrize("steps", [[[0.0] * 10] * 23, [[0.0] * 9] * 24, [[0.0] * 10, [0.0]], []])
def test_the_service_refuses_a_window_that_does_not_fit(example, steps):
    fastapi = pytest.importorskip("fastapi")
    app = example("app")
    with pytest.raises(fastapi.HTTPException, match=r"\(sample, 24, 10\)|array") as refused:
        app.explained(app.Window(steps=steps))
    assert refused.value.status_code == 422


def test_the_stream_says_of_each_forecast_what_moved_it_most(example):
    stream = example("stream")
    rows = np.concatenate([stream.past.values[0], stream.past.values[1:4, -1]])
    said = list(stream.told(rows))
    whole = rnnlens.explain(
        stream.net, stream.past.select(slice(0, 4)), target="temp", method="secant",
        background=stream.past,
    )  # fmt: skip
    assert len(said) == 4
    for line, one, forecast in zip(said, whole.contribution, whole.forecast, strict=True):
        lag, feature = np.unravel_index(abs(one.values).argmax(), one.shape)
        assert line.startswith(f"{float(forecast):.1f} F, most by {one.feature.values[feature]} ")
        assert f"at lag {lag + 1}: {float(one[lag, feature]):+.1f} F" in line


@pytest.mark.parametrize("baseline", ["mean", "zero", "background", [0.5, -1.0, 2.0]])
def test_an_explainer_gives_what_explain_gives(baseline, rng):
    network, x = forecaster("gru_after", rng), rng.normal(size=(40, 7, 3))
    asked = {"target": 1, "baseline": baseline, "held": ["feature 2"]}
    explain = rnnlens.explainer(network, x, **asked)
    found = explain(x[5:8])
    whole = rnnlens.explain(network, x[5:8], method="secant", background=x, **asked)
    np.testing.assert_array_equal(found.contribution, whole.contribution)
    np.testing.assert_array_equal(found.forecast, whole.forecast)
    np.testing.assert_array_equal(found.baseline_forecast, whole.baseline_forecast)
    assert not found.contribution[..., 2].any()


def test_what_an_explainer_does_not_take_is_refused_and_the_advice_works(rng):
    network, x = forecaster("lstm", rng), rng.normal(size=(9, 7, 3))
    with pytest.raises(InputError, match=r"rnnlens\.explain takes any"):
        rnnlens.explainer(network, x, target=0, baseline="persistence")
    rnnlens.explain(network, x, target=0, method="secant", baseline="persistence")
    two, given = small("two inputs")
    with pytest.raises(DataError, match=r"call rnnlens\.explain"):
        rnnlens.explainer(two, given)
    rnnlens.explain(two, given)
