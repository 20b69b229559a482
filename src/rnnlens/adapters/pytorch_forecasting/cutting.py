"""The windows of a fitted `RecurrentNetwork`, out of its `TimeSeriesDataSet` or a frame of it."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np
import pandas as pd

from rnnlens.adapters.cutting import GROUP, Statistics, windows_of, with_statistics, with_times
from rnnlens.adapters.given import SeriesGiven, refuse_beside
from rnnlens.adapters.pytorch_forecasting.facts import KNOWN, PAST, STATIC, WHAT, WINDOW, Facts
from rnnlens.errors import DataError, UnsupportedModel
from rnnlens.series.column import Column
from rnnlens.series.joint.inputs import SidecarInput
from rnnlens.series.joint.windows import WindowsByInput
from rnnlens.series.variable import Variable

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from rnnlens.series.windows import Windows

__all__ = ["windows"]

#: Where a scaler is asked whether it draws a line, and how far it may be from one.
ASKED, TOLERANCE = np.array([0.0, 1.0, -3.0, 7.0]), 1e-6
#: How far the target may be from what its center and scale make of it, in scales.
AGREES = 1e-4
#: Columns that pytorch-forecasting makes for each window: the same in all whole ones.
MADE = ("relative_time_idx", "encoder_length")


def windows(source: object, series: object, given: SeriesGiven) -> Windows | WindowsByInput:
    """Cut a `TimeSeriesDataSet`, or a frame of what it was made from, into a model's windows.

    They are the whole ones of the dataset's own: of ``max_encoder_length`` steps, followed by
    ``max_prediction_length`` more.
    """
    refuse_beside(given, (), WHAT)
    facts = Facts.of(source)
    dataset = _dataset(facts, series)
    table, times = _table(facts, dataset)
    inputs, targets = _described(facts, dataset)
    made = windows_of(table, inputs, targets, window=facts.steps, step=None)
    made = with_times(made, _later, _moments(times))
    made = _placed(facts, made.select(_own(facts, dataset, made, table)))
    return _scaled(made, facts, dataset, table) if facts.scaled else made


def _dataset(facts: Facts, series: Any) -> Any:
    """Give the dataset: made of a frame as the model's own was, or given as such."""
    if isinstance(series, pd.DataFrame):
        _require(facts, series)
        from pytorch_forecasting.data.timeseries import (  # pyright: ignore[reportMissingImports]
            TimeSeriesDataSet,
        )

        series = TimeSeriesDataSet.from_parameters(
            facts.parameters, series, stop_randomization=True
        )
    if not hasattr(series, "reals") or not hasattr(series, "index"):
        raise DataError(
            "the series must be a TimeSeriesDataSet of pytorch-forecasting, or a DataFrame with "
            f"the columns of that which the model was fitted on, and is of type "
            f"{type(series).__name__}"
        )
    sizes = (series.max_encoder_length, series.max_prediction_length)
    columns = list(facts.model.hparams.x_reals)
    if sizes != (facts.steps, facts.horizons) or list(series.reals) != columns:
        raise DataError(
            f"the TimeSeriesDataSet has windows of {sizes[0]} and {sizes[1]} steps of "
            f"{', '.join(series.reals)}, and the model takes {facts.steps} and {facts.horizons} of "
            f"{', '.join(columns)}: give the DataFrame itself, or "
            "TimeSeriesDataSet.from_dataset(training, frame)"
        )
    return series


def _require(facts: Facts, frame: pd.DataFrame) -> None:
    """Refuse a frame of which pytorch-forecasting could make no dataset."""
    own = facts.parameters
    numbers = [own["time_idx"], facts.target, *facts.known, *facts.static]
    made = {*MADE, f"{facts.target}_center", f"{facts.target}_scale"}
    numbers = [name for name in numbers if name not in made and "_lagged_by_" not in name]
    for name in (*own["group_ids"], *numbers):
        if name not in frame:
            raise DataError(
                f"the series has {', '.join(map(str, frame.columns))} and no column {name!r}, "
                "which the model was fitted on: give that column too"
            )
    for name in numbers:
        empty = ~np.isfinite(frame[name].to_numpy(dtype=np.float64))
        if empty.any():
            raise DataError(
                f"column {name!r} has no number in {int(empty.sum())} rows, and "
                "pytorch-forecasting takes no row without: fill them, or leave such rows out at "
                "the ends of a series"
            )
    rows = frame.groupby(list(own["group_ids"]), observed=True)[facts.target].size().to_numpy()
    if not len(rows) or int(rows.max()) < facts.steps + facts.horizons:
        _refuse_short(facts)


