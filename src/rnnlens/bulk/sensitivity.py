"""How the forecast's derivative is spread over lags, as sums that add up block by block.

The mean size of the derivative at each lag, times the input's standard deviation, is what
`rnnlens.memory` gives of the windows in memory. Sizes add up; so do deviations, given means and
numbers, each about its own mean.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from rnnlens.dynamics.memory.jacobian_profile import slopes_by_lag
from rnnlens.dynamics.memory.question import MemoryQuestion
from rnnlens.engine.schedule.threads import one_thread

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from rnnlens.attribution.target import ResolvedTarget
    from rnnlens.bulk.job import Job

__all__ = ["Slopes", "slopes_of"]

#: What is kept of each group, by the name of its field.
FIELDS = ("count", "sizes", "mean", "squares")


@dataclass(frozen=True, eq=False)
class Slopes:
    """What is kept of the derivatives of some forecasts, and of the windows that they are at.

    Parameters
    ----------
    windows : int
        How many.
    count : int
        Steps in all of them.
    sizes : array (lag, feature)
        Sums of the derivatives' absolute values.
    mean, squares : array (feature,)
        Of the inputs over windows and steps: the mean, and the sum of squares about it.
    """

    windows: int
    count: int
    sizes: NDArray[np.float64]
    mean: NDArray[np.float64]
    squares: NDArray[np.float64]

    @classmethod
    def of(cls, slopes: NDArray[Any], values: NDArray[Any]) -> Slopes:
        """Sketch derivatives (sample, lag, feature) at windows (sample, step, feature)."""
        flat = values.reshape(-1, slopes.shape[2]).astype(np.float64, copy=False)
        mean = flat.mean(axis=0)
        squares = ((flat - mean) ** 2).sum(axis=0)
        sizes = np.abs(slopes.astype(np.float64, copy=False)).sum(axis=0)
        return cls(len(slopes), len(flat), sizes, mean, squares)

    def __add__(self, other: Slopes) -> Slopes:
        """Sketch both together."""
        count = self.count + other.count
        apart = other.mean - self.mean
        return Slopes(
            self.windows + other.windows,
            count,
            self.sizes + other.sizes,
            self.mean + apart * (other.count / count),
            self.squares + other.squares + apart**2 * (self.count * other.count / count),
        )

    @property
    def sensitivity(self) -> NDArray[np.float64]:
        """Mean size of the derivative times the input's standard deviation: (lag, feature)."""
        return self.sizes / self.windows * np.sqrt(self.squares / self.count)

    def kept(self, number: int) -> dict[str, Any]:
        """Give what is kept of a group by its number, as arrays."""
        return {f"{name} {number}": np.asarray(getattr(self, name)) for name in FIELDS}

    @classmethod
    def read(cls, kept: Mapping[str, Any], number: int, windows: int) -> Slopes | None:
        """Read a group back; None where no derivatives were asked for."""
        if f"sizes {number}" not in kept:
            return None
        count, *sums = (kept[f"{name} {number}"] for name in FIELDS)
        return cls(windows, int(count), *sums)


def slopes_of(
    job: Job, windows: NDArray[np.float64], target: ResolvedTarget
) -> NDArray[np.float64]:
    """Differentiate the forecasts of a target on one thread.

    Shapes: windows (sample, step, feature) -> (sample, lag, feature).
    """
    of, shape = job.manifest.settings["of"], job.manifest.settings["input_shape"]
    question = MemoryQuestion(
        network=job.network,
        inputs={of: windows.astype(job.effort.precision, copy=False).reshape(-1, *shape)},
        of=of,
        value=target.pick,
        weight=target.weight,
        histories=np.arange(0),
        kept=np.array([1]),
    )
    with one_thread():
        return slopes_by_lag(question)
