"""What is asked of a forecast's change from its baseline, whichever layer it passes through."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from rnnlens.api.shared.given.baselines import usual_baseline
from rnnlens.api.shared.given.case import Case
from rnnlens.api.shared.given.joint.baselines import baseline_of
from rnnlens.api.shared.given.joint.making import make_case
from rnnlens.api.shared.given.network_given import as_network
from rnnlens.api.shared.given.target import one_target
from rnnlens.attribution.options import as_target
from rnnlens.attribution.question import Question

__all__ = ["ChangeAsked", "asked_of_change"]


@dataclass(frozen=True, eq=False)
class ChangeAsked:
    """A question, and what a result says of it."""

    case: Case
    question: Question
    about: dict[str, Any]


def asked_of_change(
    net: Any,
    X: Any,
    *,
    target: Any,
    baseline: Any,
    held: Sequence[str] | None,
    background: Any,
    of: str | None,
    seed: int,
) -> ChangeAsked:
    """Put what a caller asks together; arguments as in `rnnlens.explain`."""
    net = as_network(net, X)
    case = make_case(net, X, of, output=as_target(target).output)
    what, name, unit = one_target(case, target)
    stand_in, held_names = baseline_of(case, usual_baseline(case, baseline), held, background, seed)
    about = {
        "target": name,
        "unit": unit,
        "held": held_names,
        "baseline": stand_in.text,
        "kind": "contribution",
        **case.about_steps,
        **case.about_inputs,
    }
    return ChangeAsked(case, case.question(what, stand_in), about)
