"""From what a user asked to be held inside a network to what the engine carries out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from rnnlens.api.shared.given.inside.selection import in_words, some_units, which_steps, which_units
from rnnlens.attribution.inside.gate_effects import gate_means
from rnnlens.engine.forward import entries, forward
from rnnlens.engine.interventions.intervention import Clamp, Freeze, Patch, states_after
from rnnlens.engine.recurrent_layers import locate_layer
from rnnlens.errors import DataError, InputError
from rnnlens.names import told

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from rnnlens.api.shared.given.case import Case
    from rnnlens.attribution.options import Intervention
    from rnnlens.engine.interventions.intervention import LayerIntervention
    from rnnlens.engine.recurrent_layers import LayerLocation

    Inputs = Mapping[str, NDArray[np.float64]]

__all__ = ["PreparedIntervention", "layer_steps", "prepared"]


@dataclass(frozen=True, eq=False)
class PreparedIntervention:
    """One intervention, made ready.

    Parameters
    ----------
    parts : tuple of LayerIntervention
        For the engine; one a state.
    text : str
        The same in words.
    """

    parts: tuple[LayerIntervention, ...]
    text: str


def prepared(case: Case, asked: Intervention, means_from: Inputs) -> PreparedIntervention:
    """Make what was asked for ready for the engine: means_from mapping of str to (sample, ...)."""
    place = locate_layer(case.network, asked.layer)
    steps = which_steps(asked.lags, asked.steps, layer_steps(case, place))
    kinds = [asked.gate is not None, bool(asked.freeze), asked.patch_from is not None]
    if sum(kinds) != 1:
        raise InputError(
            "an intervention clamps a gate (gate=), freezes units (freeze=True) or patches a state "
            f"from another window (patch_from=): one of the three, but {sum(kinds)} were asked for"
        )
    if asked.clamp is not None and asked.gate is None:
        raise InputError("clamp says what a gate is clamped to: name the gate with gate=")
    if asked.state is not None and asked.gate is not None:
        raise InputError("state says what is frozen or patched, but a gate was named to be clamped")
    if asked.gate is not None:
        made = _clamp(case, place, asked, steps, means_from)
    elif asked.patch_from is not None:
        made = _patch(case, place, asked, steps, asked.patch_from)
    else:
        made = _freeze(place, asked, steps)
    return PreparedIntervention(
        made.parts,
        told(
            "{layer}: {change} {where}", layer=place.name, change=made.text, where=in_words(steps)
        ),
    )


def _clamp(
    case: Case,
    place: LayerLocation,
    asked: Intervention,
    steps: NDArray[np.bool_],
    means_from: Inputs,
) -> PreparedIntervention:
    gate, to, cell = asked.gate, asked.clamp, place.layer.cell
    names = list(cell.gates)
    if gate not in names:
        raise InputError(
            f"the {cell.kind} {place.name!r} has no gate {gate!r}: it has {', '.join(names)}"
        )
    units = which_units(asked.units, cell.units)
    if to is None or (isinstance(to, str) and to == "mean"):
        means = gate_means(case.network, dict(means_from), place)
        count = len(next(iter(means_from.values())))
        value, said = means[names.index(gate)], told("its mean over {count:,} windows", count=count)
    elif isinstance(to, str):
        raise InputError(f"a gate is clamped to 'mean', a number or an array, not to {to!r}")
    else:
        value = np.asarray(to, dtype=np.float64)
        if value.shape not in {(), (cell.units,)} or not np.isfinite(value).all():
            raise DataError(
                f"clamp must be a number or one number for each of the {cell.units} units, but is "
                f"an array of shape {value.shape}"
                + ("" if np.isfinite(value).all() else " with NaN")
            )
        said = f"{float(value):g}" if value.ndim == 0 else told("an array")
    clamp = Clamp(place, steps, units, gate, np.broadcast_to(value, (cell.units,)))
    text = told(
        "{gate} gate clamped to {value}{units}", gate=gate, value=said, units=some_units(units)
    )
    return PreparedIntervention((clamp,), text)


def _freeze(
    place: LayerLocation, asked: Intervention, steps: NDArray[np.bool_]
) -> PreparedIntervention:
    cell = place.layer.cell
    chosen = _states(place, asked.state)
    if asked.state is None and cell.state_sizes[0] != cell.units:
        chosen = (1,)  # the hidden state of a projected cell is not one number a unit
    parts: list[LayerIntervention] = []
    for number in chosen:
        units = which_units(asked.units, cell.state_sizes[number])
        parts.append(Freeze(place, steps, units, (number,)))
    names = [cell.states[number] for number in chosen]
    text = told("{states} state frozen{units}", states=names, units=some_units(parts[0].units))
    return PreparedIntervention(tuple(parts), text)


def _patch(
    case: Case,
    place: LayerLocation,
    asked: Intervention,
    steps: NDArray[np.bool_],
    window: int | ArrayLike,
) -> PreparedIntervention:
    cell = place.layer.cell
    chosen = _states(place, asked.state)
    inputs, said = _donor(case, window)
    donors = states_after(forward(case.network, inputs), place)
    parts: list[LayerIntervention] = []
    for number in chosen:
        units = which_units(asked.units, cell.state_sizes[number])
        parts.append(Patch(place, steps, units, (number,), (donors[number],)))
    text = told(
        "{states} state from {source}{units}",
        states=[cell.states[number] for number in chosen],
        source=said,
        units=some_units(parts[0].units),
    )
    return PreparedIntervention(tuple(parts), text)


def _donor(case: Case, given: int | ArrayLike) -> tuple[Inputs, str]:
    """Give the inputs of the window, or windows, that states are taken from, and say which."""
    own = case.inputs[case.of]
    if isinstance(given, int | np.integer) and not isinstance(given, bool):
        if not 0 <= given < len(own):
            raise DataError(
                f"patch_from names window {given}, but the windows are 0 to {len(own) - 1}"
            )
        return {name: array[given : given + 1] for name, array in case.inputs.items()}, (
            told("window {number}", number=given)
        )
    array = np.asarray(given, dtype=np.float64)
    steps = own.shape[1] if case.padding is None else case.padding.given
    shape = (len(own), steps, *own.shape[2:])
    if array.shape == shape[1:]:
        array = np.broadcast_to(array, shape)
    if array.shape != shape:
        raise DataError(
            f"patch_from must be the number of a window, or an array of shape {shape[1:]} or "
            f"{shape}, but came with {array.shape}"
        )
    if case.padding is not None:
        array = case.padding.arranged(array)
    return entries(case.network, {**case.inputs, case.of: array}), told("another window")


def _states(place: LayerLocation, given: str | None) -> tuple[int, ...]:
    names = place.layer.cell.states
    if given is None:
        return tuple(range(len(names)))
    if given not in names:
        raise InputError(
            f"the {place.layer.cell.kind} {place.name!r} has no state {given!r}: it has "
            f"{', '.join(names)}"
        )
    return (names.index(given),)


def layer_steps(case: Case, place: LayerLocation) -> int:
    """Count the steps of a layer's own sequence."""
    one = forward(case.network, {name: array[:1] for name, array in case.inputs.items()})
    return one.tapes[place.node.name].inputs[0].shape[1]
