"""From errors to a verdict: is it a forecast, and what would make it one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from rnnlens.checks.forecast.references import REFERENCES

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from rnnlens.checks.forecast.leak import Leak
    from rnnlens.checks.forecast.remedies import Remedy
    from rnnlens.checks.forecast.search import Fit

    Array = NDArray[np.float64]

__all__ = ["CAUTIONS", "VERDICTS", "Errors", "judge"]

#: What may be said of a forecast.
VERDICTS = (
    "better",  # than every simple reference, beyond noise
    "no better",  # than the best simple reference, but not worse than all that is simple
    "worse",  # than persistence and than the mean, beyond noise: worse than knowing nothing
    "fits better",  # clearly, if something is done otherwise
    "leak",  # an input holds what is to be forecast
    "constant",  # forecasts do not vary
    "misplaced",  # nothing is known of errors, and inputs lie where no usual scaler puts them
    "not known",
)
#: Those that call for a caution.
CAUTIONS = ("worse", "fits better", "leak", "constant", "misplaced")
#: Standard errors beyond which a difference is no noise; for what was found by search, more.
NOISE, SEARCHED = 2.5, 4.0
#: Part of the stated error that a remedy must be within, where the forecast is worse than knowing
#: nothing, and where it is not; of the stated root mean square error there; and so small a part
#: that noise alone is to be exceeded.
CLEAR, VERY_CLEAR, SQUARED, HUGE = 0.8, 0.75, 0.85, 0.5
#: Error over that of persistence for its own time that a remedied forecast must be within: where
#: the stated one is worse than persistence, and where it is not, there in parts of its own as well.
AS_GOOD, SKILL, SKILLED = 1.02, 0.9, 0.85
#: A second remedy is named where its error is within this many times the first one's.
SECOND = 1.5
#: What a remedy that changes two things is taken to err more than one that changes one.
SIMPLER = 1.05
#: Forecasts that vary less than this part of what happened do not vary.
VARIES = 1e-3
#: How much larger than that of a linear fit an error must be to be doubted.
DOUBT = 1.25
#: How many remedies are named.
NAMED = 2


@dataclass(frozen=True, eq=False)
class Errors:
    """The errors of a forecast and of its references, on the same windows.

    Parameters
    ----------
    error, rmse, better : array (reference,)
        As in `ForecastCheck`.
    judged : int
        Windows; 0 where nothing is known.
    varies : float
        Standard deviation of the forecasts over that of what happened; NaN where not known.
    misplaced : bool
        Whether inputs lie where no usual scaler puts them.
    squared : bool
        Whether squared errors are compared, and not absolute ones.
    """

    error: Array
    rmse: Array
    better: Array
    judged: int
    varies: float
    misplaced: bool
    squared: bool = False

    @property
    def size(self) -> Array:
        """What is compared: the mean absolute error, or the root mean square error."""
        return self.rmse if self.squared else self.error

    @classmethod
    def unknown(cls, *, misplaced: bool, still: bool) -> Errors:
        """Give what is known where nothing is known of errors."""
        nothing = np.full(len(REFERENCES), np.nan)
        return cls(nothing, nothing, nothing, 0, 0.0 if still else float("nan"), misplaced)

    @property
    def worse(self) -> bool:
        """Whether the forecast is worse than persistence and than the mean, beyond noise."""
        there = np.isfinite(self.error[1:3])
        if not self.judged or not there.any():
            return False
        beyond = self.better[1:3][there] < -NOISE
        return bool(beyond.all() and (self.rmse[0] > self.rmse[1:3][there]).all())

    @property
    def better_than_simple(self) -> bool:
        """Whether it is better than every simple reference, beyond noise."""
        there = np.isfinite(self.error[1:4])
        return bool(self.judged and there.any() and (self.better[1:4][there] > NOISE).all())

    @property
    def doubtful(self) -> bool:
        """Whether it pays to look for what fits better: something simple is as good."""
        if not self.judged:
            return False
        return not self.better_than_simple or bool(self.size[0] > DOUBT * self.size[4])


def judge(errors: Errors, fits: tuple[Fit, ...], leak: Leak | None) -> tuple[str, tuple[Fit, ...]]:
    """Give the verdict and the remedies that are named with it."""
    if not errors.judged:
        known = "constant" if errors.varies < VARIES else "not known"
        return ("misplaced" if errors.misplaced else known), ()
    if errors.varies < VARIES:
        return "constant", _named([fit for fit in fits if _mends(fit, errors)])
    if leak is not None:
        return "leak", ()
    if errors.worse:
        return "worse", _named([fit for fit in fits if _mends(fit, errors)])
    found = _named([fit for fit in fits if _fits_much_better(fit, errors)])
    if found:
        return "fits better", found
    return ("better" if errors.better_than_simple else "no better"), ()


def _mends(fit: Fit, errors: Errors) -> bool:
    """Say whether a remedy makes a forecast that is no longer worse than knowing nothing."""
    level = np.nanmax(errors.size[1:3])
    clear = fit.error < CLEAR * fit.stated and fit.error < level and fit.gain > NOISE
    return bool(clear and _tells(fit, errors))


def _tells(fit: Fit, errors: Errors) -> bool:
    """Say whether a remedied forecast knows something, or was wrong beyond what networks do.

    Whatever destroys what a network that learned its windows by heart says brings it near to the
    mean, and is no remedy.
    """
    mean = errors.size[2]
    return fit.error < HUGE * fit.stated or not fit.error > SKILL * mean


def _fits_much_better(fit: Fit, errors: Errors) -> bool:
    """Say whether a remedy fits so much better that chance and underfitting do not explain it."""
    clear = fit.error < VERY_CLEAR * fit.stated and fit.rmse < SQUARED
    huge = fit.error < HUGE * fit.stated  # no best of many tries is so much better by chance
    if not (clear and _tells(fit, errors) and fit.gain > (NOISE if huge else SEARCHED)):
        return False
    if errors.better[1] < -NOISE:  # persistence is better than what was stated
        return bool(fit.skill < AS_GOOD)
    stated = errors.size[0] / errors.size[1] if errors.size[1] > 0 else np.nan
    return bool(fit.skill < SKILL and not fit.skill > SKILLED * stated)


def _named(fits: list[Fit]) -> tuple[Fit, ...]:
    """Take the best of each kind, the best first."""
    kinds: dict[object, Fit] = {}
    for fit in sorted(fits, key=_weighed):
        kinds.setdefault(_kind(fit.remedy), fit)
    named = list(kinds.values())[:NAMED]
    return tuple(fit for fit in named if fit.error <= SECOND * named[0].error)


def _weighed(fit: Fit) -> float:
    """Give the error, a little more where two things are changed."""
    both = fit.remedy.inputs != "stated" and fit.remedy.output != "stated"
    return fit.error * (SIMPLER if both else 1.0)


def _kind(remedy: Remedy) -> object:
    """Tell remedies of a kind that would be said in much the same words."""
    if remedy.kind == "scaling":
        return remedy.kind, remedy.inputs == "stated"
    return remedy.kind
