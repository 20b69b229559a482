"""Conditional Lyapunov exponents: how fast two states driven by the same inputs become one.

QR method (Benettin et al. 1980; Vogt et al. 2020, "On Lyapunov exponents for RNNs"): a frame of
directions is carried through the derivative of every step along the data and made orthonormal
again; the mean logarithms of the diagonal are the exponents, in one over steps. A layer of a stack
does not feed those below it, so the joint derivative is block triangular and the exponents of the
stack are those of its layers, each driven by its own inputs. All exponents sum to the mean of
``ln |det|`` of the steps' derivatives.

Where windows follow one another step by step, and the network reads them so, state and frame are
carried along the series, in several stretches side by side: each begins with at least a window, in
which both settle, and counts what comes after. A state that has just begun at zero is driven
otherwise than one that has a past, and may forget nothing for hundreds of steps. Elsewhere windows
are gone through as they are, one after another in chains; the frame is handed on, and settled on
the first of each.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from rnnlens.dynamics.memory.cell_runs import LayerRun, layer_runs
from rnnlens.dynamics.memory.histories import series_of_windows, shorter
from rnnlens.dynamics.memory.question import MemoryQuestion
from rnnlens.dynamics.step_jacobian import push
from rnnlens.engine.operations.registry import Array
from rnnlens.engine.schedule.plan import evenly
from rnnlens.engine.schedule.threads import each, threads

__all__ = ["LyapunovSpectrum", "lyapunov_spectra"]

#: Seconds that the frames may take, all layers together, at the pace below.
SECONDS = 2.0
#: Operations a second with small matrices, and seconds that each call of QR takes besides.
PACE, CALL = 1.5e10, 1e-5
#: States up to this size get every exponent; larger ones the largest.
WHOLE, LARGEST = 64, 8
#: Chains that are gone through side by side, and windows that each needs.
CHAINS, APIECE = 16, 2
#: Steps in which states and frames settle, where there are enough of them and windows are shorter.
SETTLING = 100
#: Pieces of which the intervals are made.
PIECES = 1000


@dataclass(frozen=True, eq=False)
class LyapunovSpectrum:
    """The largest exponents (exponent,) with their intervals, and the steps that they are of."""

    exponents: Array
    low: Array
    high: Array
    steps: int


def lyapunov_spectra(
    question: MemoryQuestion,
    draws: int,
    *,
    most: int | None = None,
    frame: np.random.Generator | None = None,
) -> dict[str, LyapunovSpectrum]:
    """Give the exponents of every recurrent layer and direction."""
    way = _stretches(question, most) or _chains(question, most)
    # each chain has its own frame, whichever thread it falls to
    own = (frame or question.rng(2)).spawn(len(way.chains))
    edges = np.linspace(0, len(own), min(threads(), len(own)) + 1).round().astype(int)
    parts: list[dict[str, list[Array]]] = [{} for _ in edges[1:]]

    def part(number: int) -> None:
        some = slice(edges[number], edges[number + 1])
        parts[number] = _along(replace(way, chains=way.chains[some]), own[some], most)

    each(part, [(number,) for number in range(len(parts))])
    found: dict[str, LyapunovSpectrum] = {}
    for name in parts[0]:
        grown = np.concatenate([np.concatenate(one[name], axis=1) for one in parts])
        found[name] = _spectrum(question, grown, way, draws)
    return found


@dataclass(frozen=True, eq=False)
class _Way:
    """Windows of a question, in chains of neighbours (chain, place), and which steps count.

    Parameters
    ----------
    settling : int
        Steps of a chain's first window that do not count.
    twice : bool
        Whether the first window is gone through once before anything counts.
    piece : int
        Steps over which growth is averaged for the intervals.
    """

    question: MemoryQuestion
    chains: NDArray[np.int64]
    settling: int
    twice: bool
    piece: int


def _along(
    way: _Way, own: Sequence[np.random.Generator], most: int | None
) -> dict[str, list[Array]]:
    """Carry frames through some chains, and give by layer what grew: (chain, piece, direction)."""
    frames: dict[str, Array] = {}
    growth: dict[str, list[Array]] = {}
    first = (0,) if way.twice else ()
    for turn, place in enumerate((*first, *range(way.chains.shape[1]))):
        for one in layer_runs(way.question, way.chains[:, place], back=False):
            if one.name not in frames:
                size = sum(one.layer.cell.state_sizes)
                shape = size, _directions(size, most)
                begun = np.stack([rng.normal(size=shape) for rng in own])
                frames[one.name] = np.linalg.qr(begun)[0]
                growth[one.name] = []
            frames[one.name], grown = _through(one, frames[one.name], way.settling, way.piece)
            if turn or not way.twice:
                growth[one.name].append(grown)
    return growth


def _directions(size: int, most: int | None) -> int:
    return min(size, most or (size if size <= WHOLE else LARGEST))


def _seconds(question: MemoryQuestion, most: int | None) -> float:
    """Say what a step of a chain takes, all layers together."""
    total = 0.0
    for _, layer in question.network.recurrent():
        sizes, cell = layer.cell.state_sizes, layer.cell
        k = _directions(sum(sizes), most)
        work = 2 * k * sizes[0] * len(cell.gates) * cell.units + 4 * sum(sizes) * k * k
        total += work / PACE + CALL
    return max(total, 1e-12)


def _stretches(question: MemoryQuestion, most: int | None) -> _Way | None:
    """Lay out stretches of the series that the windows were cut from; None where there is none."""
    series = series_of_windows(question)
    if series is None:
        return None
    ends = np.unique(series.ends) + 1
    begins = np.concatenate([[0], ends[:-1]])
    longest = int((ends - begins).max())
    settling = max(question.steps, min(SETTLING, longest // 4))
    room = longest - settling
    if room < question.steps // 2 or room < 1:
        return None
    counted = np.maximum(ends - begins - settling, 0)
    affordable = int(SECONDS / _seconds(question, most))
    fair = max(int(counted.sum()) // CHAINS, settling)
    length = min(room, fair, max(settling, affordable - settling))
    starts = np.concatenate([
        begin + length * np.arange(int(count) // length)
        for begin, count in zip(begins, counted, strict=True)
    ])
    whole = settling + length
    starts = starts[evenly(len(starts), max(1, min(CHAINS, affordable // whole)))]
    rows = series.rows[starts[:, None] + np.arange(whole)]
    long = replace(
        question,
        network=shorter(question.network, question.of, whole),
        inputs={question.of: rows},
    )
    piece = -(-len(starts) * length // PIECES)
    return _Way(long, np.arange(len(starts))[:, None], settling, False, piece)


def _chains(question: MemoryQuestion, most: int | None) -> _Way:
    """Choose windows that can be afforded, in chains of neighbours."""
    total = len(question.x)
    apiece = question.steps * _seconds(question, most)
    windows = int(min(total, max(APIECE, SECONDS / apiece)))
    count = max(1, min(CHAINS, windows // APIECE))
    length = max(1, windows // count)
    starts = np.linspace(0, total - length, count).round().astype(np.int64)
    return _Way(question, starts[:, None] + np.arange(length), 0, True, question.steps)


def _through(one: LayerRun, frame: Array, settling: int, piece: int) -> tuple[Array, Array]:
    """Carry frames through a window of each chain.

    Shapes: frame (chain, state, direction) -> the same, and mean growth (chain, piece, direction).
    """
    cuts = np.cumsum(one.layer.cell.state_sizes)[:-1]
    pieces = max(1, -(-(len(one.run.steps) - settling) // piece))
    total = np.zeros((len(frame), pieces, frame.shape[2]))
    count = np.zeros((len(frame), pieces))
    for t, saved in enumerate(one.run.steps):
        changes = np.split(frame.swapaxes(1, 2), cuts, axis=2)
        after = np.concatenate(push(one.run.ready, saved, tuple(changes)), axis=2).swapaxes(1, 2)
        turned, size = np.linalg.qr(after)
        real = np.ones(len(frame), bool) if one.run.mask is None else one.run.mask[t]
        frame = np.where(real[:, None, None], turned, frame)
        if t >= settling:
            with np.errstate(divide="ignore"):
                grown = np.log(np.abs(np.diagonal(size, axis1=1, axis2=2)))
            place = (t - settling) // piece
            total[:, place] += np.where(real[:, None], grown, 0.0)
            count[:, place] += real
    return frame, total / np.maximum(count, 1.0)[:, :, None]


def _spectrum(question: MemoryQuestion, grown: Array, way: _Way, draws: int) -> LyapunovSpectrum:
    """Average over pieces, with intervals: grown (chain, piece, direction)."""
    by_piece = grown.reshape(-1, grown.shape[2])
    mean = by_piece.mean(axis=0)
    order = np.argsort(-mean, kind="stable")
    finite = np.isfinite(by_piece).all(axis=0)
    low, high = mean.copy(), mean.copy()
    if len(by_piece) > 1 and finite.any():
        known = by_piece[:, finite]
        drawn = question.drawn_blocks(known[:, 0], draws, 3) @ known
        low[finite], high[finite] = np.quantile(drawn, question.tails, axis=0)
    steps = way.chains.size * (way.question.steps - way.settling)
    return LyapunovSpectrum(mean[order], low[order], high[order], steps)
