"""How far back a network looks, and which inputs matter: all evidence on each lag in one table."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple, cast

from rnnlens.api.shared.given.arguments import checked
from rnnlens.api.shared.linear_algebra import one_blas_thread
from rnnlens.attribution.options import Target, as_target
from rnnlens.attribution.registry import SUMMING
from rnnlens.errors import InputError
from rnnlens.evidence.options import Certificates, Shares, Test
from rnnlens.evidence.statistics.criterion import check_alpha
from rnnlens.evidence.table.rows import check_by

if TYPE_CHECKING:
    import xarray as xr
    from numpy.typing import ArrayLike

    from rnnlens.api.shared.given.network_given import NetworkLike
    from rnnlens.engine.schedule.progress import Progress
    from rnnlens.evidence.table.inputs import TableOptions
    from rnnlens.series.joint.windows import WindowsByInput
    from rnnlens.series.windows import Windows

__all__ = ["ToWeigh", "lags", "weighing"]

#: How long the shares take beside all other evidence, about.
SHARES, EVIDENCE = 1, 4


@checked()
@one_blas_thread
def lags(
    net: NetworkLike,
    X: Windows | WindowsByInput | ArrayLike | Mapping[str, ArrayLike],
    y: ArrayLike | None = None,
    *,
    target: Target | str | int | None = None,
    held: Sequence[str] | None = None,
    background: Windows | WindowsByInput | ArrayLike | Mapping[str, ArrayLike] | None = None,
    of: str | Sequence[str] | None = None,
    by: str = "lag",
    margin: float | None = None,
    alpha: float = 0.05,
    certificates: Certificates | None = Certificates(),
    test: Test | None = Test(),
    shares: Shares = Shares(),
    progress: Callable[[int, int], None] | None = None,
) -> xr.Dataset | xr.DataTree:
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
    net, X, target, held, background, of
        As in `rnnlens.explain`. The tests hold for windows in the order of time that training did
        not see; the sampler is best made from others, given as ``background``.
    y : array (sample,), optional
        What happened, in the target's own unit, NaN where it is not known; what the windows say
        where not given. Without either, the test is about how far forecasts move and not about
        their error.
    by : {"lag", "feature", "both"}
        What the rows are: lags, features at all lags, or features at lags.
    margin : float, optional
        Change of the mean loss that does not matter: in the target's own unit, or its square where
        the loss is ``squared``. 1 % of the mean loss where not given; without actuals, what the
        tolerance makes of the loss.
    alpha : float
        Chance of a wrong verdict, as the correction understands it.
    certificates : Certificates, optional
        Ranges, the tolerance of all evidence that is about the forecast itself, and how many
        windows are certified; None for no certificates.
    test : Test, optional
        Loss, sampler and correction of the tests over the data set, and how many observed values
        are drawn; None for neither.
    shares : Shares
        The method and the baseline that contributions come from, and the interval of shares.
    progress : callable, optional
        As in `rnnlens.explain`.

    Returns
    -------
    xarray.Dataset, or xarray.DataTree
        By ``lag``, ``feature``, or both: ``share``, ``share_low``, ``share_high``,
        ``mean_contribution``, ``mean_size``; ``largest_bound`` (infinite where none was sought, for
        a counter-example refutes the row), ``largest_attained``, how many
        windows are ``structural``, ``proven``, ``refuted`` or ``undecided``; ``error_change`` with
        ``error_change_low`` and ``error_change_high``, ``p_equivalent``, ``p_used``, ``left`` and
        ``note``; ``observed_largest``, ``observed_exceeded``, ``observed_share``; ``verdict`` and
        ``rung``. Besides ``bound`` and ``attained (sample, lag,
        feature)`` of the windows certified, ``moved (tried, lag)`` of plain runs, and
        ``older_change``, ``older_p (lag)`` of all lags from that one on. Attributes say with what
        margin, tolerance, alpha, correction and sampler, whether that fits, how far back the
        network looks, and what is ``missing``. Shares sum to one. Of several inputs a tree, a node
        for each: shares sum to one over all of them, and evidence on an input is gathered while the
        others keep their values; what has no steps has rows by feature.

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
    >>> table = rnnlens.lags(net, X, target=0, certificates=None)
    >>> dict(table.sizes), round(float(table.share.sum()), 12)
    ({'lag': 24}, 1.0)
    """
    from rnnlens.evidence.table.inputs import TableOptions

    options = TableOptions(certificates=certificates, test=test, margin=margin, alpha=alpha)
    asked = ToWeigh(net, X, y, target, held, background, of, by, shares, options)
    return weighing(asked)(progress)


