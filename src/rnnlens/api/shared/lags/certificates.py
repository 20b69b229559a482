"""Certificates for a table of lags: how far inputs can move the forecasts of a few windows."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from rnnlens.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    from rnnlens.api.shared.case import Case
    from rnnlens.api.shared.lags.rows import Row
    from rnnlens.attribution.target import ResolvedTarget

    Array = NDArray[np.float64]

__all__ = [
    "ALONE",
    "TOGETHER",
    "LagCertificates",
    "certificates_of",
    "ends_moved",
    "evenly",
    "windows_of",
]

#: Features of a lag that are certified together; of more, one at a time: eight at once, each in all
#: of its range, are beyond any budget.
MOST_TOGETHER = 3
#: What was free, in words.
ALONE = "one feature of one lag at a time"
TOGETHER = "all features of one lag that are not held, together"
#: Windows in which plain runs look for when inputs move the forecast.
TRIED = 400


@dataclass(frozen=True, eq=False)
class LagCertificates:
    """Certificates of every lag in some windows, changes in the target's own unit.

    Parameters
    ----------
    places : array (sample,) of int
        The windows, by their number among those of the table.
    bound, attained : array (sample, step, column)
        By lag, from 1 on; a column a free feature, or one for all of them.
    verdict : array (sample, step, column) of str
        Of each certificate.
    columns : tuple of tuple of int
        The features that were free in each column.
    boxes : int
        Boxes that were bounded, in all.
    tolerance : float
        The change that does not matter.
    tolerance_text, range_text : str
        Where it comes from, and what the ranges are.
    """

    places: NDArray[np.int64]
    bound: Array
    attained: Array
    verdict: NDArray[np.str_]
    columns: tuple[tuple[int, ...], ...]
    boxes: int
    tolerance: float
    tolerance_text: str
    range_text: str

    @property
    def together(self) -> bool:
        """Whether several features were free at once."""
        return len(self.columns[0]) > 1

    def of(self, row: Row) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
        """Give bounds, attained changes and verdicts of a row.

        Shapes: gives tuple of three (sample, question).
        """
        which = [k for k, free in enumerate(self.columns) if set(free) <= set(row.features)]
        lags = slice(row.lags[0] - 1, row.lags[1])
        parts = (self.bound, self.attained, self.verdict)
        bound, attained, verdict = (
            part[:, lags][:, :, which].reshape(len(part), -1) for part in parts
        )
        return bound, attained, verdict

    def whole(self, row: Row) -> bool:
        """Say whether all of a row was free at once."""
        return row.lags[0] == row.lags[1] and row.features in self.columns


def evenly(count: int, wanted: int) -> NDArray[np.int64]:
    """Choose windows that lie evenly over all of them.

    Examples
    --------
    >>> evenly(9, 3).tolist(), evenly(2, 5).tolist()
    ([0, 4, 8], [0, 1])
    """
    return np.unique(np.linspace(0, count - 1, min(wanted, count)).round().astype(np.int64))


def certificates_of(
    case: Case,
    target: ResolvedTarget,
    *,
    windows: int,
    held: Sequence[int],
    together: bool | None,
    given_range: float | tuple[float, float] | Mapping[str, Any] | None,
    quantiles: tuple[float, float],
    tolerance: tuple[float, str],
    budget: int | None,
    deviation: float,
    data: Array,
    progress: Callable[[int, int], None] | None,
) -> LagCertificates:
    """Certify every lag in some windows: data (sample, step, feature)."""
    from rnnlens.api.forecast.certify import ranges_of
    from rnnlens.evidence.proof.certificate import BUDGET, certify

    free = _free(case, held)
    few = windows_of(case, evenly(len(case.x), windows))
    lags = list(range(1, case.x.shape[1] + 1))
    if together is None:
        together = len(free) <= MOST_TOGETHER
    columns = [free] if together else [[feature] for feature in free]
    found, texts = [], []
    for done, column in enumerate(columns):
        (low, high), text = ranges_of(
            few, lags, column, _own(given_range, few, free, column), quantiles, data
        )
        texts.append(text)
        found.append(
            certify(
                few.network,
                few.inputs,
                target,
                of=few.of,
                lags=lags,
                features=column,
                low=low,
                high=high,
                tolerance=tolerance[0],
                budget=BUDGET if budget is None else budget,
                deviation=deviation,
            )
        )
        if progress:
            progress(done + 1, len(columns))
    return LagCertificates(
        places=evenly(len(case.x), windows),
        bound=np.stack([one.bound for one in found], axis=2),
        attained=np.stack([one.attained for one in found], axis=2),
        verdict=np.stack([one.verdict for one in found], axis=2),
        columns=tuple(tuple(column) for column in columns),
        boxes=int(sum(one.boxes.sum() for one in found)),
        tolerance=tolerance[0],
        tolerance_text=tolerance[1],
        range_text=_ranges_text(texts, given_range, quantiles),
    )


def windows_of(case: Case, places: NDArray[np.int64]) -> Case:
    """Take some windows of a case."""
    known = None if case.windows is None else case.windows.select(places)
    inputs = {name: array[places] for name, array in case.inputs.items()}
    return replace(case, inputs=inputs, windows=known)


def _free(case: Case, held: Sequence[int]) -> list[int]:
    if case.inputs[case.of].ndim != 3:
        raise DataError(f"a certificate needs windows (step, feature), and {case.of!r} has tokens")
    free = [k for k, _ in enumerate(case.features) if k not in held]
    if not free:
        raise DataError(f"every feature is held ({', '.join(case.features)}), so none is free")
    return free


def _own(given: Any, case: Case, free: list[int], column: list[int]) -> Any:
    """Give the ranges stated for the features of a column, of those stated by name."""
    from collections.abc import Mapping

    if not isinstance(given, Mapping):
        return given
    names = [case.features[feature] for feature in free]
    for name in given:
        if name not in names:
            raise DataError(
                f"a range is given for {name!r}, which is not free: free are {', '.join(names)}"
            )
    return {name: given[name] for name in given if name in [case.features[k] for k in column]}


def _ranges_text(texts: list[str], given: Any, quantiles: tuple[float, float]) -> str:
    if given is None:
        low, high = (f"{100 * share:g}" for share in quantiles)
        return f"{low} to {high} % of the data"
    return "; ".join(texts)


def ends_moved(
    case: Case,
    target: ResolvedTarget,
    *,
    held: Sequence[int],
    given_range: Any,
    quantiles: tuple[float, float],
    data: Array,
) -> tuple[NDArray[np.int64], Array]:
    """See in plain runs how far inputs at the ends of their ranges move forecasts.

    Shapes: gives tuple of (tried,) and (tried, lag).
    """
    from rnnlens.api.forecast.certify import ranges_of
    from rnnlens.engine.forward import predict

    places, free = evenly(len(case.x), TRIED), _free(case, held)
    few, steps = windows_of(case, places), case.x.shape[1]

    def forecast(x: Array) -> Array:
        outputs = predict(few.network, {**few.inputs, few.of: x})
        return target.pick(outputs if isinstance(outputs, tuple) else (outputs,))

    own, moved = forecast(few.x), np.zeros((len(places), steps))
    lags = list(range(1, steps + 1))
    for feature in free:
        given = _own(given_range, few, free, [feature])
        for end in ranges_of(few, lags, [feature], given, quantiles, data)[0]:
            for lag in lags:
                x = few.x.copy()
                x[:, steps - lag, feature] = end[:, lag - 1, 0]
                np.maximum(moved[:, lag - 1], np.abs(forecast(x) - own), out=moved[:, lag - 1])
    return places, moved
