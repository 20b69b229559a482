"""What a table of evidence is made from, and which evidence is asked for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnnlens.evidence.options import Certificates, Test
from rnnlens.evidence.proof.stated_ranges import StatedRanges
from rnnlens.evidence.proof.tolerance import Tolerance
from rnnlens.evidence.statistics.criterion import Criterion

__all__ = ["TableData", "TableOptions"]

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False, kw_only=True)
class TableData:
    """What a table of evidence is made from, beside the windows.

    Parameters
    ----------
    actual : array (sample,), optional
        What happened, NaN where it is not known.
    background : array (window, step, feature), optional
        Other windows that samplers learn from; the tested ones where not given.
    values : array (window, step, feature)
        Where observed values are taken from: the background, or the windows themselves.
    ranges : StatedRanges
        What inputs run through.
    tolerance : Tolerance
        The change of the forecast that does not matter.
    timed : bool
        Whether windows have times by the clock: then plain runs see when inputs matter.
    moments : array (sample,), optional
        Numbers or times that put the windows in order in time; None of an input that does not
        change in it, and cannot drift.
    """

    actual: Array | None
    background: Array | None
    values: Array
    ranges: StatedRanges
    tolerance: Tolerance
    timed: bool
    moments: NDArray[Any] | None = None


def _wait_for_nothing() -> None:
    """Go on at once."""


@dataclass(frozen=True, eq=False, kw_only=True)
class TableOptions:
    """Which evidence is asked for.

    Parameters
    ----------
    certificates : Certificates, optional
        None for none.
    test : Test, optional
        None for none.
    margin : float, optional
        Change of the mean loss that does not matter.
    alpha : float
        Chance of a wrong verdict.
    ready : callable
        Waits for what certificates need and others are making, once they begin.
    """

    certificates: Certificates | None
    test: Test | None
    margin: float | None
    alpha: float
    ready: Callable[[], object] = _wait_for_nothing

    def criterion(self, test: Test) -> Criterion:
        """Give how changes of the loss are judged."""
        return Criterion(
            margin=self.margin,
            alpha=self.alpha,
            errors=test.errors,
            block_length=test.block_length,
        )
