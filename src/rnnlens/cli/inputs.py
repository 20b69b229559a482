"""From what was typed to a network and its windows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from rnnlens.arguments import did_you_mean
from rnnlens.cli.output import note
from rnnlens.cli.several import archive_of, raise_undescribed, require_inputs, told_left_out
from rnnlens.cli.shown import require_shown
from rnnlens.cli.undoubted import plain_sidecar, steps_of_windows, undoubted_sidecar
from rnnlens.errors import ConfigError, DataError
from rnnlens.names import told

if TYPE_CHECKING:
    from rnnlens.cli.options.reading import ReadingOptions
    from rnnlens.cli.options.series import SeriesOptions
    from rnnlens.cli.options.shown import ShownOptions
    from rnnlens.cli.several import AnyWindows
    from rnnlens.network.network import Network
    from rnnlens.series.sidecar import Sidecar
    from rnnlens.series.variable import Variable

__all__ = [
    "asked_for",
    "asked_from",
    "moment_text",
    "network_from",
    "network_up_to_refusal",
    "number_of",
    "sidecar_for",
    "unseen",
    "windows_from",
]


def network_from(
    model: Path, reading: ReadingOptions, shown: ShownOptions | None = None
) -> Network:
    """Read the model as it was told to be read, and hold it against outputs of its own."""
    from rnnlens import api

    network = api.read(
        model,
        architecture=reading.architecture,
        layers=reading.layers,
        head=reading.head,
        part=reading.part,
        nonlinearity=reading.nonlinearity,
        until=reading.until,
        output=reading.output,
        same_as=reading.same_classes,
        unroll=reading.unroll,
    )
    if shown is not None and shown.outputs is not None:
        require_shown(network, shown.outputs)
    return network


def network_up_to_refusal(model: Path, reading: ReadingOptions, shown: ShownOptions) -> Network:
    """Read the model, or of one with a layer that is not read the part before it."""
    from rnnlens.adapters.recognised import adapter_of
    from rnnlens.readers.open import read_up_to_refusal

    stated = any(getattr(reading, spec.name) is not None for spec in fields(reading))
    if stated or shown.outputs is not None or adapter_of(model) is not None:
        return network_from(model, reading, shown)
    network = read_up_to_refusal(model)
    for clause in network.origin.left_out:
        note(told("left out: {fact}", fact=clause))
    return network


def sidecar_for(
    model: Path, network: Network, series: SeriesOptions, data: Sequence[Path] = ()
) -> Sidecar:
    """Find the sidecar and let what was typed override it; do without where data leave no doubt."""
    from rnnlens.series.sidecar import read_sidecar

    beside = model.with_suffix(".toml")
    names = series.feature_names
    if series.config is not None:
        sidecar = read_sidecar(series.config)
    elif beside.is_file():
        note(
            told("names, units and scaling are those of {file}, beside the model", file=str(beside))
        )
        sidecar = read_sidecar(beside)
    elif len(network.inputs) > 1:
        raise_undescribed(model, network, data)
    elif names:
        note(told("no sidecar: values go into the network as they stand, without units"))
        return plain_sidecar(network, series, names, steps=steps_of_windows(data))
    else:
        return undoubted_sidecar(model, network, series, data)
    changes: dict[str, object] = {"window": series.window, "lead": series.lead}
    require_inputs(network, sidecar, series)
    if names:
        changes["features"] = _picked("--features", names, sidecar.features)
    if series.target_names:
        known = (*sidecar.targets, *sidecar.features)
        changes["targets"] = _picked("--targets", series.target_names, known)
    return replace(sidecar, **{key: value for key, value in changes.items() if value is not None})


def _picked(option: str, names: list[str], variables: Sequence[Variable]) -> tuple[Variable, ...]:
    known = {variable.name: variable for variable in reversed(variables)}
    missing = [name for name in names if name not in known]
    if missing:
        raise ConfigError(
            f"{option} names {missing[0]!r}, whose scaling the sidecar does not say"
            f"{did_you_mean(missing[0], known)}; it has "
            f"{', '.join(dict.fromkeys(variable.name for variable in variables))}"
        )
    return tuple(known[name] for name in names)


def windows_from(
    data: Path | Sequence[Path],
    sidecar: Sidecar,
    series: SeriesOptions,
    *,
    newest: int | None = None,
) -> tuple[AnyWindows, AnyWindows]:
    """Read the series and take the windows that were asked for."""
    from rnnlens import api

    paths = [data] if isinstance(data, Path) else list(data)
    return asked_for(api.windows(paths, sidecar), paths, sidecar, series, newest)


def asked_for(
    every: AnyWindows,
    paths: list[Path],
    sidecar: Sidecar,
    series: SeriesOptions,
    newest: int | None,
) -> tuple[AnyWindows, AnyWindows]:
    """Take the windows between the limits that were typed, and those that training saw."""
    from rnnlens.series.clock import local_times

    timed = every.times.dtype.kind == "M"
    limits = [_limit(text, timed=timed) for text in (series.start, series.end)]
    taken = every.between(*limits)
    if not number_of(taken):
        ends = local_times(every.times[[0, -1]], every.time_zone)
        raise DataError(
            f"no window of {' and '.join(map(str, paths))} lies between the limits; its forecasts "
            f"are for {moment_text(ends[0])} to {moment_text(ends[1])}"
        )
    free = series.start is None and series.end is None
    last = series.last or (newest if free else None)
    seen = every.between(None, sidecar.test_from)
    return taken if last is None else taken.newest(last), seen if number_of(seen) else every


def asked_from(
    asked: tuple[Path, Network, Sequence[Path]],
    series: SeriesOptions,
    *,
    newest: int | None = None,
    tested: bool = False,
) -> tuple[Sidecar, AnyWindows, AnyWindows]:
    """Give the sidecar of a model and its data, the windows asked about, and those training saw.

    Where they are to be tested, they are those after training unless others were typed.
    """
    model, network, data = asked
    archive = archive_of(model, network, data, series)
    if archive is not None:
        sidecar, every = archive
        return sidecar, *asked_for(every, list(data), sidecar, series, newest)
    sidecar = sidecar_for(model, network, series, data)
    if tested:
        series = unseen(series, sidecar)
    return sidecar, *told_left_out(*windows_from(data, sidecar, series, newest=newest))


def number_of(windows: AnyWindows) -> int:
    """Give the number of windows."""
    from rnnlens.series.windows import Windows

    return len(windows) if isinstance(windows, Windows) else windows.samples


def _limit(text: str | None, *, timed: bool) -> str | int | None:
    """Read a limit as a row number where the data have no time."""
    return int(text) if text is not None and not timed and text.isdigit() else text


def moment_text(time: object) -> str:
    """Write a time, or a row number, as briefly as it allows."""
    text = str(time).removesuffix(".000000000").replace("T", " ")
    return text.removesuffix(":00").removesuffix(" 00:00")


def unseen(series: SeriesOptions, sidecar: Sidecar) -> SeriesOptions:
    """Start where training ended, where that is known and no other limit was typed."""
    from rnnlens.series.clock import local_times

    free = series.start is None and series.end is None
    if not free or sidecar.test_from is None:
        return series
    begins = sidecar.test_from
    if isinstance(begins, np.datetime64):
        begins = local_times(np.array([begins]), sidecar.time_zone)[0]
    start = moment_text(begins)
    note(
        told(
            "forecasts from {start} on, which training did not see; --from and --to choose others",
            start=start,
        )
    )
    return replace(series, start=start)
