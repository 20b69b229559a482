"""How fast this machine does each kind of work, measured on a few windows of the question."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from time import perf_counter

import numpy as np
from numpy.typing import NDArray

from rnnlens.attribution.baselines.baseline import Baseline
from rnnlens.attribution.methods.secant import secant
from rnnlens.attribution.methods.shapley_tree import shapley_tree
from rnnlens.attribution.options import CELLS as MOST_CELLS
from rnnlens.attribution.options import Effort
from rnnlens.attribution.question import Question
from rnnlens.engine.forward import predict
from rnnlens.engine.schedule.calibration import calibrated
from rnnlens.engine.schedule.context import kernels
from rnnlens.engine.schedule.cost import BLOCK
from rnnlens.engine.schedule.threads import threads
from rnnlens.engine.stepwise.replaced import Replaced
from rnnlens.errors import DataError, UnsupportedModel
from rnnlens.evidence.proof.certificate import certify, certify_each
from rnnlens.evidence.proof.checkpoints import LEAST, STRIDE
from rnnlens.evidence.proof.limits import SearchLimits
from rnnlens.evidence.proof.ranges import Ranges
from rnnlens.evidence.proof.stated_ranges import StatedRanges
from rnnlens.evidence.proof.stopping import Stop
from rnnlens.evidence.statistics.one_step import changes_of_steps, worth_sharing
from rnnlens.evidence.statistics.parts import lag_parts
from rnnlens.evidence.statistics.replacement import Replacement
from rnnlens.evidence.table.certificates import evenly, some_windows
from rnnlens.network.layers import DescribedRecurrent

__all__ = [
    "certify_pace",
    "hiding_pace",
    "run_pace",
    "secant_pace",
    "slowness",
    "tree_pace",
    "within_seconds",
]

#: Windows, lags and backgrounds of the tree that is timed: some ten thousand cells.
WINDOWS, LAGS, BACKGROUNDS = 8, 8, 4
#: Blocks of windows a thread that secant and plain runs are timed on, and the steps of all of them
#: beyond which there are fewer.
BLOCKS, STEPS = 4, 10_000
#: Windows in which each step is replaced once, which is timed: at least, and at most where they
#: are so short that so many cells are not exceeded.
HIDDEN_IN, MOST_HIDDEN_IN, HIDDEN_CELLS = 8, 64, 40_000
#: Lags, and what is freed, whose certificates are timed; lags that share checkpoints, where there
#: are some; and the seconds that all of them may take, and the first one before that.
LAGS_TIMED, COLUMNS, LAGS_SHARED, PATIENCE, FIRST = 12, 8, 48, 1.0, 0.25
#: Plain work that is timed, and the seconds that it took where figures for others were taken.
PLAIN, PLAIN_SECONDS = 100_000, 0.008
#: Seconds that timing goes on for where one call is shorter.
SECONDS = 0.05


def secant_pace(question: Question) -> float:
    """Measure the seconds that secant contributions take a window."""
    few = question.part(slice(0, _windows_timed(question)))
    with kernels():
        return _seconds(lambda: secant(few)) / few.windows


def tree_pace(question: Question) -> float:
    """Measure the seconds that exact values take a cell."""
    few = replace(question.part(slice(0, WINDOWS)), groups=None)
    if isinstance(few.baseline, Baseline):
        few = few.against(replace(few.baseline, windows=few.baseline.windows[:BACKGROUNDS]))
    few = few.with_newest(min(LAGS, few.steps))
    with kernels():
        cells = shapley_tree(few).cells
        return _seconds(lambda: shapley_tree(few)) / max(1, cells)


def within_seconds(effort: Effort, question: Question, shared_by: int = 1) -> Effort:
    """Turn a budget in seconds, which some questions share, into cells of each, at a kept pace."""
    if effort.seconds is None:
        return effort
    per_second = calibrated(_kind_of_cells(question), lambda: tree_pace(question))
    cells = int(min(effort.seconds / max(1, shared_by) * per_second, MOST_CELLS))
    return replace(effort, budget=max(1, cells))


def _kind_of_cells(question: Question) -> str:
    """Name the cells of a network by what they take: their sizes, the precision, the threads."""
    layers = [
        f"{one.cell.kind} {one.cell.units}x{one.cell.features}"
        for _, one in question.network.recurrent()
    ]
    layers += [
        f"described cell of {len(node.layer.nodes)}"
        for node in question.network.nodes
        if isinstance(node.layer, DescribedRecurrent)
    ]
    return f"{', '.join(layers)}; {question.x.dtype}; threads: {threads()}"


def run_pace(question: Question) -> float:
    """Measure the seconds that a plain run takes a window."""
    count = _windows_timed(question)
    few = some_windows(question, np.arange(count) % question.windows)
    return _seconds(lambda: predict(few.network, few.inputs)) / count


def _windows_timed(question: Question) -> int:
    """Say how many windows are timed: whole blocks for each thread, fewer of long ones."""
    return max(1, min(BLOCKS, STEPS // (BLOCK * question.steps))) * BLOCK * threads()


def hiding_pace(question: Question) -> float:
    """Measure the seconds that a run of a window takes of which one step is replaced."""
    steps = question.steps
    count = max(HIDDEN_IN, min(MOST_HIDDEN_IN, HIDDEN_CELLS // steps**2))
    few = some_windows(question, np.arange(count) % question.windows)
    shape = (steps, few.x[0].size // steps)
    try:
        runs = Replacement(few, single=True)
    except DataError:
        return run_pace(question)  # padding, of which the verb says itself that there is no test
    if not worth_sharing(runs, lag_parts(shape)):
        return run_pace(question)
    which, other = np.arange(len(few.x)), runs.x[::-1]
    asked = [Replaced(t, 1, which, lambda rows, t=t: other[rows, t][:, None]) for t in range(steps)]
    return _seconds(lambda: changes_of_steps(runs, asked)) / len(which) / steps


def certify_pace(
    question: Question,
    ranges: StatedRanges,
    free: list[list[int]],
    limits: SearchLimits,
    *,
    windows: int = 1,
    rows: NDArray[np.int64] | None = None,
    within: float | None = None,
) -> float:
    """Measure the seconds that a question of a certificate takes: a lag, a window, what is freed.

    How many boxes a question takes differs much: some lags, from the newest to the oldest, and some
    of what is freed stand for all of it, in one call, for what a call does first is shared by all
    that it answers. They are asked of so many `windows` together and by the `rows` (freed, lag)
    that they speak of, as the work does: a row that one window refutes is not asked of the others.
    What is not settled in time is taken to be as hard as what is, and where nothing is to go on to
    the end of its boxes, so that what is announced is rather too long than too short. In windows
    long enough for checkpoints, which lags share, whole stretches between them are timed, of one
    window. Where all are to be answered `within` some seconds, and one took longer than all may
    take here, the time is taken to end them: infinite.
    """
    few = some_windows(question, evenly(question.windows, 1))
    first = Stop(FIRST)
    try:
        certify(few, ranges.ranges(few.x, [1], free[0])[0], limits, stop=first)
    except (DataError, UnsupportedModel):
        return 0.0  # there will be none, which the verb says itself
    if within is not None and first.taken > PATIENCE:
        return float("inf")
    if question.steps >= LEAST * STRIDE:
        stretches = evenly(-(-question.steps // STRIDE), LAGS_SHARED // STRIDE)
        starts = [int(k) * STRIDE for k in stretches]
        places = [at for k in starts for at in range(k, min(k + STRIDE, question.steps))]
        columns = [len(free) - 1]
    else:
        few = some_windows(question, evenly(question.windows, windows))
        places = evenly(question.steps, LAGS_TIMED).tolist()
        columns = evenly(len(free), COLUMNS).tolist()
    lags = [1 + at for at in places]
    asked = [ranges.ranges(few.x, lags, free[k])[0] for k in columns]
    of_row = None if rows is None else rows[columns][:, places]
    return _seconds_each(few, asked, limits, of_row)


def _seconds_each(
    few: Question, asked: list[Ranges], limits: SearchLimits, rows: NDArray[np.int64] | None
) -> float:
    """Measure the seconds that each question of one call takes, foreseen where it takes longer."""
    stop = Stop(PATIENCE)
    made = certify_each(few, asked, limits, rows=rows, stop=stop)
    verdict = np.stack([one.verdict for one in made])
    if not stop.why:
        return stop.taken / verdict.size
    settled = np.isin(verdict, ["proven", "refuted", "structural"])
    if settled.any():  # the rest is taken to be as hard as what was settled by then
        return stop.taken / int(settled.sum())
    boxes = sum(int(one.boxes.sum()) for one in made)
    return stop.taken * limits.budget / max(1, boxes)


def slowness() -> float:
    """Measure how much longer plain work takes than where figures for it were taken."""
    return _seconds(lambda: sum(k * k for k in range(PLAIN))) / PLAIN_SECONDS


def _seconds(call: Callable[[], object]) -> float:
    """Give the mean of the seconds that a call takes, compiled before."""
    call()
    begun, calls = perf_counter(), 0
    while calls < 1 or perf_counter() - begun < SECONDS:
        call()
        calls += 1
    return (perf_counter() - begun) / calls
