"""Categories, lags of the target and several targets of a RecurrentNetwork, beside naive loops.

A stand-in keeps what the library's own does; the library itself is tried by ``make integrations``.
"""

from __future__ import annotations

import copy
import sys
from types import ModuleType

import numpy as np
import pytest
import torch

import rnnlens
from recurrent_network import (
    HORIZONS,
    LABELS,
    ROWS,
    STEPS,
    EncoderNormalizer,
    GroupNormalizer,
    Line,
    MultiNormalizer,
    RecurrentNetwork,
    TimeSeriesDataSet,
    drawn,
)
from rnnlens.adapters.pytorch_forecasting import to_native
from rnnlens.errors import DataError
from rnnlens.series.joint.windows import WindowsByInput

#: What the library computes in single precision, in sizes of the largest forecast.
SINGLE = 1e-6
NORM = {0: (49.0, 5.0), 1: (60.0, 6.0)}
SCALED = {"holiday": Line(0.3, 2.0), "area": Line(1.0, 3.0)}


@pytest.fixture
def frame(rng):
    return drawn(rng)


def lagged(lags, target="load"):
    return [f"{target}_lagged_by_{lag}" for lag in lags]


#: What makes each model: its columns, and what scales its targets.
CASES = {
    "categories": {
        "reals": ["area", "holiday", "load"],
        "categoricals": {"site": ("site",), "weekday": ("weekday",)},
        "normalizer": EncoderNormalizer,
    },
    "a group of categories, and lags by series": {
        "reals": ["holiday", "load", *lagged((4, 7))],
        "categoricals": {"day": ("feast",)},
        "lags": {"load": [4, 7]},
        "normalizer": lambda: GroupNormalizer(["site"], NORM),
    },
    "lags of the window": {
        "reals": ["load", *lagged((9, 3))],
        "lags": {"load": [9, 3]},
        "normalizer": EncoderNormalizer,
    },
    "several targets, each scaled in its own way": {
        "reals": ["heat", "load", "holiday"],
        "targets": ("load", "heat"),
        "normalizer": lambda: MultiNormalizer([
            EncoderNormalizer("relu"),
            GroupNormalizer([], {"center": 310.0, "scale": 20.0}),
        ]),
    },
    "several targets with lags, all scaled alike": {
        "reals": ["heat", *lagged((3,), "heat"), "load", *lagged((3,))],
        "targets": ("load", "heat"),
        "lags": {"load": [3], "heat": [3]},
        "normalizer": lambda: MultiNormalizer([
            GroupNormalizer([], {"center": 55.0, "scale": 7.0}),
            GroupNormalizer([], {"center": 310.0, "scale": 20.0}),
        ]),
    },
}


def made(name, cell=torch.nn.LSTM):
    case = dict(CASES[name])
    normalizer, reals = case.pop("normalizer")(), case.pop("reals")
    torch.manual_seed(3)
    return RecurrentNetwork(cell, normalizer, reals, **case)


def numbers(normalizer, y, site):
    """Give center and scale of a target in a window: y (step,) of its encoder."""
    if isinstance(normalizer, EncoderNormalizer):
        return y.mean(), y.std(ddof=1) + 1e-6
    if normalizer.groups:
        return NORM[("north", "south").index(site)]
    return normalizer.norm_["center"], normalizer.norm_["scale"]


def own_forecast(model, rows, at, site):
    """Forecast from one window as the library does: rows of a series, `at` its encoder's end."""
    model = copy.deepcopy(model).double()
    targets = model.hparams.target
    targets = [targets] if isinstance(targets, str) else targets
    whole = model.dataset_parameters["target_normalizer"]
    each = getattr(whole, "normalizers", [whole])
    both = {
        name: numbers(one, rows[name].to_numpy()[at - STEPS + 1 : at + 1], site)
        for name, one in zip(targets, each, strict=True)
    }
    told = {name: list(rows[name].to_numpy()[: at + 1]) for name in targets}
    lag_of = {name: lag for own in model.hparams.target_lags.values() for name, lag in own.items()}
    groups = model.hparams.categorical_groups

    def columns(step):
        """What the network takes at a step: of the targets what was told before it."""
        row, taken = rows.iloc[step], []
        for name in model.hparams.x_reals:
            of = name.partition("_lagged_by_")[0]
            if of in targets:
                center, scale = both[of]
                taken.append((told[of][step - lag_of.get(name, 1)] - center) / scale)
            else:
                line = SCALED[name]
                taken.append((row[name] - line.mean) / line.scale)
        parts = [torch.tensor(taken)]
        for name, table in model.embeddings.embeddings.items():
            codes = [LABELS[one].index(row[one]) for one in groups.get(name, [name])]
            parts.append(sum(table.weight[code] for code in codes))
        return torch.cat(parts)[None, None]

    projectors = model.output_projector
    projectors = projectors if len(targets) > 1 else [projectors]
    given, state = [], None
    with torch.no_grad():
        for step in range(at - STEPS + 2, at + HORIZONS + 1):
            hidden, state = model.rnn(columns(step), state)
            if step <= at:
                continue
            now = []
            for name, one, projector in zip(targets, each, projectors, strict=True):
                center, scale = both[name]
                forecast = float(projector(hidden)) * scale + center
                now.append(max(forecast, 0.0) if one.transformation == "relu" else forecast)
                told[name].append(now[-1])
            given.append(now)
    return np.array(given)


