"""What may be asked of a result of a whole archive: how far it is, and whether it is sound."""

from __future__ import annotations

from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, cast

from rnnlens.arguments import PATH, whole
from rnnlens.errors import InputError, UnreadableFile

if TYPE_CHECKING:
    import xarray as xr

    from rnnlens.bulk.finding import Damage, State
    from rnnlens.series.sidecar import Sidecar
    from rnnlens.series.windows import Windows

__all__ = ["WINDOWS", "repair", "sample", "status", "summary", "verify"]

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
    from rnnlens.bulk.looks.drawn import drawn_from

    return drawn_from(
        _path(archive, "archive"), sidecar, cast("int", _COUNT.check("windows", windows))
    )


def status(out: str | PathLike[str]) -> State:
    """Say how far a result is, by what is recorded of its blocks.

    Parameters
    ----------
    out : path
        What `rnnlens.explain_archive` wrote, or is writing.

    Returns
    -------
    State
        ``manifest`` (of what it is), ``done`` blocks, ``windows`` in them, rows that end none
        (``missing``), the ``seconds`` that they took, and whether it is ``complete``.

    Raises
    ------
    UnreadableFile
        If there is no such result.
    """
    from rnnlens.bulk.finding import state

    return state(_path(out))


def verify(out: str | PathLike[str]) -> list[Damage]:
    """Read a result once, and find everything that is not as it was written.

    Parameters
    ----------
    out : path
        What `rnnlens.explain_archive` wrote.

    Returns
    -------
    list of Damage
        ``what`` is damaged and the ``block`` that it is of, if it is of one; empty where all is
        well. Blocks that are not done yet are no damage.

    Raises
    ------
    UnreadableFile
        If there is no such result.
    """
    from rnnlens.bulk.finding import damages

    return damages(_path(out))


def repair(out: str | PathLike[str], archive: str | PathLike[str] | None = None) -> list[Damage]:
    """Make anew what of a result is not as it was written, and nothing else.

    Parameters
    ----------
    out : path
        What `rnnlens.explain_archive` wrote.
    archive : path, optional
        Where the archive is by now, if it was moved.

    Returns
    -------
    list of Damage
        What was damaged, and is as it was.

    Raises
    ------
    UnreadableFile
        If there is no such result, or the archive cannot be read.
    InputError
        If the archive is another than the one that was explained, or what the result keeps of the
        question is damaged itself.
    """
    from rnnlens.bulk.arrays import sweep
    from rnnlens.bulk.finding import damages, state
    from rnnlens.bulk.job import FOLDER, load, read_manifest
    from rnnlens.bulk.looks.first import fingerprint, looked_at
    from rnnlens.bulk.runners import Tally, in_this_process
    from rnnlens.bulk.upkeep.ending import end
    from rnnlens.bulk.upkeep.layout import LAYOUT, changed, laid_out_again
    from rnnlens.bulk.upkeep.leftovers import sweep_all

    path = _path(out)
    manifest, found = read_manifest(path), damages(path)
    sweep(path)
    sweep_all(path)
    if not found:
        return []
    if f"{FOLDER}/{LAYOUT}" in changed(path):
        raise UnreadableFile(
            f"{FOLDER}/{LAYOUT} in {path} is damaged, of which there is no copy: ask rnnlens "
            "explain as before, which writes it anew"
        )
    laid_out_again(path)
    blocks = sorted({one.block for one in found if one.block is not None})
    if blocks:
        job = load(str(path), str(archive or manifest.path), manifest.identity)
        look = looked_at(job.cutter, manifest.asked["data"])
        if fingerprint(job.cutter, look) != manifest.asked["data"]:
            raise InputError(
                f"{archive or manifest.path} is not the archive that {path} was made from, so its "
                "damaged blocks cannot be made anew: name that one with archive= (--archive)"
            )
        tally = Tally(None, 0)
        in_this_process(job, path, blocks, tally)
        if tally.failed:
            raise UnreadableFile(tally.failed[0][1])
    if state(path).complete:
        end(path)
    return found


def summary(out: str | PathLike[str], by: str = "all") -> xr.Dataset:
    """Give the summary of a result that is complete, without reading its contributions.

    Parameters
    ----------
    out : path
        What `rnnlens.explain_archive` wrote.
    by : str
        What windows are grouped by: ``all``, or one that the result was asked for with
        ``Blocks(by=...)``.

    Returns
    -------
    xarray.Dataset
        By ``group``: ``windows``; ``mean`` and ``mean_absolute (lag, feature)``;
        ``lag_mean_absolute``, ``lag_share (lag)`` and ``feature_mean_absolute (feature)`` of the
        totals of lags and features; ``lag_share_beyond (lag)``, and ``lag_within_half`` and
        ``lag_within_most``, the newest lags that hold half and 95 % of the absolute contributions;
        ``lag_quantile (quantile, lag)`` and ``feature_quantile``, wrong by at most a thirty-second
        of their value. With ``Blocks(memory=True)`` the same of the derivative, as
        `rnnlens.memory` gives it: ``sensitivity (lag, feature)``, ``sensitivity_share``,
        ``sensitivity_share_beyond``, ``sensitivity_within_half`` and ``sensitivity_within_most``.

    Raises
    ------
    UnreadableFile
        If there is no such result.
    InputError
        If it is not complete, or was not grouped so.
    """
    import xarray as xr

    from rnnlens.bulk.finding import state

    path = _path(out)
    known = ("all", *state(path).manifest.settings["by"])
    if by not in known:
        raise InputError(
            f"{path} is not summed up by {by!r}: give one of {', '.join(known)}, or explain the "
            "archive with others, by=[...] of Blocks (--by)"
        )
    if not (path / "summary" / by).is_dir():
        raise InputError(
            f"{path} is not complete, and a summary is of all its blocks: ask rnnlens explain as "
            "before to go on with it"
        )
    return xr.open_zarr(path, group=f"summary/{by}", chunks=None).load()


def _path(given: object, name: str = "out") -> Path:
    return Path(str(PATH.check(name, given)))
