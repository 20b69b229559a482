"""Everything that a page shows, asked for one after the other."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from rnnlens.api.forecast.explain import explain
from rnnlens.api.inside.trace import trace
from rnnlens.api.network.describe import describe
from rnnlens.api.network.weights import weights
from rnnlens.api.shared.forecast.check import forecast_page
from rnnlens.api.shared.forecast.explained_once import ToExplain, explained_for_shares
from rnnlens.api.shared.forecast.important import important_features
from rnnlens.api.shared.given.baselines import usual_baseline
from rnnlens.api.shared.given.joint.baselines import baseline_of
from rnnlens.api.shared.given.joint.making import make_case, page_sequence
from rnnlens.api.shared.given.target import one_target
from rnnlens.api.shared.labels.joint import part_of
from rnnlens.api.shared.page.command import call_text
from rnnlens.api.shared.page.data import data_rows
from rnnlens.api.shared.page.explorer import explorer_of
from rnnlens.api.shared.page.grouped import grouped
from rnnlens.api.shared.page.remembering import remembering
from rnnlens.api.shared.page.sentences import page_sentences
from rnnlens.api.shared.page.shares import page_shares
from rnnlens.attribution.options import Effort, as_target
from rnnlens.views.report.explorer import told_text
from rnnlens.views.report.parts import ReportParts
from rnnlens.views.tables.summary import pick_window
from rnnlens.views.words.language import say
from rnnlens.views.words.page.typed import typed_command

if TYPE_CHECKING:
    import xarray as xr
    from numpy.typing import ArrayLike

    from rnnlens.api.shared.given.case import Case, NamedTarget
    from rnnlens.attribution.options import Target
    from rnnlens.evidence.options import Shares
    from rnnlens.network.network import Network
    from rnnlens.series.joint.windows import WindowsByInput
    from rnnlens.series.windows import Windows
    from rnnlens.views.report.parts import Explorer

    Progress = Callable[[int, int], None]

__all__ = [
    "PageQuestion",
    "explained_for",
    "explorer_text",
    "page_cases",
    "page_parts",
    "with_evidence",
]


@dataclass(frozen=True, eq=False, kw_only=True)
class PageQuestion:
    """What a page is asked to show.

    Parameters
    ----------
    net, data, target, held, background, initial_state, precision, shares
        As in `rnnlens.report`.
    every, case : Case
        Of all inputs, and of the one that is shown.
    chosen : NamedTarget
        The target.
    page : Path
        The file.
    """

    net: Network
    data: Windows | WindowsByInput
    target: Target | str | int | None
    held: Sequence[str] | None
    background: Windows | WindowsByInput | ArrayLike | None
    initial_state: Mapping[str, Sequence[ArrayLike]] | None
    precision: str
    shares: Shares
    every: Case
    case: Case
    chosen: NamedTarget
    page: Path


def page_cases(
    net: Network,
    data: Windows | WindowsByInput,
    target: Target | str | int | None,
    of: str | Sequence[str] | None,
) -> dict[str, Any]:
    """Give what a page is about: all inputs, the one that is shown, and the target."""
    wanted = as_target(target)
    every = make_case(net, data, of, several=True, output=wanted.output)
    case = make_case(net, data, page_sequence(every), output=wanted.output)
    chosen = one_target(case, replace(wanted, logits=None))
    return {"every": every, "case": case, "chosen": chosen}


def explained_for(asked: PageQuestion, progress: Progress | None) -> xr.Dataset:
    """Explain the windows, and name the features that matter most."""
    given = ToExplain(
        asked.net,
        asked.data,
        asked.target,
        asked.held,
        asked.background,
        asked.case.of,
        asked.initial_state,
        asked.precision,
    )
    explained = explained_for_shares(given, asked.case, asked.shares, progress)
    explained = cast("xr.Dataset", explained)  # one sequence has no tree
    return explained.assign_attrs(important_features(explained))


def page_parts(asked: PageQuestion, explained: xr.Dataset) -> ReportParts:
    """Ask for the rest of what the page shows, but evidence on each lag and what that says."""
    shares, case = asked.shares, asked.case
    by_lag, drawn = page_shares(explained, shares), grouped(explained)
    sample, reason = pick_window(explained)
    one = {name: array[sample : sample + 1] for name, array in case.inputs.items()}
    plain = asked.initial_state is None and explained.attrs.get("explained_on") != "logits"
    description = describe(asked.net)
    return ReportParts(
        description=description,
        explanation=explained,
        lags=by_lag,
        trace=trace(case.network, one, initial_state=_of_one(asked.initial_state, sample)),
        weights=weights(asked.net, features=case.features),
        window=sample,
        window_reason=reason,
        title=say(
            "What {network} learned about {target}",
            network=asked.net.name,
            target=explained.attrs["target"],
        ),
        together=_together(asked),
        explorer=_explorer(asked, explained),
        check=forecast_page(case, asked.chosen, asked.background) if plain else None,
        grouped=drawn,
        grouped_lags=by_lag if drawn is explained else page_shares(drawn, shares),
        memory=_remembering(asked, description["parameters"]) if plain else "",
        data=data_rows(case, asked.data),
        again=typed_command() or call_text(asked.page, explained, shares, asked.held),
    )


def with_evidence(
    asked: PageQuestion, parts: ReportParts, evidence: xr.Dataset | None
) -> ReportParts:
    """Add evidence on each lag, if there is any, and the sentences of all that is known."""
    own = _own(asked, evidence)
    found = page_sentences(parts.explanation, parts.lags, own, parts.together)
    return replace(parts, evidence=own, sentences=found)


def _own(asked: PageQuestion, evidence: xr.Dataset | None) -> xr.Dataset | None:
    """Take the evidence of the input that the page shows."""
    if evidence is None or asked.case is asked.every:
        return evidence
    return part_of(evidence, asked.case.of)


def explorer_text(
    asked: PageQuestion, evidence: xr.Dataset | None, progress: Progress | None
) -> str | None:
    """Give what the page's program is told, or None where it cannot run the network."""
    explained = explained_for(asked, progress)
    explorer = _explorer(asked, explained)
    if isinstance(explorer, str):
        return None
    return told_text(explained, explorer, _own(asked, evidence))


