"""From what a user asked to be held inside a network to the acts that the engine carries out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from rnnlens.api.shared.selection import in_words, some_units, which_steps, which_units
from rnnlens.errors import DataError, InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from rnnlens.api.shared.case import Case
    from rnnlens.engine.interventions.intervention import Intervention
    from rnnlens.engine.recurrent_layers import LayerLocation

__all__ = ["ASKED", "acts_of", "layer_steps"]

#: What one intervention is told.
ASKED = (
    "layer",
    "gate",
    "clamp",
    "lags",
    "steps",
    "units",
    "freeze",
    "patch_from",
    "state",
)


def acts_of(
    case: Case, asked: Mapping[str, Any], means_from: Mapping[str, Any]
) -> tuple[list[Intervention], str]:
    """Make what was asked for ready for the engine: means_from mapping of str to (sample, ...)."""
    from rnnlens.engine.recurrent_layers import locate_layer

    unknown = sorted(set(asked) - set(ASKED))
    if unknown:
        raise InputError(
            f"an intervention has no {unknown[0]!r}: its entries are {', '.join(ASKED)}"
        )
    given = {name: asked.get(name) for name in ASKED}
    place = locate_layer(case.network, given["layer"])
    given["layer"] = place.name
    steps = which_steps(given["lags"], given["steps"], layer_steps(case, place))
    kinds = [given["gate"] is not None, bool(given["freeze"]), given["patch_from"] is not None]
    if sum(kinds) != 1:
        raise InputError(
            "an intervention clamps a gate (gate=), freezes units (freeze=True) or patches a state "
            f"from another window (patch_from=): one of the three, but {sum(kinds)} were asked for"
        )
    if given["clamp"] is not None and not kinds[0]:
        raise InputError("clamp says what a gate is clamped to: name the gate with gate=")
    if given["state"] is not None and kinds[0]:
        raise InputError("state says what is frozen or patched, but a gate was named to be clamped")
    if kinds[0]:
        acts, text = _clamp(case, place, given, steps, means_from)
    elif kinds[1]:
        acts, text = _freeze(place, given, steps)
    else:
        acts, text = _patch(case, place, given, steps)
    return acts, f"{place.name}: {text} {in_words(steps)}"


def _clamp(
    case: Case,
    place: LayerLocation,
    given: Mapping[str, Any],
    steps: NDArray[np.bool_],
    means_from: Mapping[str, Any],
) -> tuple[list[Intervention], str]:
    from rnnlens.attribution.inside.gate_effects import gate_means
    from rnnlens.engine.interventions.intervention import Clamp

    gate, to, cell = given["gate"], given["clamp"], place.layer.cell
    names = list(cell.gates)
    if gate not in names:
        raise InputError(
            f"the {cell.kind} {place.name!r} has no gate {gate!r}: it has {', '.join(names)}"
        )
    units = which_units(given["units"], cell.units)
    if to is None or (isinstance(to, str) and to == "mean"):
        means = gate_means(case.network, dict(means_from), place)
        count = len(next(iter(means_from.values())))
        value, said = means[names.index(gate)], f"its mean over {count:,} windows"
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
        said = f"{float(value):g}" if value.ndim == 0 else "an array"
    act = Clamp(place, steps, units, gate, np.broadcast_to(value, (cell.units,)))
    return [act], f"{gate} gate clamped to {said}{some_units(units)}"


def _freeze(
    place: LayerLocation, given: Mapping[str, Any], steps: NDArray[np.bool_]
) -> tuple[list[Intervention], str]:
    from rnnlens.engine.interventions.intervention import Freeze

    cell = place.layer.cell
    chosen = _states(place, given["state"])
    if given["state"] is None and cell.state_sizes[0] != cell.units:
        chosen = (1,)  # the hidden state of a projected cell is not one number a unit
    acts: list[Intervention] = []
    for number in chosen:
        units = which_units(given["units"], cell.state_sizes[number])
        acts.append(Freeze(place, steps, units, (number,)))
    names = " and ".join(cell.states[number] for number in chosen)
    return acts, f"{names} state frozen{some_units(acts[0].units)}"


def _patch(
    case: Case, place: LayerLocation, given: Mapping[str, Any], steps: NDArray[np.bool_]
) -> tuple[list[Intervention], str]:
    from rnnlens.engine.forward import forward
    from rnnlens.engine.interventions.intervention import Patch, states_after

    cell = place.layer.cell
    chosen = _states(place, given["state"])
    inputs, said = _donor(case, given["patch_from"])
    donors = states_after(forward(case.network, inputs), place)
    acts: list[Intervention] = []
    for number in chosen:
        units = which_units(given["units"], cell.state_sizes[number])
        acts.append(Patch(place, steps, units, (number,), (donors[number],)))
    names = " and ".join(cell.states[number] for number in chosen)
    return acts, f"{names} state from {said}{some_units(acts[0].units)}"


def _donor(case: Case, given: Any) -> tuple[dict[str, Any], str]:
    """Give the inputs of the window, or windows, that states are taken from."""
    from rnnlens.engine.forward import entries

    own = case.inputs[case.of]
    if isinstance(given, int | np.integer) and not isinstance(given, bool):
        if not 0 <= given < len(own):
            raise DataError(
                f"patch_from names window {given}, but the windows are 0 to {len(own) - 1}"
            )
        return {name: array[given : given + 1] for name, array in case.inputs.items()}, (
            f"window {given}"
        )
    array = np.asarray(given, dtype=np.float64)
    if array.shape == own.shape[1:]:
        array = np.broadcast_to(array, own.shape)
    if array.shape != own.shape:
        raise DataError(
            f"patch_from must be the number of a window, or an array of shape {own.shape[1:]} or "
            f"{own.shape}, but came with {array.shape}"
        )
    return entries(case.network, {**case.inputs, case.of: array}), "another window"


def _states(place: LayerLocation, given: Any) -> tuple[int, ...]:
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
    from rnnlens.engine.forward import forward

    one = forward(case.network, {name: array[:1] for name, array in case.inputs.items()})
    return one.tapes[place.node.name].inputs[0].shape[1]
