"""What a run of a network takes: bytes, cell evaluations, and seconds as measured on this machine.

A run of no samples at all tells the shape of everything that a run keeps.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, is_dataclass
from math import prod
from statistics import median
from time import perf_counter
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np

from rnnlens.engine.arrays import is_tensor
from rnnlens.engine.device.choice import chosen
from rnnlens.engine.operations.registry import Array, Multipliers, Tape, pull, run, taken_by
from rnnlens.engine.schedule.context import by_equations
from rnnlens.engine.schedule.threads import one_blas_thread
from rnnlens.network.layers import Bidirectional, Input, Layer, Recurrent, TimeDistributed
from rnnlens.network.network import Network

__all__ = ["BLOCK", "Cost", "cost", "pace"]

#: Samples of a kernel's block: smaller chunks take no less time.
BLOCK = 32
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


_COSTS: WeakKeyDictionary[Network, dict[tuple[object, ...], Cost]] = WeakKeyDictionary()


def cost(network: Network, inputs: Mapping[str, Array]) -> Cost:
    """Work out what a forward run takes for one sample.

    A run of no samples at all tells the shape of everything that a run keeps.

    Shapes: inputs mapping of str to (sample, ...).
    """
    known = _COSTS.setdefault(network, {})
    shapes = [(name, array.shape[1:], array.dtype.char) for name, array in inputs.items()]
    key = (by_equations(), chosen(), *shapes)
    if key not in known:
        tapes = _empty_tapes(network, inputs)
        known[key] = Cost(_bytes(network, tapes), *_cells(network, tapes))
    return known[key]


@one_blas_thread()
def _empty_tapes(network: Network, inputs: Mapping[str, Array]) -> dict[str, Tape]:
    """Run a network on no samples: inputs mapping of str to (sample, ...)."""
    tapes = {name: Tape((), (inputs[name][:0],), (None,)) for name in network.inputs}
    for node in network.nodes:
        if not isinstance(node.layer, Input):
            tapes[node.name] = run(node.layer, *taken_by(node, tapes), None)
    return tapes


def _bytes(network: Network, tapes: Mapping[str, Tape]) -> float:
    """Add up the bytes that one sample takes in a run of none."""
    seen: set[int] = set()
    total = 0.0
    for node in network.nodes:
        tape = tapes[node.name]
        outside = _kept((tape.outputs, tape.masks), seen)
        # a layer applied at each step has made samples of the steps
        alike = tape.inputs[0].shape[1] if isinstance(node.layer, TimeDistributed) else 1
        total += outside + alike * _kept(tape.saved, seen)
    return total


def _kept(value: object, seen: set[int]) -> float:
    """Add up the bytes that one sample takes in what is not yet seen of the arrays of a value."""
    if isinstance(value, np.ndarray):
        whole = value if value.base is None else value.base
        if id(whole) in seen or 0 not in value.shape:
            return 0.0
        seen.add(id(whole))
        return float(prod(size for size in value.shape if size) * value.itemsize)
    if is_tensor(value):
        return _of_a_tensor(value, seen)
    if isinstance(value, list | tuple):
        return sum(_kept(part, seen) for part in value)
    if is_dataclass(value) and not isinstance(value, type | Layer):
        # checkpoints are kept block by block
        shares = {"checkpoints": 1 / BLOCK}
        names = [spec.name for spec in fields(value)]
        return sum(_kept(getattr(value, name), seen) * shares.get(name, 1.0) for name in names)
    return 0.0


def _of_a_tensor(value: Any, seen: set[int]) -> float:
    """Give the bytes of the device that one sample takes in a tensor that is not yet seen."""
    if id(value) in seen or 0 not in value.shape:
        return 0.0
    seen.add(id(value))
    return float(prod(size for size in value.shape if size) * value.element_size())


def _cells(network: Network, tapes: Mapping[str, Tape]) -> tuple[int, float]:
    """Count the cell evaluations of a run for one sample, and the operations in them."""
    cells, work = 0, 0.0
    for node in network.nodes:
        for layer in _directions(node.layer):
            steps = tapes[node.name].inputs[0].shape[1]
            arrays = [array for gate in layer.cell.gates.values() for array in (gate.W, gate.U)]
            cells += steps
            work += 2.0 * steps * sum(array.size for array in arrays)
    return cells, work


def _directions(layer: Layer) -> tuple[Recurrent, ...]:
    if isinstance(layer, Bidirectional):
        return layer.forward, layer.backward
    return (layer,) if isinstance(layer, Recurrent) else ()


def pace(network: Network, inputs: Mapping[str, Array], *, between: bool) -> tuple[float, float]:
    """Measure the seconds that one sample takes a thread, there and back."""
    dtype = next(iter(inputs.values())).dtype
    tapes = _empty_tapes(network, inputs)
    there = back = 0.0
    for node in network.nodes:
        for layer in _directions(node.layer):
            _, steps, features = tapes[node.name].inputs[0].shape
            some = min(steps, MEASURED_STEPS)
            x = np.zeros((BLOCK, some, features), dtype)
            # between two runs the way back takes longer than that of derivatives
            forward, backward = _layer_pace(layer, x, x + 1 if between else x)
            there += forward * steps / some / BLOCK
            back += backward * steps / some / BLOCK
    return there, back


def _layer_pace(layer: Recurrent, x: Array, x0: Array) -> tuple[float, float]:
    """Measure the seconds of one way through a layer and one way back."""

    def there() -> Tape:
        return run(layer, (x,), (None,), None)

    tape = there()
    tape0 = tape if x is x0 else run(layer, (x0,), (None,), None)
    m = tuple(np.ones_like(one) for one in tape.outputs)

    def back() -> Multipliers:
        return pull(layer, tape, tape0, m)

    return _median_seconds(there), _median_seconds(back)


def _median_seconds(call: Callable[[], object]) -> float:
    """Give the median of the seconds that a call takes, compiled before."""
    call()
    seconds: list[float] = []
    while sum(seconds) < MEASURED_SECONDS:
        begun = perf_counter()
        call()
        seconds.append(perf_counter() - begun)
    return median(seconds)
