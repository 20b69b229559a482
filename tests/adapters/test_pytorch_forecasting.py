"""RecurrentNetwork of pytorch-forecasting; a stand-in keeps what the library's own does.

The library itself is tried by ``make integrations``.
"""

from __future__ import annotations

import copy
import sys
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest
import torch

import rnnlens
from recurrent_network import (
    HORIZONS,
    KNOWN,
    REALS,
    ROWS,
    STEPS,
    EncoderNormalizer,
    GroupNormalizer,
    Line,
    RecurrentNetwork,
    TimeSeriesDataSet,
    drawn,
)
from rnnlens.adapters.pytorch_forecasting import to_native
from rnnlens.errors import DataError, InputError, RnnlensError, UnsupportedModel
from rnnlens.series.joint.windows import WindowsByInput

#: What the library computes in single precision, in sizes of the largest forecast.
SINGLE = 1e-6


@pytest.fixture
def frame(rng):
    return drawn(rng)


def own_forecast(model, rows, center, scale, relu):
    """Forecast one window as the library does: encode, then a step at a time; rows of the frame."""
    whole = STEPS + HORIZONS
    columns = {
        "area": (rows.area - 1.0) / 3.0,
        "load_center": np.full(whole, (center - 50.0) / 9.0),
        "load_scale": np.full(whole, (scale - 2.0) / 0.5),
        "holiday": (rows.holiday - 0.3) / 2.0,
        "relative_time_idx": np.arange(-STEPS, HORIZONS) / STEPS,
        "load": np.roll((rows.load - center) / scale, 1),
    }
    stacked = np.stack([np.asarray(columns[name]) for name in model.hparams.x_reals], axis=1)
    x, model = torch.tensor(stacked[None]), copy.deepcopy(model).double()
    place, made = model.hparams.x_reals.index("load"), []
    with torch.no_grad():
        _, state = model.rnn(x[:, 1:STEPS])
        for k in range(HORIZONS):
            step = x[:, STEPS + k : STEPS + k + 1].clone()
            if k:
                step[0, 0, place] = (made[-1] - center) / scale
            hidden, state = model.rnn(step, state)
            forecast = float(model.output_projector(hidden)) * scale + center
            made.append(max(forecast, 0.0) if relu else forecast)
    return np.array(made)


@pytest.mark.parametrize("cell", ["LSTM", "GRU"])
@pytest.mark.parametrize("kind", ["window", "series", "all"])
def test_every_horizon_is_what_the_library_forecasts(frame, monkeypatch, cell, kind):
    norm = {0: (49.0, 5.0), 1: (60.0, 6.0)}
    normalizer = {
        "window": EncoderNormalizer("relu"),
        "series": GroupNormalizer(["site"], norm),
        "all": GroupNormalizer([], {"center": 55.0, "scale": 7.0}, "relu"),
    }[kind]
    reals = REALS if kind != "all" else ["area", *KNOWN, "load"]
    torch.manual_seed(3)
    model = RecurrentNetwork(getattr(torch.nn, cell), normalizer, reals)
    if normalizer.transformation == "relu":
        with torch.no_grad():  # forecasts on both sides of zero, and far from it
            model.output_projector.weight *= 60.0
            whole, center, scale = STEPS + HORIZONS, 55.0, 7.0
            begin = [
                own_forecast(model, frame[k : k + whole], center, scale, relu=False)[0]
                for k in range(0, ROWS - whole, 2)
            ]
            model.output_projector.bias -= float(np.median(begin)) / scale
    if kind == "all":
        series = TimeSeriesDataSet(frame, normalizer, model)
    else:
        library = ModuleType("pytorch_forecasting.data.timeseries")
        library.TimeSeriesDataSet = TimeSeriesDataSet  # type: ignore[attr-defined]
        monkeypatch.setitem(sys.modules, library.__name__, library)
        series = frame
    net, windows = rnnlens.read(model), rnnlens.windows(model, series)
    assert isinstance(windows, WindowsByInput)
    one = windows["past"]
    assert len(one) == 2 * (ROWS - STEPS - HORIZONS + 1) and one.times[0] == STEPS
    assert windows["time_varying_known_reals"].features == KNOWN
    assert one.groups is not None
    assert ("target_scale" in windows) == (kind != "all")
    forecast = np.asarray(rnnlens.predict(net, windows)).reshape(len(one), HORIZONS)
    for k, (issued, site) in enumerate(zip(one.issued, one.groups, strict=True)):
        rows = frame[frame.site == site]
        rows = rows[(rows.day > issued - STEPS) & (rows.day <= issued + HORIZONS)]
        y = rows.load.to_numpy()[:STEPS]
        center, scale = {
            "window": (y.mean(), y.std(ddof=1) + 1e-6),
            "series": norm[int(site == "south")],
            "all": (55.0, 7.0),
        }[kind]
        own = own_forecast(model, rows, center, scale, normalizer.transformation == "relu")
        np.testing.assert_allclose(forecast[k], own, atol=SINGLE * np.abs(forecast).max())
    assert (0.0 < (forecast == 0.0).mean() < 1.0) == (normalizer.transformation == "relu")