def _refuse_short(facts: Facts) -> NoReturn:
    raise DataError(
        f"the series has no whole window: the model takes {facts.steps} steps and forecasts "
        f"{facts.horizons}, so give at least {facts.steps + facts.horizons} rows of a series"
    )


def _table(facts: Facts, dataset: Any) -> tuple[pd.DataFrame, dict[str, NDArray[np.int64]]]:
    """Lay the dataset's rows out in original units, and give the times of each series."""
    data = dataset.data
    rows = pd.DataFrame({GROUP: _names(dataset)})
    reals = data["reals"].numpy().astype(np.float64)
    for name in (*facts.known, *facts.static):
        mean, scale = _line(dataset, name)
        rows[name] = reals[:, dataset.reals.index(name)] * scale + mean
    rows[facts.target] = data["target"][0].numpy().astype(np.float64)
    for name in MADE:  # the dataset writes them when it gives a window
        if name in rows:
            rows[name] = 1.0
    time = data["time"].numpy().astype(np.int64)
    times = {str(name): time[places] for name, places in rows.groupby(GROUP).indices.items()}
    for name, own in times.items():
        if np.any(np.diff(own) != 1):
            row = int(np.flatnonzero(np.diff(own) != 1)[0])
            raise DataError(
                f"series {name!r} has no row for {dataset.time_idx} {own[row] + 1}, which "
                "pytorch-forecasting would fill in itself: give a frame with a row for each step"
            )
    return rows, times


def _names(dataset: Any) -> list[str]:
    """Name the series of each row, by the values of the dataset's own ``group_ids``."""
    codes = dataset.data["groups"].numpy()
    parts = [
        dataset.transform_values(name, codes[:, k], inverse=True, group_id=True)
        for k, name in enumerate(dataset.group_ids)
    ]
    return [" / ".join(map(str, one)) for one in zip(*parts, strict=True)]


def _line(dataset: Any, name: str) -> tuple[float, float]:
    """Give mean and scale of a column: ``network = (value - mean) / scale``; ask its scaler."""
    scaler = dataset.get_transformer(name)
    if name in MADE or scaler is None:
        return 0.0, 1.0
    kinds = {kind.__name__ for kind in type(scaler).__mro__}
    made = np.empty(0)
    if not kinds & {"EncoderNormalizer", "GroupNormalizer"}:
        made = np.asarray(scaler.transform(ASKED[:, None]), dtype=np.float64).reshape(-1)
    line = None if not len(made) else made[0] + (made[1] - made[0]) * ASKED
    if line is None or not np.allclose(line, made, rtol=TOLERANCE, atol=TOLERANCE):
        raise UnsupportedModel(
            f"column {name!r} is scaled by {type(scaler).__name__}, which bends it or differs from "
            "series to series, and rnnlens takes a shift and a stretch that all share: fit the "
            f"TimeSeriesDataSet with scalers={{{name!r}: StandardScaler()}}"
        )
    scale = 1.0 / (made[1] - made[0])
    return float(-made[0] * scale), float(scale)


def _described(facts: Facts, dataset: Any) -> tuple[list[SidecarInput], list[Variable]]:
    """Say what every input and target is."""
    mean, scale = (0.0, 1.0) if facts.scaled else facts.both

    def variables(names: tuple[str, ...]) -> tuple[Variable, ...]:
        lines = [_line(dataset, name) for name in names]
        return tuple(
            Variable(name, mean=one[0], scale=one[1])
            for name, one in zip(names, lines, strict=True)
        )

    own = Variable(facts.target, mean=mean, scale=scale, column=Column(missing="drop"))
    inputs = [SidecarInput(PAST, (own,))]
    if facts.known:
        back = facts.steps - 1
        inputs.append(SidecarInput(KNOWN, variables(facts.known), steps=back, ahead=facts.horizons))
    if facts.static:
        inputs.append(SidecarInput(STATIC, variables(facts.static), static=True))
    targets = [
        Variable(
            facts.target if facts.horizons == 1 else f"{facts.target} t+{k}",
            column=Column(of=facts.target),
            lead=k,
        )
        for k in range(1, facts.horizons + 1)
    ]
    return inputs, targets


