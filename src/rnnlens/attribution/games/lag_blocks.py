"""Which lags are hidden one by one, and which in blocks where one by one would take too long.

Hiding each of F features at each of T lags alone takes ``F T^2 / 2`` cell evaluations a window,
which grows with all three. Beyond a budget the newest lags, as many as fit, are hidden one by one,
and older ones in blocks, each as long as all newer lags together: what a feature does there is
asked of a block as a whole, and nothing is left out. Which these are is known before anything is
run, and the same on every machine.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from rnnlens.attribution.games.costs import games_per_window, step_cost, usual_cells
from rnnlens.attribution.games.one_step import FEWEST_STEPS
from rnnlens.attribution.question import Question
from rnnlens.engine.recurrent_layers import cells_of
from rnnlens.engine.stepwise.narrow import narrow_share, only_layer
from rnnlens.engine.stepwise.split import split_by_step
from rnnlens.errors import DataError
from rnnlens.names import counted, told

__all__ = ["LagBlocks", "lag_blocks", "refuse_blocks"]

#: Evaluations of usual cells that all windows take where nothing else is said, and that any window
#: with a background may take: some seconds on two processors, and half of one.
ALL_WINDOWS, ONE_WINDOW = 20_000_000, 1_000_000
#: Lags that are hidden one by one whatever that takes, where nothing else is said.
FEWEST = 12


@dataclass(frozen=True)
class LagBlocks:
    """Lags that are hidden together.

    Parameters
    ----------
    spans : tuple of tuple of int
        The first and the last lag of each block, newest first.
    why : str
        Why older lags stand together; empty where none do, or where that was asked for.
    """

    spans: tuple[tuple[int, int], ...]
    why: str = ""

    def of_steps(self, steps: int) -> tuple[tuple[int, int], ...]:
        """Give the first step of each block and the one after its last, oldest first."""
        return tuple((steps - last, steps - first + 1) for first, last in self.spans[::-1])


def lag_blocks(question: Question, budget: int | None = None) -> LagBlocks:
    """Say which lags are hidden together, features one by one; budget in cell evaluations."""
    steps = question.steps
    if question.layout is not None:  # whose rows are no lags
        refuse_blocks(question, budget, "of several inputs")
        return LagBlocks(_spans(steps, steps))
    cost = _Cost(question)
    allowed = cost.allowed if budget is None else budget
    if question.newest is not None:
        newest = min(question.newest, steps)
    elif budget is None:
        newest = max(cost.fitting(allowed), min(FEWEST, steps))
    else:
        newest = cost.fitting(allowed) or cost.cheapest
    if budget is not None and cost(newest) > budget:
        lags = counted(newest, "the newest lag", "the {count} newest lags")
        raise DataError(
            f"hiding each feature at {lags} one by one, and older lags in blocks, takes "
            f"{cost(newest):,} cell evaluations, beyond the budget of {budget:,}: give fewer "
            "windows or a larger budget"
        )
    if newest == steps or question.newest is not None:
        return LagBlocks(_spans(newest, steps))
    why = told(
        "{lags} one by one, older ones in blocks as long as all newer lags together: each feature "
        "at each of {steps} lags alone would take {cells:,} cell evaluations, beyond the budget of "
        "{budget:,}",
        lags=counted(newest, "the newest lag", "the {count} newest lags"),
        steps=steps,
        cells=cost(steps),
        budget=allowed,
    )
    return LagBlocks(_spans(newest, steps), why)


def refuse_blocks(question: Question, budget: int | None, where: str) -> None:
    """Refuse what would be left unheard where each lag is hidden by itself."""
    if question.newest is not None or budget is not None:
        raise DataError(
            f"method 'occlusion' hides each lag {where} by itself, whatever that takes: leave "
            "newest and the budget out"
        )


def _spans(newest: int, steps: int) -> tuple[tuple[int, int], ...]:
    """Give the blocks where so many lags stand by themselves."""
    return (*((lag, lag) for lag in range(1, newest + 1)), *_blocks(newest, steps))


def _blocks(newest: int, steps: int) -> list[tuple[int, int]]:
    """Give the blocks of all older lags."""
    blocks, end = [], newest
    while end < steps:
        blocks.append((end + 1, min(2 * end, steps)))
        end = blocks[-1][1]
    return blocks


@dataclass(frozen=True)
class _Cost:
    """What hiding takes, where some of the newest lags are hidden one by one."""

    question: Question

    @cached_property
    def _games(self) -> int:
        asked = self.question
        return max(1, asked.windows) * games_per_window(asked.stand_in)

    @cached_property
    def _shared(self) -> bool:
        asked = self.question
        step = step_cost(asked.network, asked.stand_in, of=asked.of)
        return asked.steps >= FEWEST_STEPS and step.shared

    @cached_property
    def _layers(self) -> int:
        return cells_of(self.question.network)

    @cached_property
    def _usual(self) -> float:
        return usual_cells(self.question.network)

    @cached_property
    def _runs(self) -> int:
        """How many runs hide a lag or a block: windows with a background, by feature and layer."""
        return self._games * len(self.question.columns.free) * self._layers

    @cached_property
    def _reading(self) -> tuple[float, float]:
        """The part of a cell evaluation that reads what is hidden, and that reads nothing."""
        asked = self.question
        nothing = usual_cells(asked.network, reads=False) / self._usual
        split = split_by_step(asked.network, asked.of)
        alone = split is not None and only_layer(split, asked.of) is not None
        share = narrow_share(asked.features) if alone else 1.0
        return nothing + (1 - nothing) * share, nothing

    @property
    def allowed(self) -> int:
        """The cell evaluations where nothing else is said."""
        usual = max(ALL_WINDOWS, ONE_WINDOW * self._games)
        return int(self._layers * usual / self._usual)

    def fitting(self, allowed: int) -> int:
        """Give the most lags that can be hidden one by one within so many cell evaluations."""
        fit = (n for n in range(self.question.steps, 0, -1) if self(n) <= allowed)
        return next(fit, 0)

    @property
    def cheapest(self) -> int:
        """The number of lags hidden one by one that takes the least."""
        return min(range(1, self.question.steps + 1), key=self)

    def __call__(self, newest: int) -> int:
        """Count the cell evaluations of all windows."""
        steps = self.question.steps
        blocks = _blocks(newest, steps)
        if not self._shared:
            return self._runs * steps * (newest + len(blocks))
        # what a step reads is worked out once for all runs but those of which it is hidden
        hidden, nothing = self._reading
        after = newest * (newest - 1) // 2 + sum(first - 1 for first, _ in blocks)
        return int(self._runs * (newest + hidden * (steps - newest) + nothing * after))
