"""Conditional Lyapunov exponents: how fast two states driven by the same inputs become one.

QR method (Benettin et al. 1980; Vogt et al. 2020, "On Lyapunov exponents for RNNs"): a frame of
directions is carried through the derivative of every step along the data and made orthonormal
again; the mean logarithms of the diagonal are the exponents, in one over steps. A layer of a stack
does not feed those below it, so the joint derivative is block triangular and the exponents of the
stack are those of its layers, each driven by its own inputs.

Windows are gone through in several chains side by side; the frame is handed on from one window to
the next, and settled on the first of each chain before anything is counted. All exponents sum to
the mean of ``ln |det|`` of the steps' derivatives.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from rnnlens.dynamics.memory.cell_runs import LayerRun, layer_runs
from rnnlens.dynamics.memory.question import MemoryQuestion
from rnnlens.dynamics.step_jacobian import push
from rnnlens.engine.operations.registry import Array
from rnnlens.engine.schedule.threads import each, threads

__all__ = ["LyapunovSpectrum", "lyapunov_spectra"]

#: Seconds that the frames may take, all layers together, at the pace below.
SECONDS = 2.0
#: Operations a second with small matrices, and seconds that each call of QR takes besides.
PACE, CALL = 1.5e10, 1e-5
#: States up to this size get every exponent; larger ones the largest.
WHOLE, LARGEST = 64, 8
#: Chains of windows that are gone through side by side, and windows that each needs.
CHAINS, APIECE = 16, 2


@dataclass(frozen=True, eq=False)
class LyapunovSpectrum:
    """The largest exponents (exponent,) with their intervals, and the windows that they are of."""

    exponents: Array
    low: Array
    high: Array
    windows: int
    states: int


def lyapunov_spectra(
    question: MemoryQuestion,
    draws: int,
    *,
    most: int | None = None,
    frame: np.random.Generator | None = None,
) -> dict[str, LyapunovSpectrum]:
    """Give the exponents of every recurrent layer and direction."""
    chains = _chains(question, most)
    # each chain has its own frame, whichever thread it falls to
    own = (frame or question.rng(2)).spawn(len(chains))
    edges = np.linspace(0, len(chains), min(threads(), len(chains)) + 1).round().astype(int)
    parts: list[dict[str, _Growth]] = [{} for _ in edges[1:]]

    def part(number: int) -> None:
        some = slice(edges[number], edges[number + 1])
        parts[number] = _along(question, chains[some], own[some], most)

    each(part, [(number,) for number in range(len(parts))])
    return {
        name: _spectrum(
            question,
            np.concatenate([np.stack(one[name].grown, axis=1) for one in parts]),
            first.states,
            draws,
        )
        for name, first in parts[0].items()
    }


class _Growth(NamedTuple):
    """What grew in one layer, window by window: (chain, direction) each; and its states."""

    states: int
    grown: list[Array]


def _along(
    question: MemoryQuestion,
    chains: NDArray[np.int64],
    own: Sequence[np.random.Generator],
    most: int | None,
) -> dict[str, _Growth]:
    """Carry frames through some chains of windows: chains (chain, place)."""
    frames: dict[str, Array] = {}
    growth: dict[str, _Growth] = {}
    # the first window is gone through twice: its frame must settle
    for turn, place in enumerate((0, *range(chains.shape[1]))):
        for one in layer_runs(question, chains[:, place], back=False):
            size = sum(one.layer.cell.state_sizes)
            if one.name not in frames:
                shape = size, _directions(size, most)
                begun = np.stack([rng.normal(size=shape) for rng in own])
                frames[one.name] = np.linalg.qr(begun)[0]
                growth[one.name] = _Growth(size, [])
            frames[one.name], grown = _through(one, frames[one.name])
            if turn:
                growth[one.name].grown.append(grown)
    return growth


def _directions(size: int, most: int | None) -> int:
    return min(size, most or (size if size <= WHOLE else LARGEST))


def _chains(question: MemoryQuestion, most: int | None) -> np.ndarray:
    """Choose windows that can be afforded, in chains of neighbours: (chain, place)."""
    apiece = 0.0
    for _, layer in question.network.recurrent():
        sizes, cell = layer.cell.state_sizes, layer.cell
        k = _directions(sum(sizes), most)
        work = 2 * k * sizes[0] * len(cell.gates) * cell.units + 4 * sum(sizes) * k * k
        apiece += question.steps * (work / PACE + CALL)
    total = len(question.x)
    windows = int(min(total, max(APIECE, SECONDS / max(apiece, 1e-12))))
    count = max(1, min(CHAINS, windows // APIECE))
    length = max(1, windows // count)
    starts = np.linspace(0, total - length, count).round().astype(np.int64)
    return starts[:, None] + np.arange(length)


def _through(one: LayerRun, frame: Array) -> tuple[Array, Array]:
    """Carry frames through a window of each chain.

    Shapes: frame (chain, state, direction) -> the same, and mean growth (chain, direction).
    """
    cuts = np.cumsum(one.layer.cell.state_sizes)[:-1]
    total, count = np.zeros((len(frame), frame.shape[2])), np.zeros(len(frame))
    for t, saved in enumerate(one.run.steps):
        changes = np.split(frame.swapaxes(1, 2), cuts, axis=2)
        after = np.concatenate(push(one.run.ready, saved, tuple(changes)), axis=2).swapaxes(1, 2)
        turned, size = np.linalg.qr(after)
        with np.errstate(divide="ignore"):
            grown = np.log(np.abs(np.diagonal(size, axis1=1, axis2=2)))
        real = np.ones(len(frame), bool) if one.run.mask is None else one.run.mask[t]
        frame = np.where(real[:, None, None], turned, frame)
        total += np.where(real[:, None], grown, 0.0)
        count += real
    return frame, total / np.maximum(count, 1.0)[:, None]


def _spectrum(question: MemoryQuestion, grown: Array, states: int, draws: int) -> LyapunovSpectrum:
    """Average over windows, with intervals: grown (chain, place, direction)."""
    by_window = grown.reshape(-1, grown.shape[2])
    mean = by_window.mean(axis=0)
    order = np.argsort(-mean, kind="stable")
    finite = np.isfinite(by_window).all(axis=0)
    low, high = mean.copy(), mean.copy()
    if len(by_window) > 1 and finite.any():
        known = by_window[:, finite]
        drawn = question.drawn_blocks(known[:, 0], draws, 3) @ known
        low[finite], high[finite] = np.quantile(drawn, question.tails, axis=0)
    return LyapunovSpectrum(mean[order], low[order], high[order], len(by_window), states)
