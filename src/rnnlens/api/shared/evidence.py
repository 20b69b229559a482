"""From a case to what certificates and tests are asked about."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from rnnlens.api.shared.given.padding import fitted
from rnnlens.attribution.baselines.windows import RealWindows
from rnnlens.engine.forward import entries
from rnnlens.errors import DataError
from rnnlens.evidence.proof.stated_ranges import StatedRanges
from rnnlens.series.joint.windows import WindowsByInput
from rnnlens.series.windows import Windows

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from rnnlens.api.shared.given.case import Case
    from rnnlens.evidence.options import Certificates

__all__ = ["background_values", "outcomes_given", "stated_ranges"]


def background_values(
    case: Case, background: Windows | WindowsByInput | ArrayLike | Mapping[str, ArrayLike] | None
) -> RealWindows:
    """Give the data that ranges and tolerances come from: windows (window, step, feature)."""
    if background is None:
        return RealWindows(case.inputs[case.of], case.real)
    if isinstance(background, Mapping) and (len(case.inputs) > 1 or case.layout is not None):
        of = case.of if case.layout is None else case.layout.inputs[0].name
        background = background.get(of)
        if background is None:
            return RealWindows(case.inputs[case.of], case.real)
    if isinstance(background, Windows) and case.inputs[case.of].ndim == 3:
        shape = (len(background), *case.inputs[case.of].shape[1:])
        if background.values.size == np.prod(shape):
            background = background.values.reshape(shape)
    values: Any = background.values if isinstance(background, Windows) else background
    if case.within:
        given = np.asarray(values, float)
        values = given.reshape(*given.shape[:2], -1)
    alone = len(case.inputs) == 1
    array = entries(case.network, values)[case.of] if alone else np.asarray(values, float)
    if not alone and (array.ndim != 3 or array.shape[2] != case.x.shape[2]):
        raise DataError(f"the background must be (sample, step, {case.x.shape[2]})")
    return RealWindows(*fitted(case.network, array, case.of, case.x.shape[1], alone=alone))


def outcomes_given(case: Case, y: ArrayLike | None) -> NDArray[np.float64] | None:
    """Check what happened, where it was given: one number a window."""
    if y is None:
        return None
    given = np.asarray(y, dtype=np.float64)
    if given.shape != (len(case.x),):
        raise DataError(
            f"y must hold one number for each of the {len(case.x)} windows, but has shape "
            f"{given.shape}"
        )
    return given


def stated_ranges(case: Case, certificates: Certificates, data: RealWindows) -> StatedRanges:
    """Give the ranges that were stated, in the features' own units where these are known."""
    windows = case.windows
    return StatedRanges(
        features=case.features,
        given=certificates.range,
        quantiles=certificates.quantiles,
        data=data.steps,
        units=None if windows is None else windows.units,
        scaling=None if windows is None else windows.feature_scaling,
    )
