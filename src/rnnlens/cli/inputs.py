"""From what was typed to a network and its windows."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from rnnlens.cli.output import note
from rnnlens.errors import ConfigError, DataError

if TYPE_CHECKING:
    from rnnlens.cli.options.reading import ReadingOptions
    from rnnlens.cli.options.series import SeriesOptions
    from rnnlens.network.network import Network
    from rnnlens.series.sidecar import Sidecar
    from rnnlens.series.windows import Windows

__all__ = ["moment_text", "network_from", "sidecar_for", "unseen", "windows_from"]


def network_from(model: Path, reading: ReadingOptions) -> Network:
    """Read the model as it was told to be read."""
    from rnnlens import api

    return api.read(
        model,
        architecture=reading.architecture,
        layers=reading.layers,
        head=reading.head,
        nonlinearity=reading.nonlinearity,
    )


def sidecar_for(model: Path, network: Network, series: SeriesOptions) -> Sidecar:
    """Find the sidecar and let what was typed override it."""
    from rnnlens.series.sidecar import Sidecar, read_sidecar

    beside = model.with_suffix(".toml")
    names = series.feature_names
    if series.config is not None:
        sidecar = read_sidecar(series.config)
    elif beside.is_file():
        note(f"names, units and scaling are those of {beside}, beside the model")
        sidecar = read_sidecar(beside)
    elif names:
        window = series.window or _window_of(network)
        note("no sidecar: values go into the network as they stand, without units")
        return Sidecar.plain(names, window, 1 if series.lead is None else series.lead)
    else:
        raise ConfigError(
            f"nothing says which columns the network takes: put a sidecar {beside.name} beside "
            "the model, give one with --config, or name the columns with --features a,b,c"
        )
    changes: dict[str, object] = {"window": series.window, "lead": series.lead}
    if names:
        changes["features"] = _picked(sidecar, names)
    return replace(sidecar, **{key: value for key, value in changes.items() if value is not None})


def _picked(sidecar: Sidecar, names: list[str]) -> tuple[object, ...]:
    known = {variable.name: variable for variable in sidecar.features}
    missing = [name for name in names if name not in known]
    if missing:
        raise ConfigError(
            f"--features names {missing[0]!r}, whose scaling the sidecar does not say; it has "
            f"{', '.join(known)}"
        )
    return tuple(known[name] for name in names)


def _window_of(network: Network) -> int:
    shape = next(iter(network.inputs.values())).shape
    if not shape or shape[0] is None:
        raise ConfigError(
            "the network takes windows of any length, so say with --window how many steps to give"
        )
    return shape[0]


def windows_from(
    data: Path, sidecar: Sidecar, series: SeriesOptions, *, newest: int | None = None
) -> tuple[Windows, Windows]:
    """Read the series and take the windows that were asked for."""
    from rnnlens import api

    every = api.windows(data, sidecar)
    timed = every.times.dtype.kind == "M"
    limits = [_limit(text, timed=timed) for text in (series.start, series.end)]
    taken = every.between(*limits)
    if not len(taken):
        raise DataError(
            f"no window of {data} lies between the limits; its forecasts are for "
            f"{moment_text(every.times[0])} to {moment_text(every.times[-1])}"
        )
    free = series.start is None and series.end is None
    last = series.last or (newest if free else None)
    seen = every.between(None, sidecar.test_from)
    return taken if last is None else taken.select(slice(-last, None)), seen if len(seen) else every


def _limit(text: str | None, *, timed: bool) -> str | int | None:
    """Read a limit as a row number where the data have no time."""
    return int(text) if text is not None and not timed and text.isdigit() else text


def moment_text(time: object) -> str:
    """Write a time, or a row number, as briefly as it allows."""
    text = str(time).removesuffix(".000000000").replace("T", " ")
    return text.removesuffix(":00").removesuffix(" 00:00")


def unseen(series: SeriesOptions, sidecar: Sidecar) -> SeriesOptions:
    """Start where training ended, where that is known and no other limit was typed."""
    free = series.start is None and series.end is None
    if not free or sidecar.test_from is None:
        return series
    start = moment_text(sidecar.test_from)
    note(f"forecasts from {start} on, which training did not see; --from and --to choose others")
    return replace(series, start=start)
