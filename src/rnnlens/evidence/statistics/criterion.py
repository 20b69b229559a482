"""What counts as no change of the loss, and how sure a claim about it must be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rnnlens.errors import InputError
from rnnlens.evidence.statistics.dependent_mean import DependentMean, dependent_means

__all__ = ["USUAL", "Criterion", "check_alpha"]

Array = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Criterion:
    """How changes of the loss are judged.

    Parameters
    ----------
    margin : float, optional
        Change of the mean loss that does not matter; a share of the mean loss where not given.
    margin_share : float
        That share.
    alpha : float
        Chance of a wrong claim.
    errors : str
        How errors of means are estimated, see `rnnlens.evidence.statistics.dependent_mean`.
    block_length : int, optional
        Windows over which neighbours depend.

    Raises
    ------
    InputError
        If alpha is none.
    """

    margin: float | None = None
    margin_share: float = 0.01
    alpha: float = 0.05
    errors: str = "cosine"
    block_length: int | None = None

    def __post_init__(self) -> None:
        check_alpha(self.alpha)

    def means(
        self,
        series: Array,
        seed: int,
        lengths: Sequence[float] | None = None,
        stretch: Sequence[float] | None = None,
    ) -> tuple[Sequence[DependentMean], str]:
        """Prepare tests of the mean of each series, and say how: series (sample, part)."""
        return dependent_means(
            series,
            how=self.errors,
            block_length=self.block_length,
            lengths=lengths,
            stretch=stretch,
            seed=seed,
        )


def check_alpha(alpha: float) -> None:
    """Refuse a chance of error that is none."""
    if not 0 < alpha < 0.5:
        raise InputError(f"alpha must be between 0 and 0.5, but is {alpha}")


#: 1 % of the mean loss, at 5 %.
USUAL = Criterion()
