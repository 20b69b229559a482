"""What a verb was asked about: a network, its windows, and what their numbers mean."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from rnnlens.api.shared.given.axes import names_within
from rnnlens.api.shared.given.joint.kinds import takes_tokens
from rnnlens.api.shared.given.output_shape import shapes_given
from rnnlens.api.shared.given.outputs import Outputs, place_of_target
from rnnlens.api.shared.given.padding import LAST_STEP, Padding
from rnnlens.api.shared.given.steps import StepsFirst
from rnnlens.arguments import did_you_mean
from rnnlens.attribution.question import Question
from rnnlens.attribution.target import ResolvedTarget
from rnnlens.errors import DataError
from rnnlens.names import counted
from rnnlens.series.windows import Windows

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from rnnlens.attribution.games.players import PlayerGroups
    from rnnlens.attribution.joined import Layout, PlayerInput
    from rnnlens.attribution.question import AnyBaseline
    from rnnlens.engine.forward import States
    from rnnlens.network.network import Network

    Inputs = dict[str, NDArray[np.float64]]

__all__ = ["Case", "NamedTarget", "place_of_target"]


class NamedTarget(NamedTuple):
    """A number of the output, what it is called, and its unit: empty where none is known."""

    resolved: ResolvedTarget
    name: str
    unit: str

    def on_logits(self) -> NamedTarget:
        """Give the same before the last activation, where numbers have no unit of their own."""
        return NamedTarget(replace(self.resolved, scale=1.0, offset=0.0), self.name, "logit")


@dataclass(frozen=True, eq=False)
class Case:
    """A network with checked inputs.

    Parameters
    ----------
    network : Network
        The network.
    inputs : dict of str to array (sample, ...)
        In the network's own units.
    of : str
        The input that holds the windows.
    windows : Windows or None
        Names, units, times and scalings, where they are known.
    padding : Padding or None
        Which steps are real, and where padding was put; None where all steps are real.
    within : tuple of int
        Axes of a step's numbers, where these were laid side by side.
    turned : StepsFirst or None
        How windows that are not (step, feature) as the network takes them were laid out.
    layout : Layout or None
        How several inputs, or one without steps, stand in the input that holds the windows.
    each : mapping of str to Case
        Each of several inputs by itself, the others held.
    held_inputs : tuple of str
        Inputs that keep their values.
    futures : tuple of PlayerInput
        Inputs whose steps are known beforehand, asked about or held.
    before : tuple of Network and dict
        The network and its inputs before several of these were laid into one.
    """

    network: Network
    inputs: dict[str, NDArray[np.float64]]
    of: str
    windows: Windows | None
    padding: Padding | None = None
    within: tuple[int, ...] = ()
    turned: StepsFirst | None = None
    layout: Layout | None = None
    each: Mapping[str, Case] = field(default_factory=dict)
    held_inputs: tuple[str, ...] = ()
    futures: tuple[PlayerInput, ...] = ()
    before: tuple[Network, Inputs] | None = None

    @property
    def unjoined(self) -> tuple[Network, Inputs]:
        """The network and its inputs, each by itself."""
        return (self.network, self.inputs) if self.before is None else self.before

    @property
    def single(self) -> Case | None:
        """The case of the first sequence by itself, which no known future is; None without one."""
        if self.layout is None:
            return self if self.future is None else None
        sequences = [one.name for one in self.layout.inputs if one.lags and not one.future]
        return self.each[sequences[0]] if sequences and self.each else None

    @property
    def future(self) -> PlayerInput | None:
        """The known future that is asked about alone, whose steps are no lags."""
        if self.layout is not None:
            return None
        return next((one for one in self.futures if one.name == self.of), None)

    @property
    def about_inputs(self) -> dict[str, str]:
        """What a result says of the network's inputs: which are explained, and which are held."""
        of = [self.of] if self.layout is None else [one.name for one in self.layout.inputs]
        if len(of) + len(self.held_inputs) < 2:
            return {}
        return {"inputs": ", ".join(of), "held_inputs": ", ".join(self.held_inputs)}

    @property
    def x(self) -> NDArray[np.float64]:
        """The windows as (sample, step, feature)."""
        array = self.inputs[self.of]
        return array.reshape(*array.shape[:2], -1)

    @property
    def real(self) -> NDArray[np.bool_] | None:
        """Which steps are real, (sample, step) of bool; None where all are."""
        return None if self.padding is None else self.padding.real

    @property
    def about_steps(self) -> dict[str, str]:
        """What a result says of its lags: what they count from, and what was left out."""
        if self.future is not None and self.padding is None:
            return {}
        if self.padding is None or self.layout is not None:
            return {"lags_from": LAST_STEP}
        said = {"lags_from": self.padding.lags_from}
        if self.padding.left_out:
            count = self.padding.left_out
            said["padding"] = counted(
                count,
                "{count} step that is padding in all windows left out",
                "{count} steps that are padding in all windows left out",
            )
        return said

    def some(self, samples: NDArray[np.int64]) -> Case:
        """Give the case of some of the windows."""
        return replace(
            self,
            each={name: one.some(samples) for name, one in self.each.items()},
            before=None
            if self.before is None
            else (self.before[0], {n: a[samples] for n, a in self.before[1].items()}),
            inputs={name: array[samples] for name, array in self.inputs.items()},
            windows=None if self.windows is None else self.windows.select(samples),
            padding=None if self.padding is None else self.padding.part(samples),
        )

    @cached_property
    def features(self) -> tuple[str, ...]:
        """Names of the features, numbered where they have none."""
        if self.layout is not None and self.each:
            return tuple(f"number {k}" for k in range(self.x.shape[2]))
        if self.windows is not None:
            return self.windows.features
        if self.within:
            return names_within(self.within)
        return tuple(f"feature {k}" for k in range(self.x.shape[2]))

    @cached_property
    def tokens(self) -> bool:
        """Whether the windows hold tokens and no quantities."""
        return takes_tokens(
            self.network, self.of if self.layout is None else self.layout.inputs[0].name
        )

    def held(self, given: Sequence[str] | None) -> tuple[NDArray[np.int64], tuple[str, ...]]:
        """Resolve the held features."""
        if isinstance(given, str):
            given = [given]
        if self.each:
            return np.array([], dtype=np.int64), self._held_by_input(given)
        if given is None:
            given = () if self.windows is None else self.windows.held
        for name in given:
            if name not in self.features:
                raise DataError(
                    f"held feature {name!r} is not one of the features"
                    f"{did_you_mean(name, self.features)}: {', '.join(self.features)}"
                )
        places = [self.features.index(name) for name in given]
        return np.array(places, dtype=np.int64), tuple(given)

    def own_held(self, name: str, given: Sequence[str] | None) -> tuple[str, ...]:
        """Give the held features of one of several inputs."""
        known = self.each[name]
        if given is None:
            return known.held(None)[1]
        given = [given] if isinstance(given, str) else given
        return tuple(one for one in given if one in known.features)

    def _held_by_input(self, given: Sequence[str] | None) -> tuple[str, ...]:
        """Resolve the held features of several inputs."""
        every = [feature for one in self.each.values() for feature in one.features]
        for name in given or ():
            if name not in every:
                raise DataError(
                    f"held feature {name!r} is not one of the features"
                    f"{did_you_mean(name, every)}: {', '.join(every)}"
                )
        by_input = [self.own_held(name, given) for name in self.each]
        return tuple(dict.fromkeys(feature for names in by_input for feature in names))

    def target(self, name: str | int | None, horizon: int | None, output: int | str) -> NamedTarget:
        """Resolve a target."""
        number = self.output_number(output)
        index, label, place = self._outputs(number).find(name, horizon)
        if self.windows is None or number != 0:
            return NamedTarget(ResolvedTarget(index, number), label, "")
        at = index[-1] if place is None else place
        scaling = self.windows.target_scaling
        resolved = ResolvedTarget(index, number, float(scaling.scale[at]), float(scaling.mean[at]))
        return NamedTarget(resolved, label, self.windows.target_units[at])

    def question(
        self,
        target: ResolvedTarget,
        baseline: AnyBaseline | None = None,
        *,
        groups: PlayerGroups | None = None,
        newest: int | None = None,
        initial_state: States | None = None,
    ) -> Question:
        """Make the question that methods are asked."""
        return Question(
            network=self.network,
            inputs=self.inputs,
            of=self.of,
            target=target,
            baseline=baseline,
            groups=groups,
            newest=newest,
            initial_state=initial_state,
            layout=self.layout,
        )

    def choices(
        self, output: int | str, name: str | int | None = None, *, by_horizon: bool = False
    ) -> tuple[tuple[str, ...], tuple[int | None, ...]]:
        """List the targets of an output, and the horizons of one where those are asked for."""
        outputs = self._outputs(self.output_number(output))
        names = outputs.names
        steps = outputs.horizons(name)
        return names, steps if by_horizon or outputs.steps > 1 else (None,)

    def called(self, name: str | int | None, output: int | str) -> str:
        """Say what a target is called, whatever its horizon."""
        return self._outputs(self.output_number(output)).called(name)

    def output_number(self, output: int | str) -> int:
        """Resolve an output."""
        names = [name for name, _ in self.network.outputs]
        if isinstance(output, str) and output in names:
            return names.index(output)
        if isinstance(output, int) and 0 <= output < len(names):
            return output
        raise DataError(
            f"the network has no output {output!r}{did_you_mean(output, names)}: it has "
            f"{', '.join(names)}"
        )

    def output_shape(self, number: int) -> tuple[int, ...]:
        """Give the shape of an output of one sample."""
        return shapes_given(self.network, self.inputs)[number]

    def _outputs(self, number: int) -> Outputs:
        if number not in self._known_outputs:
            named = self.windows if number == 0 else None
            self._known_outputs[number] = Outputs(self.output_shape(number), named)
        return self._known_outputs[number]

    @cached_property
    def _known_outputs(self) -> dict[int, Outputs]:
        """The outputs that were asked about so far, by number."""
        return {}

    def sample_coords(self, target: str | None = None) -> dict[str, Any]:
        """Give the coordinates of the sample axis: times where they are known, and groups.

        The time is the one that the forecast of the target is for.
        """
        known = self.windows
        if known is None:
            return {}
        clock = {} if known.time_zone is None else {"time_zone": known.time_zone}
        coords: dict[str, Any] = {"issued": ("sample", known.issued, clock)}
        if target is None or target in known.targets:
            place = 0 if target is None else known.targets.index(target)
            times = known.times if target is None else known.times_of(place)
            coords = {"time": ("sample", times, clock), **coords}
        if known.groups is not None:
            coords["group"] = ("sample", known.groups)
        return coords
