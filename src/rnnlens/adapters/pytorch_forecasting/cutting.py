"""The windows of a fitted `RecurrentNetwork`, out of its `TimeSeriesDataSet` or a frame of it."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np
import pandas as pd

from rnnlens.adapters.cutting import Statistics, windows_of, with_statistics, with_times
from rnnlens.adapters.given import SeriesGiven, refuse_beside
from rnnlens.adapters.pytorch_forecasting.categories import variables_of
from rnnlens.adapters.pytorch_forecasting.facts import (
    KNOWN,
    KNOWN_CATEGORICALS,
    PAST,
    STATIC,
    STATIC_CATEGORICALS,
    WHAT,
    WINDOW,
    Facts,
)
from rnnlens.adapters.pytorch_forecasting.rows import MADE, Rows, line_of
from rnnlens.errors import DataError, UnsupportedModel
from rnnlens.series.column import Column
from rnnlens.series.joint.inputs import SidecarInput
from rnnlens.series.joint.windows import WindowsByInput
from rnnlens.series.variable import Variable

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from rnnlens.series.windows import Windows

__all__ = ["windows"]

#: How far the target may be from what its center and scale make of it, in scales.
AGREES = 1e-4


def windows(source: object, series: object, given: SeriesGiven) -> Windows | WindowsByInput:
    """Cut a `TimeSeriesDataSet`, or a frame of what it was made from, into a model's windows.

    They are the whole ones of the dataset's own: of ``max_encoder_length`` steps, followed by
    ``max_prediction_length`` more.
    """
    refuse_beside(given, (), WHAT)
    facts = Facts.of(source)
    dataset = _dataset(facts, series)
    rows = Rows.of(facts, dataset)
    inputs, targets = _described(facts, dataset)
    made = windows_of(rows.table, inputs, targets, window=facts.before + facts.steps, step=None)
    made = with_times(made, _later, rows.moments)
    made = _placed(facts, made.select(_own(facts, dataset, made, rows)))
    return _scaled(made, facts, dataset, rows) if facts.scaled else made


def _dataset(facts: Facts, series: Any) -> Any:
    """Give the dataset: made of a frame as the model's own was, or given as such."""
    if isinstance(series, pd.DataFrame):
        _require(facts, series)
        from pytorch_forecasting.data.timeseries import (  # pyright: ignore[reportMissingImports]
            TimeSeriesDataSet,
        )

        try:
            series = TimeSeriesDataSet.from_parameters(
                facts.parameters, series, stop_randomization=True
            )
        except KeyError as error:
            raise DataError(
                f"pytorch-forecasting makes no TimeSeriesDataSet of the series, and says "
                f"{error.args[0]}: give it the categories that the model was fitted on"
            ) from error
    if not hasattr(series, "reals") or not hasattr(series, "index"):
        raise DataError(
            "the series must be a TimeSeriesDataSet of pytorch-forecasting, or a DataFrame with "
            f"the columns of that which the model was fitted on, and is of type "
            f"{type(series).__name__}"
        )
    sizes = (series.max_encoder_length, series.max_prediction_length)
    columns = [*facts.model.hparams.x_reals, *facts.model.hparams.x_categoricals]
    own = [*series.reals, *series.flat_categoricals]
    if sizes != (facts.steps, facts.horizons) or own != columns:
        raise DataError(
            f"the TimeSeriesDataSet has windows of {sizes[0]} and {sizes[1]} steps of "
            f"{', '.join(own)}, and the model takes {facts.steps} and {facts.horizons} of "
            f"{', '.join(columns)}: give the DataFrame itself, or "
            "TimeSeriesDataSet.from_dataset(training, frame)"
        )
    return series


def _require(facts: Facts, frame: pd.DataFrame) -> None:
    """Refuse a frame of which pytorch-forecasting could make no dataset."""
    own = facts.parameters
    scales = {f"{one}_{which}" for one in facts.targets for which in ("center", "scale")}
    made = {*MADE, *scales, *facts.lag_columns}
    numbers = [own["time_idx"], *facts.targets, *facts.known, *facts.static]
    numbers = [name for name in numbers if name not in made]
    for name in (
        *own["group_ids"],
        *numbers,
        *facts.known_categoricals,
        *facts.static_categoricals,
    ):
        if name not in frame and name not in made:
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
    rows = frame.groupby(list(own["group_ids"]), observed=True).size().to_numpy()
    if not len(rows) or int(rows.max()) < facts.longest + facts.steps + facts.horizons:
        _refuse_short(facts)


def _refuse_short(facts: Facts) -> NoReturn:
    lags = f" and lags of up to {facts.longest}" if facts.longest else ""
    raise DataError(
        f"the series has no whole window: the model takes {facts.steps} steps{lags} and forecasts "
        f"{facts.horizons}, so give at least {facts.longest + facts.steps + facts.horizons} rows "
        "of a series"
    )


