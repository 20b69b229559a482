"""Times by the clocks of a place, which are held in UTC."""

from __future__ import annotations

import re
from datetime import timedelta, timezone, tzinfo
from typing import TYPE_CHECKING, Any

import numpy as np

from rnnlens.errors import ConfigError, DataError

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

__all__ = ["local_times", "moments_near", "utc_times", "zone_named"]

_OFFSET = re.compile(r"([+-])(\d{2}):(\d{2})")


def zone_named(name: str) -> tzinfo:
    """Give the zone of a name such as ``"Asia/Shanghai"``, or of an offset such as ``"+08:00"``."""
    import zoneinfo

    offset = _OFFSET.fullmatch(name)
    if offset is not None and int(offset[2]) < 24:
        apart = timedelta(hours=int(offset[2]), minutes=int(offset[3]))
        return timezone(-apart if offset[1] == "-" else apart)
    try:
        return zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        raise ConfigError(
            f"time_zone must be a zone such as 'Asia/Shanghai', or an offset such as '+08:00', and "
            f"is {name!r}"
        ) from None


def local_times(moments: NDArray[np.datetime64], zone: str | None) -> NDArray[np.datetime64]:
    """Give what the clocks of a zone say: from UTC, any shape; UTC itself where there is none."""
    if zone is None or moments.dtype.kind != "M":
        return moments
    import pandas as pd

    index = pd.DatetimeIndex(moments.ravel().astype("datetime64[ns]"), tz="UTC")
    clock = index.tz_convert(zone_named(zone)).tz_localize(None)
    return clock.to_numpy("datetime64[ns]").reshape(moments.shape)


def utc_times(clock: NDArray[Any], zone: str | None, where: str) -> NDArray[np.datetime64]:
    """Give the UTC of what clocks said, in the order of the rows: (row,).

    An hour that clocks show twice is told by the order of its rows, as long as both are there.
    """
    if zone is None:
        return clock
    import pandas as pd

    index, rule = pd.DatetimeIndex(clock), zone_named(zone)
    known = ~np.isnat(clock)
    skipped = known & _none(index, rule, ambiguous=True, nonexistent="NaT")
    if skipped.any():
        raise DataError(
            f"{where}: no clock of {zone} showed {index[skipped][0]}, which was skipped when "
            "summer time began; state the zone in which the times were written, such as time_zone "
            f'= "{_standard(rule, index[skipped][0])}" for standard time all year'
        )
    twice = np.flatnonzero(known & _none(index, rule, ambiguous="NaT"))
    summer = np.ones(len(clock), dtype=bool)
    for cluster in np.split(twice, np.flatnonzero(np.diff(twice) > 1) + 1):
        back = np.flatnonzero(np.diff(clock[cluster]) <= np.timedelta64(0))
        if len(cluster) and len(back) != 1:
            raise DataError(
                f"{where}: clocks of {zone} showed {index[cluster[0]]} twice, when summer time "
                "ended, and the rows do not say which is meant; give times with their offset, or "
                f'state time_zone = "{_standard(rule, index[cluster[0]])}" where they are in '
                "standard time all year"
            )
        summer[cluster[len(cluster) if not len(back) else back[0] + 1 :]] = False
    moments = index.tz_localize(rule, ambiguous=summer)
    return moments.tz_convert("UTC").tz_localize(None).to_numpy("datetime64[ns]")


def moments_near(clock: NDArray[Any], zone: str) -> NDArray[np.datetime64]:
    """Give the UTC of what clocks will say: the first of two, and the next where there is none."""
    import pandas as pd

    rule = zone_named(zone)
    index = pd.DatetimeIndex(clock).tz_localize(
        rule, ambiguous=np.ones(len(clock), dtype=bool), nonexistent="shift_forward"
    )
    return index.tz_convert("UTC").tz_localize(None).to_numpy("datetime64[ns]")


def _none(index: pd.DatetimeIndex, rule: tzinfo, **how: Any) -> NDArray[np.bool_]:
    """Say which times have no moment: (row,) of bool."""
    return np.asarray(index.tz_localize(rule, **how).isna())


def _standard(rule: tzinfo, moment: Any) -> str:
    """Give a zone's offset without summer time, as it is written: ``+01:00``."""
    from datetime import datetime

    offsets = [
        rule.utcoffset(datetime(moment.year, month, 15)) or timedelta() for month in range(1, 13)
    ]
    minutes = int(min(offsets).total_seconds() // 60)
    return f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02d}:{abs(minutes) % 60:02d}"
