"""What `rnnlens.explain` does once its arguments are known to be such."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from rnnlens.api.shared.each_target import explain_each, targets_asked
from rnnlens.api.shared.explanation import Explanation
from rnnlens.api.shared.forecast.check import unjudged, with_check
from rnnlens.api.shared.given.joint.making import make_case
from rnnlens.api.shared.given.logits import on_logits
from rnnlens.api.shared.given.network_given import as_network
from rnnlens.api.shared.labels.joint import by_input, on_own_axis
from rnnlens.attribution.registry import method_named, refuse_alone
from rnnlens.engine.schedule.progress import Parts
from rnnlens.results.attributes import attributes

if TYPE_CHECKING:
    import xarray as xr
    from numpy.typing import ArrayLike

    from rnnlens.api.shared.explanation import ExplainOptions
    from rnnlens.api.shared.given.network_given import NetworkLike
    from rnnlens.attribution.options import Target
    from rnnlens.series.joint.windows import WindowsByInput
    from rnnlens.series.windows import Windows

__all__ = ["explained"]

#: How long the explanation takes beside the check of the forecast, about, where it is felt.
EXPLAINING, CHECKING = 20, 1


def explained(
    net: NetworkLike,
    X: Windows | WindowsByInput | ArrayLike | Mapping[str, ArrayLike],
    asked: Target,
    options: ExplainOptions,
    *,
    of: str | Sequence[str] | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> xr.Dataset | xr.DataTree:
    """Split each forecast into signed contributions that sum to it."""
    net = as_network(net, X)
    # refuses what the method would leave unheard, before work is done
    method_named(options.method, options.stated)
    case = make_case(net, X, of, options.effort.precision, several=True, output=asked.output)
    if case.layout is not None:
        refuse_alone(options.method, case.layout.inputs)
    whole, (case, explained_on) = case, on_logits(case, asked.output, asked.logits)
    names, horizons = targets_asked(case, asked)
    explanation = Explanation(
        case=case,
        output=asked.output,
        explained_on=explained_on,
        options=options,
        asked=len(names) * len(horizons),
    )
    with Parts(progress, explained=EXPLAINING, check=CHECKING) as parts:
        found = explain_each(case, asked, explanation.of_target, parts.of("explained"))
        judged = whole.single
        if explained_on == "logits" or options.initial_state is not None or judged is None:
            about = unjudged(explained_on, sequences=judged is not None)
            found = found.assign_attrs(attributes(about))
        else:
            found = with_check(found, judged, asked, options.background)
        if case.future is not None:
            return on_own_axis(found, case.future)
        return found if case.layout is None else by_input(found, case)
