"""A network made ready to be run often, on few windows at a time.

What a run has to find out each time is found out once: the order of the layers, weights in the
precision that is computed in and as the kernels take them, and which of what was computed goes
where. Nothing is kept from one call to the next, so that threads may share a runner.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial, singledispatch

import numpy as np
from numpy.typing import ArrayLike

from rnnlens.engine.activations import value
from rnnlens.engine.forward import fitting
from rnnlens.engine.kernels.cells.packing import packed
from rnnlens.engine.kernels.inference import run_outputs
from rnnlens.engine.operations.recurrent import reading_of
from rnnlens.engine.operations.registry import Array, Mask, infer
from rnnlens.engine.schedule.context import one_round
from rnnlens.engine.schedule.fused import schedule
from rnnlens.engine.schedule.plan import gathered
from rnnlens.engine.schedule.threads import one_blas_thread
from rnnlens.network.layers import Dense, Layer, Recurrent
from rnnlens.network.network import Network

__all__ = ["NetworkRunner"]

Given = tuple[Array, ...]
Masks = tuple[Mask, ...]
#: From what a layer takes and the masks of that to what it gives and the masks of that.
Run = Callable[[Given, Masks], tuple[Given, Masks]]

#: Windows up to which all is done where the caller stands.
FEW = 32
#: Weights of a layer up to which BLAS wakes no thread for a few windows.
SMALL = 8192
_NO_MASK: Masks = (None,)


@dataclass(frozen=True)
class _Stage:
    """One layer's run, and the places of what it takes and gives.

    Parameters
    ----------
    run : callable
        Computes it.
    takes : tuple of int
        Places.
    gives : tuple of (int, int)
        Number of the output and its place, of those that are needed.
    """

    run: Run
    takes: tuple[int, ...]
    gives: tuple[tuple[int, int], ...]


class NetworkRunner:
    """Runs one network again and again (`rnnlens.network.running.runner.Runner`).

    Parameters
    ----------
    network : Network
        Its arrays are taken to stay as they are.
    precision : {"float64", "float32"}
        What is computed in.
    """

    def __init__(self, network: Network, precision: str) -> None:
        self._fit = fitting(network, precision)
        self._network, self._precision = network, precision
        self._round = object()
        self._names = tuple(network.inputs)
        self._shapes = tuple(network.inputs[name].shape for name in self._names)
        self._dtype = np.dtype(precision)
        places = {(name, 0): k for k, name in enumerate(self._names)}
        self._alone, self._stages = True, self._planned(places)
        self._outputs = tuple(places[ref] for ref in network.outputs)
        self._places = len(places)

    def __call__(self, *arrays: ArrayLike) -> Array | Given:
        """Run the network: one array (sample, ...) an input, in the order of its inputs."""
        given = self._taken(arrays)
        if len(given[0]) > FEW:
            inputs = dict(zip(self._names, given, strict=True))
            found = gathered(self._chunk(inputs), self._network, inputs)
        elif self._alone:
            found = self._run(given)
        else:
            with one_round(self._round), one_blas_thread():
                found = self._run(given)
        return found[0] if len(found) == 1 else found

    def _taken(self, arrays: tuple[ArrayLike, ...]) -> Given:
        """Give the arrays in the precision that is computed in; refuse what does not fit."""
        try:
            given = tuple(np.asarray(array, self._dtype) for array in arrays)
        except (TypeError, ValueError):
            return self._fit(arrays)
        shapes = [array.shape for array in given]
        fits = (
            len(shapes) == len(self._shapes)
            and all(
                len(shape) == len(wanted) + 1
                and all(size in {None, got} for size, got in zip(wanted, shape[1:], strict=True))
                for wanted, shape in zip(self._shapes, shapes, strict=True)
            )
            and len({shape[0] for shape in shapes}) == 1
        )
        return given if fits else self._fit(given)

    def _chunk(self, inputs: Mapping[str, Array]) -> Callable[[slice], Given]:
        return lambda chunk: self._run(tuple(inputs[name][chunk] for name in self._names))

    def _run(self, given: Given) -> Given:
        values: list[Array | None] = [*given, *([None] * (self._places - len(given)))]
        masks: list[Mask] = [None] * self._places
        for stage in self._stages:
            taken = tuple(values[k] for k in stage.takes)
            found, hidden = stage.run(taken, tuple(masks[k] for k in stage.takes))  # type: ignore[arg-type]
            for number, place in stage.gives:
                values[place], masks[place] = found[number], hidden[number]
        return tuple(values[k] for k in self._outputs)  # type: ignore[return-value]

    def _planned(self, places: dict[tuple[str, int], int]) -> tuple[_Stage, ...]:
        """Give every layer's run in their order, and a place to each value that is needed."""
        network = self._network
        stages = schedule(network)
        needed = {*network.outputs, *(ref for stage in stages for ref in stage.first.inputs)}
        planned: list[_Stage] = []
        for stage in stages:
            name = stage.node.name
            gives = sorted(number for node, number in needed if node == name)
            for number in gives:
                places[name, number] = len(places)
            run = None
            if stage.fused is None:
                run = _ready(stage.node.layer, self._dtype, len(stage.first.inputs))
            if run is None:
                self._alone = False
                infer_fused = stage.fused
                run = (
                    partial(_general, stage.node.layer)
                    if infer_fused is None
                    else partial(_fused, infer_fused.infer)
                )
            takes = tuple(places[ref] for ref in stage.first.inputs)
            planned.append(_Stage(run, takes, tuple((k, places[name, k]) for k in gives)))
        return tuple(planned)


def _general(layer: Layer, given: Given, masks: Masks) -> tuple[Given, Masks]:
    tape = infer(layer, given, masks, None)
    return tape.outputs, tape.masks


def _fused(run: Callable[[Array], object], given: Given, masks: Masks) -> tuple[Given, Masks]:
    tape = run(*given)
    return tape.outputs, tape.masks  # type: ignore[attr-defined]


@singledispatch
def _ready(layer: Layer, dtype: np.dtype[np.float64], count: int) -> Run | None:
    """Make a layer's run that need not look at the layer again; None where there is none."""
    return None


@_ready.register
def _(layer: Recurrent, dtype: np.dtype[np.float64], count: int) -> Run | None:
    weights = packed(layer.cell, dtype)
    if weights is None or count > 1:
        return None
    reading, states = reading_of(layer), len(layer.cell.states) if layer.return_state else 0
    none = (None,) * (1 + states)

    def run(given: Given, masks: Masks) -> tuple[Given, Masks]:
        if masks[0] is not None or not given[0].shape[1]:
            return _general(layer, given, masks)
        outputs, finals = run_outputs(weights, given[0], reading, finals=states > 0)
        return (outputs if reading.sequences else outputs[:, 0], *finals[:states]), none

    return run


@_ready.register
def _(layer: Dense, dtype: np.dtype[np.float64], count: int) -> Run | None:
    if len(layer.W) == 1 or layer.W.size > SMALL:
        return None
    W = np.array(layer.W, dtype)
    b = None if layer.b is None else np.array(layer.b, dtype)
    bends = layer.activation if layer.activation.name != "linear" else None

    def run(given: Given, masks: Masks) -> tuple[Given, Masks]:
        if given[0].ndim > 2:
            return _general(layer, given, masks)
        a = np.matmul(given[0], W)
        if b is not None:
            a += b
        return (a if bends is None else value(bends, a),), masks

    return run