class ToWeigh(NamedTuple):
    """What a table of lags is asked of, as in `lags`, and which evidence is gathered."""

    net: NetworkLike
    X: Windows | WindowsByInput | ArrayLike | Mapping[str, ArrayLike]
    y: ArrayLike | None
    target: Target | str | int | None
    held: Sequence[str] | None
    background: Windows | WindowsByInput | ArrayLike | Mapping[str, ArrayLike] | None
    of: str | Sequence[str] | None
    by: str
    shares: Shares
    options: TableOptions


def weighing(given: ToWeigh) -> Callable[[Progress | None], xr.Dataset | xr.DataTree]:
    """Refuse what does not fit, and give what makes the table when it is called."""
    from rnnlens.api.shared.compiling.ahead import certificates_ahead
    from rnnlens.api.shared.forecast.explained_once import ToExplain, explained_for_shares
    from rnnlens.api.shared.forecast.important import important_features
    from rnnlens.api.shared.given.joint.making import make_case
    from rnnlens.api.shared.given.logits import on_logits
    from rnnlens.api.shared.given.network_given import as_network
    from rnnlens.api.shared.labels.joint import on_lags, on_own_axis
    from rnnlens.api.shared.labels.lag_shares import shares_of
    from rnnlens.api.shared.lag_tables import Asked
    from rnnlens.attribution.share import check_windows
    from rnnlens.engine.schedule.progress import Parts
    from rnnlens.engine.schedule.threads import aside

    net, asked = as_network(given.net, given.X), as_target(given.target)
    shares, options, by = given.shares, given.options, given.by
    certificates = options.certificates
    _check(shares, certificates, options.margin, options.alpha, by)
    case, explained_on = on_logits(
        make_case(net, given.X, given.of, several=True, output=asked.output),
        asked.output,
        asked.logits,
    )
    check_windows(len(case.x))
    held, background = given.held, given.background
    question = Asked(asked, explained_on, given.y, held, background, shares, options)
    question.check(case)
    names = given.of if case.layout is None else [one.name for one in case.layout.inputs]
    wanted = [case.network] if certificates is not None and certificates.windows else []

    def made(progress: Progress | None) -> xr.Dataset | xr.DataTree:
        with (
            certificates_ahead(wanted) as ready,
            Parts(progress, shares=SHARES, evidence=EVIDENCE) as parts,
        ):
            asked_of = ToExplain(net, given.X, asked, held, background, names, mean_sizes=True)
            explained = explained_for_shares(asked_of, case, shares, parts.of("shares"))
            now = replace(question, options=replace(options, ready=ready))
            if case.layout is not None:
                return now.tables(case, explained, by, parts.of("evidence"))
            alone = cast("xr.Dataset", explained)  # one sequence has no tree
            if case.future is not None:
                alone = on_lags(alone, case.future)
            told = important_features(alone)
            # their intervals, window by window, leave most of a core to the evidence
            with aside(lambda: shares_of(alone, by, shares).assign_attrs(told)) as own:
                table = now.table(case, alone, own.result, by, parts.of("evidence"))
            return table if case.future is None else on_own_axis(table, case.future)

    return made


def _check(
    shares: Shares, certificates: Certificates | None, margin: float | None, alpha: float, by: str
) -> None:
    """Refuse options that do not fit before anything is computed."""
    if shares.method not in SUMMING:
        raise InputError(
            f"lags needs contributions, a method that sums ({', '.join(SUMMING)}), not "
            f"{shares.method!r}"
        )
    check_by(by)
    if margin is not None and not margin > 0:
        raise InputError(
            f"the margin must be above zero, but is {margin:g}: no number of windows shows a "
            "change to be exactly nothing; state one that does not matter to you"
        )
    if certificates is not None and certificates.together and by != "lag":
        raise InputError(
            f"features of a lag are freed together for rows by lag, not by {by}: leave one out"
        )
    check_alpha(alpha)
