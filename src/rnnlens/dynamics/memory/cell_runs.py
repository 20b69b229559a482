"""What happened in every recurrent layer and direction of a run, and what is read of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from rnnlens.dynamics.memory.question import MemoryQuestion
from rnnlens.engine.backward import backward
from rnnlens.engine.forward import Run, forward, inputs_of
from rnnlens.engine.operations.recurrent import CellRun, run_cell, unmerged
from rnnlens.engine.operations.registry import Array, Multipliers, Tape
from rnnlens.engine.schedule.threads import threads
from rnnlens.network.layers import Bidirectional, Recurrent

__all__ = ["LayerRun", "chunks_of", "layer_runs"]

#: Bytes that the steps of all threads' chunks of windows may keep.
CHUNK_BYTES = 1 << 28


class LayerRun(NamedTuple):
    """One layer and direction: what it computed, and the multipliers of what it gave."""

    name: str
    layer: Recurrent
    run: CellRun
    multipliers: Multipliers


def chunks_of(question: MemoryQuestion) -> list[slice]:
    """Cut the windows into chunks, at least one a thread, whose every step may be kept."""
    cells = [layer.cell for _, layer in question.network.recurrent()]
    apiece = sum(16 * 8 * question.steps * cell.units for cell in cells)
    fitting = CHUNK_BYTES // threads() // max(apiece, 1)
    size = max(1, min(fitting, -(-len(question.x) // threads())))
    return [slice(start, start + size) for start in range(0, len(question.x), size)]


def layer_runs(
    question: MemoryQuestion, samples: slice | np.ndarray, *, back: bool = True
) -> Iterator[LayerRun]:
    """Run some windows, and give each recurrent layer and direction with all its steps."""
    run = forward(question.network, inputs_of(question.inputs, samples))
    carried = backward(run, question.weight(run)) if back else {}
    for node in question.network.nodes:
        layer, tape = node.layer, run.tapes[node.name]
        m = tuple(carried.get((node.name, k)) for k in range(len(tape.outputs)))
        if isinstance(layer, Recurrent):
            yield _layer_run(node.name, layer, tape, _mask(run, node.inputs[0]), m)
        elif isinstance(layer, Bidirectional):
            there = any(part is not None for part in m)
            both = unmerged(layer, tape, tape, m) if there else ((None,), (None,))
            sides = (("forward", layer.forward), ("backward", layer.backward))
            for k, (side, one) in enumerate(sides):
                name, mask = f"{node.name}.{side}", _mask(run, node.inputs[0])
                yield _layer_run(name, one, tape.saved[0][k], mask, both[k])


def _mask(run: Run, ref: tuple[str, int]) -> np.ndarray | None:
    return run.tapes[ref[0]].masks[ref[1]]


def _layer_run(
    name: str, layer: Recurrent, tape: Tape, mask: np.ndarray | None, m: Multipliers
) -> LayerRun:
    inputs: tuple[Array, ...] = tape.inputs
    return LayerRun(name, layer, run_cell(layer, inputs, mask)[0], m)
