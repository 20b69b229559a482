"""What a report is made of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    import xarray as xr

__all__ = ["ReportParts"]


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
