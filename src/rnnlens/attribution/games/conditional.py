"""The forecast for every coalition where what is hidden is filled in from what is shown.

Offers what `rnnlens.engine.stepwise.coalitions.Game` offers, so that methods that ask for the
values of coalitions serve both. What is filled in at an early step depends on what is shown at
later ones: coalitions share no states, and each costs T cell evaluations a recurrent layer, window
and draw.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from rnnlens.attribution.baselines.baseline import Array
from rnnlens.attribution.baselines.conditional import GaussianConditional
from rnnlens.attribution.baselines.masks import real_steps
from rnnlens.attribution.games.mixing import flat_steps, mixed_runs
from rnnlens.engine.forward import Run
from rnnlens.engine.recurrent_layers import cells_of
from rnnlens.engine.stepwise.coalitions import CellCounter
from rnnlens.engine.stepwise.players import Players
from rnnlens.errors import DataError

__all__ = ["MOST_PLAYERS", "ConditionalGame"]

#: Players whose coalitions are all run: 2^14 windows each, without shared beginnings.
MOST_PLAYERS = 14
#: Numbers that the windows of one block of coalitions may hold: 64 MB.
NUMBERS = 8_000_000


@dataclass(frozen=True, eq=False)
class ConditionalGame:
    """What a network forecasts where hidden inputs are filled in from what is shown.

    Parameters
    ----------
    windows : Run
        The run of the windows.
    baseline : GaussianConditional
        Fills in.
    of : str
        The input that is hidden; the others keep their values.
    value : callable
        From the network's outputs to one number a row.
    counter : CellCounter
        Counts cell evaluations.

    Raises
    ------
    DataError
        If the network masks a step of a window.
    """

    windows: Run
    baseline: GaussianConditional
    of: str
    value: Callable[[tuple[Array, ...]], Array]
    counter: CellCounter = field(default_factory=CellCounter)

    def __post_init__(self) -> None:
        real = real_steps(self.windows, self.of)
        if real is not None and not real.all():
            raise DataError(
                "the conditional baseline needs windows without padding, but the network masks "
                f"{int((~real).sum())} steps: choose an interventional baseline"
            )

    @property
    def x(self) -> Array:
        """The windows (sample, step, ...)."""
        return self.windows.value((self.of, 0))

    def evaluate_all(self, parts: Players) -> Array:
        """Evaluate all coalitions of players: (2 ** players, sample)."""
        if parts.carried:
            raise DataError(
                "the conditional baseline has no distribution of a carried state: choose an "
                "interventional baseline"
            )
        if parts.count > MOST_PLAYERS:
            raise DataError(
                f"the conditional tree takes up to {MOST_PLAYERS} players, but {parts.count} came: "
                "ask for fewer newest lags, or use method 'permutation'"
            )
        bits = (np.arange(1 << parts.count)[:, None] >> np.arange(parts.count) & 1).astype(bool)
        return self.evaluate(bits[:, parts.owner]).T

    def evaluate(self, masks: NDArray[np.bool_]) -> Array:
        """Evaluate given coalitions for every window.

        Shapes: masks (coalition, step) or (coalition, step, feature) of bool -> (sample,
        coalition).
        """
        x = flat_steps(self.x)
        draws = max(1, self.baseline.draws)
        size = max(1, NUMBERS // (x.size * draws))
        blocks = [
            self._block(x, masks[start : start + size], draws)
            for start in range(0, len(masks), size)
        ]
        return np.concatenate(blocks, axis=1) if blocks else np.empty((len(x), 0))

    def _block(self, x: Array, masks: NDArray[np.bool_], draws: int) -> Array:
        filled = self.baseline.stand_in(x, masks)
        variants = len(masks) * draws
        filled = filled.reshape(len(x), variants, *x.shape[1:])
        values = np.empty((len(x), variants))

        def mix(which: NDArray[np.int64], variant: NDArray[np.int64]) -> Array:
            return filled[which, variant]

        for which, variant, run in mixed_runs(self.windows, self.of, variants, mix):
            values[which, variant] = self.value(run.outputs)
        recurrent = cells_of(self.windows.network)
        self.counter.add(values.size * x.shape[1] * recurrent)
        return values.reshape(len(x), len(masks), draws).mean(axis=2)
