"""How much is done at once, and what it will take: memory stays bounded however many samples.

Samples are run in chunks. A chunk is small enough that what it leaves on its tape fits the budget,
and mostly the cache, and that Ctrl-C is soon heard; and large enough that Python's own time is
nothing beside the kernels'. The threads take chunks in turns, each going the whole way through the
network with its own.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, fields, is_dataclass
from functools import cache
from math import ceil, prod
from statistics import median
from threading import Lock
from time import perf_counter
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from rnnlens.engine.schedule.threads import PIECES, each, one_blas_thread, share, threads
from rnnlens.network.layers import Bidirectional, Layer, Recurrent, TimeDistributed
from rnnlens.network.network import Network

if TYPE_CHECKING:
    from rnnlens.engine.forward import Run

__all__ = [
    "Cost",
    "Estimate",
    "by_equations",
    "chunks",
    "cost",
    "equations",
    "estimate",
    "gathered",
    "one_blas_thread",
    "round_of_work",
    "share",
    "threads",
]

Array = NDArray[Any]

#: Bytes that the tapes of one thread's chunk may keep.
BUDGET = 4 << 20
#: Bytes that they may keep where fewer samples than a block fit the budget.
MOST = 64 << 20
#: Bytes that a way back keeps of a stretch of steps, at the point and at the reference.
ROOM = 8 << 20
#: Samples of a kernel's block: smaller chunks take no less time.
BLOCK = 32
#: Operations a second of one thread, roughly: a plain figure for deciding how much is little.
PACE = 6e10
#: Seconds that a chunk should take at least, and at most, at that pace.
SHORTEST, LONGEST = 1e-3, 0.2
#: Steps and seconds that a layer's pace is measured over.
MEASURED_STEPS, MEASURED_SECONDS = 64, 0.02


@dataclass(frozen=True)
class Cost:
    """What a forward run takes for one sample.

    Parameters
    ----------
    bytes : float
        What the run keeps: every node's outputs, and what their way back needs.
    cells : int
        Cell evaluations.
    work : float
        Multiplications and additions within cells.
    """

    bytes: float
    cells: int
    work: float


@dataclass(frozen=True)
class Estimate:
    """What a piece of work will take.

    Parameters
    ----------
    cells : int
        Cell evaluations.
    seconds : float
        On this machine, with the threads that are used.
    bytes : int
        Of memory at the most: chunks in work, and the result.
    """

    cells: int
    seconds: float
    bytes: int


_COSTS: WeakKeyDictionary[Network, dict[tuple[Any, ...], Cost]] = WeakKeyDictionary()


def cost(network: Network, inputs: Mapping[str, Array]) -> Cost:
    """Work out what a forward run takes for one sample.

    A run of no samples at all tells the shape of everything that a run keeps.

    Shapes: inputs mapping of str to (sample, ...).
    """
    from rnnlens.engine.forward import forward  # which asks this module how to cut

    known = _COSTS.setdefault(network, {})
    shapes = [(name, array.shape[1:], array.dtype.char) for name, array in inputs.items()]
    key = (by_equations(), *shapes)
    if key not in known:
        run = forward(network, {name: array[:0] for name, array in inputs.items()})
        known[key] = Cost(_bytes(run), *_cells(run))
    return known[key]


def _bytes(run: Run) -> float:
    """Add up the bytes that one sample takes in a run of none."""
    seen: set[int] = set()
    total = 0.0
    for node in run.network.nodes:
        tape = run.tapes[node.name]
        outside = _kept((tape.outputs, tape.masks), seen)
        # a layer applied at each step has made samples of the steps
        alike = tape.inputs[0].shape[1] if isinstance(node.layer, TimeDistributed) else 1
        total += outside + alike * _kept(tape.saved, seen)
    return total


def _kept(value: Any, seen: set[int]) -> float:
    """Add up the bytes that one sample takes in what is not yet seen of the arrays of a value."""
    if isinstance(value, np.ndarray):
        whole = value if value.base is None else value.base
        if id(whole) in seen or 0 not in value.shape:
            return 0.0
        seen.add(id(whole))
        return float(prod(size for size in value.shape if size) * value.itemsize)
    if isinstance(value, list | tuple):
        return sum(_kept(part, seen) for part in value)
    if is_dataclass(value) and not isinstance(value, type | Layer):
        # marks are kept block by block
        shares = {"marks": 1 / BLOCK}
        names = [spec.name for spec in fields(value)]
        return sum(_kept(getattr(value, name), seen) * shares.get(name, 1.0) for name in names)
    return 0.0


def _cells(run: Run) -> tuple[int, float]:
    """Count the cell evaluations of a run for one sample, and the operations in them."""
    cells, work = 0, 0.0
    for node in run.network.nodes:
        for layer in _directions(node.layer):
            steps = run.tapes[node.name].inputs[0].shape[1]
            arrays = [array for gate in layer.cell.gates.values() for array in (gate.W, gate.U)]
            cells += steps
            work += 2.0 * steps * sum(array.size for array in arrays)
    return cells, work


def _directions(layer: Layer) -> tuple[Recurrent, ...]:
    if isinstance(layer, Bidirectional):
        return layer.forward, layer.backward
    return (layer,) if isinstance(layer, Recurrent) else ()


@cache
def _keep_memory() -> None:
    """Have the C library keep the memory of one chunk for the next one.

    It gives freed memory back to the system, and takes it anew page by page, which costs more than
    the arithmetic of a small layer; but only beyond twice the largest block that was ever freed,
    blocks above 32 MB left aside. So a block is freed here that nobody has used.
    """
    np.empty(31 << 20, np.uint8)


def _samples(inputs: Mapping[str, Array]) -> int:
    return len(next(iter(inputs.values())))


def chunks(network: Network, inputs: Mapping[str, Array], *, runs: int = 1) -> Iterator[slice]:
    """Cut the samples into chunks that fit the memory budget, for work that takes them in turn.

    Shapes: inputs mapping of str to (sample, ...).
    """
    samples = _samples(inputs)
    size = samples if samples <= 1 else _most(cost(network, inputs), runs, BUDGET * threads())
    for start in range(0, max(samples, 1), max(size, 1)):
        yield slice(start, start + size)


def _most(one: Cost, runs: int, budget: float) -> int:
    """Give the samples that fit a budget, in whole blocks; a block of very long windows is cut."""
    each = max(one.bytes * runs, 1.0)
    fitting = int(budget / each)
    return fitting // BLOCK * BLOCK if fitting >= BLOCK else max(1, min(BLOCK, int(MOST / each)))


def gathered(
    work: Callable[[slice], tuple[Array, ...]],
    network: Network,
    inputs: Mapping[str, Array],
    *,
    runs: int = 1,
    passes: int = 1,
    progress: Callable[[int, int], None] | None = None,
) -> tuple[Array, ...]:
    """Do work on chunks of samples, shared among the threads, and put together what it gives.

    Shapes: inputs mapping of str to (sample, ...) -> tuple of (sample, ...).
    """
    _keep_memory()
    samples = _samples(inputs)
    told = progress or (lambda done, total: None)
    size = _size(network, inputs, runs, passes)
    if size >= samples:
        with _one_round(), one_blas_thread():
            whole = work(slice(0, samples))
        told(samples, samples)
        return whole
    result: list[Array] = []
    lock = Lock()

    def part(chunk: slice) -> None:
        found = work(chunk)
        with lock:
            if not result:
                result.extend(np.empty((samples, *one.shape[1:]), one.dtype) for one in found)
        for target, one in zip(result, found, strict=True):
            target[chunk] = one

    done = 0

    def tell(piece: tuple[slice]) -> None:
        nonlocal done
        done += min(piece[0].stop, samples) - piece[0].start
        told(done, samples)

    with _one_round(), one_blas_thread():
        each(part, [(slice(k, k + size),) for k in range(0, samples, size)], tell)
    return tuple(result)


def _size(network: Network, inputs: Mapping[str, Array], runs: int, passes: int) -> int:
    """Give the samples of a chunk (see the head of this module)."""
    samples = _samples(inputs)
    if samples <= 1:
        return samples
    one, count = cost(network, inputs), threads()
    seconds = max(one.work * passes / PACE, 1e-9)
    fair = max(SHORTEST / seconds, samples / (count * PIECES))
    blocks = min(ceil(fair / BLOCK), max(1, int(LONGEST / seconds / BLOCK)))
    size = min(blocks * BLOCK, _most(one, runs, BUDGET))
    if not BLOCK <= size < samples:
        return size
    turns = ceil(samples / size / count)  # every thread takes as many chunks
    return ceil(samples / (turns * count) / BLOCK) * BLOCK


def estimate(
    network: Network,
    inputs: Mapping[str, Array],
    *,
    forwards: float,
    backwards: float = 0.0,
    runs: int = 1,
    result: int = 0,
) -> Estimate:
    """Say what work will take before it is done.

    The time is that of the recurrent layers, whose pace is measured here where a plain figure says
    that the work will be felt at all.

    Shapes: inputs mapping of str to (sample, ...).
    """
    samples, count = _samples(inputs), threads()
    one = cost(network, inputs)
    size = _size(network, inputs, runs, ceil(forwards + backwards))
    seconds = samples * one.work * (forwards + 3 * backwards) / PACE / count
    if seconds > LONGEST:
        there, back = _pace(network, inputs, between=runs > 2)
        busy = min(count, max(1, samples // BLOCK))
        seconds = samples * (forwards * there + backwards * back) / busy
    return Estimate(
        cells=round(samples * one.cells * (forwards + 2 * backwards)),
        seconds=seconds,
        bytes=result + round(min(count * size, samples) * one.bytes * runs) + count * ROOM,
    )


def _pace(network: Network, inputs: Mapping[str, Array], *, between: bool) -> tuple[float, float]:
    """Measure the seconds that one sample takes a thread, there and back."""
    from rnnlens.engine.forward import forward

    dtype = next(iter(inputs.values())).dtype
    shapes = forward(network, {name: array[:0] for name, array in inputs.items()})
    there = back = 0.0
    for node in network.nodes:
        for layer in _directions(node.layer):
            _, steps, features = shapes.tapes[node.name].inputs[0].shape
            some = min(steps, MEASURED_STEPS)
            x = np.zeros((BLOCK, some, features), dtype)
            # between two runs the way back takes longer than that of derivatives
            ahead, behind = _layer_pace(layer, x, x + 1 if between else x)
            there += ahead * steps / some / BLOCK
            back += behind * steps / some / BLOCK
    return there, back


def _layer_pace(layer: Recurrent, x: Array, x0: Array) -> tuple[float, float]:
    """Measure the seconds of one way through a layer and one way back."""
    from rnnlens.engine.operations.registry import pull, run

    def there() -> Any:
        return run(layer, (x,), (None,), None)

    tape = there()
    tape0 = tape if x is x0 else run(layer, (x0,), (None,), None)
    m = tuple(np.ones_like(one) for one in tape.outputs)

    def back() -> Any:
        return pull(layer, tape, tape0, m)

    return _usual(there), _usual(back)


def _usual(call: Callable[[], Any]) -> float:
    """Give the median of the seconds that a call takes, compiled before."""
    call()
    found: list[float] = []
    while sum(found) < MEASURED_SECONDS:
        begun = perf_counter()
        call()
        found.append(perf_counter() - begun)
    return median(found)


_ROUND: ContextVar[object | None] = ContextVar("round_of_work", default=None)


@contextmanager
def _one_round() -> Generator[None]:
    """Mark what is done meanwhile, in the threads of the pool too, as one round of work."""
    token = _ROUND.set(object())
    try:
        yield
    finally:
        _ROUND.reset(token)


def round_of_work() -> object | None:
    """Say which round of work this is: the chunks of one call of `gathered` are one.

    What a network holds is taken to stay as it is within a round.
    """
    return _ROUND.get()


_BY_EQUATIONS = ContextVar("by_equations", default=False)


@contextmanager
def equations() -> Generator[None]:
    """Have recurrent layers computed by the NumPy equations and not by the kernels.

    The equations are what the kernels are held against; they are slower and keep every step.

    Examples
    --------
    >>> with equations():
    ...     by_equations()
    True
    >>> by_equations()
    False
    """
    token = _BY_EQUATIONS.set(True)
    try:
        yield
    finally:
        _BY_EQUATIONS.reset(token)


def by_equations() -> bool:
    """Say whether recurrent layers are to be computed by the equations (see `equations`)."""
    return _BY_EQUATIONS.get()