def _described(facts: Facts, dataset: Any) -> tuple[list[SidecarInput], list[Variable]]:
    """Say what every input and target is."""
    lines = [(0.0, 1.0) if facts.scaled else facts.shared(k) for k in range(len(facts.targets))]
    own = tuple(
        Variable(name, mean=mean, scale=scale, column=Column(missing="drop"))
        for name, (mean, scale) in zip(facts.targets, lines, strict=True)
    )

    def numbers(names: tuple[str, ...]) -> tuple[Variable, ...]:
        each = ((name, line_of(dataset, name)) for name in names)
        return tuple(Variable(name, mean=line[0], scale=line[1]) for name, line in each)

    inputs, back = [SidecarInput(PAST, own)], facts.steps - 1
    moving = {KNOWN: numbers(facts.known)}
    moving[KNOWN_CATEGORICALS] = variables_of(facts, dataset, facts.known_categoricals)
    still = {STATIC: numbers(facts.static)}
    still[STATIC_CATEGORICALS] = variables_of(facts, dataset, facts.static_categoricals)
    for name, variables in moving.items():
        if variables:
            inputs.append(SidecarInput(name, variables, steps=back, ahead=facts.horizons))
    inputs += [SidecarInput(name, one, static=True) for name, one in still.items() if one]
    targets = [
        Variable(name if facts.horizons == 1 else f"{name} t+{k}", column=Column(of=name), lead=k)
        for k in range(1, facts.horizons + 1)
        for name in facts.targets
    ]
    return inputs, targets


def _later(issued: NDArray[Any], lead: int) -> NDArray[Any]:
    return issued + lead


def _own(
    facts: Facts, dataset: Any, made: Windows | WindowsByInput, rows: Rows
) -> NDArray[np.bool_]:
    """Tell the windows that the dataset itself has, whole."""
    whole = dataset.index[dataset.index.sequence_length == facts.steps + facts.horizons]
    last = whole.index_start.to_numpy() + facts.steps - 1
    time = dataset.data["time"].numpy()
    if not len(last):
        _refuse_short(facts)
    has = {(rows.names[row], int(time[row])) for row in last}
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
    made: Windows | WindowsByInput, facts: Facts, dataset: Any, rows: Rows
) -> WindowsByInput:
    """Scale each window by its own numbers, with pytorch-forecasting's own normalizers."""
    one = made[PAST] if isinstance(made, WindowsByInput) else made
    numbers = np.stack(
        [_numbers(facts, dataset, rows, one, k) for k in range(len(facts.targets))], axis=2
    )
    statistics = Statistics(numbers[:, 0], numbers[:, 1], ("center", "scale"))
    places = range(len(facts.targets))
    return with_statistics(made, WINDOW, PAST, places, statistics, len(facts.targets))


def _numbers(
    facts: Facts, dataset: Any, rows: Rows, one: Windows, place: int
) -> NDArray[np.float64]:
    """Give center and scale of a target in each window: (sample, 2)."""
    import torch

    normalizer = facts.normalizers[place]
    if hasattr(normalizer, "groups") and normalizer.groups:
        return _of_series(facts, dataset, rows, one, place)
    if any(kind.__name__ == "EncoderNormalizer" for kind in type(normalizer).__mro__):
        normalizer = copy.deepcopy(normalizer)
        encoder = one.values[:, -facts.steps :, place]
        normalizer.fit(torch.tensor(encoder, dtype=torch.float32))
        return normalizer.get_parameters().numpy().astype(np.float64)
    return np.tile(facts.shared(place), (len(one), 1))


def _of_series(
    facts: Facts, dataset: Any, rows: Rows, one: Windows, place: int
) -> NDArray[np.float64]:
    """Give center and scale of the series of each window: (sample, 2)."""
    target, by_name = facts.targets[place], {}
    scaled = dataset.data["reals"][:, dataset.reals.index(target)].numpy()
    values = dataset.data["target"][place].numpy()
    for name in rows.times:
        own = rows.names == name
        groups = dataset.data["groups"][int(np.flatnonzero(own)[0])]
        center, scale = facts.normalizers[place].get_parameters(groups, dataset.group_ids)
        expected = (values[own] - center) / scale
        if np.abs(expected - scaled[own]).max() > AGREES * (1 + np.abs(expected).max()):
            raise UnsupportedModel(
                f"pytorch-forecasting scales {target!r} of series {name!r} in one way before "
                "the network and in another behind it: fit it with "
                f"target_normalizer=GroupNormalizer(groups={list(dataset.group_ids)})"
            )
        by_name[name] = (float(center), float(scale))
    assert one.groups is not None
    return np.array([by_name[str(name)] for name in one.groups])