@pytest.mark.parametrize("cell", [torch.nn.LSTM, torch.nn.GRU])
@pytest.mark.parametrize("name", CASES)
def test_every_horizon_of_every_target_is_what_the_library_forecasts(
    frame, monkeypatch, name, cell
):
    model = made(name, cell)
    normalizer = model.dataset_parameters["target_normalizer"]
    library = ModuleType("pytorch_forecasting.data.timeseries")
    monkeypatch.setattr(
        TimeSeriesDataSet, "from_parameters", lambda _, rows, **__: given(rows), raising=True
    )
    library.TimeSeriesDataSet = TimeSeriesDataSet  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, library.__name__, library)

    def given(rows):
        return TimeSeriesDataSet(rows, normalizer, model)

    net, windows = rnnlens.read(model), rnnlens.windows(model, frame)
    one = windows["past"] if isinstance(windows, WindowsByInput) else windows
    longest = max((lag for own in CASES[name].get("lags", {}).values() for lag in own), default=0)
    assert len(one) == 2 * (ROWS - longest - STEPS - HORIZONS + 1)
    assert one.values.shape[1] == STEPS + max(longest - 1, 0)
    targets = CASES[name].get("targets", ("load",))
    forecast = np.asarray(rnnlens.predict(net, windows)).reshape(len(one), HORIZONS, len(targets))
    assert one.groups is not None
    for k, (issued, site) in enumerate(zip(one.issued, one.groups, strict=True)):
        rows = frame[frame.site == site].reset_index(drop=True)
        own = own_forecast(model, rows, int(issued) % 100, site)
        size = np.abs(forecast).max(axis=(0, 1))
        np.testing.assert_array_less(np.abs(forecast[k] - own) / size, SINGLE)
    label = f"{targets[-1]} t+{HORIZONS}"
    last = rnnlens.Target(targets[-1], horizon=HORIZONS)
    explained = rnnlens.explain(net, windows, target=last, method="secant", baseline="mean")
    assert explained.attrs["target"] == label
    by = to_native(explained).groupby(["group_ids", "time_idx"])
    total = by.contribution.sum() + by.baseline_forecast.first()
    np.testing.assert_allclose(total, by.forecast.first(), rtol=1e-9)


def test_a_category_has_a_column_for_each_label_of_its_column(frame):
    model = made("categories")
    series = TimeSeriesDataSet(frame, model.dataset_parameters["target_normalizer"], model)
    windows = rnnlens.windows(model, series)
    assert isinstance(windows, WindowsByInput)
    known = windows["time_varying_known_categoricals"]
    assert known.features == ("weekday=Mon", "weekday=Tue", "weekday=Wed")
    assert set(np.unique(known.values)) == {0.0, 1.0} and (known.values.sum(axis=-1) == 1).all()
    assert windows["static_categoricals"].features == ("site=north", "site=south")


def test_steps_between_the_encoder_and_a_lag_contribute_nothing(frame):
    model = RecurrentNetwork(
        torch.nn.LSTM, EncoderNormalizer(), ["load", *lagged((9,))], lags={"load": [9]}
    )
    series = TimeSeriesDataSet(frame, EncoderNormalizer(), model)
    first = rnnlens.Target("load", horizon=1)
    explained = rnnlens.explain(
        rnnlens.read(model), rnnlens.windows(model, series), target=first, method="secant"
    )
    past = explained["past"]["contribution"]
    unread = [int(lag) for lag in past.lag if not past.sel(lag=lag).any()]
    # the encoder reads t-1 to t-6, and the lag what lies 9 steps before t and before t-1 to t-5
    assert past.sizes["lag"] == 14 and unread == [7, 8]


def test_rows_that_a_lag_needs_are_asked_for(frame):
    model = made("lags of the window")
    with pytest.raises(
        DataError, match="takes 6 steps and lags of up to 9 and forecasts 3, so .*18"
    ):
        rnnlens.windows(model, frame[frame.day % 100 < 17])


def test_a_label_that_the_model_was_not_fitted_on_is_refused(frame, monkeypatch):
    model = made("categories")
    library = ModuleType("pytorch_forecasting.data.timeseries")
    library.TimeSeriesDataSet = TimeSeriesDataSet  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, library.__name__, library)
    monkeypatch.setattr(
        TimeSeriesDataSet,
        "from_parameters",
        lambda _, rows, **__: TimeSeriesDataSet(rows, EncoderNormalizer(), model),
    )
    frame.loc[3, "weekday"] = "Sun"
    with pytest.raises(DataError, match="and says Unknown category 'Sun' encountered: give it"):
        rnnlens.windows(model, frame)
    with pytest.raises(DataError, match="and no column 'weekday', which"):
        rnnlens.windows(model, frame.drop(columns="weekday"))
