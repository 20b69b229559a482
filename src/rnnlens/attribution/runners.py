"""Running a method by its name: from the question and its options to arrays and what to say."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from rnnlens.attribution.baselines.baseline import Baseline
from rnnlens.attribution.baselines.conditional import GaussianConditional
from rnnlens.attribution.default import default
from rnnlens.attribution.games.budget import Limits, Within, within
from rnnlens.attribution.games.costs import BUDGET
from rnnlens.attribution.games.fitting import fitted
from rnnlens.attribution.games.lag_blocks import lag_blocks, refuse_blocks
from rnnlens.attribution.games.order_batches import MOST_PAIRS, Stop
from rnnlens.attribution.games.sampling import widening
from rnnlens.attribution.mean_sizes import answer_for_sizes
from rnnlens.attribution.methods.carry import WriteTime, carry
from rnnlens.attribution.methods.causal_order import causal_order
from rnnlens.attribution.methods.contextual_decomposition import (
    Decomposition,
    contextual_decomposition,
)
from rnnlens.attribution.methods.gradient import gradient
from rnnlens.attribution.methods.gradient_times_input import (
    GradientTimesInput,
    gradient_times_input,
)
from rnnlens.attribution.methods.integrated_gradients import TOLERANCE, integrated_gradients
from rnnlens.attribution.methods.lrp.relevance import Relevance, lrp
from rnnlens.attribution.methods.occlusion import (
    LagBlockOcclusion,
    LagFeatureOcclusion,
    LagOcclusion,
    conditional_occlusion,
    occlusion_of_blocks_and_features,
    occlusion_of_lags_and_features,
)
from rnnlens.attribution.methods.owen import NEWEST as OWEN_LAGS
from rnnlens.attribution.methods.owen import owen
from rnnlens.attribution.methods.permutation import (
    SampledLagContribution,
    SampledLagFeatureContribution,
    permutation_of_lags_and_features,
)
from rnnlens.attribution.methods.secant import secant, secant_cells
from rnnlens.attribution.methods.shapley_tree import NEWEST as TREE_LAGS
from rnnlens.attribution.methods.shapley_tree import shapley_tree
from rnnlens.attribution.options import Effort
from rnnlens.attribution.question import Progress, Question
from rnnlens.attribution.result import (
    Contribution,
    LagContribution,
    LagFeatureContribution,
    Sensitivity,
)
from rnnlens.names import told

__all__ = ["About", "MethodArrays", "MethodOptions", "MethodResult", "run_method"]

#: The arrays that methods give.
MethodArrays = (
    Contribution
    | Decomposition
    | GradientTimesInput
    | LagContribution
    | LagFeatureContribution
    | LagBlockOcclusion
    | LagFeatureOcclusion
    | LagOcclusion
    | Relevance
    | Sensitivity
    | WriteTime
)
#: Values that are sampled, with their standard errors.
Sampled = SampledLagContribution | SampledLagFeatureContribution
#: What a result says of how it came about, by name.
About = dict[str, str | int | float | list[str]]


@dataclass(frozen=True, eq=False, kw_only=True)
class MethodOptions:
    """What a method is told besides the question.

    Parameters
    ----------
    effort : Effort
        What its answer may cost.
    background : Baseline, optional
        Windows that it may compare with instead of the baseline, where it is free to choose.
    asked : int
        Targets and horizons that the same is asked of, which share one audit.
    mean_sizes : bool
        Whether mean sizes of contributions over the windows are all that is asked.
    progress : callable, optional
        Called with windows done and windows in all.
    """

    effort: Effort = field(default_factory=Effort)
    background: Baseline | None = None
    asked: int = 1
    mean_sizes: bool = False
    progress: Progress | None = None

    @property
    def limits(self) -> Limits:
        """What bounds values that are exact or sampled."""
        effort = self.effort
        budget = BUDGET if effort.cells is None else effort.cells
        return Limits(budget=budget, tolerance=effort.tolerance, seed=effort.seed)


@dataclass(frozen=True, eq=False)
class MethodResult:
    """What a method gives.

    Parameters
    ----------
    arrays : dataclass
        Its numbers.
    about : dict of str to value
        What the result says of how it came about.
    baseline : Baseline, optional
        What stood in, where it is not the one asked for.
    """

    arrays: MethodArrays
    about: About = field(default_factory=dict)
    baseline: Baseline | None = None

    @property
    def max_residual(self) -> float | None:
        """The largest absolute residual, of methods whose numbers are to sum."""
        residual = getattr(self.arrays, "residual", None)
        # absolute values of all would be one more array
        return None if residual is None else float(max(residual.max(), -residual.min()))

    @property
    def cells(self) -> int | None:
        """Cell evaluations that it took, where they were counted."""
        return getattr(self.arrays, "cells", None)


def _auto(question: Question, options: MethodOptions) -> MethodResult:
    made = default(
        question,
        background=options.background,
        budget=options.effort.cells,
        seed=options.effort.seed,
        asked=options.asked,
        mean_sizes=options.mean_sizes,
        progress=options.progress,
    )
    about: About = {
        "method": made.choice.method,
        "why": made.choice.why,
        "exact_lags": made.exact_lags,
        **_about_single(made.rounding),
    }
    if made.audit is not None:
        about |= {
            "audit": made.audit.sentence,
            "audit_largest": made.audit.largest,
            "audit_mean": made.audit.mean,
            "audit_share": made.audit.mean_share,
            "audit_windows": len(made.audit.windows),
        }
        if made.audit.backgrounds:
            about["audit_backgrounds"] = made.audit.backgrounds
    return MethodResult(made.contributions, about, made.baseline)


def _secant(question: Question, options: MethodOptions) -> MethodResult:
    def answer(question: Question, rounding: float | None = None) -> MethodResult:
        return MethodResult(secant(question, progress=options.progress), _about_single(rounding))

    if options.mean_sizes:
        return answer_for_sizes(question, secant, secant_cells(question), answer)
    return answer(question)


def _about_single(rounding: float | None) -> About:
    """Say that contributions were made in single precision, and by how much they are off."""
    if rounding is None:
        return {}
    return {"shares_precision": "float32", "shares_rounding": rounding}


def _tree(question: Question, options: MethodOptions) -> MethodResult:
    if options.effort.cells is None:
        lags = fitted(question, TREE_LAGS, by_feature=False)
        values = shapley_tree(question.with_newest(lags.newest), progress=options.progress)
        return MethodResult(values, {"why": lags.why} if lags.why else {})
    return _chosen(within(question, options.limits, by_feature=False, progress=options.progress))


def _owen(question: Question, options: MethodOptions) -> MethodResult:
    if options.effort.cells is None:
        lags = fitted(question, OWEN_LAGS, by_feature=True)
        values = owen(question.with_newest(lags.newest), progress=options.progress)
        return MethodResult(values, {"why": lags.why} if lags.why else {})
    return _chosen(within(question, options.limits, by_feature=True, progress=options.progress))


def _chosen(made: Within) -> MethodResult:
    about: About = {"method": made.choice.method, "why": made.choice.why}
    values = made.values
    if isinstance(values, SampledLagContribution | SampledLagFeatureContribution):
        return _with_errors(values, about)
    return MethodResult(values, about)


def _with_errors(values: Sampled, about: About) -> MethodResult:
    """Widen standard errors that few pairs of orders tell, and say so."""
    pairs = values.permutations // 2
    factor = widening(pairs)
    if (factor == 1).all():
        return MethodResult(values, about)
    error = values.standard_error
    wide = error * factor.reshape(-1, *(1,) * (error.ndim - 1))
    carried = values.carried_standard_error
    values = replace(
        values,
        standard_error=wide,
        carried_standard_error=None if carried is None else carried * factor,
    )
    said = told(
        "widened by up to {factor:.2g}, for as few as {pairs} pairs of orders tell a standard "
        "error too small",
        factor=float(factor.max()),
        pairs=int(pairs.min()),
    )
    return MethodResult(values, about | {"standard_errors": said})


def _permutation(question: Question, options: MethodOptions) -> MethodResult:
    effort = options.effort
    stop = Stop(MOST_PAIRS, effort.cells or BUDGET, effort.tolerance)
    values = permutation_of_lags_and_features(
        question, stop=stop, seed=effort.seed, progress=options.progress
    )
    return _with_errors(values, {"permutations": int(values.permutations.max())})


def _integrated_gradients(question: Question, options: MethodOptions) -> MethodResult:
    given = options.effort.tolerance
    values = integrated_gradients(question, tolerance=TOLERANCE if given is None else given)
    about: About = {"tolerance": values.tolerance, "most_nodes": int(values.nodes.max())}
    return MethodResult(values, about)


def _causal_order(question: Question, options: MethodOptions) -> MethodResult:
    return MethodResult(causal_order(question))


def _gradient(question: Question, options: MethodOptions) -> MethodResult:
    return MethodResult(gradient(question, progress=options.progress))


def _gradient_times_input(question: Question, options: MethodOptions) -> MethodResult:
    return MethodResult(gradient_times_input(question))


def _occlusion(question: Question, options: MethodOptions) -> MethodResult:
    if isinstance(question.baseline, GaussianConditional):
        refuse_blocks(question, options.effort.cells, "under a conditional baseline")
        return MethodResult(conditional_occlusion(question))
    blocks = lag_blocks(question, options.effort.cells)
    if len(blocks.spans) == question.steps:
        return MethodResult(occlusion_of_lags_and_features(question))
    values = occlusion_of_blocks_and_features(question, blocks)
    return MethodResult(values, {"why": blocks.why} if blocks.why else {})


def _lrp(question: Question, options: MethodOptions) -> MethodResult:
    return MethodResult(lrp(question))


def _contextual_decomposition(question: Question, options: MethodOptions) -> MethodResult:
    return MethodResult(contextual_decomposition(question))


def _carry(question: Question, options: MethodOptions) -> MethodResult:
    written = carry(question)
    return MethodResult(written, {"layers": list(written.layers)})


_RUNNERS: dict[str, Callable[[Question, MethodOptions], MethodResult]] = {
    "auto": _auto,
    "secant": _secant,
    "tree": _tree,
    "owen": _owen,
    "permutation": _permutation,
    "integrated_gradients": _integrated_gradients,
    "causal_order": _causal_order,
    "gradient": _gradient,
    "gradient_times_input": _gradient_times_input,
    "occlusion": _occlusion,
    "lrp": _lrp,
    "contextual_decomposition": _contextual_decomposition,
    "carry": _carry,
}


def run_method(name: str, question: Question, options: MethodOptions) -> MethodResult:
    """Run a method of `rnnlens.attribution.registry`, by its name."""
    return _RUNNERS[name](question, options)
