"""What evidence is asked for: the options of certificates, of tests and of shares."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from rnnlens.arguments import (
    FLAG,
    FUNCTION,
    NAME,
    check_fields,
    duration,
    either,
    many,
    mapping,
    number,
    numbers,
    seconds_of,
    whole,
    word,
)
from rnnlens.errors import InputError
from rnnlens.evidence.statistics.dependent_mean import ERRORS
from rnnlens.evidence.statistics.loss import LOSSES
from rnnlens.evidence.statistics.multiplicity import CORRECTIONS

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from rnnlens.evidence.proof.stated_ranges import Span
    from rnnlens.evidence.statistics.samplers import OwnDraw

__all__ = ["SAMPLERS", "WINDOWS", "Certificates", "Shares", "Test"]

#: Windows that a table of lags certifies, where their number is not given.
WINDOWS = 10
#: Samplers by name; ``auto`` takes the Gaussian unless its own diagnostic speaks against it.
SAMPLERS = ("auto", "gaussian", "neighbours")
#: Draws beyond which nothing is learned, and memory ends.
DRAWS = 10**8
_SPAN = either(
    number(least=0), many(number(), "two numbers", fewest=2, most=2), what="a number or two"
)
_CERTIFICATES = {
    "windows": whole(),
    "range": either(
        _SPAN,
        mapping(_SPAN, "a mapping"),
        what="one number (the error of a sensor, 0 or more), two (the ends), or a mapping of "
        "feature to either",
    ),
    "quantiles": many(
        number(least=0, most=1), "two numbers from 0 to 1, the lower first", fewest=2, most=2
    ),
    "tolerance": number(above=0),
    "budget": either(
        whole(1, 10**12), duration(), what='a number of boxes from 1, or a time such as "30 s"'
    ),
    "together": FLAG,
    "deviation": number(least=0),
}
_TEST = {
    "loss": word(*LOSSES),
    "correction": word(*CORRECTIONS),
    "sampler": either(word(*SAMPLERS), FUNCTION),
    "errors": word(*ERRORS),
    "block_length": whole(1),
    "replacements": whole(0, DRAWS),
    "hiding": FLAG,
    "seed": whole(),
}
_SHARES = {
    "method": NAME,
    "baseline": either(NAME, numbers()),
    "newest": whole(1),
    "confidence": number(above=0, below=1),
    "draws": whole(1, DRAWS),
    "seed": whole(),
}


@dataclass(frozen=True, kw_only=True)
class Certificates:
    """Which ranges inputs run through, and what is asked of the forecast there.

    Parameters
    ----------
    windows : int
        Windows that a table of lags certifies, evenly spaced; 0 for none. `rnnlens.certify`
        certifies all that it is given.
    range : float, pair of float, or mapping of feature to either, optional
        In the feature's own unit: one number is the error of a sensor, added to and taken off the
        window's own value; two are the ends of the range, which must hold it. Where not given, the
        quantiles of the data, widened to hold it.
    quantiles : tuple of float
        Which quantiles of the background a range goes from and to, where none is given.
    tolerance : float, optional
        The change that does not matter, in the target's own unit; 1 % of the standard deviation of
        the background's forecasts where not given.
    budget : int or str, optional
        Boxes that a question may take; 2000 where not given. Or a time that all of them may take
        together, such as ``"30 s"`` or ``"5 min"``: cheap evidence comes first, and what was not
        come to is *not asked*. Where nothing is given, a table of lags asks for what its rows'
        verdicts need: where one window refutes a row, no bound is sought of any of its windows and
        features (it is infinite), and those not refuted themselves stay undecided. Where they are
        so many that they would take minutes, it gives all of them 5 seconds, asks about fewer
        windows if there are more than 50,000 questions, and gives them 2 seconds if one window has
        as many. A number of boxes asks for each of them closely.
    together : bool, optional
        Whether all features of a lag are free at once; where not given, only if there are at most
        three. Otherwise each is freed alone, and no certificate is about a whole lag.
        `rnnlens.certify` frees the features that it is given together.
    deviation : float
        By how much the framework that the network came from was seen to differ from exact
        arithmetic, in the target's own unit; twice this is added to every bound. It is measured,
        not proven.

    Raises
    ------
    InputError
        If an option is out of its range.

    Examples
    --------
    >>> from rnnlens import Certificates
    >>> Certificates(range={"temp": 0.5}, tolerance=0.1).windows
    10
    """

    windows: int = WINDOWS
    range: Span | Mapping[str, Span] | None = None
    quantiles: tuple[float, float] = (0.001, 0.999)
    tolerance: float | None = None
    budget: int | str | None = None
    together: bool | None = None
    deviation: float = 0.0

    def __post_init__(self) -> None:
        check_fields(self, _CERTIFICATES)
        low, high = self.quantiles
        if not low < high:
            raise InputError(
                f"quantiles must be two numbers from 0 to 1, the lower first, not {low:g}, {high:g}"
            )

    @property
    def boxes(self) -> int | None:
        """The boxes that a question may take, where they are stated."""
        return None if isinstance(self.budget, str) else self.budget

    @property
    def seconds(self) -> float | None:
        """The seconds that all questions may take together, where they are stated."""
        return seconds_of(self.budget) if isinstance(self.budget, str) else None

    @property
    def stated(self) -> bool:
        """Whether certificates are what was asked for: then what keeps them away is an error."""
        return not (self.range is None and self.together is None and self.tolerance is None)


@dataclass(frozen=True, kw_only=True)
class Test:
    """How hiding parts of the windows is tested over the data set.

    Parameters
    ----------
    loss : {"absolute", "squared"}
        Of the forecast's error.
    correction : {"holm", "by", "none"}
        For the number of rows: family-wise (Holm), false discoveries (Benjamini and Yekutieli).
    sampler : {"auto", "gaussian", "neighbours"} or callable
        What stands in for hidden inputs (`rnnlens.evidence.statistics.samplers`). ``auto`` takes
        the Gaussian, and residuals of neighbours where the diagnostic says that the Gaussian does
        not fit and those fit better.
    errors : {"cosine", "newey-west", "bootstrap"}
        How errors of means are estimated (`rnnlens.evidence.statistics.dependent_mean`).
    block_length : int, optional
        Windows over which neighbours depend.
    replacements : int, optional
        Draws of a window and an observed value for each row; 4,603 where not given, of which none
        may exceed the tolerance for a share of 0.1 % to be excluded at 99 %, and fewer of long
        windows, whose limit of the share is larger; 0 for none.
    hiding : bool
        Whether to test what hiding does to the error; without it, only observed values are drawn.
    seed : int
        Of all draws.

    Raises
    ------
    InputError
        If an option is none of its choices, or out of its range.

    Examples
    --------
    >>> from rnnlens import Test
    >>> Test(loss="squared", correction="by").errors
    'cosine'
    """

    #: It is no test of this package's own, which a test runner would collect.
    __test__: ClassVar[bool] = False

    loss: str = "absolute"
    correction: str = "holm"
    sampler: str | OwnDraw = "auto"
    errors: str = "cosine"
    block_length: int | None = None
    replacements: int | None = None
    hiding: bool = True
    seed: int = 0

    def __post_init__(self) -> None:
        check_fields(self, _TEST)

    @property
    def stated(self) -> bool:
        """Whether the test is what was asked for: then what keeps it away is an error."""
        return self.block_length is not None or self.sampler != "auto"


@dataclass(frozen=True, kw_only=True)
class Shares:
    """How the share of each lag in what moved the forecasts is found.

    Parameters
    ----------
    method : str
        As in `rnnlens.explain`: one whose numbers sum. ``auto`` takes every lag by itself: exact
        values where all fit, else `secant` with as many of the newest lags exact as fit.
    baseline : str or array, optional
        As in `rnnlens.explain`; where not given, ``mean`` (``zero`` for tokens).
    newest : int, optional
        Lags that are taken one by one; the older ones stand together.
    confidence : float
        Coverage of the interval of shares.
    draws : int
        Bootstrap draws of that interval.
    seed : int
        Of whatever is drawn.

    Raises
    ------
    InputError
        If an option is not what it must be.

    Examples
    --------
    >>> from rnnlens import Shares
    >>> Shares(method="tree", newest=12).confidence
    0.95
    """

    method: str = "auto"
    baseline: str | ArrayLike | None = None
    newest: int | None = None
    confidence: float = 0.95
    draws: int = 1000
    seed: int = 0

    def __post_init__(self) -> None:
        check_fields(self, _SHARES)
