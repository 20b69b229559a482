"""How far a forecast can move while one lag runs through a range: proven, not sampled."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from rnnlens.api.shared.given.arguments import checked
from rnnlens.api.shared.linear_algebra import one_blas_thread
from rnnlens.arguments import did_you_mean
from rnnlens.attribution.options import Target
from rnnlens.errors import DataError, InputError
from rnnlens.evidence.options import WINDOWS, Certificates
from rnnlens.evidence.proof.stated_ranges import not_freed
from rnnlens.names import clauses, told

if TYPE_CHECKING:
    import xarray as xr
    from numpy.typing import ArrayLike, NDArray

    from rnnlens.api.shared.given.case import Case, NamedTarget
    from rnnlens.api.shared.given.network_given import NetworkLike
    from rnnlens.evidence.proof.ranges import Ranges
    from rnnlens.evidence.proof.stated_ranges import StatedRanges
    from rnnlens.network.network import Network
    from rnnlens.series.joint.windows import WindowsByInput
    from rnnlens.series.windows import Windows

__all__ = ["certify"]

#: How long the proofs take beside the check of the forecast, about.
PROOFS, FORECAST = 20, 1


@checked()
@one_blas_thread
def certify(
    net: NetworkLike,
    X: Windows | WindowsByInput | ArrayLike | Mapping[str, ArrayLike],
    *,
    lag: int | Sequence[int],
    features: str | int | Sequence[str | int] | None = None,
    target: Target | str | int | None = None,
    background: Windows | WindowsByInput | ArrayLike | Mapping[str, ArrayLike] | None = None,
    of: str | Sequence[str] | None = None,
    certificates: Certificates = Certificates(),
    gap: float | None = None,
    source: object = None,
    progress: Callable[[int, int], None] | None = None,
) -> xr.Dataset | xr.DataTree:
    """Prove how far each forecast can move while one lag's features run through a range.

    For every window and lag: a bound that no value in the range exceeds, all other inputs as they
    are, and a change that some value attains. The verdict is ``proven`` where the bound is within
    the tolerance, ``refuted`` where a value moves the forecast further, ``undecided`` where the
    budget ended before, ``structural`` where the weights alone keep the features from the
    forecast, and ``not asked`` where a budget in seconds, or Ctrl-C, ended the search before it
    came to that question: what is done by then is given. It is a statement about this network and
    these windows, not about the world; how the bound is made to hold to the last bit is in
    ``docs/soundness.md``.

    Parameters
    ----------
    net : Network, path or live model
        What `rnnlens.read` takes, or what it gave.
    X : Windows, array (sample, step, feature), or mapping of input name to array
        The windows, in the network's own units.
    lag : int or sequence of int
        Which lags, 1 the newest step; each is a question of its own.
    features : str, int or sequence of them, optional
        Which features of the lag are free, together; where not given all that are not held and
        have a range, stated or because they change in the data. One to three are decided, more may
        stay undecided.
    target, of
        As in `rnnlens.explain`.
    background : Windows or array (sample, step, feature), optional
        The data that quantiles and the usual tolerance are taken from; `X` where not given.
    certificates : Certificates
        The range, what does not matter, and how much may be searched. All windows that are given
        are certified, and the features of a lag are free together.
    gap : float, optional
        Where a larger change was attained, how near to it the bound is brought; the tolerance where
        not given, infinity to stop at the counter-example.
    source : live model, path, or array or sequence of arrays (sample, ...), optional
        What the network was read from, or the outputs that it gave for these windows: the deviation
        is measured against it, at the windows as they are and (where it can be run) at the ends of
        every range. One that computes something else is refused.
    progress : callable, optional
        As in `rnnlens.explain`.

    Returns
    -------
    xarray.Dataset, or xarray.DataTree
        ``bound``, ``attained``, ``verdict`` and ``boxes (sample, lag)``, ``value``, ``low`` and
        ``high (sample, lag, feature)``, ``forecast (sample)``; by lag how many windows have each
        verdict, the ``worst`` window, ``largest_bound`` and ``largest_attained``. Changes are in
        the target's own unit, values in the features'. Of several inputs a tree, a node for each,
        whose range is asked about while the others keep their values; a static vector is free as a
        whole.

    Raises
    ------
    DataError
        If a lag, a feature, a range or an array does not fit.
    InputError
        If the tolerance is not above zero, or another option is out of its range.

    Examples
    --------
    >>> import numpy as np, rnnlens
    >>> from rnnlens.demo.weather import demo_files
    >>> net = rnnlens.read(demo_files().network)
    >>> X = np.random.default_rng(0).normal(size=(4, 24, 10))
    >>> sensor = rnnlens.Certificates(range=0.5)
    >>> proof = rnnlens.certify(net, X, lag=[1, 20], features=5, target=0, certificates=sensor)
    >>> bool((proof.attained <= proof.bound).all()), proof.verdict.dims
    (True, ('sample', 'lag'))
    >>> proof.attrs["range"]
    'feature 5: own value +- 0.5'
    """
    from rnnlens.api.shared.certificate_deviation import measured_deviation
    from rnnlens.api.shared.each_input import certified_each
    from rnnlens.api.shared.evidence import background_values, stated_ranges
    from rnnlens.api.shared.given.joint.making import make_case
    from rnnlens.api.shared.given.network_given import as_network
    from rnnlens.api.shared.given.target import one_target
    from rnnlens.api.shared.labels.certificates import CertificateAbout, labelled_certificate
    from rnnlens.api.shared.labels.joint import on_own_axis
    from rnnlens.attribution.options import as_target
    from rnnlens.engine.schedule.progress import Parts
    from rnnlens.evidence.proof.certificate import certify as prove
    from rnnlens.evidence.proof.limits import BUDGET, SearchLimits
    from rnnlens.evidence.proof.stopping import Stop
    from rnnlens.evidence.proof.tolerance import make_tolerance
    from rnnlens.results.attributes import attributes

    net = as_network(net, X)
    _check(certificates)
    case = make_case(net, X, of, several=True, output=as_target(target).output)
    if case.each:
        return certified_each(
            case,
            partial(certify, net, X, lag=lag, target=target, gap=gap, source=source),
            features,
            certificates,
            background,
            progress,
        )
    named = one_target(case, target)
    question = case.question(named.resolved)
    data = background_values(case, background)
    stated = stated_ranges(case, certificates, data)
    free = _free_features(case, features)
    ranges, text = _ranges(case, stated, _lags(case, lag), free, named=features is not None)
    deviation = certificates.deviation
    against = told("as given") if deviation else told("not measured")
    if source is not None:
        if deviation:
            raise InputError("give a deviation, or a source to measure it against, not both")
        deviation, against = measured_deviation(question, source, ranges)
    limits = SearchLimits(
        tolerance=make_tolerance(
            question, certificates.tolerance, data.values, _every(net, background)
        ).value,
        gap=gap,
        budget=certificates.boxes or BUDGET,
        deviation=deviation,
    )
    with Parts(progress, proofs=PROOFS, forecast=FORECAST) as parts:
        stop = Stop(certificates.seconds)
        changes = prove(question, ranges, limits, stop=stop, progress=parts.of("proofs"))
        labelled = labelled_certificate(
            case, changes, ranges, CertificateAbout(named.name, named.unit, text, against, stop.why)
        ).assign_attrs(stop.facts)
        if case.layout is not None:  # no sequence, whose forecast could be judged
            labelled = on_own_axis(labelled, case.layout.inputs[0])
        elif case.future is not None:
            labelled = on_own_axis(labelled, case.future)
        return labelled.assign_attrs(attributes(_judged(case, named, background)))


def _judged(
    case: Case,
    named: NamedTarget,
    background: Windows | WindowsByInput | ArrayLike | Mapping[str, ArrayLike] | None,
) -> dict[str, str]:
    """Say of the forecast how good it is, what it cannot see, and which inputs were held."""
    from rnnlens.api.shared.forecast.check import about_single, unjudged
    from rnnlens.api.shared.reach import about_reach

    if case.layout is not None:
        return {**unjudged("output", sequences=False), **case.about_inputs}
    seen = about_reach(*case.unjoined, named.resolved)
    return {**about_single(case, named, background), **seen, **case.about_inputs}


def _every(net: Network, background: object) -> tuple[Network, dict[str, NDArray]] | None:
    """Give the network and a background of all of its inputs, where it is one."""
    from rnnlens.api.shared.given.joint.by_input import arrays_for
    from rnnlens.series.joint.windows import WindowsByInput

    if not isinstance(background, WindowsByInput):
        return None
    return net, arrays_for(net, background)


def _lags(case: Case, given: int | Sequence[int]) -> list[int]:
    """Give the lags that are asked about: of an input without steps, it as a whole."""
    if case.tokens or case.inputs[case.of].ndim != 3:
        name = case.of if case.layout is None else case.layout.inputs[0].name
        raise DataError(f"a certificate needs windows (step, feature), and {name!r} has tokens")
    if case.layout is not None:
        return [1]
    return [given] if isinstance(given, int | np.integer) else list(given)


def _ranges(
    case: Case, stated: StatedRanges, lags: list[int], free: list[int], *, named: bool
) -> tuple[Ranges, str]:
    """Give the ranges, and say what they are; what has none is left out where it was not named."""
    constant = [] if named else stated.constant(case.x, free)
    freed = [feature for feature in free if feature not in constant] or free
    ranges, text = stated.of_these(case.x, lags, freed)
    left = [case.features[feature] for feature in free if feature not in freed]
    return ranges, clauses([text, *map(not_freed, left)])


def _check(certificates: Certificates) -> None:
    """Refuse options that only a table of lags has."""
    if certificates.windows != WINDOWS:
        raise InputError(
            f"certify certifies all windows that it is given, not {certificates.windows} of them: "
            "leave windows= out, and give those that are wanted"
        )
    if certificates.together is False:
        raise InputError(
            "certify frees the features of a lag together: leave together= out, and ask for one "
            "feature at a time"
        )


def _free_features(case: Case, given: str | int | Sequence[str | int] | None) -> list[int]:
    if given is None:
        held, names = case.held(None)
        if len(held) == len(case.features):
            raise DataError(f"every feature is held ({', '.join(names)}): name those to be free")
        return [k for k, _ in enumerate(case.features) if k not in held]
    chosen = [given] if isinstance(given, str | int | np.integer) else list(given)
    return [_feature(case, one) for one in chosen]


def _feature(case: Case, given: str | int) -> int:
    if isinstance(given, str) and given in case.features:
        return case.features.index(given)
    if not isinstance(given, str) and 0 <= given < len(case.features):
        return int(given)
    raise DataError(
        f"no feature is called {given!r}{did_you_mean(given, case.features)}: give one of "
        f"{', '.join(case.features)}"
    )
