"""Which number of an output is meant by a target and a horizon, where names for them are known."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from math import prod
from typing import TYPE_CHECKING

import numpy as np

from rnnlens.arguments import did_you_mean
from rnnlens.errors import DataError

if TYPE_CHECKING:
    from rnnlens.series.windows import Windows

__all__ = ["Outputs", "numbered", "place_of_target"]


@dataclass(frozen=True, eq=False)
class Outputs:
    """The numbers that an output gives a sample.

    Parameters
    ----------
    whole : tuple of int
        Shape of the output: none for one number, (target,), (horizon, target) or (horizon, target,
        quantile); further axes of one number each are passed over.
    windows : Windows, optional
        What names them.
    """

    whole: tuple[int, ...]
    windows: Windows | None

    @cached_property
    def _axes(self) -> tuple[int, ...]:
        """The lengths of the axes, without those of one number that come last."""
        axes = self.whole
        while len(axes) > 2 and axes[-1] == 1:
            axes = axes[:-1]
        return axes

    @cached_property
    def shape(self) -> tuple[int, ...]:
        """The shape with targets, and their quantiles, along the last axis."""
        axes = self._axes or (1,)
        return axes if len(axes) < 3 else (axes[0], prod(axes[1:]))

    @property
    def quantiles(self) -> int:
        """Numbers that each target is given as, along an axis of their own: 1 where it is one."""
        return self._axes[2] if len(self._axes) == 3 else 1

    def _index(self, place: tuple[int, ...]) -> tuple[int, ...]:
        """Give where a number of `shape` is in the output as it is."""
        if not self.whole:
            return ()
        if len(self._axes) == 3:
            place = (place[0], *divmod(place[1], self.quantiles))
        return (*place, *(0,) * (len(self.whole) - len(place)))

    @cached_property
    def names(self) -> tuple[str, ...]:
        """What the targets are called, those along the last axis where horizons have an axis."""
        count = self.shape[-1]
        if self.windows is None:
            if self.quantiles > 1:
                targets = range(count // self.quantiles)
                return tuple(
                    f"output {k} (quantile {q})" for k in targets for q in range(self.quantiles)
                )
            return tuple(f"output {k}" for k in range(count))
        names = self._sources if self._stepwise else self.windows.targets
        if self.quantiles > 1 and len(names) * self.quantiles == count:
            return tuple(f"{n} (quantile {k})" for n in names for k in range(self.quantiles))
        if len(names) != count:
            many = f"{len(names)} target{'' if len(names) == 1 else 's'}"
            steps = count // len(names) if names and count % len(names) == 0 else 1
            as_steps = f", with horizons = {steps} where {steps} are future steps of one"
            raise DataError(
                f"the sidecar names {many} ({', '.join(names)}), but the network gives {count}: "
                "list the network's outputs in its order under [targets]"
                f"{as_steps if steps > 1 else ''}"
            )
        return names

    @property
    def steps(self) -> int:
        """Future steps along an axis of their own: 1 where there is none."""
        return self.shape[-2] if len(self.shape) > 1 else 1

    @property
    def _sources(self) -> tuple[str, ...]:
        return () if self.windows is None else tuple(dict.fromkeys(self.windows.sources))

    @property
    def _leads(self) -> tuple[int, ...]:
        """The leads along the axis of horizons, as targets state them; empty where they do not."""
        if self.windows is None or self.steps == 1:
            return ()
        pairs = list(zip(self.windows.sources, self.windows.leads, strict=True))
        leads = tuple(dict.fromkeys(lead for _, lead in pairs))
        every = {(source, lead) for source in self._sources for lead in leads}
        count = self.steps * self.shape[-1] // self.quantiles
        whole = len(pairs) == len(every) == count and set(pairs) == every
        return leads if whole else ()

    @property
    def _stepwise(self) -> bool:
        """Whether targets state the horizons that the output has an axis of."""
        return bool(self._leads)

    def horizons(self, name: str | int | None) -> tuple[int | None, ...]:
        """List the horizons of a target: along their axis, or targets that are of one variable."""
        if len(self.shape) > 1 and self.steps > 1:
            return self._leads or tuple(range(1, self.steps + 1))
        if self.windows is None or not isinstance(name, str | None):
            return (None,)
        named = self._sources[0] if name is None and len(self._sources) == 1 else name
        leads = [
            lead
            for source, lead in zip(self.windows.sources, self.windows.leads, strict=True)
            if source == named
        ]
        return tuple(leads) if named not in self.windows.targets and leads else (None,)

    def called(self, name: str | int | None) -> str:
        """Say what a target is called, whatever its horizon."""
        if isinstance(name, str) and name in self._sources:
            return name
        return self.names[place_of_target(name, self.names)]

    def find(
        self, name: str | int | None, horizon: int | None
    ) -> tuple[tuple[int, ...], str, int | None]:
        """Give the index of a number, what it is called, and its place among named targets."""
        if len(self._axes) > 3:
            raise DataError(
                f"the network's output has shape {self.whole} a sample; rnnlens explains outputs "
                "of shape (target,), (horizon, target) or (horizon, target, quantile)"
            )
        names = self.names
        if self.steps == 1:
            place = self._of_variable(name, horizon) if self.quantiles == 1 else None
            if place is None:
                place = place_of_target(name, names)
                self._refuse_horizon(place, horizon)
            index = (place,) if len(self.shape) == 1 else (0, place)
            known = None if self.windows is None else place // self.quantiles
            return self._index(index), names[place], known
        place = place_of_target(name, names)
        row = self._row(horizon)
        index = self._index((row, place))
        if self.windows is None or not self._stepwise:
            known = place // self.quantiles if self.windows is not None else None
            return index, f"{names[place]} (horizon {horizon})", known
        pairs = list(zip(self.windows.sources, self.windows.leads, strict=True))
        source = self._sources[place // self.quantiles]
        known = pairs.index((source, self._leads[row]))
        title = self.windows.targets[known]
        if self.quantiles > 1:
            title = f"{title} (quantile {place % self.quantiles})"
        return index, title, known

    def _of_variable(self, name: str | int | None, horizon: int | None) -> int | None:
        """Find a target by its variable and its lead, where several targets are of one variable."""
        windows = self.windows
        if windows is None or (name is None and horizon is None):
            return None
        if name is None and len(self._sources) == 1 and len(windows.targets) > 1:
            name = self._sources[0]
        if name in windows.targets or name not in windows.sources:
            return None
        leads = {
            lead: place
            for place, (source, lead) in enumerate(zip(windows.sources, windows.leads, strict=True))
            if source == name
        }
        if horizon is None and len(leads) == 1:
            return next(iter(leads.values()))
        if horizon not in leads:
            raise DataError(
                f"{name} is forecast {', '.join(map(str, leads))} steps ahead: give one of them "
                "with Target(horizon=) (--horizon)"
                + ("" if horizon is None else f", not {horizon}")
            )
        return leads[horizon]

    def _refuse_horizon(self, place: int, horizon: int | None) -> None:
        own = None if self.windows is None else self.windows.lead_of(place)
        if horizon not in {None, 1, own}:
            raise DataError(f"the network forecasts one step, but horizon {horizon} was asked for")

    def _row(self, horizon: int | None) -> int:
        """Give the place of a horizon along its axis."""
        there = self._leads or tuple(range(1, self.steps + 1))
        if horizon not in there:
            which = (
                f"a horizon from 1 to {self.steps}"
                if there == tuple(range(1, self.steps + 1))
                else f"one of the horizons {', '.join(map(str, there))}"
            )
            raise DataError(
                f"the network forecasts {self.steps} steps: give {which} "
                "with Target(horizon=) (--horizon)"
                + ("" if horizon is None else f", not {horizon}")
            )
        return there.index(horizon)


def place_of_target(name: str | int | None, names: tuple[str, ...]) -> int:
    """Find a target among those that there are, by its name or its number."""
    if name is None:
        if len(names) == 1:
            return 0
        raise DataError(
            f"the network forecasts {len(names)} targets: name one of {', '.join(names)}"
        )
    if isinstance(name, str) and name in names:
        return names.index(name)
    # a number is typed as a text
    typed = int(name) if isinstance(name, str) and name.isdecimal() else name
    if isinstance(typed, int | np.integer) and 0 <= typed < len(names):
        return int(typed)
    raise DataError(
        f"no target is called {name!r}{did_you_mean(name, names)}: give one of {', '.join(names)}"
    )


def numbered(windows: Windows, shape: tuple[int, ...]) -> Windows:
    """Give windows that nothing names as many numbered targets as the output has."""
    from rnnlens.series.scaling import Scaling

    count = shape[-1] if shape else 1
    if len(windows.targets) == count and len(shape) == 1:
        return windows
    return replace(
        windows,
        targets=tuple(f"output {k}" for k in range(count)),
        target_units=("-",) * count,
        target_scaling=Scaling([0.0] * count, [1.0] * count),
        actual=None,
        leads=(windows.lead,) * count,
        sources=tuple(f"output {k}" for k in range(count)),
        target_times=None,
    )