def _together(asked: PageQuestion) -> xr.DataTree | None:
    """Explain all inputs at once, where there are several."""
    if not asked.every.each:
        return None
    together = explain(
        asked.net,
        asked.data,
        target=asked.target,
        method="secant",
        baseline=asked.shares.baseline,
        held=asked.held,
        background=asked.background,
        initial_state=asked.initial_state,
        of=list(asked.every.each),
        effort=Effort(precision=asked.precision, seed=asked.shares.seed),
    )
    return cast("xr.DataTree", together)


def _remembering(asked: PageQuestion, parameters: int) -> xr.DataTree | str:
    return remembering(asked.net, asked.data, parameters, target=asked.target, of=asked.case.of)


def _of_one(
    states: Mapping[str, Sequence[ArrayLike]] | None, sample: int
) -> dict[str, list[ArrayLike]] | None:
    """Take the carried states of one window."""
    if states is None:
        return None
    return {
        layer: [np.asarray(state)[sample : sample + 1] for state in carried]
        for layer, carried in states.items()
    }


def _explorer(asked: PageQuestion, explained: xr.Dataset) -> Explorer | str:
    """Give what the page runs: the same question as is explained, in the same numbers."""
    if explained.attrs.get("explained_on") == "logits":
        return say("This page cannot run the network itself: its classes are explained on logits.")
    given = usual_baseline(asked.case, asked.shares.baseline)
    baseline = baseline_of(asked.case, given, asked.held, asked.background, asked.shares.seed)[0]
    carried = asked.initial_state is not None
    return explorer_of(asked.case, asked.chosen, baseline, carried=carried)
