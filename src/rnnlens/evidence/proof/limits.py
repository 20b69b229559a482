"""When a question of a certificate is settled, and when it is given up."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rnnlens.errors import InputError

__all__ = ["BUDGET", "SearchLimits", "check_limits"]

#: Boxes that a question may take.
BUDGET = 2000


@dataclass(frozen=True, kw_only=True)
class SearchLimits:
    """When a question is settled, and when it is given up.

    Parameters
    ----------
    tolerance : float
        The change that does not matter, in the target's own unit.
    gap : float, optional
        Where a larger change was attained, how near to it the bound is brought; the tolerance where
        not given.
    share : float
        The same as a share of what was attained, where that is more.
    budget : int
        Boxes that a question may take.
    by_row : bool
        Whether what rows say is all that is asked: where one question of a row has a
        counter-example, no bound is sought of any of them.
    deviation : float
        By how much the user's own framework was seen to differ from exact arithmetic; twice this is
        added to every bound.
    seed : int
        Of the values that are tried.

    Raises
    ------
    InputError
        If one is out of its range.
    """

    tolerance: float
    gap: float | None = None
    share: float = 0.0
    budget: int = BUDGET
    by_row: bool = False
    deviation: float = 0.0
    seed: int = 0

    def __post_init__(self) -> None:
        check_limits(self.tolerance, self.gap, self.budget, self.deviation)


def check_limits(
    tolerance: float | None, gap: float | None, budget: int | None, deviation: float
) -> None:
    """Refuse limits that are none; those not given are the usual ones."""
    if tolerance is not None and not 0 < tolerance < np.inf:
        raise InputError(f"the tolerance must be a number above 0, and is {tolerance:g}")
    if gap is not None and not gap >= 0:
        raise InputError(f"the gap must be 0 or above, and is {gap}")
    if budget is not None and budget < 1:
        raise InputError(f"the budget must be at least one box, and is {budget}")
    if not 0 <= deviation < np.inf:
        raise InputError(f"the deviation must be 0 or above, and is {deviation}")
