"""What the cells hold: a concept read off their states, beside its controls."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from rnnlens.api.shared.given.arguments import checked
from rnnlens.api.shared.linear_algebra import one_blas_thread
from rnnlens.arguments import many, numbers, where, whole

if TYPE_CHECKING:
    import xarray as xr
    from numpy.typing import ArrayLike

    from rnnlens.api.shared.given.network_given import NetworkLike
    from rnnlens.attribution.options import Target
    from rnnlens.series.joint.windows import WindowsByInput
    from rnnlens.series.windows import Windows

__all__ = ["probe"]

# what a network is, is said where it is read
_NETWORKS = many(where("a network", lambda _: True), "networks of the same shape, in a sequence")


@checked(
    concept=numbers("one number a window, or one for each of its steps", allowed="any"),
    state=where("a name", lambda value: isinstance(value, str)),
    untrained=_NETWORKS,
    blocks=whole(3),
    gap=whole(),
    draws=whole(1, 1000),
    shifts=whole(1, 100_000),
)
@one_blas_thread
def probe(
    net: NetworkLike,
    X: Windows | WindowsByInput | ArrayLike | Mapping[str, ArrayLike],
    concept: ArrayLike,
    *,
    layer: str | None = None,
    state: str | None = None,
    target: Target | str | int | None = None,
    of: str | Sequence[str] | None = None,
    untrained: Sequence[NetworkLike] | None = None,
    blocks: int = 5,
    gap: int | None = None,
    draws: int = 5,
    shifts: int = 99,
    seed: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> xr.DataTree:
    """Read a concept off the states of the cells, and say how much of that was learned and is used.

    A ridge regression reads the concept in blocks of time that it has not seen. Its R2 counts for
    little: `selectivity` is by how much it beats the best of its controls. What each of them
    says is in ``docs/probe.md``.

    Parameters
    ----------
    net : Network, path or live model
        What `rnnlens.read` takes, or what it gave.
    X : Windows, array (sample, step, feature), or mapping of input name to array
        In the network's own units, in the order of time: an array's windows are taken to begin one
        step apart.
    concept : array (sample,) or (sample, step)
        One number of each window, which is looked for after its last step, or one of each of its
        steps; in any unit.
    layer : str, optional
        Full name of a recurrent layer; all where not given.
    state : str, optional
        ``"hidden"`` or ``"cell"``; all that there are where not given.
    target : Target, str or int, optional
        The forecast that may use what is read, as in `rnnlens.explain`.
    of : str or sequence of str, optional
        As in `rnnlens.explain`.
    untrained : sequence of Network, path or live model, optional
        Networks of the same shape before any training. Where not given, weights are drawn as the
        network's library draws them, if it is known.
    blocks : int, optional
        Blocks of time.
    gap : int, optional
        Steps left out on either side of a block; those of a window where not given.
    draws : int, optional
        Of untrained networks, and of random smooth targets.
    shifts : int, optional
        Of the concept in time.
    seed : int, optional
        Of all that is drawn.
    progress : callable, optional
        Called with work done and work in all.

    Returns
    -------
    xarray.DataTree
        At the root the concept. A node each layer and state, such as ``"lstm/cell"``: ``r2``,
        ``selectivity`` with its 95 % interval ``selectivity_low`` and ``selectivity_high``,
        ``control_r2 (control)``, ``shifted_r2 (shift)`` with ``p_value``, what is read,
        ``estimate (sample)``, and ``reading`` and ``correlation (unit)``; then what the forecast
        makes of it: ``erased_change``, ``patched_change`` and ``pushed_change (direction)``. A
        node each layer, such as ``"lstm/units"``: ``inflow``, ``loss_rate`` and ``residence_time
        (unit)``. The attribute ``summary`` says it in words.

    Raises
    ------
    InputError
        If the network has no recurrent layer, or a layer or a state is not there.
    DataError
        If the concept is of another length, holds NaN or never changes, or there are too few
        windows for blocks.

    Examples
    --------
    >>> import numpy as np, rnnlens
    >>> from rnnlens.demo.weather import demo_files
    >>> net = rnnlens.read(demo_files().network)
    >>> series = np.random.default_rng(0).normal(size=(323, 10))
    >>> X = np.stack([series[t : t + 24] for t in range(300)])
    >>> found = rnnlens.probe(net, X, X[:, -8:, 0].mean(axis=1), target=0, draws=2)
    >>> cell = found["lstm/cell"]
    >>> bool(cell["selectivity"] < 0), bool(cell["control_r2"].sel(control="moving means") > 0.999)
    (True, True)
    """
    import numpy as np

    from rnnlens.api.shared.given.inside.probing import probe_question
    from rnnlens.api.shared.given.joint.making import make_case
    from rnnlens.api.shared.given.network_given import as_network
    from rnnlens.api.shared.given.target import one_target
    from rnnlens.api.shared.labels.probe import probe_tree
    from rnnlens.api.shared.memory_question import refuse_without_memory
    from rnnlens.attribution.options import as_target
    from rnnlens.dynamics.probes import probe as method

    net = as_network(net, X)
    refuse_without_memory(net)
    case = make_case(net, X, of, output=as_target(target).output)
    named = one_target(case, target)
    settings = {"blocks": blocks, "draws": draws, "shifts": shifts, "seed": seed}
    question = probe_question(
        case,
        named,
        np.asarray(concept),
        layer=layer,
        state=state,
        untrained=untrained,
        settings=settings,
        gap=gap,
    )
    probed = method.probe(question, progress)
    return probe_tree(case, named, question, probed, {**settings, "gap": question.folds.gap})
