"""The method that is taken where none is asked for: exact if it fits, else secant with an audit.

Exact Owen values of lags and features (`rnnlens.attribution.methods.owen`) answer the question as
it is put, but their cost doubles with each lag and feature. They are taken where

    windows * baselines * cells of one tree  <=  the budget,

for the most newest lags between 10 and the number asked for that fit. Otherwise the secant method
(`rnnlens.attribution.methods.secant`) is taken, against many background windows where such are
given, and the exact values of the lags on a sample of windows say how far it is off
(`rnnlens.attribution.audit`). The result says which it was, and why.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from rnnlens.attribution.audit import Audit, audit
from rnnlens.attribution.baselines.baseline import Array, Baseline
from rnnlens.attribution.games.budget import BUDGET, Choice, Question, sizes_of
from rnnlens.attribution.games.players import PlayerGroups
from rnnlens.attribution.methods.owen import owen
from rnnlens.attribution.methods.secant import secant
from rnnlens.attribution.result import Contribution, LagFeatureContribution
from rnnlens.attribution.target import ResolvedTarget
from rnnlens.engine.forward import States
from rnnlens.network.network import Network

__all__ = ["FEWEST_LAGS", "PER_WINDOW", "Default", "choose", "default"]

#: Cell evaluations that exact values of one window may take.
PER_WINDOW = 2_000_000
#: Newest lags below which exact values are not taken: too much would stand together.
FEWEST_LAGS = 10


@dataclass(frozen=True)
class Default:
    """Contributions by lag and feature, and how they came about.

    Parameters
    ----------
    choice : Choice
        ``"owen"`` or ``"secant"``.
    found : LagFeatureContribution or Contribution
        The contributions.
    baseline : Baseline
        What they were measured against.
    audit : Audit, optional
        How far secant is from exact values; none where the values are exact.
    """

    choice: Choice
    found: LagFeatureContribution | Contribution
    baseline: Baseline
    audit: Audit | None


def choose(
    network: Network,
    inputs: Mapping[str, Array],
    baseline: Baseline,
    *,
    of: str,
    newest: int = 12,
    groups: PlayerGroups | None = None,
    carried: bool = False,
    background: Baseline | None = None,
    budget: int = BUDGET,
) -> Choice:
    """Choose between exact Owen values and secant, before anything is run."""
    windows, steps, features = sizes_of(inputs[of])
    ask = Question(network, of, windows, steps, features, baseline, True, groups, carried)
    most = min(newest, steps)
    allowed = min(budget, PER_WINDOW * max(1, windows))
    for lags in range(most, min(most, FEWEST_LAGS) - 1, -1):
        cells = ask.exact(lags)
        if cells is not None and cells <= allowed:
            why = (
                f"exact Owen values: {cells:,} cell evaluations for {windows:,} windows are within "
                f"the budget of {allowed:,}"
            )
            return Choice("owen", why, lags, cells)
    cells = ask.exact(min(most, FEWEST_LAGS))
    takes = "too many coalitions" if cells is None else f"{cells:,} cell evaluations"
    why = (
        f"secant: exact Owen values for {windows:,} windows would take {takes}, beyond the budget "
        f"of {allowed:,}"
    )
    layers = sum(1 for _ in network.recurrent())
    passes = 1 + 3 * len((background or baseline).windows)
    return Choice("secant", why, most, windows * passes * steps * layers)


def default(
    network: Network,
    inputs: Mapping[str, Array],
    target: ResolvedTarget,
    baseline: Baseline,
    *,
    of: str,
    background: Baseline | None = None,
    newest: int = 12,
    groups: PlayerGroups | None = None,
    initial_state: States | None = None,
    budget: int = BUDGET,
    seed: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> Default:
    """Split each forecast among lags and features by the best method that the budget allows.

    Shapes: inputs mapping of str to (sample, ...), initial_state mapping of str to sequence of
    (sample, unit).
    """
    choice = choose(
        network,
        inputs,
        baseline,
        of=of,
        newest=newest,
        groups=groups,
        carried=initial_state is not None,
        background=background,
        budget=budget,
    )
    if choice.method == "owen":
        exact = owen(
            network,
            inputs,
            target,
            baseline,
            of=of,
            newest=choice.newest,
            groups=groups,
            initial_state=initial_state,
            progress=progress,
        )
        return Default(choice, exact, baseline, None)
    against = baseline if background is None else background
    found = secant(
        network, inputs, target, against, of=of, initial_state=initial_state, progress=progress
    )
    checked = audit(
        network,
        inputs,
        target,
        against,
        found,
        of=of,
        newest=newest,
        initial_state=initial_state,
        budget=budget,
        seed=seed,
    )
    return Default(choice, found, against, checked)
