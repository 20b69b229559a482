"""The explanation that shares are made from: a table of lags and a page of the same ask for one."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from operator import is_
from typing import TYPE_CHECKING, Any, NamedTuple

from rnnlens.api.shared.explanation import ExplainOptions
from rnnlens.api.shared.forecast.explaining import explained
from rnnlens.api.shared.given.shares import share_question
from rnnlens.attribution.options import Effort, as_target

if TYPE_CHECKING:
    import xarray as xr

    from rnnlens.api.shared.given.case import Case
    from rnnlens.attribution.options import Target
    from rnnlens.evidence.options import Shares

__all__ = ["ToExplain", "explained_for_shares", "explaining_once"]

#: What was asked, with what it was asked of, and the answer; None where nothing is kept.
_KEPT: ContextVar[list[tuple[tuple[Any, ...], Any]] | None] = ContextVar("kept", default=None)


@contextmanager
def explaining_once() -> Generator[None]:
    """Explain once what is asked for twice meanwhile, of the very same network and windows."""
    token = _KEPT.set([])
    try:
        yield
    finally:
        _KEPT.reset(token)


class ToExplain(NamedTuple):
    """What is explained for shares: a network and its windows as they were given, and the rest.

    Where `mean_sizes` are all that is asked of contributions, single precision may serve.
    """

    net: Any
    data: Any
    target: Target | str | int | None
    held: Sequence[str] | None
    background: Any
    of: str | Sequence[str] | None
    initial_state: Mapping[str, Any] | None = None
    precision: str = "float64"
    mean_sizes: bool = False


def explained_for_shares(
    given: ToExplain,
    case: Case,
    shares: Shares,
    progress: Callable[[int, int], None] | None = None,
) -> xr.Dataset | xr.DataTree:
    """Explain windows for shares of their rows; the case is that of the same windows."""
    kept, baseline = _KEPT.get(), shares.baseline
    spoken = baseline if isinstance(baseline, str) else None
    # of one input there is nothing to choose
    named = given.of if case.layout is not None or len(case.inputs) > 1 else None
    alike = as_target(given.target), given.held, named, given.precision, spoken
    asked = *alike, shares.method, shares.newest, shares.seed
    arrays = given.net, given.data, given.background, given.initial_state
    same = *arrays, None if spoken is not None else baseline
    for (asked_before, same_before), answer in kept or ():
        if asked_before == asked and all(map(is_, same, same_before)):
            return answer.copy()
    options = ExplainOptions(
        **share_question(case, shares),
        held=given.held,
        background=given.background,
        initial_state=given.initial_state,
        effort=Effort(precision=given.precision, seed=shares.seed),
        # what is kept may be asked for more
        mean_sizes=given.mean_sizes and kept is None,
    )
    found = explained(
        given.net, given.data, as_target(given.target), options, of=given.of, progress=progress
    )
    if kept is not None:
        kept.append(((asked, same), found.copy()))
    return found
