"""One block: a pure function of the network, the settings, the archive and the block."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from rnnlens.attribution.question import Question
from rnnlens.attribution.runners import MethodArrays, MethodOptions, run_method
from rnnlens.bulk.arrays import write_block
from rnnlens.bulk.job import Job, load
from rnnlens.bulk.methods import written_by
from rnnlens.bulk.records import SKETCH, Record, checksums, keep, sketch_of
from rnnlens.bulk.sensitivity import slopes_of
from rnnlens.bulk.sketches import Sketch, content_of, sketches
from rnnlens.bulk.upkeep.files import put
from rnnlens.engine.device.choice import named, placed
from rnnlens.engine.schedule.context import kernels
from rnnlens.engine.schedule.threads import one_thread

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Answer", "answer", "answered", "do", "do_anywhere"]


@dataclass(frozen=True, eq=False)
class Answer:
    """What a block gives.

    Parameters
    ----------
    arrays : dict of str to array (station, row, ...)
        NaN where no window ends.
    windows : int
        How many end in it.
    sketches : mapping
        What is kept of its contributions for the summary, by grouping and group.
    """

    arrays: dict[str, NDArray[Any]]
    windows: int
    sketches: Mapping[tuple[str, str], Sketch]


def answer(job: Job, number: int) -> Answer:
    """Explain the windows that end in a block, on one thread: the same bits on any number."""
    block, settings = job.manifest.grid.block(number), job.manifest.settings
    found = job.cutter.windows(block)
    steps, features = job.cutter.sidecar.window, found.values.shape[2]
    variable, *of_a_window = written_by(job.manifest)
    arrays: dict[str, NDArray[Any]] = {name: np.full(block.shape, np.nan) for name in of_a_window}
    arrays[variable] = np.full((*block.shape, steps, features), np.nan, settings["dtype"])
    kept: Mapping[tuple[str, str], Sketch] = {}
    if len(found.values):
        made = answered(job, found.values)
        for name, array in arrays.items():
            array[found.stations, found.rows] = getattr(made, name)
        slopes = slopes_of(job, found.values) if settings["memory"] else None
        by = tuple(settings["by"])
        kept = sketches(job.cutter, block, found, by, getattr(made, variable), slopes)
    return Answer(arrays, len(found.values), kept)


def answered(job: Job, windows: NDArray[np.float64]) -> MethodArrays:
    """Explain windows on one thread: (sample, step, feature), in the network's own units."""
    settings = job.manifest.settings
    values = windows.astype(job.effort.precision, copy=False)
    of, shape = settings["of"], settings["input_shape"]
    question = Question(
        network=job.network,
        inputs={of: values.reshape(len(values), *shape)},
        of=of,
        target=job.target,
        baseline=job.baseline,
    )
    device = settings["device"]
    there = named(device, f"device {device}") if device else ""
    # whoever goes on with a result computes as whoever began it, whatever was compiled then
    with one_thread(), placed(there), kernels():
        return run_method(settings["method"], question, MethodOptions(effort=job.effort)).arrays


def do(job: Job, out: Path, number: int) -> Record:
    """Explain a block, write it, and keep a record of it."""
    began = time.perf_counter()
    grid = job.manifest.grid
    made, block = answer(job, number), grid.block(number)
    write_block(out, block, made.arrays)
    place = sketch_of(out, number)
    place.parent.mkdir(parents=True, exist_ok=True)
    put(place, content_of(made.sketches))
    stations, rows = block.shape
    record = Record(
        number,
        made.windows,
        stations * rows - made.windows,
        round(time.perf_counter() - began, 4),
        checksums(out, (*made.arrays, SKETCH), grid, number),
    )
    keep(out, record)
    return record


def do_anywhere(out: str, archive: str, identity: str, number: int) -> Record:
    """Do a block in whatever process this is, which reads the job from the result's folder."""
    return do(load(out, archive, identity), Path(out), number)
