"""Windows that are padded after their newest real step: turned so that lag 1 is that step."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from rnnlens.engine.forward import predict

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from rnnlens.api.shared.case import Case

__all__ = ["LAST_REAL", "LAST_STEP", "from_the_last_real_step"]

#: What lags may count from, in words.
LAST_REAL, LAST_STEP = "the newest real step of each window", "the newest step fed in"
#: Change of the forecasts that turning padding to the front may bring, relative to their size.
SAME = 1e-9


def from_the_last_real_step(case: Case, real: NDArray[np.bool_] | None) -> tuple[Case, str]:
    """Turn padding to the front of each window, where that changes no forecast.

    A recurrent layer passes masked steps over, so that it does not matter on which side of a
    window they stand; where another layer reads them the windows stay as they are.

    Shapes: real (sample, step) of bool.
    """
    if real is None or real[:, -1].all():
        return case, LAST_STEP
    steps = real.shape[1]
    behind = np.where(real.any(axis=1), np.argmax(real[:, ::-1], axis=1), 0)
    order = (np.arange(steps) - behind[:, None]) % steps
    x = case.inputs[case.of]
    turned = np.take_along_axis(x, order.reshape(*order.shape, *(1,) * (x.ndim - 2)), axis=1)
    inputs = {**case.inputs, case.of: turned}
    before, after = (predict(case.network, given) for given in (case.inputs, inputs))
    pairs = zip(*(b if isinstance(b, tuple) else (b,) for b in (before, after)), strict=True)
    for one, other in pairs:
        if one.shape != other.shape or np.abs(one - other).max() > SAME * (1 + np.abs(one).max()):
            return case, LAST_STEP
    return replace(case, inputs=inputs), LAST_REAL
