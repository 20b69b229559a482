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
from rnnlens.bulk.records import SKETCH, Record, keep, sketch_of
from rnnlens.bulk.sensitivity import Slopes, slopes_of
from rnnlens.bulk.sketches import Group, Sketch, content_of, groups_of
from rnnlens.bulk.upkeep.files import checksum_of, put
from rnnlens.engine.device.choice import named, placed
from rnnlens.engine.schedule.context import kernels
from rnnlens.engine.schedule.threads import one_thread

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from rnnlens.attribution.target import ResolvedTarget

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
        What is kept of its contributions for the summary, by grouping, group and target.
    """

    arrays: dict[str, NDArray[Any]]
    windows: int
    sketches: Mapping[Group, Sketch]


def answer(job: Job, number: int) -> Answer:
    """Explain the windows that end in a block, on one thread: the same bits on any number."""
    block, settings = job.manifest.grid.block(number), job.manifest.settings
    found = job.cutter.windows(block)
    steps, features = job.cutter.sidecar.window, found.values.shape[2]
    variable, *of_a_window = written_by(job.manifest)
    along = tuple(map(len, job.manifest.along.values()))
    whole = (*block.shape, *along)
    arrays: dict[str, NDArray[Any]] = {name: np.full(whole, np.nan) for name in of_a_window}
    whole = (*block.shape, steps, features, *along)
    arrays[variable] = np.full(whole, np.nan, settings["dtype"])
    kept: dict[Group, Sketch] = {}
    if not len(found.values):
        return Answer(arrays, 0, kept)
    groups = groups_of(job.cutter, block, found, tuple(settings["by"]))
    for place, (at, target) in enumerate(zip(np.ndindex(along), job.targets, strict=True)):
        made = answered(job, found.values, target)
        for name, array in arrays.items():
            array[..., *at][found.stations, found.rows] = getattr(made, name)
        slopes = slopes_of(job, found.values, target) if settings["memory"] else None
        for group, which in groups.items():
            own = None if slopes is None else Slopes.of(slopes[which], found.values[which])
            kept[*group, place] = Sketch.of(getattr(made, variable)[which], own)
    return Answer(arrays, len(found.values), kept)


def answered(job: Job, windows: NDArray[np.float64], target: ResolvedTarget) -> MethodArrays:
    """Explain a target of windows on one thread.

    Shapes: windows (sample, step, feature), in the network's own units.
    """
    settings = job.manifest.settings
    values = windows.astype(job.effort.precision, copy=False)
    of, shape = settings["of"], settings["input_shape"]
    question = Question(
        network=job.network,
        inputs={of: values.reshape(len(values), *shape)},
        of=of,
        target=target,
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
    checksums = write_block(out, grid, block, made.arrays)
    place, content = sketch_of(out, number), content_of(made.sketches)
    place.parent.mkdir(parents=True, exist_ok=True)
    put(place, content)
    stations, rows = block.shape
    record = Record(
        number,
        made.windows,
        stations * rows - made.windows,
        round(time.perf_counter() - began, 4),
        checksums | {SKETCH: checksum_of(content[:-4], content[-4:])},
    )
    keep(out, record)
    return record


def do_anywhere(out: str, archive: str, identity: str, number: int) -> Record:
    """Do a block in whatever process this is, which reads the job from the result's folder."""
    return do(load(out, archive, identity), Path(out), number)
