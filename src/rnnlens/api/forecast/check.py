"""Whether a forecast is one: its error beside what is known without the network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from rnnlens.api.shared.given.arguments import checked
from rnnlens.api.shared.linear_algebra import one_blas_thread
from rnnlens.attribution.options import Target

if TYPE_CHECKING:
    import xarray as xr
    from numpy.typing import ArrayLike

    from rnnlens.api.shared.given.network_given import NetworkLike
    from rnnlens.series.joint.windows import WindowsByInput
    from rnnlens.series.windows import Windows

__all__ = ["check"]


@checked()
@one_blas_thread
def check(
    net: NetworkLike,
    X: Windows | WindowsByInput | ArrayLike | Mapping[str, ArrayLike],
    y: ArrayLike | None = None,
    *,
    target: Target | str | int | None = None,
    background: Windows | WindowsByInput | ArrayLike | None = None,
    of: str | Sequence[str] | None = None,
) -> xr.Dataset:
    """Ask whether a forecast is one, before anything is said about it.

    Where it is known what happened, the forecast's error stands beside that of persistence, of the
    mean, of the same hour (or day) a season before, and of a linear autoregression on the same
    windows. The inputs are compared with what a scaler gives, gates that are saturated are counted,
    and forecasts that do not vary are found. Where the forecast is worse than something simple,
    other leads, scalings, units, steps and orders of the columns are tried on some of the windows.

    `rnnlens.explain`, `rnnlens.lags`, `rnnlens.certify`, `rnnlens.trust` and `rnnlens.report` ask
    this first and say it in their attributes ``forecast_check`` and ``caution``. What it rests on
    is in ``docs/check.md``.

    Parameters
    ----------
    net : Network, path or live model
        What `rnnlens.read` takes, or what it gave.
    X : Windows, array (sample, step, feature), or mapping of input name to array
        The windows, in the network's own units.
    y : array (sample,), optional
        What happened, in the target's own unit, NaN where it is not known; that of the windows
        where not given.
    target, of
        As in `rnnlens.explain`.
    background : Windows or array (sample, step, feature), optional
        Data that training saw: the mean, the linear fit and the scalings that are tried come from
        them. Where `X` has too few windows with actuals, the background is judged instead.

    Returns
    -------
    xarray.Dataset
        ``error`` and ``rmse (reference)``, ``better (reference)`` in standard errors;
        ``input_mean``, ``input_spread``, ``input_low``, ``input_high``, ``input_beyond`` and
        ``input_misplaced (feature)``; ``saturated (layer)``; ``remedy_error`` and
        ``remedy_stated (remedy)``; ``forecast_spread`` and ``actual_spread``. The attributes
        ``forecast_check`` and ``caution`` say it in words, ``verdict`` in one of ``better``, ``no
        better``, ``worse``, ``fits better``, ``leak``, ``constant``, ``misplaced``, ``not known``.

    Raises
    ------
    DataError
        If an array or a name does not fit.

    Examples
    --------
    >>> import numpy as np, rnnlens
    >>> from rnnlens.demo.weather import demo_files
    >>> net = rnnlens.read(demo_files().network)
    >>> X = 40 + 30 * np.random.default_rng(0).random((30, 24, 10))
    >>> page = rnnlens.check(net, X, target=0)
    >>> page.attrs["verdict"]
    'misplaced'
    """
    from rnnlens.api.shared.evidence import outcomes_given
    from rnnlens.api.shared.forecast.check import forecast_page
    from rnnlens.api.shared.given.joint.making import make_case
    from rnnlens.api.shared.given.network_given import as_network
    from rnnlens.api.shared.given.target import one_target
    from rnnlens.attribution.options import as_target
    from rnnlens.results.attributes import attributes
    from rnnlens.views.words.forecast import caution_sentence, forecast_line
    from rnnlens.views.words.language import telling

    net = as_network(net, X)
    case = make_case(net, X, of, output=as_target(target).output)
    named = one_target(case, target)
    page = forecast_page(case, named, background, outcomes_given(case, y))
    with telling():
        said = {"forecast_check": forecast_line(page), "caution": caution_sentence(page)}
    return page.assign_attrs(attributes(said))
