"""How far back a network looks, and which inputs matter: all evidence on each lag in one table."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from rnnlens.errors import DataError, InputError, UnsupportedModel

if TYPE_CHECKING:
    import xarray as xr
    from numpy.typing import ArrayLike, NDArray

    from rnnlens.api.shared.case import Case
    from rnnlens.attribution.target import ResolvedTarget
    from rnnlens.evidence.statistics.samplers import OwnDraw
    from rnnlens.network.network import Network
    from rnnlens.series.windows import Windows

__all__ = ["WINDOWS", "lags"]

T = TypeVar("T")

#: Windows that are certified where their number is not given.
WINDOWS = 10


def lags(  # noqa: PLR0913, PLR0914  (one table has these parts)
    net: Network,
    X: Windows | ArrayLike | Mapping[str, ArrayLike],
    y: ArrayLike | None = None,
    *,
    target: str | int | None = None,
    horizon: int | None = None,
    output: int | str = 0,
    method: str = "secant",
    baseline: str | ArrayLike | None = None,
    held: Sequence[str] | None = None,
    newest: int | None = None,
    background: Windows | ArrayLike | None = None,
    of: str | None = None,
    by: str = "lag",
    margin: float | None = None,
    loss: str = "absolute",
    alpha: float = 0.05,
    correction: str = "holm",
    sampler: str | OwnDraw = "auto",
    errors: str = "cosine",
    block_length: int | None = None,
    test: bool = True,
    windows: int = WINDOWS,
    replacements: int | None = None,
    range: float | tuple[float, float] | Mapping[str, Any] | None = None,
    quantiles: tuple[float, float] = (0.001, 0.999),
    tolerance: float | None = None,
    together: bool | None = None,
    budget: int | None = None,
    deviation: float = 0.0,
    confidence: float = 0.95,
    draws: int = 1000,
    seed: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> xr.Dataset:
    """Put all evidence on each lag into one table: shares, certificates, tests, and a verdict.

    - Its *share* in what moved the forecasts, ``mean |contribution_k| / sum over lags of mean
      |contribution|``, a lag's contribution being the sum over its features, with a block-bootstrap
      interval.
    - The largest change of the forecast that its inputs can make in a range, *proven* never to be
      exceeded, and the largest that was *attained*, in some windows (`rnnlens.certify`).
    - What hiding it does to the *error* over the data set: it is drawn anew from its distribution
      given the rest of the window, and the change of the loss is tested in both directions against
      a margin.
    - How far values of it that were *observed* elsewhere move forecasts, in random draws that
      bound the share of those that move one by more than the tolerance.
    - Its *verdict*, the first that holds of ``structural``, ``proven``, ``bounded``,
      ``equivalent``, ``used``, ``refuted`` and ``undecided``, and what it stands on
      (`docs/evidence.md`).

    Besides, how far back the network looks: lags are hidden together from the oldest on, up to the
    first whose loss matters.

    Parameters
    ----------
    net, X, target, horizon, output, baseline, held, newest, background, of
        As in `rnnlens.explain`. The tests hold for windows in the order of time that training did
        not see; the sampler is best made from others, given as ``background``.
    y : array (sample,), optional
        What happened, in the target's own unit, NaN where it is not known; what the windows say
        where not given. Without either, the test is about how far forecasts move and not about
        their error.
    method : str
        As in `rnnlens.explain`: one whose numbers sum.
    by : {"lag", "feature", "both"}
        What the rows are: lags, features at all lags, or features at lags.
    margin : float, optional
        Change of the mean loss that does not matter: in the target's own unit, or its square where
        the loss is ``squared``. 1 % of the mean loss where not given; without actuals, what the
        tolerance makes of the loss.
    loss : {"absolute", "squared"}
        Of the forecast's error.
    alpha : float
        Chance of a wrong verdict, as the correction understands it.
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
    test : bool
        Whether to test at all.
    windows : int
        Windows to certify, evenly spaced; 0 for none.
    replacements : int, optional
        Draws of a window and an observed value for each row; 4,603 where not given, of which none
        may exceed the tolerance for a share of 0.1 % to be excluded at 99 %; 0 for none.
    range, quantiles, budget, deviation
        As in `rnnlens.certify`; `range` may be a mapping by feature.
    tolerance : float, optional
        Change of the forecast that does not matter, in the target's own unit; 1 % of the standard
        deviation of the background's forecasts where not given.
    together : bool, optional
        Whether a certificate frees all features of a lag at once; where not given, only if there
        are at most three. Otherwise each is freed alone, and no certificate is about a whole lag.
    confidence : float
        Coverage of the interval of shares.
    draws : int
        Bootstrap draws of that interval.
    seed : int
        Of all draws.
    progress : callable, optional
        Called with how much is done and how much there is, for each part of the work anew.

    Returns
    -------
    xarray.Dataset
        By ``lag``, ``feature``, or both: ``share``, ``share_low``, ``share_high``,
        ``mean_contribution``, ``mean_size``; ``largest_bound``, ``largest_attained``, how many
        windows are ``structural``, ``proven``, ``refuted`` or ``undecided``; ``error_change`` with
        ``error_change_low`` and ``error_change_high``, ``p_equivalent``, ``p_used``, ``left`` and
        ``note``; ``observed_largest``, ``observed_exceeded``, ``observed_share``; ``verdict`` and
        ``rung``. Besides ``bound`` and ``attained (sample, lag,
        feature)`` of the windows certified, ``moved (tried, lag)`` of plain runs, and
        ``older_change``, ``older_p (lag)`` of all lags from that one on. Attributes say with what
        margin, tolerance, alpha, correction and sampler, whether that fits, how far back the
        network looks, and what is ``missing``. Shares sum to one.

    Raises
    ------
    DataError
        If an array, a name or a range does not fit, or there are fewer than 10 windows.
    InputError
        If the method does not give contributions, or an option is not what it must be.

    Examples
    --------
    >>> import numpy as np, rnnlens
    >>> from rnnlens.demo.weather import demo_files
    >>> net = rnnlens.read(demo_files().network)
    >>> X = np.random.default_rng(0).normal(size=(40, 24, 10))
    >>> table = rnnlens.lags(net, X, target=0, windows=0)
    >>> dict(table.sizes), round(float(table.share.sum()), 12)
    ({'lag': 24}, 1.0)
    """
    from rnnlens.api.forecast.certify import data_of
    from rnnlens.api.forecast.explain import explain, on_logits
    from rnnlens.api.shared.case import make_case
    from rnnlens.api.shared.lags.assembly import assembled
    from rnnlens.api.shared.lags.certificates import certificates_of, ends_moved
    from rnnlens.api.shared.lags.rows import make_rows
    from rnnlens.api.shared.lags.shares import shares_of
    from rnnlens.api.shared.lags.tests import draws_of, tests_of
    from rnnlens.api.shared.methods import SUMMING
    from rnnlens.evidence.proof.certificate import BUDGET
    from rnnlens.evidence.statistics.equivalence import check_alpha
    from rnnlens.evidence.statistics.multiplicity import adjusted

    if method not in SUMMING:
        raise InputError(
            f"lags needs contributions, a method that sums ({', '.join(SUMMING)}), not {method!r}"
        )
    _check(margin, tolerance, windows, replacements, together, by)
    check_alpha(alpha)
    adjusted(np.ones(1), correction)  # refuses a correction that is none
    explained = explain(
        net, X, target=target, horizon=horizon, output=output, method=method, baseline=baseline,
        held=held, newest=newest, background=background, of=of, seed=seed, progress=progress,
    )  # fmt: skip
    table = shares_of(explained, by=by, confidence=confidence, draws=draws, seed=seed)
    case, explained_on = on_logits(make_case(net, X, of), output, None)
    what = case.target(target, horizon, output)[0]
    if explained_on == "logits":
        what = replace(what, scale=1.0, offset=0.0)
    places = [int(place) for place in case.held(held)[0]]
    spans = list(zip(explained["lag"].values, explained["lag_to"].values, strict=True))
    steps, count = case.x.shape[1:]
    rows = make_rows(by, (steps, count), spans, case.features, places)
    actual = _actual(y, explained, explained_on, len(case.x))
    missing: list[str] = []
    data = data_of(case, background)
    size = _tolerance(case, what, tolerance, data)
    certificates = moved = tests = observed = None
    if windows:
        asked: dict[str, Any] = {"given_range": range, "quantiles": quantiles, "data": data}
        stated = not (range is None and together is None and tolerance is None)

        def certify() -> Any:
            return certificates_of(
                case, what, windows=windows, held=places, tolerance=size, budget=budget,
                together=together if by == "lag" else False, deviation=deviation,
                progress=progress, **asked,
            )  # fmt: skip

        certificates = _tried("no certificates", certify, missing, stated=stated)
        if certificates is not None and _timed(case):
            moved = ends_moved(case, what, held=places, **asked)
    if test:
        sampled = None if background is None else data

        def run() -> Any:
            return tests_of(
                case, what, rows, actual=actual, held=places, background=sampled, sampler=sampler,
                loss=loss, margin=margin, tolerance=size, alpha=alpha, correction=correction,
                errors=errors, block_length=block_length, seed=seed, progress=progress,
            )  # fmt: skip

        stated = block_length is not None or sampler != "auto"
        tests = _tried("no test over the data set", run, missing, stated=stated)
    if replacements != 0:

        def draw() -> Any:
            return draws_of(
                case, what, rows, values=data, tolerance=size[0], draws=replacements, seed=seed,
                progress=progress,
            )  # fmt: skip

        stated = replacements is not None
        observed = _tried("no draws of observed values", draw, missing, stated=stated)
    about = {
        "budget": BUDGET if budget is None else budget,
        "deviation": deviation,
        "missing": "; ".join(missing),
    }
    return assembled(
        table, case, rows, certificates=certificates, tests=tests, observed=observed, moved=moved,
        about={**about, "tolerance": size[0], "tolerance_text": size[1]},
    )  # fmt: skip


def _check(
    margin: float | None,
    tolerance: float | None,
    windows: int,
    replacements: int | None,
    together: bool | None,
    by: str,
) -> None:
    """Refuse options that are none before anything is computed."""
    from rnnlens.api.shared.lags.rows import BY

    if by not in BY:
        raise InputError(f"rows of the table are by one of {', '.join(BY)}, not by {by!r}")
    if margin is not None and not margin > 0:
        raise InputError(
            f"the margin must be above zero, but is {margin:g}: no number of windows shows a "
            "change to be exactly nothing; state one that does not matter to you"
        )
    if tolerance is not None and not 0 < tolerance < np.inf:
        raise InputError(f"the tolerance must be a number above 0, and is {tolerance:g}")
    if windows < 0:
        raise InputError(f"the number of windows to certify must be 0 or more, but is {windows}")
    if replacements is not None and replacements < 0:
        raise InputError(f"the number of replacements must be 0 or more, but is {replacements}")
    if together and by != "lag":
        raise InputError(
            f"features of a lag are freed together for rows by lag, not by {by}: leave one out"
        )


def _tried(what: str, run: Callable[[], T], missing: list[str], *, stated: bool) -> T | None:
    """Do a part of the work, or note in a sentence why it could not be done."""
    # where options of this very part were stated, it is what was asked for: errors are the answer
    if stated:
        return run()
    try:
        return run()
    except (DataError, UnsupportedModel) as reason:
        missing.append(f"{what}: {reason}")
        return None


def _actual(
    given: ArrayLike | None, explained: xr.Dataset, explained_on: str, count: int
) -> NDArray[np.float64] | None:
    """Give what happened, where it is known."""
    if given is None:
        known = "actual" in explained and explained_on != "logits"
        values = explained["actual"].values if known else np.full(count, np.nan)
        return values if np.isfinite(values).any() else None
    if explained_on == "logits":
        raise DataError("classes are explained on their logits, which no actuals compare with")
    values = np.asarray(given, dtype=np.float64)
    if values.shape != (count,):
        raise DataError(
            f"actuals must have shape ({count},), one a window, but came with {values.shape}"
        )
    return values


def _tolerance(
    case: Case, target: ResolvedTarget, given: float | None, data: NDArray[np.float64]
) -> tuple[float, str]:
    """Give the change of the forecast that does not matter, and where it comes from."""
    from rnnlens.api.forecast.certify import TOLERANCE, usual_tolerance

    if given is not None:
        return float(given), "as given"
    text = f"{100 * TOLERANCE:g} % of the standard deviation of the forecasts"
    return usual_tolerance(case, target, data), text


def _timed(case: Case) -> bool:
    """Say whether windows have times by the clock."""
    return case.windows is not None and case.windows.issued.dtype.kind == "M"
