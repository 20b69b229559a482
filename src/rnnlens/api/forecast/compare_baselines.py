"""The same windows under several baselines, side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rnnlens.api.shared.given.arguments import checked
from rnnlens.api.shared.linear_algebra import one_blas_thread

if TYPE_CHECKING:
    import xarray as xr
    from numpy.typing import ArrayLike

    from rnnlens.api.shared.given.case import Case
    from rnnlens.api.shared.given.network_given import NetworkLike
    from rnnlens.attribution.baselines.comparison import BaselineComparison
    from rnnlens.attribution.options import Target
    from rnnlens.series.joint.windows import WindowsByInput
    from rnnlens.series.windows import Windows

__all__ = ["compare_baselines"]

#: What is compared where nothing was named.
COMPARED = ("zero", "mean", "persistence", "background")


@checked()
@one_blas_thread
def compare_baselines(
    net: NetworkLike,
    X: Windows | WindowsByInput | ArrayLike | Mapping[str, ArrayLike],
    *,
    baselines: Sequence[str]
    | Mapping[str, str | ArrayLike | Mapping[str, str | ArrayLike]]
    | None = None,
    target: Target | str | int | None = None,
    method: str = "secant",
    held: Sequence[str] | None = None,
    newest: int = 8,
    background: Windows | WindowsByInput | ArrayLike | Mapping[str, ArrayLike] | None = None,
    of: str | Sequence[str] | None = None,
    seed: int = 0,
) -> xr.Dataset | xr.DataTree:
    """Explain the same windows under several baselines, side by side.

    Parameters
    ----------
    net : Network, path or live model
        What `rnnlens.read` takes, or what it gave.
    X : Windows, array (sample, step, feature), or mapping of input name to array
        In the network's own units.
    baselines : sequence of str, or mapping of str to str, array or mapping, optional
        Two or more, as `rnnlens.explain` takes them; by the name that they are shown under. Where
        not given: ``zero``, ``mean`` (but for tokens), ``persistence`` (but for a static vector)
        and ``background``.
    target, held, background, of, seed
        As in `rnnlens.explain`.
    method : {"secant", "tree"}
        ``tree`` for conditional baselines, and for exact values.
    newest : int
        Lags that the tree takes one by one.

    Returns
    -------
    xarray.Dataset
        ``contribution (baseline, sample, lag)``, ``baseline_forecast (baseline, sample)``,
        ``forecast (sample)``, ``spread (lag)``: the largest minus the smallest contribution over
        the baselines, mean over the windows. Coordinates ``text``, ``baseline_kind`` and
        ``mixed_place`` say what each baseline is and how unlike the data its mixtures are; the
        attribute ``dependence`` is the spread in the size of the contributions. Of several inputs
        a DataTree, as `rnnlens.explain` gives it, with ``dependence`` over all of them at its root.

    Raises
    ------
    DataError
        If an array, a name or a baseline does not fit.
    InputError
        If there are fewer than two baselines, or the method does not go with one.

    Examples
    --------
    >>> import numpy as np, rnnlens
    >>> from rnnlens.demo.weather import demo_files
    >>> net = rnnlens.read(demo_files().network)
    >>> X = np.random.default_rng(0).normal(size=(9, 24, 10))
    >>> compared = rnnlens.compare_baselines(net, X, baselines=["zero", "mean"], target=0)
    >>> compared.contribution.dims, compared.baseline.values.tolist()
    (('baseline', 'sample', 'lag'), ['zero', 'mean'])
    """
    from rnnlens.api.shared.given.baselines import background_of
    from rnnlens.api.shared.given.joint.baselines import baseline_of
    from rnnlens.api.shared.given.joint.making import make_case
    from rnnlens.api.shared.given.network_given import as_network
    from rnnlens.api.shared.given.target import one_target
    from rnnlens.api.shared.labels.joint import by_input, on_own_axis
    from rnnlens.api.shared.labels.network_provenance import network_provenance
    from rnnlens.attribution.baselines.comparison import compare_baselines as compare
    from rnnlens.attribution.options import as_target
    from rnnlens.results.label import label

    net = as_network(net, X)
    case = make_case(net, X, of, several=True, output=as_target(target).output)
    what, name, unit = one_target(case, target)
    if baselines is None:
        baselines = _usual(case)
    named = baselines if isinstance(baselines, Mapping) else {one: one for one in baselines}
    made = {
        title: baseline_of(case, given, held, background, seed)[0] for title, given in named.items()
    }
    compared = compare(
        case.question(what, newest=newest),
        made,
        method=method,
        background=None if case.layout is not None else background_of(case, background),
    )
    about = {
        "target": name,
        "unit": unit,
        "held": case.held(held)[1],
        "dependence": compared.dependence,
        "kind": "contribution",
        **case.about_steps,
        **case.about_inputs,
    }
    units: dict[str, str] = dict.fromkeys(
        ("contribution", "baseline_forecast", "forecast", "spread"), unit or "network units"
    )
    labelled = label(
        compared,
        coords={
            "baseline": list(compared.names),
            "text": ("baseline", list(compared.texts)),
            "baseline_kind": ("baseline", list(compared.kinds)),
            "mixed_place": ("baseline", list(compared.mixed_places)),
            **_lags(case, compared),
            **case.sample_coords(name),
        },
        attrs=network_provenance(
            case.network, method=method, settings={"newest": newest}, extra=about
        ),
        units=units,
    )
    if case.future is not None:
        return on_own_axis(labelled, case.future)
    return labelled if case.layout is None else by_input(labelled, case)


def _usual(case: Case) -> list[str]:
    """Name what is compared where nothing was: one vector has no newest step, tokens no mean."""
    if case.each:
        return list(COMPARED)
    left_out = {"mean"} if case.tokens else set()
    if case.layout is not None:
        left_out |= {"persistence"}
    return [name for name in COMPARED if name not in left_out]


def _lags(case: Case, compared: BaselineComparison) -> dict[str, Any]:
    """Give the coordinates along the lags of a sequence, or the players of several inputs."""
    from rnnlens.api.shared.labels.joint import player_coords

    if case.layout is not None:
        return player_coords(case.layout, compared, len(compared.spread))
    return {"lag": compared.lag_from, "lag_to": ("lag", compared.lag_to)}