def test_rows_of_a_forecast_sum_to_it_by_series_and_time(frame):
    model = RecurrentNetwork(torch.nn.LSTM, EncoderNormalizer())
    windows = rnnlens.windows(model, TimeSeriesDataSet(frame)).newest(2)
    net, last = rnnlens.read(model), rnnlens.Target("load", horizon=HORIZONS)
    rows = to_native(rnnlens.explain(net, windows, target=last, method="secant", baseline="zero"))
    assert rows.cutoff.unique().tolist() == [115, 116]
    assert rows.time_idx.unique().tolist() == [118, 119]
    assert rows.group_ids.unique().tolist() == ["south"]
    by = rows.groupby("time_idx")
    total = by.contribution.sum() + by.baseline_forecast.first()
    np.testing.assert_allclose(total, by.forecast.first(), rtol=1e-9)
    told = rows[rows.input == "target_scale"]
    assert told.feature.unique().tolist() == ["center of load", "scale of load"]


def test_two_steps_and_rows_of_one_window_are_enough(frame):
    model = RecurrentNetwork(torch.nn.LSTM, EncoderNormalizer())
    ends = frame[frame.day % 100 < STEPS + HORIZONS].reset_index(drop=True)
    made = rnnlens.predict(rnnlens.read(model), rnnlens.windows(model, TimeSeriesDataSet(ends)))
    assert np.shape(made)[0] == 2
    model.dataset_parameters["max_encoder_length"] = 2
    short = TimeSeriesDataSet(frame)
    short.max_encoder_length, short.index = 2, short.index.assign(sequence_length=2 + HORIZONS)
    net, windows = rnnlens.read(model), rnnlens.windows(model, short)
    assert isinstance(windows, WindowsByInput) and windows["past"].values.shape[1] == 2
    forecast = np.asarray(rnnlens.predict(net, windows)).reshape(-1, HORIZONS)
    y = frame.load.to_numpy()[:2]
    assert np.isfinite(forecast).all() and len(forecast) == len(short.index)
    np.testing.assert_allclose(windows["target_scale"].original[0, 0, 0], y.mean(), rtol=SINGLE)


def test_what_is_known_beyond_tomorrow_cannot_reach_tomorrow(frame):
    model = RecurrentNetwork(torch.nn.LSTM, EncoderNormalizer())
    reach = rnnlens.describe(rnnlens.read(model)).get("reach", [])
    first = [(one["input"], one["newest"]) for one in reach if one["label"] == "horizon 1"]
    assert first == [("time_varying_known_reals", HORIZONS)]


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (
            {"target_lags": {"load": {"a": 4, "b": 2}}},
            "takes 'load' lagged by 2 as a column and forecasts 3 steps, of which .* step 3",
        ),
        ({"loss": Line(0, 1)}, "was fitted with Line, whose forecasts are drawn, or bent"),
        ({"transformation": "log"}, "bends its target by transformation='log'"),
        ({"max_encoder_length": 1}, "has an encoder of one step"),
    ],
)
def test_a_model_that_is_not_followed_is_refused(change, sentence):
    model = RecurrentNetwork(torch.nn.LSTM, EncoderNormalizer(change.get("transformation")))
    model.loss = change.get("loss", model.loss)
    for name, value in change.items():
        if name in model.dataset_parameters:
            model.dataset_parameters[name] = value
        elif hasattr(model.hparams, name):
            setattr(model.hparams, name, value)
    with pytest.raises(UnsupportedModel, match=sentence):
        rnnlens.read(model)


def test_a_model_that_does_not_know_its_data_is_refused():
    model = RecurrentNetwork(torch.nn.LSTM, EncoderNormalizer())
    del model.dataset_parameters
    with pytest.raises(InputError, match="does not know the TimeSeriesDataSet"):
        rnnlens.read(model)


def test_a_series_that_is_not_the_models_is_refused(frame):
    model = RecurrentNetwork(torch.nn.LSTM, EncoderNormalizer())

    def refused(series, sentence, kind: type[RnnlensError] = DataError):
        with pytest.raises(kind, match=sentence):
            rnnlens.windows(model, series)

    refused(np.zeros((3, 3)), "must be a TimeSeriesDataSet .* of type ndarray")
    refused(frame.drop(columns="holiday"), "and no column 'holiday', which")
    refused(frame.assign(load=[np.nan, *frame.load[1:]]), "'load' has no number in 1 rows")
    refused(frame[frame.day % 100 < STEPS + HORIZONS - 1], "no whole window.* at least 9 rows")
    other = TimeSeriesDataSet(frame)
    other.max_encoder_length = 5
    refused(other, "has windows of 5 and 3 steps of area.*and the model takes 6 and 3")
    refused(TimeSeriesDataSet(frame.drop(index=4)), "series 'north' has no row for day 4")
    bent = TimeSeriesDataSet(frame)
    bent.scalers["holiday"] = SimpleNamespace(transform=np.square)
    refused(bent, "column 'holiday' is scaled by SimpleNamespace", UnsupportedModel)
    model.dataset_parameters["target_normalizer"] = GroupNormalizer(
        ["site"], {0: (49.0, 5.0), 1: (60.0, 6.0)}
    )
    refused(TimeSeriesDataSet(frame), "in one way before the network", UnsupportedModel)
