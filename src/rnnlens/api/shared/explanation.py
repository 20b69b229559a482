"""One explanation: what was asked of all targets and horizons alike, and the answer for each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike, NDArray

from rnnlens.api.shared.given.baselines import about_baseline, usual_baseline
from rnnlens.api.shared.given.case import Case
from rnnlens.api.shared.given.joint.baselines import baseline_of
from rnnlens.api.shared.labels.explanation import labelled
from rnnlens.api.shared.labels.network_provenance import starting_states
from rnnlens.api.shared.pace import within_seconds
from rnnlens.api.shared.reach import about_reach
from rnnlens.attribution.baselines.baseline import Baseline
from rnnlens.attribution.baselines.conditional import GaussianConditional, refuse_conditional
from rnnlens.attribution.baselines.undefined import refuse_undefined
from rnnlens.attribution.games.players import PlayerGroups, make_groups
from rnnlens.attribution.options import Effort
from rnnlens.attribution.question import Progress
from rnnlens.attribution.registry import METHODS
from rnnlens.attribution.runners import MethodOptions, run_method
from rnnlens.errors import DataError
from rnnlens.series.joint.windows import WindowsByInput
from rnnlens.series.windows import Windows

__all__ = ["ExplainOptions", "Explanation"]


@dataclass(frozen=True, eq=False, kw_only=True)
class ExplainOptions:
    """How forecasts are explained.

    Parameters
    ----------
    method, baseline, held, newest, groups, background, initial_state, effort
        As in `rnnlens.explain`.
    mean_sizes : bool
        Whether mean sizes of contributions over the windows are all that is asked.
    """

    method: str
    baseline: str | ArrayLike | Mapping[str, str | ArrayLike] | None
    held: Sequence[str] | None
    newest: int | None
    groups: Mapping[str, Sequence[int | str]] | None = None
    background: Windows | WindowsByInput | ArrayLike | Mapping[str, ArrayLike] | None = None
    initial_state: Mapping[str, Sequence[ArrayLike]] | None = None
    effort: Effort = Effort()
    mean_sizes: bool = False

    @property
    def stated(self) -> dict[str, object]:
        """What a method may be unable to hear, by its name in `rnnlens.explain`."""
        return {
            "baseline": self.baseline,
            "held": self.held or None,
            "newest": self.newest,
            "groups": self.groups,
            "initial_state": self.initial_state,
            "budget": self.effort.budget,
            "tolerance": self.effort.tolerance,
        }


@dataclass(frozen=True, eq=False, kw_only=True)
class Explanation:
    """What `rnnlens.explain` was asked, the same for every target and horizon.

    Parameters
    ----------
    case : Case
        The network that is explained, up to its logits where those are, and its windows.
    output : int or str
        Which of its outputs.
    explained_on : {"output", "logits"}
        What of it.
    options : ExplainOptions
        How.
    asked : int
        How many targets and horizons there are; they share one audit.
    """

    case: Case
    output: int | str
    explained_on: str
    options: ExplainOptions
    asked: int = 1

    def of_target(
        self, name: str | int | None, horizon: int | None, progress: Progress | None = None
    ) -> xr.Dataset:
        """Explain one target at one horizon."""
        given, case = self.options, self.case
        chosen = METHODS[given.method]
        target = case.target(name, horizon, self.output)
        if self.explained_on == "logits":
            target = target.on_logits()
        places, held_names = case.held(given.held)
        usual = usual_baseline(case, given.baseline)
        stands_in = self._baseline(case, usual) if chosen.hides else None
        if isinstance(stands_in, GaussianConditional) and not chosen.conditional:
            refuse_conditional(given.method)
        groups = self._groups(places)
        question = case.question(
            target.resolved,
            stands_in,
            groups=groups,
            newest=given.newest,
            initial_state=given.initial_state,
        )
        refuse_undefined(question)
        effort = within_seconds(given.effort, question, self.asked)
        options = MethodOptions(
            effort=effort,
            background=self._drawn(case) if chosen.background else None,
            asked=self.asked,
            mean_sizes=given.mean_sizes,
            progress=progress,
        )
        answer = run_method(given.method, question, options)
        about: dict[str, object] = {
            "target": target.name,
            "unit": target.unit,
            "held": held_names,
            "method": given.method,
            **answer.about,
            "explained_on": self.explained_on,
            **case.about_steps,
            **case.about_inputs,
            **starting_states(case.unjoined[0], given.initial_state),
            **about_reach(*case.unjoined, target.resolved, carried=bool(given.initial_state)),
        }
        against = answer.baseline or stands_in
        if against is not None:
            about |= about_baseline(case, against, given.background)
        if answer.max_residual is not None:
            about["max_residual"] = answer.max_residual
        if given.effort.seconds is not None:
            about |= {"budget_seconds": given.effort.seconds, "budget_cells": effort.cells or 0}
        if answer.cells is not None:
            about["cells"] = answer.cells
        return labelled(case, answer.arrays, chosen, about)

    def _groups(self, held: NDArray[np.int64]) -> PlayerGroups | None:
        """Give the lags and features that stand together; None where nothing is grouped."""
        case = self.case
        if not self.options.groups:
            return None
        others = (case.future,) if case.future is not None else ()
        asked = others if case.layout is None else case.layout.inputs
        if asked:
            raise DataError(
                "groups are of lags or features of one sequence, but what is explained is "
                f"{', '.join(one.name for one in asked)}: name one sequence with of="
            )
        return make_groups(
            self.options.groups, steps=case.x.shape[1], features=case.features, held=held
        )

    def _drawn(self, case: Case) -> Baseline | None:
        """Draw windows for a method that may choose them, where nothing else was asked for."""
        drawn = self._baseline(case, "background") if self.options.baseline is None else None
        return drawn if isinstance(drawn, Baseline) else None

    def _baseline(
        self, case: Case, given: str | ArrayLike | Mapping[str, str | ArrayLike]
    ) -> Baseline | GaussianConditional:
        asked = self.options
        return baseline_of(case, given, asked.held, asked.background, asked.effort.seed)[0]
