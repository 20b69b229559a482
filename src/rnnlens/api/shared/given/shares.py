"""What an explanation is asked whose contributions are to become shares."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypedDict

from rnnlens.api.shared.given.baselines import usual_baseline

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from rnnlens.api.shared.given.case import Case
    from rnnlens.evidence.options import Shares

__all__ = ["ShareQuestion", "share_question"]


class ShareQuestion(TypedDict):
    """The options of `rnnlens.explain` that shares state."""

    method: str
    baseline: str | ArrayLike | None
    newest: int | None


def share_question(case: Case, shares: Shares) -> ShareQuestion:
    """Ask for every lag by itself, against the usual baseline, where nothing else is stated."""
    if shares.method != "auto":
        return {"method": shares.method, "baseline": shares.baseline, "newest": shares.newest}
    return {
        "method": "auto",
        "baseline": usual_baseline(case, shares.baseline),
        "newest": case.x.shape[1] if shares.newest is None else shares.newest,
    }
