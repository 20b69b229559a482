"""A chart as a file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import altair as alt

__all__ = ["save"]


def save(chart: alt.TopLevelMixin, path: str | Path) -> Path:
    """Write a chart to a file, as large as it is printed.

    Parameters
    ----------
    chart : altair.Chart
        What a function of `rnnlens.plot` gave.
    path : str or Path
        Where to write it; the suffix decides the format: ``.pdf`` and ``.svg`` (in points),
        ``.png`` (at 300 dots an inch), ``.html`` (with the libraries that draw it, so that it opens
        offline), ``.json`` (the Vega-Lite specification with its data).

    Returns
    -------
    Path
        Where it was written.

    Raises
    ------
    InputError
        If the suffix is none of these, or the folder does not exist.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> import rnnlens
    >>> from rnnlens.demo.weather import demo_files
    >>> chart = rnnlens.plot.anatomy(rnnlens.describe(demo_files().network), width=84)
    >>> with TemporaryDirectory() as folder:
    ...     written = rnnlens.plot.save(chart, f"{folder}/anatomy.pdf")
    ...     written.read_bytes()[:4]
    b'%PDF'
    """
    from rnnlens.views.charts.papers.saved import saved

    return saved(chart, path)
