"""Questions about a network's input ``x``, as the oracles ask them."""

from __future__ import annotations

from collections.abc import Mapping

from rnnlens.attribution.baselines.baseline import Array, Baseline
from rnnlens.attribution.question import Question
from rnnlens.attribution.target import ResolvedTarget
from rnnlens.network.network import Network

__all__ = ["question"]


def question(
    network: Network,
    inputs: Mapping[str, Array],
    target: ResolvedTarget,
    baseline: Baseline | None = None,
    *,
    newest: int | None = None,
) -> Question:
    """Ask for one number of the output, against a baseline.

    Parameters
    ----------
    network : Network
        The network.
    inputs : mapping of str to array (sample, step, feature)
        The windows, by the name ``x``.
    target : ResolvedTarget
        Which number.
    baseline : Baseline, optional
        What stands in for hidden inputs.
    newest : int, optional
        Lags that are players of their own.

    Returns
    -------
    Question
        What methods are asked.
    """
    return Question(
        network=network, inputs=inputs, of="x", target=target, baseline=baseline, newest=newest
    )