def _later(issued: NDArray[Any], lead: int) -> NDArray[Any]:
    return issued + lead


def _moments(times: dict[str, NDArray[np.int64]]) -> Any:
    """Give what turns row numbers within a series into its own ``time_idx``."""

    def turned(rows: NDArray[Any], groups: NDArray[np.str_] | None) -> NDArray[Any]:
        assert groups is not None
        return np.array([times[name][row] for row, name in zip(rows, groups, strict=True)])

    return turned


def _own(
    facts: Facts, dataset: Any, made: Windows | WindowsByInput, table: pd.DataFrame
) -> NDArray[np.bool_]:
    """Tell the windows that the dataset itself has, whole."""
    whole = dataset.index[dataset.index.sequence_length == facts.steps + facts.horizons]
    last = whole.index_start.to_numpy() + facts.steps - 1
    time, names = dataset.data["time"].numpy(), table[GROUP].to_numpy()
    if not len(last):
        _refuse_short(facts)
    has = {(names[row], int(time[row])) for row in last}
    one = made[PAST] if isinstance(made, WindowsByInput) else made
    assert one.groups is not None
    found = [(n, int(t)) in has for n, t in zip(one.groups, one.issued, strict=True)]
    return np.array(found)


def _placed(facts: Facts, made: Windows | WindowsByInput) -> Windows | WindowsByInput:
    """Write the place of each step in its window, as the dataset does where it was asked to."""
    if MADE[0] not in facts.known:
        return made
    assert isinstance(made, WindowsByInput)
    one = made[KNOWN]
    values = one.values.copy()
    places = np.arange(1 - facts.steps, facts.horizons) / facts.steps
    values[..., facts.known.index(MADE[0])] = places
    return replace(made, parts={**made.parts, KNOWN: replace(one, values=values)})


def _scaled(
    made: Windows | WindowsByInput, facts: Facts, dataset: Any, table: pd.DataFrame
) -> WindowsByInput:
    """Scale each window by its own numbers, with pytorch-forecasting's own normalizer."""
    one = made[PAST] if isinstance(made, WindowsByInput) else made
    if hasattr(facts.normalizer, "groups"):
        numbers = _of_series(facts, dataset, table, one)
    else:
        import torch

        normalizer = copy.deepcopy(facts.normalizer)
        normalizer.fit(torch.tensor(one.values[..., 0], dtype=torch.float32))
        numbers = normalizer.get_parameters().numpy().astype(np.float64)
    statistics = Statistics(numbers[:, :1], numbers[:, 1:], ("center", "scale"))
    return with_statistics(made, WINDOW, PAST, [0], statistics, 1)


def _of_series(
    facts: Facts, dataset: Any, table: pd.DataFrame, one: Windows
) -> NDArray[np.float64]:
    """Give center and scale of the series of each window: (sample, 2)."""
    by_name = {}
    scaled = dataset.data["reals"][:, dataset.reals.index(facts.target)].numpy()
    for name, places in table.groupby(GROUP).indices.items():
        groups = dataset.data["groups"][int(places[0])]
        center, scale = facts.normalizer.get_parameters(groups, dataset.group_ids)
        expected = (table[facts.target].to_numpy()[places] - center) / scale
        if np.abs(expected - scaled[places]).max() > AGREES * (1 + np.abs(expected).max()):
            raise UnsupportedModel(
                f"pytorch-forecasting scales {facts.target!r} of series {name!r} in one way before "
                "the network and in another behind it: fit it with "
                f"target_normalizer=GroupNormalizer(groups={list(dataset.group_ids)})"
            )
        by_name[str(name)] = (float(center), float(scale))
    assert one.groups is not None
    return np.array([by_name[str(name)] for name in one.groups])
