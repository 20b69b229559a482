"""The faults of the hourly weather table: each found, put right, and said in one sentence.

Each function takes a table of one airport, one row an hour, indexed by time in UTC, and gives the
table without the fault and the sentences about it, none where the fault is not there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    Found = tuple[pd.DataFrame, tuple[str, ...]]

__all__ = [
    "calm_and_variable_wind",
    "clock_changes",
    "ends_of_the_year",
    "hold_short_gaps",
    "humidity_at_odds",
    "impossible_wind",
    "missing_hours",
    "missing_values",
    "repeated_hours",
    "temperature_jumps",
]

#: No hour's mean wind at the ground comes near this, in mph.
FASTEST_WIND = 150.0

#: A temperature this far from the hours before and after, on one side of both, in F.
LARGEST_JUMP = 20.0

#: Reports call the direction variable up to 6 knots, 6.9 mph.
VARIABLE_UP_TO = 7.0

#: Humidity this far from what temperature and dew point give, in percentage points.
HUMIDITY_TOLERANCE = 5.0

#: Longest gap, in hours, over which the last measured value is carried. Pressure is missing often,
#: and changes slowly.
HOLD_HOURS = 2
HOLD_PRESSURE_HOURS = 6


def impossible_wind(raw: pd.DataFrame, origin: str) -> Found:
    """Take out wind speeds that no wind has, at any airport of the file."""
    wrong = raw["wind_speed"] > FASTEST_WIND
    faults = tuple(
        f"wind speed: {speed:.0f} mph at {airport} on {when:%Y-%m-%d %H:%M} UTC is no wind; taken "
        "as missing" + ("" if airport == origin else f" ({origin} is not touched by it)")
        for speed, airport, when in raw.loc[wrong, ["wind_speed", "origin", "time"]].itertuples(
            index=False
        )
    )
    return raw.assign(wind_speed=raw["wind_speed"].mask(wrong)), faults


def repeated_hours(table: pd.DataFrame) -> Found:
    """Keep the first of rows that state the same hour."""
    again = np.asarray(table.index.duplicated())
    if not again.any():
        return table, ()
    return table.loc[~again], (
        f"repeated hours: {_hours(again)} stated more than once, first "
        f"{_when(table.index[again][0])}; the first row of each is kept",
    )


def clock_changes(table: pd.DataFrame) -> Found:
    """Say where the local clock jumps; times in UTC do not."""
    import pandas as pd

    local = pd.to_datetime(table[["year", "month", "day", "hour"]])
    ahead = (table.index - pd.DatetimeIndex(local)) / pd.Timedelta("1h")
    changes = np.flatnonzero(np.diff(ahead) != 0) + 1
    if not len(changes):
        return table, ()
    parts = [
        f"at {_when(table.index[at])} local time goes from UTC-{ahead[at - 1]:g} to "
        f"UTC-{ahead[at]:g} and "
        + (
            f"skips {local.iloc[at] - pd.Timedelta('1h'):%H:%M}"
            if ahead[at] < ahead[at - 1]
            else f"repeats {local.iloc[at]:%H:%M}"
        )
        for at in changes
    ]
    return table, (
        f"clock changes: {'; '.join(parts)}; all times here are UTC, and the hour of day is "
        "Eastern Standard Time (UTC-5) all year",
    )


def temperature_jumps(table: pd.DataFrame) -> Found:
    """Take out single hours whose temperature leaves both neighbours far behind."""
    temp = np.asarray(table["temp"])
    jumps = np.zeros(len(temp), dtype=bool)
    before, after = temp[1:-1] - temp[:-2], temp[1:-1] - temp[2:]
    away = np.minimum(np.abs(before), np.abs(after)) > LARGEST_JUMP
    jumps[1:-1] = away & (before * after > 0)
    faults = tuple(
        f"temperature: {temp[at]:.1f} F on {_when(table.index[at])} between {temp[at - 1]:.1f} F "
        f"and {temp[at + 1]:.1f} F in the hours around it; temperature, dew point and humidity of "
        "that hour are taken as missing"
        for at in np.flatnonzero(jumps)
    )
    sensors = ["temp", "dewp", "humid"]
    return table.assign(**{name: table[name].mask(jumps) for name in sensors}), faults


def humidity_at_odds(table: pd.DataFrame) -> Found:
    """Count hours whose humidity does not follow from temperature and dew point."""
    temp, dewp = ((table[name] - 32) / 1.8 for name in ("temp", "dewp"))
    # Magnus form with the coefficients of Alduchov and Eskridge (1996), degrees C.
    expected = 100 * np.exp(17.625 * dewp / (243.04 + dewp) - 17.625 * temp / (243.04 + temp))
    off = np.abs(np.asarray(table["humid"] - expected))
    wrong = off > HUMIDITY_TOLERANCE
    if not wrong.any():
        return table, ()
    return table, (
        f"humidity: {_hours(wrong)} differ by more than {HUMIDITY_TOLERANCE:g} points from what "
        f"temperature and dew point give, at most {np.nanmax(off):.0f} points on "
        f"{_when(table.index[np.nanargmax(off)])}; left as reported",
    )


def calm_and_variable_wind(table: pd.DataFrame) -> Found:
    """Turn speed and direction into components, with calm and variable wind as none."""
    speed, degrees = (np.asarray(table[name]) for name in ("wind_speed", "wind_dir"))
    calm = speed == 0
    unsaid = np.isnan(degrees) & (speed > 0)
    variable = unsaid & (speed <= VARIABLE_UP_TO)
    lost = unsaid & ~variable
    faults = []
    if calm.any():
        faults.append(f"calm: {_hours(calm)} without wind, and so without direction; both are 0")
    if variable.any():
        faults.append(
            f"wind direction: variable or not stated in {_hours(variable)} of light wind (up to "
            f"{VARIABLE_UP_TO:g} mph); both components are 0"
        )
    if lost.any():
        faults.append(
            f"wind direction: missing in {_hours(lost)} of stronger wind, first "
            f"{_when(table.index[lost][0])}; both components are taken as missing"
        )
    still, direction = calm | variable, np.deg2rad(degrees)
    return table.assign(
        wind_u=np.where(still, 0.0, -speed * np.sin(direction)),
        wind_v=np.where(still, 0.0, -speed * np.cos(direction)),
    ), tuple(faults)


def missing_values(table: pd.DataFrame) -> Found:
    """Count the values that are missing in hours that are there."""
    faults = []
    for name in ("pressure", "temp", "dewp", "humid", "wind_speed", "visib", "precip"):
        missing = np.isnan(table[name].to_numpy())
        if missing.any():
            length, when = _longest(missing, table.index)
            longest = (
                f"at most {length} in a row, from" if length > 1 else "never two in a row, first"
            )
            faults.append(
                f"{name}: missing in {_hours(missing)} of {len(table)}, {longest} {_when(when)}"
            )
    return table, tuple(faults)


def ends_of_the_year(table: pd.DataFrame) -> Found:
    """Say where the file begins and ends, if that is not the whole local year."""
    first, last = table.index[0], table.index[-1]
    fields = table[["month", "day", "hour"]].iloc[[0, -1]].to_numpy().tolist()
    if fields == [[1, 1, 0], [12, 31, 23]]:
        return table, ()
    return table, (
        f"the year: the file begins at {_when(first)} and ends at {_when(last)}, which is not the "
        "whole of it; nothing is made up",
    )


def missing_hours(table: pd.DataFrame) -> Found:
    """Give every hour a row, empty where the file has none."""
    full = table.asfreq("h")
    missing = ~np.isin(full.index, table.index)
    if not missing.any():
        return full, ()
    length, when = _longest(missing, full.index)
    return full, (
        f"missing hours: {missing.sum()} in {_stretches(missing)} gaps, the longest of {length} "
        f"from {_when(when)}",
    )


def hold_short_gaps(hourly: pd.DataFrame) -> Found:
    """Carry the last measured value over short gaps; leave longer ones as they are.

    Interpolation would draw on measurements from after the hour that it fills, which a forecast
    issued in that hour cannot have.
    """
    filled = hourly.copy()
    for name in hourly:
        limit = HOLD_PRESSURE_HOURS if name == "pressure" else HOLD_HOURS
        missing = np.isnan(hourly[name].to_numpy())
        short = ~missing | (_run_lengths(missing) <= limit)
        filled[name] = hourly[name].ffill().where(short)
    carried = np.isnan(hourly.to_numpy()) & ~np.isnan(filled.to_numpy())
    counts = dict(zip(hourly, carried.sum(axis=0).tolist(), strict=True))
    faults = []
    if any(counts.values()):
        listed = ", ".join(f"{name} {count}" for name, count in counts.items() if count)
        faults.append(
            f"short gaps: the last measured value is carried over gaps of up to {HOLD_HOURS} hours "
            f"({HOLD_PRESSURE_HOURS} for pressure), never a later one; hours carried: {listed}"
        )
    left = np.asarray(np.isnan(filled.to_numpy()).any(axis=1))
    if left.any():
        length, when = _longest(left, filled.index)
        faults.append(
            f"longer gaps: {_hours(left)} in {_stretches(left)} stretches are left out, the "
            f"longest of {length} from {_when(when)}; no window crosses them"
        )
    return filled, tuple(faults)


def _run_lengths(flags: NDArray[np.bool_]) -> NDArray[np.intp]:
    """Give, at each place, the length of the run of equal flags that it belongs to."""
    run = np.concatenate([[0], np.cumsum(flags[1:] != flags[:-1])])
    return np.bincount(run)[run]


def _longest(flags: NDArray[np.bool_], index: pd.Index) -> tuple[int, object]:
    """Give the length and the start of the longest run of true flags."""
    lengths = np.where(flags, _run_lengths(flags), 0)
    at = int(lengths.argmax())
    return int(lengths[at]), index[at]


def _stretches(flags: NDArray[np.bool_]) -> int:
    return int(flags[0]) + int((flags[1:] & ~flags[:-1]).sum())


def _hours(flags: NDArray[np.bool_]) -> str:
    count = int(flags.sum())
    return f"{count} hour" if count == 1 else f"{count} hours"


def _when(moment: object) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"
