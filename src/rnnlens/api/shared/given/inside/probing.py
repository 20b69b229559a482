"""From a case and a concept to what is asked of a network's states."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from rnnlens.api.shared.given.network_given import as_network
from rnnlens.arguments import shown
from rnnlens.dynamics.probes.folds import cut_in_blocks
from rnnlens.dynamics.probes.question import ProbeQuestion
from rnnlens.engine.forward import forward, inputs_of
from rnnlens.engine.recurrent_layers import locate_layer
from rnnlens.engine.schedule.plan import evenly
from rnnlens.engine.trace import layer_traces
from rnnlens.errors import DataError, InputError
from rnnlens.views.words.durations import hours_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from rnnlens.api.shared.given.case import Case, NamedTarget
    from rnnlens.engine.recurrent_layers import LayerLocation
    from rnnlens.network.network import Network

    Inputs = Mapping[str, NDArray[np.float64]]

__all__ = ["clock_of", "probe_question"]

#: Rows of a regression that are enough: of windows with many steps evenly spaced ones are taken.
ROWS = 50_000


def probe_question(
    case: Case,
    named: NamedTarget,
    concept: NDArray[Any],
    *,
    layer: str | None,
    state: str | None,
    untrained: Sequence[Any] | None,
    settings: Mapping[str, int],
    gap: int | None,
) -> ProbeQuestion:
    """Check what was asked, and put it together: settings has blocks, draws, shifts and seed."""
    network, inputs = case.unjoined
    wanted, steps = _wanted(network, inputs, layer, state)
    values, chosen = _concept(case, concept, steps, wanted)
    clock = clock_of(case)
    apart = max(steps.values()) if gap is None else gap
    others = None if untrained is None else _same_shape(untrained, wanted)
    return ProbeQuestion(
        network=network,
        inputs=inputs,
        concept=values,
        steps=chosen,
        wanted=wanted,
        value=named.resolved.pick,
        folds=cut_in_blocks(clock, settings["blocks"], apart),
        clock=clock,
        groups=None if case.windows is None else case.windows.groups,
        real=case.real if case.layout is None else None,
        untrained=others,
        draws=settings["draws"],
        shifts=settings["shifts"],
        seed=settings["seed"],
    )


def _wanted(
    network: Network, inputs: Inputs, layer: str | None, state: str | None
) -> tuple[list[tuple[LayerLocation, str]], dict[str, int]]:
    """Find the states that are read, and the steps of each layer's own sequence."""
    names = [name for name, _ in network.recurrent()] if layer is None else [layer]
    places = [locate_layer(network, name) for name in names or [None]]
    run = forward(network, inputs_of(inputs, slice(0, 1)))
    traces = layer_traces(run)
    steps = {one.name: run.tapes[one.node.name].inputs[0].shape[1] for one in places}
    # the calls of a decoder's cell, one step each, are one trace and no one layer's sequence
    whole = [
        one
        for one in places
        if one.name in traces and traces[one.name].hidden.shape[1] == steps[one.name]
    ]
    if not whole:
        raise InputError(
            f"layer {places[0].name!r} is called one step at a time, so that its states are those "
            "of no one sequence: name a layer that reads the window, as rnnlens.trace shows them"
        )
    wanted = [
        (one, name) for one in whole for name in one.layer.cell.states if state in {None, name}
    ]
    if not wanted:
        cell = whole[0].layer.cell
        raise InputError(
            f"the {cell.kind} {whole[0].name!r} has no state {state!r}: it has "
            f"{', '.join(cell.states)}"
        )
    return wanted, {one.name: steps[one.name] for one, _ in wanted}


def _concept(
    case: Case,
    given: NDArray[Any],
    steps: Mapping[str, int],
    wanted: Sequence[tuple[LayerLocation, str]],
) -> tuple[NDArray[np.float64], NDArray[np.int64] | None]:
    """Check the concept, and give it as (sample, step) with the steps that it is of."""
    concept = np.asarray(given, dtype=np.float64)
    samples, padding = len(case.x), case.padding if case.layout is None else None
    length = steps[wanted[0][0].name]
    fed = length if padding is None else length + padding.left_out
    if concept.shape == (samples, 1) and fed != 1:
        concept = concept[:, 0]
    if concept.shape not in {(samples,), (samples, fed)}:
        raise DataError(
            f"the concept must have one number for each of {samples} windows, or one for each of "
            f"their {fed} steps, but is {shown(concept)}"
        )
    other = next((name for name, count in steps.items() if count != length), None)
    if concept.ndim == 2 and other is not None:
        raise DataError(
            f"a concept of {fed} steps is read off layers that have as many, but {other!r} has "
            f"{steps[other]}: name one layer with layer="
        )
    chosen = None
    if concept.ndim == 2:
        concept = concept if padding is None else padding.arranged(concept)
        chosen = evenly(length, max(1, ROWS // samples))
        concept = concept[:, chosen]
    else:
        concept = concept[:, None]
    real = np.ones(concept.shape, dtype=bool)
    if chosen is not None and case.real is not None and case.layout is None:
        real = case.real[:, chosen]
    if not np.isfinite(concept[real]).all():
        raise DataError("the concept holds NaN or infinity: leave those windows out")
    if np.ptp(concept[real]) == 0:
        raise DataError("the concept never changes in these windows: there is nothing to read")
    return np.where(real, concept, 0.0), chosen


def clock_of(case: Case) -> NDArray[np.int64]:
    """Say when each window was issued, in steps: (sample,); in windows where no time is known."""
    if case.windows is None:
        return np.arange(len(case.x))
    issued = case.windows.issued
    if issued.dtype.kind != "M":
        return issued.astype(np.int64) - int(issued.min())
    hours = hours_of(case.windows.step)
    if hours is None:  # rows follow each other whatever their times
        return np.unique(issued, return_inverse=True)[1].astype(np.int64)
    step = np.timedelta64(round(hours * 3.6e12), "ns")
    return np.round((issued - issued.min()) / step).astype(np.int64)


def _same_shape(given: Sequence[Any], wanted: Sequence[tuple[LayerLocation, str]]) -> list[Network]:
    """Take networks that were not trained, and see that they have the same layers."""
    networks = [as_network(one) for one in given]
    for number, network in enumerate(networks):
        there = {name: layer.cell for name, layer in network.recurrent()}
        for place, _ in wanted:
            cell, own = there.get(place.name), place.layer.cell
            if cell is None or (cell.kind, cell.units) != (own.kind, own.units):
                raise InputError(
                    f"untrained network {number} has no {own.kind} {place.name!r} of "
                    f"{own.units} units: give networks of the same shape, with the same names"
                )
    return networks
