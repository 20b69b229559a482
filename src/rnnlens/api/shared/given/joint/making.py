"""From what a verb was given to a case: one sequence with the others held, or several inputs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from rnnlens.api.shared.given.axes import side_by_side
from rnnlens.api.shared.given.case import Case
from rnnlens.api.shared.given.joint.by_input import laid_out
from rnnlens.api.shared.given.joint.kinds import has_steps, players_of
from rnnlens.api.shared.given.outputs import numbered
from rnnlens.api.shared.given.padding import LAST_STEP, Padding, without_padding
from rnnlens.api.shared.given.steps import settled, steps_first
from rnnlens.attribution.baselines.masks import steps_of
from rnnlens.attribution.joined import joined_inputs
from rnnlens.engine.forward import as_a_series, entries
from rnnlens.errors import DataError
from rnnlens.series.joint.windows import WindowsByInput
from rnnlens.series.windows import Windows

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from rnnlens.api.shared.given.steps import StepsFirst
    from rnnlens.attribution.joined import PlayerInput
    from rnnlens.network.network import Network

    Inputs = dict[str, NDArray[np.float64]]

__all__ = ["make_case", "page_sequence"]


def make_case(
    network: Network,
    X: Windows | WindowsByInput | ArrayLike | Mapping[str, ArrayLike],
    of: str | Sequence[str] | None = None,
    precision: str = "float64",
    *,
    as_given: bool = False,
    several: bool = False,
    output: int | str | None = None,
) -> Case:
    """Check what a verb was given; turn padding to the front unless steps are to stay as given.

    Where several inputs may be asked about at once, all of them are unless some are named. Padding
    is turned where the forecasts of one output, or of all, stay as they are.

    Shapes: X Windows, (sample, step, feature), or mapping of input name to array.
    """
    known = X if isinstance(X, Windows) else None
    turned = steps_first(network)
    parts: Mapping[str, Windows] = {}
    if isinstance(X, WindowsByInput):
        laid, inputs = laid_out(turned.network, X, precision)
        parts, known = laid, laid.first
    elif isinstance(X, Windows):  # which are (step, feature) whatever the network takes
        _check_windows(turned.network, X)
        inputs = entries(turned.network, X.values, precision)
    else:
        inputs = turned.windows(entries(network, X, precision))
    network = turned.network
    if len(next(iter(inputs.values()))) == 0:
        raise DataError("there are no windows: the array has no samples")
    if known is not None and known.plain:
        first = next(iter(inputs))
        shape = Case(network, inputs, first, None).output_shape(0)
        known = numbered(known, shape)
        parts = {name: numbered(one, shape) for name, one in parts.items()}
    of = _alone(of)
    if of is None and not several and isinstance(X, WindowsByInput):
        of = X.main
    ahead = {name: one.ahead for name, one in parts.items()} if parts else None
    futures = tuple(one for one in players_of(network, inputs, None, ahead) if one.future)
    given = _Given(network, inputs, known, turned, parts, futures)
    if several:
        players = players_of(network, inputs, of, ahead)
        first, *others = players
        if others or not first.lags:
            return _joint(given, players, output)
        of = first.name
    if isinstance(of, list):
        raise DataError(
            f"one sequence is asked about here, but of= names {', '.join(of)}: name one of them, "
            "or ask of several with rnnlens.explain"
        )
    of = _windows_of(network, inputs, of)
    return _of_one(given, of, as_given=as_given, output=output)


def _alone(of: str | Sequence[str] | None) -> str | list[str] | None:
    """Take a sequence of one name as the name."""
    if of is None or isinstance(of, str):
        return of
    names = list(dict.fromkeys(of))
    return names[0] if len(names) == 1 else names


def page_sequence(every: Case) -> str:
    """Name the sequence that a page is about: the one asked about, or the first of several."""
    one = every.single
    if one is None:
        names = [player.name for player in every.layout.inputs] if every.layout else [every.of]
        raise DataError(
            f"a report is about the lags of a sequence, and {', '.join(names)} has none: name one "
            "with of=, or ask rnnlens.explain"
        )
    return one.of


class _Given(NamedTuple):
    """What a verb was given, windows laid out as (step, feature)."""

    network: Network
    inputs: Inputs
    windows: Windows | None
    turned: StepsFirst
    parts: Mapping[str, Windows]
    futures: tuple[PlayerInput, ...]

    def named(self, name: str) -> _Given:
        """Give the same with the windows that belong to one input."""
        return self._replace(windows=self.parts[name]) if self.parts else self


def _of_one(
    given: _Given, of: str, *, as_given: bool = False, output: int | str | None = None
) -> Case:
    """Give the case of one sequence, the other inputs held."""
    network, inputs, known, turned, _, futures = given.named(of)
    others = tuple(name for name in inputs if name != of)
    if as_given:
        return Case(network, inputs, of, known, turned=turned, held_inputs=others, futures=futures)
    within: tuple[int, ...] = ()
    if inputs[of].ndim > 3:
        within = inputs[of].shape[2:]
        network, inputs = side_by_side(network, inputs, of)
    asked = None
    if output is not None:
        asked = Case(network, inputs, of, known).output_number(output)
    inputs, padding = without_padding(network, inputs, of, asked)
    if padding is not None and padding.network is not None:
        network = padding.network
    network = settled(network, inputs)
    return Case(
        network,
        inputs,
        of,
        known,
        padding,
        within,
        turned,
        held_inputs=others,
        futures=futures,
    )


def _joint(
    given: _Given, players: tuple[PlayerInput, ...], output: int | str | None = None
) -> Case:
    """Give the case of several inputs at once, or of one that has no steps."""
    each: dict[str, Case] = {}
    named = given.windows
    for one in players:
        if one.lags:
            each[one.name] = _of_one(given._replace(windows=named), one.name, output=output)
            named = None  # names are those of the first sequence
        elif len(players) > 1:
            each[one.name] = _joint(given._replace(windows=None).named(one.name), (one,), output)
    inputs, network = given.inputs, settled(given.network, given.inputs)
    joint, laid, of, layout = joined_inputs(network, inputs, players)
    names = {one.name for one in players}
    about = given.named(players[0].name) if len(players) == 1 else given
    made = Case(
        joint,
        laid,
        of,
        about.windows,
        turned=given.turned,
        layout=layout,
        each=each,
        held_inputs=tuple(name for name in inputs if name not in names),
        futures=given.futures,
        before=(network, inputs),
    )
    real = steps_of(joint, laid, of)
    if real is None:
        return made
    order = np.broadcast_to(np.arange(real.shape[1]), real.shape)
    return replace(made, padding=Padding(real, order, real.shape[1], LAST_STEP))


def _windows_of(network: Network, inputs: Inputs, of: str | None) -> str:
    """Find the input that holds the windows, and refuse one that has no steps."""
    steps = [name for name in inputs if has_steps(network, name)]
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
        entry = next(iter(network.inputs.values()))
        carried = as_a_series(network, entry, windows.values)
        raise DataError(
            f"the network takes windows of {steps} steps, but the data was cut into windows of "
            f"{windows.values.shape[1]}"
            f"{carried or f': cut them with window = {steps} (--window {steps}), or give such'}"
        )
