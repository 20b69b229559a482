"""How long the network remembers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from rnnlens.api.shared.given.arguments import checked
from rnnlens.api.shared.linear_algebra import one_blas_thread
from rnnlens.arguments import many, number, whole

if TYPE_CHECKING:
    import xarray as xr
    from numpy.typing import ArrayLike

    from rnnlens.api.shared.given.network_given import NetworkLike
    from rnnlens.attribution.options import Target
    from rnnlens.series.joint.windows import WindowsByInput
    from rnnlens.series.windows import Windows

__all__ = ["memory"]

_KEPT = many(whole(1), "whole numbers from 1: how many of the newest steps are kept")


@checked(
    kept=_KEPT,
    histories=whole(1),
    tolerance=number(least=0),
    alpha=number(above=0, below=1),
    block=whole(1),
)
@one_blas_thread
def memory(
    net: NetworkLike,
    X: Windows | WindowsByInput | ArrayLike | Mapping[str, ArrayLike],
    y: ArrayLike | None = None,
    *,
    target: Target | str | int | None = None,
    kept: Sequence[int] | None = None,
    histories: int = 64,
    tolerance: float | None = None,
    alpha: float = 0.05,
    block: int | None = None,
    seed: int = 0,
    of: str | Sequence[str] | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> xr.DataTree:
    """Say how long the network remembers, by every measure on one axis of lags.

    Which measure answers which question is in ``docs/memory.md``.

    Parameters
    ----------
    net : Network, path or live model
        What `rnnlens.read` takes, or what it gave.
    X : Windows, array (sample, step, feature), or mapping of input name to array
        In the network's own units.
    y : array (sample,), optional
        What happened, in the target's own unit, NaN where it is not known; that of the windows
        where not given.
    target, of
        As in `rnnlens.explain`.
    kept : sequence of int, optional
        Numbers of newest steps that are kept while older ones are replaced; up to one less than
        the window has where not given.
    histories : int, optional
        Other windows that stand in for what is older, fewer where that would take long.
    tolerance : float, optional
        The change of the forecast that does not matter, in the target's own unit; a twentieth of
        the forecasts' standard deviation where not given.
    alpha : float, optional
        One minus the confidence of intervals, and of the bound for new windows.
    block : int, optional
        Neighbouring windows that make one block; found from the data where not given.
    seed : int, optional
        Of the bootstrap's draws.
    progress : callable, optional
        Called with work done and work in all, while histories are replaced.

    Returns
    -------
    xarray.DataTree
        At the root ``sensitivity (lag, feature)``, ``share``, ``share_low``, ``share_high`` and
        ``cumulative_share (lag)`` of the derivative; ``cut_change``, ``replaced_change``,
        ``bound`` and ``truncation_error (kept)``; ``within_half``, ``within_most``, ``low`` and
        ``high (measure)``, in steps, infinite where nothing fades. One node a recurrent layer and
        direction: ``half_life``, ``influence`` and ``read (unit)``, ``lyapunov`` with
        ``lyapunov_low`` and ``lyapunov_high (exponent)``. The attribute ``summary`` says it in
        words, ``not_given`` why a measure is missing.

    Raises
    ------
    InputError
        If the network has no recurrent layer.
    DataError
        If steps to keep are beyond the window, or the windows make too few blocks.

    Examples
    --------
    >>> import numpy as np, rnnlens
    >>> from rnnlens.demo.weather import demo_files
    >>> net = rnnlens.read(demo_files().network)
    >>> series = np.random.default_rng(0).normal(size=(143, 10))
    >>> X = np.stack([series[t : t + 24] for t in range(120)])
    >>> page = rnnlens.memory(net, X, target=0)
    >>> page["lstm"]["half_life"].sizes["unit"], page["within_most"].sizes["measure"]
    (32, 7)
    >>> float(page["within_most"].sel(measure="gates")) < float(
    ...     page["within_most"].sel(measure="derivative")
    ... )
    True
    """
    from rnnlens.api.shared.evidence import outcomes_given
    from rnnlens.api.shared.given.joint.making import make_case
    from rnnlens.api.shared.given.network_given import as_network
    from rnnlens.api.shared.given.target import one_target
    from rnnlens.api.shared.labels.memory import memory_tree
    from rnnlens.api.shared.memory_question import ask, refuse_without_memory
    from rnnlens.attribution.options import as_target

    net = as_network(net, X)
    refuse_without_memory(net)
    case = make_case(net, X, of, output=as_target(target).output)
    named = one_target(case, target)
    settings = {"alpha": alpha, "block": block, "seed": seed, "tolerance": tolerance}
    measured = ask(
        case,
        named,
        outcomes_given(case, y),
        kept=kept,
        histories=histories,
        settings=settings,
        progress=progress,
    )
    return memory_tree(case, named, measured, settings)
