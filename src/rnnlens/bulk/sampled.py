"""Drawing windows from a whole archive, for the verbs that do not go block by block."""

from __future__ import annotations

from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, cast

from rnnlens.arguments import PATH, whole

if TYPE_CHECKING:
    from rnnlens.series.sidecar import Sidecar
    from rnnlens.series.windows import Windows

__all__ = ["WINDOWS", "sample"]

#: Windows that are drawn unless another number is asked for.
WINDOWS = 2000
_COUNT = whole(1, 1 << 20)


def sample(
    archive: str | PathLike[str],
    sidecar: Sidecar | str | PathLike[str],
    windows: int = WINDOWS,
) -> Windows:
    """Draw windows from an archive that lie evenly over its stations and times.

    Every station gets as many, evenly spaced in time, or evenly spaced stations one each where
    there are more stations than windows. A place at which no whole window ends, for a value is
    missing or cannot be read, gives the next one within 64 rows, or none.

    Parameters
    ----------
    archive : path
        What `rnnlens.explain_archive` takes.
    sidecar : Sidecar or path
        What the network takes: names, units, scalings, window, lead.
    windows : int
        How many places are drawn.

    Returns
    -------
    Windows
        What any verb takes; ``groups`` says of which station each is.

    Raises
    ------
    UnreadableFile
        If the archive cannot be opened.
    ConfigError
        If the sidecar describes several inputs.
    DataError
        If a variable does not fit, or no place has a whole window.
    """
    from rnnlens.bulk.looks.drawn import drawn

    path = Path(str(PATH.check("archive", archive)))
    return drawn(path, sidecar, cast("int", _COUNT.check("windows", windows)))
