"""How much of every forecast of a whole archive came from each lag and feature, block by block."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from rnnlens.api.shared.given.arguments import checked
from rnnlens.api.shared.linear_algebra import one_blas_thread
from rnnlens.attribution.options import Effort, Target
from rnnlens.bulk.options import Blocks, Runner

if TYPE_CHECKING:
    from os import PathLike

    import xarray as xr
    from numpy.typing import ArrayLike

    from rnnlens.api.shared.given.network_given import NetworkLike
    from rnnlens.series.sidecar import Sidecar

__all__ = ["explain_archive"]


@checked()
@one_blas_thread
def explain_archive(
    net: NetworkLike,
    archive: str | PathLike[str],
    out: str | PathLike[str],
    sidecar: Sidecar | str | PathLike[str],
    *,
    target: Target | str | int | Sequence[str | int] | None = None,
    method: str = "secant",
    baseline: str | ArrayLike | None = None,
    held: Sequence[str] | None = None,
    effort: Effort = Effort(),
    blocks: Blocks = Blocks(),
    runner: Runner = Runner(),
    limit: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> xr.Dataset:
    """Split every forecast of an archive into contributions, and write them to Zarr.

    The archive is cut into blocks. A block is explained by itself, written, and recorded with the
    checksums of what was written; what ends early is gone on with by asking the same again. Blocks
    give the same bytes whoever does them: threads of this process, workers of a Dask cluster, or
    jobs that each take a part. A row that ends no whole window, for a value is missing or the
    series has just begun, gets NaN.

    Parameters
    ----------
    net : Network, path or live model
        What `rnnlens.read` takes, or what it gave; of one input with steps.
    archive : path
        Zarr (version 2 or 3) or netCDF with an axis of time and perhaps one of stations, or
        Parquet: a table that is sorted by station and time, or a folder with a file a station.
    out : path
        The Zarr group (version 3) that is written, or gone on with.
    sidecar : Sidecar or path
        What the network takes: names, units, scalings, window, lead.
    target : Target, str, int or sequence of them, optional
        As in `rnnlens.explain`; a sequence, or ``"all"``, adds the dimension ``target``, and
        several horizons add ``horizon``, as the last of the arrays and beside the summary's groups.
    method : str
        ``secant``, ``integrated_gradients``, ``gradient`` or ``gradient_times_input``, see
        `rnnlens.explain`; the result has the array that it gives there.
    baseline : str or array, optional
        ``mean`` (the usual), ``zero``, ``background`` or an array, as in `rnnlens.explain`. The
        mean, and the background windows, are of windows that lie evenly over the archive. Not for
        ``gradient``, which hides nothing.
    held : sequence of str, optional
        Features that keep their values when others are hidden; the sidecar's where not given.
    effort : Effort
        The precision, the seed, and the tolerance of integrated gradients.
    blocks : Blocks
        The size of blocks, how contributions are stored, and what the summary is grouped by.
    runner : Runner
        Who does the blocks.
    limit : int, optional
        Rows after which this run ends; asking again goes on.
    progress : callable, optional
        Called with how many rows are done and how many there are to do.

    Returns
    -------
    xarray.Dataset
        What is in `out`, of which nothing is read yet: ``contribution (station, time, lag,
        feature)``, ``forecast``, ``baseline_forecast`` and ``residual (station, time)`` in the
        target's own unit, NaN where a block is not done. ``time`` is the time that the forecast is
        for, ``issued`` that of the newest step fed in. Of several targets ``lead`` says how many
        steps lie between the two, ``unit`` the unit of each, and ``time`` is that of the shortest
        lead.

    Raises
    ------
    UnreadableFile
        If the archive or the result cannot be opened.
    DataError
        If a variable or the baseline does not fit, the method takes no baseline, or blocks could
        not be explained.
    InputError
        If `out` is of another question, or cannot be written.
    MissingLibrary
        If zarr, or what reads the archive, is not installed.

    Examples
    --------
    >>> import numpy as np, pandas as pd, rnnlens, tempfile
    >>> from pathlib import Path
    >>> from rnnlens.demo.weather import demo_files
    >>> from rnnlens.series.sidecar import read_sidecar
    >>> files, folder = demo_files(), Path(tempfile.mkdtemp())
    >>> sidecar = read_sidecar(files.sidecar)
    >>> hours = pd.date_range("2013-10-01", periods=60, freq="h", name=sidecar.time)
    >>> rng = np.random.default_rng(0)
    >>> columns = {v.name: v.mean + v.scale * rng.normal(size=60) for v in sidecar.features}
    >>> pd.DataFrame(columns, hours).reset_index().to_parquet(folder / "hours.parquet")
    >>> found = rnnlens.explain_archive(
    ...     files.network, folder / "hours.parquet", folder / "out.zarr", sidecar, target="temp"
    ... )
    >>> int(found.forecast.notnull().sum()), dict(found.contribution.sizes)
    (37, {'time': 60, 'lag': 24, 'feature': 10})
    """
    from pathlib import Path

    from rnnlens.api.shared.archives.planning import ArchiveQuestion, planned
    from rnnlens.api.shared.archives.running import opened, ran

    question = ArchiveQuestion(
        net=net,
        archive=archive,
        sidecar=sidecar,
        target=target,
        method=method,
        baseline=baseline,
        held=held,
        effort=effort,
        blocks=blocks,
    )
    ran(planned(question, Path(out)), Path(out), runner, limit, progress)
    return opened(Path(out))
