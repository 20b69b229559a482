"""From a case to what is asked of a network's memory."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from rnnlens.dynamics.memory.conformal import fewest_blocks
from rnnlens.dynamics.memory.measures import Memory, measure
from rnnlens.dynamics.memory.question import MemoryQuestion
from rnnlens.engine.forward import predict
from rnnlens.errors import DataError, InputError
from rnnlens.network.layers import Bidirectional, DescribedRecurrent, Recurrent

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from rnnlens.api.shared.given.case import Case, NamedTarget
    from rnnlens.network.network import Network

__all__ = ["ask", "question_of", "refuse_without_memory"]

#: The tolerance where none is given, as a part of the forecasts' standard deviation.
TOLERANCE = 0.05


def refuse_without_memory(network: Network) -> None:
    """Refuse a network in which nothing recurs."""
    recurrent = (Recurrent, Bidirectional, DescribedRecurrent)
    if not any(isinstance(node.layer, recurrent) for node in network.nodes):
        raise InputError(
            "the network has no recurrent layer, so nothing is carried from step to step: ask "
            "rnnlens.lags which steps of its window matter"
        )


def ask(
    case: Case,
    named: NamedTarget,
    actual: NDArray[np.float64] | None,
    *,
    kept: Sequence[int] | None,
    histories: int,
    settings: Mapping[str, Any],
    progress: Callable[[int, int], None] | None,
) -> Memory:
    """Ask for every measure: actual (sample,)."""
    steps, windows = case.inputs[case.of].shape[1], len(case.x)
    alpha, block, tolerance = (settings[name] for name in ("alpha", "block", "tolerance"))
    if kept is not None and max(kept) >= steps:
        raise DataError(
            f"{max(kept)} steps cannot be kept of windows of {steps} with something before them: "
            f"name numbers from 1 to {steps - 1}"
        )
    fewest = fewest_blocks(alpha)
    if block is not None and windows // block < fewest:
        raise DataError(
            f"{windows} windows make {windows // block} blocks of {block}, but a bound that holds "
            f"for {100 * (1 - alpha):g} % of new windows needs {fewest}: give more windows, a "
            "smaller block or a larger alpha"
        )
    values = predict(case.network, case.inputs)
    full = named.resolved.pick(values if isinstance(values, tuple) else (values,))
    question = question_of(case, named, alpha=alpha, block=block, seed=settings["seed"])
    if actual is None and case.windows is not None:
        actual = case.windows.actual_of(named.name)
    return measure(
        question,
        full,
        actual,
        tolerance=TOLERANCE * float(full.std()) if tolerance is None else tolerance,
        histories=histories,
        kept=None if kept is None else np.unique(np.asarray(kept, np.int64)),
        progress=progress,
    )


def question_of(
    case: Case,
    named: NamedTarget,
    *,
    alpha: float = 0.05,
    block: int | None = None,
    seed: int = 0,
) -> MemoryQuestion:
    """Put down which forecast is asked about, over which windows, no step of them replaced yet."""
    return MemoryQuestion(
        network=case.network,
        inputs=case.inputs,
        of=case.of,
        value=named.resolved.pick,
        weight=named.resolved.weight,
        histories=np.arange(0),
        kept=np.array([1]),
        alpha=alpha,
        block=block,
        seed=seed,
    )
