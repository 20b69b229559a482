"""What a verb was asked about: a network, its windows, and what their numbers mean."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from rnnlens.api.shared.given.axes import names_within, side_by_side
from rnnlens.api.shared.given.outputs import Outputs, numbered, place_of_target
from rnnlens.api.shared.given.padding import LAST_STEP, Padding, without_padding
from rnnlens.api.shared.given.steps import StepsFirst, settled, steps_first
from rnnlens.arguments import did_you_mean
from rnnlens.attribution.question import Question
from rnnlens.attribution.target import ResolvedTarget
from rnnlens.engine.forward import entries, forward
from rnnlens.errors import DataError
from rnnlens.network.layers import Embedding
from rnnlens.series.windows import Windows

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from rnnlens.attribution.games.players import PlayerGroups
    from rnnlens.attribution.question import AnyBaseline
    from rnnlens.engine.forward import States
    from rnnlens.network.network import Network

    Inputs = dict[str, NDArray[np.float64]]

__all__ = ["Case", "NamedTarget", "make_case", "place_of_target"]


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
    """

    network: Network
    inputs: dict[str, NDArray[np.float64]]
    of: str
    windows: Windows | None
    padding: Padding | None = None
    within: tuple[int, ...] = ()
    turned: StepsFirst | None = None

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
        if self.padding is None:
            return {"lags_from": LAST_STEP}
        said = {"lags_from": self.padding.lags_from}
        if self.padding.left_out:
            count = self.padding.left_out
            steps, are = ("step", "is") if count == 1 else ("steps", "are")
            said["padding"] = f"{count} {steps} that {are} padding in all windows left out"
        return said

    def some(self, samples: NDArray[np.int64]) -> Case:
        """Give the case of some of the windows."""
        return replace(
            self,
            inputs={name: array[samples] for name, array in self.inputs.items()},
            windows=None if self.windows is None else self.windows.select(samples),
            padding=None if self.padding is None else self.padding.part(samples),
        )

    @property
    def features(self) -> tuple[str, ...]:
        """Names of the features, numbered where they have none."""
        if self.windows is not None:
            return self.windows.features
        if self.within:
            return names_within(self.within)
        return tuple(f"feature {k}" for k in range(self.x.shape[2]))

    @property
    def tokens(self) -> bool:
        """Whether the windows hold tokens and no quantities."""
        return _tokens(self.network, self.of)

    def held(self, given: Sequence[str] | None) -> tuple[NDArray[np.int64], tuple[str, ...]]:
        """Resolve the held features."""
        if isinstance(given, str):
            given = [given]
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
        one = {name: array[:1] for name, array in self.inputs.items()}
        return forward(self.network, one).outputs[number].shape[1:]

    def _outputs(self, number: int) -> Outputs:
        return Outputs(self.output_shape(number), self.windows if number == 0 else None)

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


def make_case(
    network: Network,
    X: Windows | ArrayLike | Mapping[str, ArrayLike],
    of: str | None = None,
    precision: str = "float64",
    *,
    as_given: bool = False,
    output: int | str | None = None,
) -> Case:
    """Check what a verb was given; turn padding to the front unless steps are to stay as given.

    It is turned where the forecasts of one output, or of all, stay as they are.

    Shapes: X Windows, (sample, step, feature), or mapping of input name to array.
    """
    known = X if isinstance(X, Windows) else None
    turned = steps_first(network)
    if isinstance(X, Windows):  # which are (step, feature) whatever the network takes
        _check_windows(turned.network, X)
        inputs = entries(turned.network, X.values, precision)
    else:
        inputs = turned.windows(entries(network, X, precision))
    network = turned.network
    if len(next(iter(inputs.values()))) == 0:
        raise DataError("there are no windows: the array has no samples")
    of = _windows_of(network, inputs, of)
    if known is not None and known.plain:
        known = numbered(known, Case(network, inputs, of, None).output_shape(0))
    if as_given:
        return Case(network, inputs, of, known, turned=turned)
    within: tuple[int, ...] = ()
    if inputs[of].ndim > 3:
        within = inputs[of].shape[2:]
        network, inputs = side_by_side(network, inputs, of)
    whole = Case(network, inputs, of, known)
    asked = None if output is None else whole.output_number(output)
    inputs, padding = without_padding(network, inputs, of, asked)
    if padding is not None and padding.network is not None:
        network = padding.network
    return Case(settled(network, inputs), inputs, of, known, padding, within, turned)


def _windows_of(network: Network, inputs: Inputs, of: str | None) -> str:
    """Find the input that holds the windows, and refuse one that has no steps."""
    steps = [name for name in inputs if _has_steps(network, name)]
    if of is None and len(steps) == 1:
        of = steps[0]
    if of is None and len(inputs) == 1:
        of = next(iter(inputs))
    if of not in inputs:
        raise DataError(
            f"the network's inputs are {', '.join(inputs)}: name the one that holds the windows "
            f"with of=" + ("" if of is None else f", not {of!r}")
        )
    if of not in steps:
        raise DataError(
            f"input {of!r} takes shape {network.inputs[of].shape} a sample, which has no steps: "
            "lags are asked of an input (step, feature), or of tokens (step,)"
        )
    return of


def _has_steps(network: Network, name: str) -> bool:
    """Say whether an input is a sequence: numbers by step and feature, or tokens by step."""
    return len(network.inputs[name].shape) > 1 or _tokens(network, name)


def _tokens(network: Network, name: str) -> bool:
    takers = [node.layer for node in network.nodes if (name, 0) in node.inputs]
    return any(isinstance(layer, Embedding) for layer in takers)


def _check_windows(network: Network, windows: Windows) -> None:
    shapes = [layer.shape for layer in network.inputs.values()]
    if len(shapes) != 1 or len(shapes[0]) != 2:
        return
    steps, features = shapes[0]
    if features is not None and features != len(windows.features):
        raise DataError(
            f"the network takes {features} features, but the data has {len(windows.features)} "
            f"({', '.join(windows.features)}): list the network's features in its order"
        )
    if steps is not None and steps != windows.values.shape[1]:
        raise DataError(
            f"the network takes windows of {steps} steps, but the data was cut into windows of "
            f"{windows.values.shape[1]}: set window = {steps}"
        )
