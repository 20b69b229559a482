"""What a report is made of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    import xarray as xr
    from numpy.typing import NDArray

__all__ = ["Explorer", "ReportParts"]


@dataclass(frozen=True, eq=False, kw_only=True)
class Explorer:
    """What the page runs: a network, the windows that it can show, and their baseline.

    Parameters
    ----------
    network : mapping
        Its layers and weights, as the page's module takes them.
    steps : int
        Steps of a window.
    series : str
        The windows as (row, feature), each step once where they follow one another, in the
        network's own units: base64 of single precision.
    starts : array (window,)
        The row at which each window begins.
    first, windows : int
        Place of the first of them among the windows explained, and how many those are.
    shape : tuple of int
        Of the baselines: (background, 1 or window, 1 or step, 1 or feature).
    baselines : str
        What stands in, likewise.
    held : tuple of int
        Features that keep their values.
    place : int
        Of the target among the numbers of the network's output.
    scale, offset : float
        ``value in the target's unit = output * scale + offset``.
    means, scales : array (feature,)
        ``value in the feature's unit = number * scale + mean``.
    units : tuple of str
        Of the features.
    unusual : int
        The window that lies furthest from the others.
    """

    network: Mapping[str, Any]
    steps: int
    series: str
    starts: NDArray[np.int64]
    first: int
    windows: int
    shape: tuple[int, ...]
    baselines: str
    held: tuple[int, ...]
    place: int
    scale: float
    offset: float
    means: NDArray[np.float64]
    scales: NDArray[np.float64]
    units: tuple[str, ...]
    unusual: int


@dataclass(frozen=True, eq=False, kw_only=True)
class ReportParts:
    """Everything that a report shows, computed before.

    Parameters
    ----------
    title : str
        The report's heading.
    description : mapping
        What is known of the network: ``format``, ``version``, ``path``, ``sha256``,
        ``parameters``, ``notes``, ``time_steps`` and ``layers``, each with ``name``, ``kind``,
        ``units``, ``features``, ``parameters``, ``formula``, ``options``, ``output_shape`` and
        ``arrays``.
    explanation : xarray.Dataset
        The contributions, a result of ``explain``.
    lags : xarray.Dataset
        The shares of the lags, a result of ``lags``.
    trace : xarray.DataTree
        Gates and states of one window (the first sample of the trace), a node a recurrent layer.
    weights : xarray.DataTree
        The weights by gate, a node a layer.
    window : int
        Number of the traced window among the samples of `explanation`.
    window_reason : str
        Why this window is shown, such as ``"the last window"``.
    fidelity : xarray.Dataset or None
        Our run against the source model's; ``None`` where it was not checked.
    evidence : xarray.Dataset or None
        Certificates and tests of the lags, a result of ``lags``; ``None`` where there are none.
    sentences : tuple of str
        What was found; made from `lags` where empty.
    notes : tuple of str
        Further sentences that a reader must know.
    together : xarray.DataTree or None
        The contributions of all inputs at once, a node an input, where there are several.
    explorer : Explorer or str
        What the page runs, or why it runs nothing.
    check : xarray.Dataset or None
        The forecast's error beside what is known without it, a result of ``check``.
    grouped, grouped_lags : xarray.Dataset or None
        The contributions, and the shares, with older lags together, as they are drawn; those of
        each lag where ``None``.
    memory : xarray.DataTree or str
        How long the network remembers, a result of ``memory``, or why that was not measured.
    data : tuple of (str, str)
        What the data are, and their values: names and hashes.
    again : str
        What makes the page again: a command, or lines of Python.
    """

    title: str
    description: Mapping[str, Any]
    explanation: xr.Dataset
    lags: xr.Dataset
    trace: xr.DataTree
    weights: xr.DataTree
    window: int
    window_reason: str
    fidelity: xr.Dataset | None = None
    evidence: xr.Dataset | None = None
    sentences: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    together: xr.DataTree | None = None
    explorer: Explorer | str = ""
    check: xr.Dataset | None = None
    grouped: xr.Dataset | None = None
    grouped_lags: xr.Dataset | None = None
    memory: xr.DataTree | str = ""
    data: tuple[tuple[str, str], ...] = ()
    again: str = ""

    @property
    def drawn(self) -> xr.Dataset:
        """The contributions as they are drawn by lag."""
        return self.explanation if self.grouped is None else self.grouped
