"""What all adapters share; the libraries themselves are tried by ``make integrations``."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import torch

import rnnlens
from rnnlens.adapters import recognised
from rnnlens.adapters.cutting import Statistics, step_of, windows_of, with_statistics, with_times
from rnnlens.adapters.tidy import tidy
from rnnlens.series.column import Column
from rnnlens.series.joint.inputs import SidecarInput
from rnnlens.series.sidecar import ROWS
from rnnlens.series.variable import Variable
from rnnlens.series.windows import Windows


def drawn(rng, *, groups: bool = False) -> tuple[pd.DataFrame, Windows]:
    """A load and a temperature of 20 rows a group, cut into windows of 5 for 2 steps ahead."""
    frame = pd.DataFrame({"load": rng.normal(50, 9, 40), "warmth": rng.normal(size=40)})
    if groups:
        frame["series"] = ["a"] * 20 + ["b"] * 20
    features = (Variable("load", "MW", 50.0, 9.0), Variable("warmth", "K", 2.0, 3.0))
    targets = [
        Variable(f"load t+{k}", "MW", 50.0, 9.0, column=Column(of="load"), lead=k) for k in (1, 2)
    ]
    made = windows_of(frame, [SidecarInput("past", features)], targets, window=5, step=None)
    assert isinstance(made, Windows)
    return frame, made


def test_a_window_scaled_by_itself_comes_back_from_its_numbers(rng):
    _, plain = drawn(rng)
    load = plain.values[..., :1]
    statistics = Statistics(np.median(load, axis=1), load.std(axis=1), ("median", "spread"))
    made = with_statistics(plain, "window", "past", [0], statistics, 1)
    assert made.main == "past" and made.static == ("window",)
    assert made["window"].features == ("median of load", "spread of load")
    assert made["past"].units == ("spread of the window", "K")
    shift, scale = (made["window"].values[:, :, k : k + 1] for k in (0, 1))
    np.testing.assert_allclose(made["past"].values[..., :1] * scale + shift, load)
    # in the load's own unit: the median itself, and a spread that nothing is added to
    own = made["window"].original[:, 0]
    np.testing.assert_allclose(own[:, 0], np.median(plain.original[..., 0], axis=1))
    np.testing.assert_allclose(own[:, 1], plain.original[..., 0].std(axis=1))
    np.testing.assert_array_equal(made["past"].values[..., 1], plain.values[..., 1])


def test_months_and_business_days_count_rows_and_other_steps_are_lengths_of_time():
    assert [step_of(one) for one in ("D", "h", "15min", "2D")] == ["1d", "1h", "15min", "2d"]
    assert [step_of(one) for one in ("MS", "B", "YS", 3)] == [ROWS] * 4


def test_times_of_forecasts_are_stated_by_the_series_own_steps(rng):
    _, plain = drawn(rng, groups=True)
    begins = {"a": 100, "b": 300}
    made = with_times(
        plain,
        lambda issued, lead: issued + 10 * lead,
        lambda rows, groups: (
            np.array([begins[one] for one in (groups if groups is not None else ())]) + 10 * rows
        ),
    )
    assert isinstance(made, Windows) and made.groups is not None
    first = [int(np.flatnonzero(made.groups == one)[0]) for one in ("a", "b")]
    assert made.issued[first].tolist() == [140, 340] and made.times[first].tolist() == [150, 350]
    assert made.target_times is not None and made.target_times[first].tolist() == [
        [150, 160],
        [350, 360],
    ]


def test_a_class_is_recognised_by_where_it_was_written_and_heirs_too(monkeypatch):
    monkeypatch.setitem(recognised.CLASSES, ("a.library", "Model"), "tidy")
    model = type("Model", (), {"__module__": "a.library"})
    heir = type("Own", (model,), {"__module__": "mine"})
    other = type("Model", (), {"__module__": "another.library"})
    assert recognised.adapter_of(model()) is recognised.adapter_of(heir()) is not None
    assert recognised.adapter_of(other()) is recognised.adapter_of(np.zeros(3)) is None
    for odd in ("no such folder", "", "a\0b", "x" * 5000, b"config".decode()):
        assert recognised.adapter_of(odd) is None


def test_a_librarys_module_is_read_as_a_module_where_an_example_is_given(rng, monkeypatch):
    class Model(torch.nn.LSTM):
        def forward(self, x):
            return super().forward(x)[0]

    monkeypatch.setitem(recognised.CLASSES, (Model.__module__, Model.__qualname__), "scikeras")
    model, example = Model(3, 4, batch_first=True), torch.tensor(rng.normal(size=(2, 5, 3)))
    net = rnnlens.read(model.double(), example=example)
    made = np.asarray(rnnlens.predict(net, example.numpy()))
    np.testing.assert_allclose(made, model(example).detach(), atol=1e-12)
    with pytest.raises(rnnlens.errors.UnsupportedModel, match="the pipeline ends in Model"):
        rnnlens.read(model)  # the library's own way


def test_nothing_of_a_library_is_imported_to_see_that_a_model_is_not_of_it():
    code = """
import sys, numpy, rnnlens
from rnnlens.adapters.recognised import adapter_of
assert adapter_of(numpy.zeros(3)) is None
loaded = {name for name in sys.modules if name.startswith("rnnlens.adapters.")}
print(sorted(loaded), sorted({"torch", "darts", "neuralforecast", "sktime"} & sys.modules.keys()))
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120
    )
    assert done.stdout.strip() == "['rnnlens.adapters.recognised'] []"


@pytest.mark.parametrize("several", [False, True])
def test_the_rows_of_a_forecast_sum_to_it(rng, several):
    from networks import forecaster

    net = forecaster("lstm", rng, steps=5, features=2)
    _, plain = drawn(rng, groups=True)
    target = [0, 1] if several else 0
    explained = rnnlens.explain(net, plain.values, target=target, method="secant", baseline="zero")
    explained = explained.assign_coords(
        group=("sample", plain.groups),
        time=("sample", plain.times),
        issued=("sample", plain.issued),
    )
    rows = tidy(explained, group="unique_id", time="ds", issued="cutoff")
    by = ["unique_id", "ds", *(["target"] if several else [])]
    whole = rows.groupby(by).agg({
        "contribution": "sum",
        "forecast": "first",
        "baseline_forecast": "first",
    })
    np.testing.assert_allclose(whole.contribution + whole.baseline_forecast, whole.forecast)
    assert len(rows) == explained["contribution"].size
