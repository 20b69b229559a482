"""What is asked of a network: which number, of which windows, against what.

A question is made once, where a verb has checked what it was given, and handed down as it is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from rnnlens.attribution.baselines.baseline import Array, Baseline
from rnnlens.attribution.baselines.conditional import GaussianConditional, refuse_conditional
from rnnlens.attribution.baselines.masks import real_steps
from rnnlens.attribution.games.players import Columns, Members, PlayerGroups, columns_of
from rnnlens.attribution.joined import Layout
from rnnlens.attribution.target import ResolvedTarget
from rnnlens.engine.forward import Run, States, inputs_of, states_of
from rnnlens.engine.schedule.plan import chunks, few_at_once
from rnnlens.engine.schedule.progress import Progress
from rnnlens.engine.stepwise.players import Players, lag_players
from rnnlens.network.network import Network

__all__ = ["AnyBaseline", "Progress", "Question"]

#: Either kind of baseline: windows that stand in, or what the data imply of what is shown.
AnyBaseline = Baseline | GaussianConditional


@dataclass(frozen=True, eq=False, kw_only=True)
class Question:
    """What is explained, and against what.

    Parameters
    ----------
    network : Network
        The network.
    inputs : mapping of str to array (sample, ...)
        From `rnnlens.engine.forward.entries`, in the network's own units.
    of : str
        The input that is explained, which may hold several; the others keep their values.
    target : ResolvedTarget
        Which number of the output is explained, and in what unit.
    baseline : Baseline or GaussianConditional, optional
        What stands in for hidden inputs; none for methods that hide nothing.
    groups : PlayerGroups, optional
        Lags and features that stand together.
    newest : int, optional
        Lags that are players of their own; the method's own number where not given.
    initial_state : mapping of str to sequence of array (sample, unit), optional
        States carried into the windows, by recurrent layer: a player of their own.
    layout : Layout, optional
        The inputs that stand in the one that is explained, where these are several or have no
        steps.
    """

    network: Network
    inputs: Mapping[str, Array]
    of: str
    target: ResolvedTarget
    baseline: AnyBaseline | None = None
    groups: PlayerGroups | None = None
    newest: int | None = None
    initial_state: States | None = None
    layout: Layout | None = None

    @property
    def x(self) -> Array:
        """The windows as (sample, step, feature)."""
        array = self.inputs[self.of]
        return array.reshape(*array.shape[:2], -1)

    @property
    def windows(self) -> int:
        """How many windows there are."""
        return len(self.inputs[self.of])

    @property
    def steps(self) -> int:
        """How many steps a window has."""
        return self.inputs[self.of].shape[1]

    @property
    def features(self) -> int:
        """How many features a step has."""
        return self.x.shape[2]

    @property
    def carried(self) -> bool:
        """Whether a state is carried into the windows."""
        return self.initial_state is not None

    @property
    def lag_groups(self) -> Mapping[str, tuple[int, ...]] | None:
        """The lags that stand together, by the group's name; none where nothing is grouped."""
        return None if self.groups is None else self.groups.lags

    def players(self, newest: int) -> Players:
        """Give who plays, where so many lags of every sequence are players of their own."""
        if self.layout is None:
            return lag_players(self.steps, newest, self.lag_groups, carried=self.carried)
        return self.layout.players(newest, carried=self.carried)

    def members(self, unions: Players) -> tuple[Members, ...]:
        """Give who plays inside each union: features, and named groups of them."""
        columns = self.columns
        if self.layout is None:
            one = Members(columns.masks(self.features), columns.free)
            return (one,) * len(unions.blocks)
        baseline = self.stand_in
        kept = baseline.kept if isinstance(baseline, Baseline) else None
        return self.layout.members(unions, kept)

    @property
    def stand_in(self) -> AnyBaseline:
        """The baseline, for methods that hide something."""
        assert self.baseline is not None, "a method that hides inputs is asked with a baseline"
        return self.baseline

    @property
    def columns(self) -> Columns:
        """The features, laid out as columns: those that stand together, and the others."""
        return columns_of(self.groups, self.features, self.stand_in.held)

    def one_window(self, method: str) -> Baseline:
        """Give the baseline of a method that compares with whole windows, or refuse another."""
        if isinstance(self.stand_in, GaussianConditional):
            refuse_conditional(method)
        return self.stand_in

    def replaced(self, x0: Array) -> dict[str, Array]:
        """Give the inputs with other windows: x0 (sample, step, feature)."""
        return {**self.inputs, self.of: x0.reshape(self.inputs[self.of].shape)}

    def stand_ins(self, run: Run, into: Array | None = None) -> Iterator[Array]:
        """Give what the network sees where everything is hidden that can be, by background.

        Shapes: gives (sample, step, feature) each, written `into` an array where one is given;
        masked steps keep the run's own values.
        """
        baseline = self.stand_in
        assert isinstance(baseline, Baseline), "only windows stand in for whole windows"
        x, real = self.x, real_steps(run, self.of)
        for number in range(len(baseline.windows)):
            yield baseline.stand_in(x, real, number, into)

    def beside_backgrounds(self, *, runs: int) -> Iterator[Question]:
        """Ask the same of few windows beside several backgrounds at a time.

        A question that is given holds all windows once a background, background by background, and
        each of them has one; where there are many windows it is this question, with every
        background. What is computed for a window does not depend on those beside it.
        """
        baseline, count = self.stand_in, self.windows
        assert isinstance(baseline, Baseline), "only windows stand in for whole windows"
        abreast = few_at_once(self.network, self.inputs, runs=runs) // max(count, 1)
        if min(abreast, len(baseline.windows)) <= 1:
            yield self
            return
        alone = replace(self, baseline=None)
        for first in range(0, len(baseline.windows), abreast):
            windows = baseline.windows[first : first + abreast]
            each = np.concatenate([np.broadcast_to(w, self.x.shape) for w in windows])
            many = alone.part(np.tile(np.arange(count), len(windows)))
            yield many.against(replace(baseline, windows=(each,)))

    def states(self) -> dict[str, list[Array]]:
        """Give the carried states in float64, (sample, unit) each; none where none is carried."""
        return {
            name: [np.asarray(state, np.float64) for state in states]
            for name, states in (self.initial_state or {}).items()
        }

    def newest_or(self, usual: int) -> int:
        """Give the lags that are players of their own, the method's own number where not asked."""
        return usual if self.newest is None else self.newest

    def part(self, samples: slice | NDArray[np.int64]) -> Question:
        """Ask the same of some of the windows."""
        baseline = self.baseline
        return replace(
            self,
            inputs=inputs_of(self.inputs, samples),
            baseline=baseline.part(samples) if isinstance(baseline, Baseline) else baseline,
            initial_state=states_of(self.states(), samples) if self.carried else None,
        )

    def parts(self, *, runs: int) -> Iterator[Question]:
        """Ask the same of as many windows at a time as memory allows in so many runs."""
        for chunk in chunks(self.network, self.inputs, runs=runs):
            yield self.part(chunk)

    def against(self, baseline: AnyBaseline) -> Question:
        """Ask the same against another baseline."""
        return replace(self, baseline=baseline)

    def in_single_precision(self) -> Question:
        """Ask the same of inputs in single precision, those that are whole numbers as they are."""
        inputs = {
            name: array.astype(np.float32) if array.dtype.kind == "f" else array
            for name, array in self.inputs.items()
        }
        return replace(self, inputs=inputs)

    def with_newest(self, newest: int) -> Question:
        """Ask the same with so many lags as players of their own."""
        return replace(self, newest=newest)
