"""From what the checks of contributions found to a labelled page."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from rnnlens.api.shared.labels.joint import by_player, player_titles
from rnnlens.api.shared.labels.network_provenance import network_provenance
from rnnlens.checks.agreement import METHODS as COMPARED
from rnnlens.results.label import label

if TYPE_CHECKING:
    import xarray as xr

    from rnnlens.api.shared.given.case import Case
    from rnnlens.checks.trust import Trust

__all__ = ["labelled_trust"]


def labelled_trust(
    case: Case,
    page: Trust,
    method: str,
    about: dict[str, object],
    settings: dict[str, object],
) -> xr.Dataset:
    """Label the page of checks: what was done to which forecasts, and what came of it."""
    coords = {
        "lag": np.arange(1, len(page.share) + 1),
        "removed": page.removed,
        "by_method": list(COMPARED),
        "other_method": list(COMPARED),
        "layer": list(page.randomised_layers),
    }
    labelled = label(
        page,
        coords=coords,
        attrs=network_provenance(case.network, method=method, settings=settings, extra=about),
        keep=("crowded",),
        long_names={
            "lag": "lag (1 = newest step fed in)",
            "removed": "lags hidden or shown",
            "layer": "layer from which on, up to the output, weights are random",
        },
    )
    return labelled if case.layout is None else by_player(labelled, player_titles(case.layout))
