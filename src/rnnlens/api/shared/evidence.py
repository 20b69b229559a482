"""From a case to what certificates and tests are asked about."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from rnnlens.engine.forward import entries
from rnnlens.errors import DataError
from rnnlens.evidence.proof.stated_ranges import StatedRanges
from rnnlens.series.windows import Windows

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from rnnlens.api.shared.case import Case
    from rnnlens.evidence.options import Certificates

__all__ = ["background_values", "stated_ranges"]


def background_values(case: Case, background: Windows | ArrayLike | None) -> NDArray[np.float64]:
    """Give the data that ranges and tolerances come from: (window, step, feature)."""
    if background is None:
        return case.inputs[case.of]
    values = background.values if isinstance(background, Windows) else background
    if len(case.inputs) == 1:
        return entries(case.network, values)[case.of]
    array = np.asarray(values, float)
    if array.ndim != 3 or array.shape[2] != case.x.shape[2]:
        raise DataError(f"the background must be (sample, step, {case.x.shape[2]})")
    return array


def stated_ranges(
    case: Case, certificates: Certificates, data: NDArray[np.float64]
) -> StatedRanges:
    """Give the ranges that were stated, in the features' own units where these are known."""
    windows = case.windows
    return StatedRanges(
        features=case.features,
        given=certificates.range,
        quantiles=certificates.quantiles,
        data=data,
        units=None if windows is None else windows.units,
        scaling=None if windows is None else windows.feature_scaling,
    )
