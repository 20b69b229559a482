"""What explaining an archive will take, before it is done: some windows are explained to see."""

from __future__ import annotations

import time
from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np

from rnnlens.api.shared.archives.laying_out import layout_of
from rnnlens.bulk.methods import written_by
from rnnlens.bulk.sensitivity import slopes_of
from rnnlens.bulk.work import answered
from rnnlens.engine.schedule.threads import threads
from rnnlens.names import told

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from rnnlens.api.shared.archives.planning import Plan
    from rnnlens.bulk.job import Job
    from rnnlens.bulk.options import Runner

__all__ = ["ArchiveEstimate", "expected_archive"]

#: Windows that are explained to see how long they take.
TIMED = 1024
#: Bytes that Python and the libraries take, about.
LIBRARIES = 350_000_000
#: Copies of a block's windows, in float64, while it is cut and explained.
COPIES = 5


@dataclass(frozen=True)
class ArchiveEstimate:
    """What an archive will take.

    Parameters
    ----------
    rows, blocks : int
        Of the whole archive.
    rate : float
        Windows a second of one thread.
    at_once : int
        Blocks that are explained at the same time.
    seconds : float
        Of this runner, for its part.
    memory, disk : int
        Bytes that a process takes at the most, and that the result will take.
    """

    rows: int
    blocks: int
    rate: float
    at_once: int
    seconds: float
    memory: int
    disk: int

    @property
    def facts(self) -> dict[str, object]:
        """The same by name, for people."""
        return {
            told("rows"): self.rows,
            told("blocks"): self.blocks,
            told("rows a second and thread"): round(self.rate),
            told("blocks at once"): self.at_once,
            told("seconds"): round(self.seconds, 1),
            told("bytes of memory"): self.memory,
            told("bytes on the disk"): self.disk,
        }


def _taken(job: Job, values: NDArray[Any]) -> float:
    """Explain windows, and give the seconds that it took."""
    began = time.perf_counter()
    for target in job.targets:
        answered(job, values, target)
        if job.manifest.settings["memory"]:
            slopes_of(job, values, target)
    return time.perf_counter() - began


def expected_archive(plan: Plan, runner: Runner) -> ArchiveEstimate:
    """Explain some windows of an archive to see what all of them will take."""
    job, grid = plan.job, plan.job.manifest.grid
    variable, *others = written_by(job.manifest)
    values = plan.case.inputs[plan.case.of][:TIMED]
    # kernels may have to be compiled for the first
    rate = len(values) / min(_taken(job, values) for _ in range(2))
    own = runner.workers is not None or runner.scheduler is not None
    at_once = (runner.workers or 1) if own else threads()
    layout = layout_of(plan)
    whole, chunk = layout.shapes(layout.variables[variable].axes)
    size = np.dtype(layout.variables[variable].dtype).itemsize
    targets = len(job.targets)
    numbers = grid.block_stations * grid.block_rows * prod(values.shape[1:])
    block = numbers * 8 * COPIES + prod(chunk) * (size + 8)
    return ArchiveEstimate(
        rows=grid.windows,
        blocks=grid.count,
        rate=rate,
        at_once=at_once,
        seconds=grid.windows / runner.part.of / rate / at_once,
        memory=LIBRARIES + (1 if own else at_once) * block,
        disk=prod(whole) * size + grid.windows * 8 * len(others) * targets,
    )
