"""How much is done at once, and what that will take: memory stays bounded however many samples.

Samples are run in chunks. A chunk is small enough that what it leaves on its tape fits the budget,
and mostly the cache, and that Ctrl-C is soon heard; and large enough that Python's own time is
nothing beside the kernels'. The threads take chunks in turns, each going the whole way through the
network with its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from math import ceil
from threading import Lock
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from rnnlens.engine.device.choice import chosen
from rnnlens.engine.operations.registry import Array
from rnnlens.engine.schedule.context import one_round
from rnnlens.engine.schedule.cost import BLOCK, Cost, cost, pace
from rnnlens.engine.schedule.threads import RANGES_PER_THREAD, each, one_blas_thread, threads
from rnnlens.network.network import Network

__all__ = ["Estimate", "chunks", "estimate", "evenly", "few_at_once", "gathered"]

S = TypeVar("S", bound=np.generic)

#: Bytes that the tapes of one thread's chunk may keep.
CHUNK_BYTES = 4 << 20
#: Bytes that all threads' chunks may keep on a device of PyTorch, whose launches cost more than the
#: arithmetic of a small chunk.
DEVICE_BYTES = 2 << 30
#: Bytes that they may keep where fewer samples than a block fit the budget.
BLOCK_BYTES = 64 << 20
#: Bytes that a way back keeps of a stretch of steps, at the point and at the reference.
STRETCH_BYTES = 8 << 20
#: Operations a second of one thread, roughly: a plain figure for deciding how much is little.
OPERATIONS_PER_SECOND = 6e10
#: Samples that a chunk takes multiples of: they fill tiles, and a part of a block costs no more.
FILLING = BLOCK // 4
#: Seconds that a chunk should take at least, and at most, at that pace.
SHORTEST_CHUNK, LONGEST_CHUNK = 1e-3, 0.2


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
    size = (
        samples if samples <= 1 else _fitting(cost(network, inputs), runs, CHUNK_BYTES * threads())
    )
    for start in range(0, max(samples, 1), max(size, 1)):
        yield slice(start, start + size)


def few_at_once(network: Network, inputs: Mapping[str, Array], *, runs: int = 1) -> int:
    """Say how many samples fill a block at most, and fit a chunk's budget.

    A block takes about six times as long as a single sample, Python's own time left aside.

    Shapes: inputs mapping of str to (sample, ...).
    """
    return min(BLOCK, _fitting(cost(network, inputs), runs, CHUNK_BYTES))


def _fitting(one: Cost, runs: int, budget: float) -> int:
    """Give the samples that fit a budget, in whole blocks; a block of very long windows is cut."""
    apiece = max(one.bytes * runs, 1.0)
    fitting = int(budget / apiece)
    return (
        fitting // BLOCK * BLOCK
        if fitting >= BLOCK
        else max(1, min(BLOCK, int(BLOCK_BYTES / apiece)))
    )


def evenly(count: int, wanted: int) -> NDArray[np.int64]:
    """Choose places that lie evenly over all of them.

    Examples
    --------
    >>> evenly(9, 3).tolist(), evenly(2, 5).tolist()
    ([0, 4, 8], [0, 1])
    """
    if wanted >= count:
        return np.arange(count)
    # they lie more than one apart, so that no two are rounded to the same
    apart = (count - 1) / max(wanted - 1, 1)
    return (np.arange(wanted) * apart).round().astype(np.int64)


def gathered(
    work: Callable[[slice], tuple[NDArray[S], ...]],
    network: Network,
    inputs: Mapping[str, Array],
    *,
    runs: int = 1,
    passes: int = 1,
    progress: Callable[[int, int], None] | None = None,
) -> tuple[NDArray[S], ...]:
    """Do work on chunks of samples, shared among the threads, and put together what it gives.

    Shapes: inputs mapping of str to (sample, ...) -> tuple of (sample, ...).
    """
    _keep_memory()
    samples = _samples(inputs)
    report = progress or (lambda done, total: None)
    size = _chunk_size(network, inputs, runs, passes)
    if size >= samples:
        with one_round(), one_blas_thread():
            arrays = work(slice(0, samples))
        report(samples, samples)
        return arrays
    result: list[NDArray[S]] = []
    lock = Lock()

    def part(chunk: slice) -> None:
        arrays = work(chunk)
        with lock:
            if not result:
                result.extend(np.empty((samples, *one.shape[1:]), one.dtype) for one in arrays)
        for whole, one in zip(result, arrays, strict=True):
            whole[chunk] = one

    done = 0

    def piece_done(piece: tuple[slice]) -> None:
        nonlocal done
        done += min(piece[0].stop, samples) - piece[0].start
        report(done, samples)

    with one_round(), one_blas_thread():
        each(part, [(slice(k, k + size),) for k in range(0, samples, size)], piece_done)
    return tuple(result)


def _chunk_size(network: Network, inputs: Mapping[str, Array], runs: int, passes: int) -> int:
    """Give the samples of a chunk (see the head of this module)."""
    samples = _samples(inputs)
    if samples <= 1:
        return samples
    one, count = cost(network, inputs), threads()
    if chosen():
        return _fitting(one, runs, DEVICE_BYTES / count)
    seconds = max(one.work * passes / OPERATIONS_PER_SECOND, 1e-9)
    fair = max(SHORTEST_CHUNK / seconds, samples / (count * RANGES_PER_THREAD))
    blocks = min(ceil(fair / BLOCK), max(1, int(LONGEST_CHUNK / seconds / BLOCK)))
    size = min(blocks * BLOCK, _fitting(one, runs, CHUNK_BYTES))
    if not FILLING <= size < samples:
        return size
    each_takes = ceil(samples / size / count)  # every thread takes as many chunks
    return min(size, ceil(samples / (each_takes * count) / FILLING) * FILLING)


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
    size = _chunk_size(network, inputs, runs, ceil(forwards + backwards))
    seconds = samples * one.work * (forwards + 3 * backwards) / OPERATIONS_PER_SECOND / count
    if seconds > LONGEST_CHUNK:
        there, back = pace(network, inputs, between=runs > 2)
        busy = min(count, max(1, samples // FILLING))
        seconds = samples * (forwards * there + backwards * back) / busy
    return Estimate(
        cells=round(samples * one.cells * (forwards + 2 * backwards)),
        seconds=seconds,
        bytes=result + round(min(count * size, samples) * one.bytes * runs) + count * STRETCH_BYTES,
    )
