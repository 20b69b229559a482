"""The same windows under several baselines, side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from rnnlens.api.shared.given.arguments import checked

if TYPE_CHECKING:
    import xarray as xr
    from numpy.typing import ArrayLike

    from rnnlens.api.shared.given.network_given import NetworkLike
    from rnnlens.attribution.options import Target
    from rnnlens.series.joint.windows import WindowsByInput
    from rnnlens.series.windows import Windows

__all__ = ["compare_baselines"]

#: What is compared where nothing was named.
COMPARED = ("zero", "mean", "persistence", "background")


@checked()
def compare_baselines(
    net: NetworkLike,
    X: Windows | WindowsByInput | ArrayLike | Mapping[str, ArrayLike],
    *,
    baselines: Sequence[str] | Mapping[str, str | ArrayLike] | None = None,
    target: Target | str | int | None = None,
    method: str = "secant",
    held: Sequence[str] | None = None,
    newest: int = 8,
    background: Windows | WindowsByInput | ArrayLike | None = None,
    of: str | None = None,
    seed: int = 0,
) -> xr.Dataset:
    """Explain the same windows under several baselines, side by side.

    Parameters
    ----------
    net : Network, path or live model
        What `rnnlens.read` takes, or what it gave.
    X : Windows, array (sample, step, feature), or mapping of input name to array
        In the network's own units.
    baselines : sequence of str, or mapping of str to str or array, optional
        Two or more, as `rnnlens.explain` takes them; by the name that they are shown under. Where
        not given: ``zero``, ``mean`` (but for tokens), ``persistence`` and ``background``.
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
        attribute ``dependence`` is the spread in the size of the contributions.

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
    from rnnlens.api.shared.labels.network_provenance import network_provenance
    from rnnlens.attribution.baselines.comparison import compare_baselines as compare
    from rnnlens.attribution.options import as_target
    from rnnlens.results.label import label

    net = as_network(net, X)
    case = make_case(net, X, of, output=as_target(target).output)
    what, name, unit = one_target(case, target)
    if baselines is None:
        baselines = [name for name in COMPARED if not (case.tokens and name == "mean")]
    named = baselines if isinstance(baselines, Mapping) else {one: one for one in baselines}
    data = background_of(case, background)
    made = {
        title: baseline_of(case, given, held, background, seed)[0] for title, given in named.items()
    }
    compared = compare(
        case.question(what, newest=newest),
        made,
        method=method,
        background=data,
    )
    about = {
        "target": name,
        "unit": unit,
        "held": case.held(held)[1],
        "dependence": compared.dependence,
        "kind": "contribution",
        **case.about_steps,
    }
    units: dict[str, str] = dict.fromkeys(
        ("contribution", "baseline_forecast", "forecast", "spread"), unit or "network units"
    )
    return label(
        compared,
        coords={
            "baseline": list(compared.names),
            "text": ("baseline", list(compared.texts)),
            "baseline_kind": ("baseline", list(compared.kinds)),
            "mixed_place": ("baseline", [place.joint for place in compared.places]),
            "lag": compared.lag_from,
            "lag_to": ("lag", compared.lag_to),
            **case.sample_coords(name),
        },
        attrs=network_provenance(
            case.network, method=method, settings={"newest": newest}, extra=about
        ),
        units=units,
    )
