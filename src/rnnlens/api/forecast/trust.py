"""Whether contributions can be trusted: one page of checks."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from rnnlens.api.shared.given.arguments import checked
from rnnlens.api.shared.linear_algebra import one_blas_thread
from rnnlens.arguments import did_you_mean
from rnnlens.errors import DataError, InputError

if TYPE_CHECKING:
    import xarray as xr
    from numpy.typing import ArrayLike, NDArray

    from rnnlens.api.shared.given.case import Case
    from rnnlens.api.shared.given.network_given import NetworkLike
    from rnnlens.attribution.options import Target
    from rnnlens.series.joint.windows import WindowsByInput
    from rnnlens.series.windows import Windows

__all__ = ["METHODS", "WINDOWS", "trust"]

#: The methods that can be put to the test.
METHODS = ("secant", "gradient_times_input", "occlusion")
#: Windows that are looked at, where there are more.
WINDOWS = 64
#: How long the checks take beside that of the forecast, about.
CHECKS, FORECAST = 5, 1


@checked()
@one_blas_thread
def trust(
    net: NetworkLike,
    X: Windows | WindowsByInput | ArrayLike | Mapping[str, ArrayLike],
    y: ArrayLike | None = None,
    *,
    target: Target | str | int | None = None,
    method: str = "secant",
    baseline: str | ArrayLike | None = None,
    held: Sequence[str] | None = None,
    background: Windows | WindowsByInput | ArrayLike | None = None,
    of: str | Sequence[str] | None = None,
    windows: int = WINDOWS,
    noise: float = 0.02,
    seed: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> xr.Dataset:
    """Put a method's contributions to the test on this network and these windows.

    Deletion and insertion curves against random orders, comprehensiveness and sufficiency,
    infidelity, sensitivity to noise, the check by randomised weights, agreement between methods,
    and a flag where everything falls on the newest or the oldest step.

    Parameters
    ----------
    net : Network, path or live model
        What `rnnlens.read` takes, or what it gave.
    X : Windows, array (sample, step, feature), or mapping of input name to array
        In the network's own units.
    y : array (sample,), optional
        What happened, in the target's own unit, NaN where it is not known; that of the windows
        where not given.
    target, baseline, held, background, of
        As in `rnnlens.explain`. Without a background, baselines are made from all of `X`.
    method : {"secant", "gradient_times_input", "occlusion"}
        The method that is tested.
    windows : int
        How many windows are looked at, evenly spaced, where there are more.
    noise : float
        Radius of the noise, in standard deviations of each feature.
    seed : int
        Of all random draws.
    progress : callable, optional
        As in `rnnlens.explain`.

    Returns
    -------
    xarray.Dataset
        ``deletion``, ``insertion`` and their random twins ``(removed)``; ``agreement (by_method,
        other_method)``; ``randomised`` and ``randomised_size (layer)``; ``share (lag)``; and
        single numbers, such as ``comprehensiveness``, ``infidelity``, ``sensitivity``.
        `rnnlens.views.words.trust.trust_sentences` says them in words.

    Raises
    ------
    DataError
        If an array, a name or the baseline does not fit, or the baseline moves no forecast.
    InputError
        If the method is unknown.

    Examples
    --------
    >>> import numpy as np, rnnlens
    >>> from rnnlens.demo.weather import demo_files
    >>> net = rnnlens.read(demo_files().network)
    >>> X = np.random.default_rng(0).normal(size=(8, 24, 10))
    >>> page = rnnlens.trust(net, X, target=0)
    >>> bool(page.deletion_area > page.deletion_area_random), page.attrs["crowded"]
    (True, '')
    """
    from rnnlens.api.shared.evidence import outcomes_given
    from rnnlens.api.shared.forecast.check import unjudged, with_references
    from rnnlens.api.shared.given.baselines import usual_baseline
    from rnnlens.api.shared.given.joint.baselines import baseline_of
    from rnnlens.api.shared.given.joint.making import make_case
    from rnnlens.api.shared.given.network_given import as_network
    from rnnlens.api.shared.given.target import one_target
    from rnnlens.api.shared.labels.trust import labelled_trust
    from rnnlens.api.shared.reach import about_reach
    from rnnlens.attribution.baselines.conditional import GaussianConditional
    from rnnlens.attribution.baselines.undefined import refuse_undefined
    from rnnlens.attribution.baselines.windows import RealWindows
    from rnnlens.attribution.options import as_target
    from rnnlens.checks.hidden import ends_of
    from rnnlens.checks.trust import trust as check
    from rnnlens.engine.schedule.plan import evenly
    from rnnlens.engine.schedule.progress import Parts
    from rnnlens.results.attributes import attributes

    net = as_network(net, X)
    if method not in METHODS:
        raise InputError(
            f"no method is called {method!r}{did_you_mean(method, METHODS)}: give one of "
            f"{', '.join(METHODS)}"
        )
    every = make_case(net, X, of, several=True, output=as_target(target).output)
    named = one_target(every, target)
    chosen = evenly(len(every.x), windows)
    given = outcomes_given(every, y)
    case = every.some(chosen)
    data = RealWindows(every.x, every.real) if background is None else background
    stand_in, held_names = baseline_of(case, usual_baseline(case, baseline), held, data, seed)
    if isinstance(stand_in, GaussianConditional):
        raise InputError(
            "the checks of trust hide lags behind whole windows, but a conditional baseline "
            "depends on what is shown: give an interventional baseline, such as 'mean'"
        )
    question = case.question(named.resolved, stand_in)
    refuse_undefined(question)
    ends = ends_of(question)
    if np.array_equal(ends.forecast, ends.baseline_forecast):
        raise DataError(
            "the baseline moves no forecast away from what it is, so there is nothing to test: "
            "choose another baseline"
        )
    with Parts(progress, checks=CHECKS, forecast=FORECAST) as parts:
        page = check(
            question,
            ends,
            method=method,
            actual=_actual(every, given, named.name, chosen),
            noise=noise,
            seed=seed,
            progress=parts.of("checks"),
        )
        about = {
            "target": named.name,
            "unit": named.unit,
            "held": held_names,
            "baseline": stand_in.text,
            "samples": len(chosen),
            "kind": "trust",
            **case.about_steps,
            **case.about_inputs,
            **about_reach(*case.unjoined, named.resolved),
        }
        labelled = labelled_trust(case, page, method, about, {"noise": noise, "seed": seed})
        judged = every.single
        if judged is None:
            return labelled.assign_attrs(attributes(unjudged("output", sequences=False)))
        return with_references(labelled, judged, named, background, given)


def _actual(
    case: Case, y: NDArray[np.float64] | None, name: str, chosen: NDArray[np.int64]
) -> NDArray[np.float64] | None:
    if y is not None:
        return y[chosen]
    actual = None if case.windows is None else case.windows.actual_of(name)
    return None if actual is None else actual[chosen]
