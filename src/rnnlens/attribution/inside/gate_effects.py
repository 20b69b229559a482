"""Which gate did it: what the forecast loses when a gate stops answering to its input.

Each gate of a layer is clamped to its mean over the data, unit by unit, at some of the lags:

    effect = forecast with the gate clamped - forecast

The gate still passes what it passes on average; what is taken away is that it opens and closes in
answer to this window. A gate with no effect may hold still or may not be needed there: the trace
tells which. Effects of several gates or lags do not sum; each is an experiment of its own. Cost:
T cell evaluations a gate and group of lags, and 2T more for the runs that it is compared with.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from rnnlens.attribution.question import Progress, Question
from rnnlens.engine.forward import Run, forward, inputs_of
from rnnlens.engine.interventions.intervention import Clamp, LayerIntervention, gate_sums, intervene
from rnnlens.engine.operations.registry import Array
from rnnlens.engine.recurrent_layers import LayerLocation
from rnnlens.engine.schedule.plan import chunks
from rnnlens.names import declared
from rnnlens.network.network import Network

__all__ = ["GateEffect", "InterventionEffect", "effect_of", "gate_effects", "gate_means"]


@dataclass(frozen=True, eq=False)
class InterventionEffect:
    """What interventions inside a network do to its forecasts.

    Parameters
    ----------
    forecast, forecast_intervened : array (sample,)
        As it is, and with the interventions; in the target's own unit.
    effect : array (sample,)
        ``forecast_intervened - forecast``.
    """

    forecast: Array = declared("sample", long_name="forecast of {target}", unit="{unit}")
    forecast_intervened: Array = declared(
        "sample", long_name="forecast of {target} with the intervention", unit="{unit}"
    )
    effect: Array = declared(
        "sample", long_name="change of the forecast of {target}", unit="{unit}"
    )


@dataclass(frozen=True, eq=False)
class GateEffect:
    """What clamping each gate to its mean at each group of lags does to the forecasts.

    Parameters
    ----------
    effect : array (sample, lag, gate)
        Forecast with the gate clamped less the forecast, in the target's own unit.
    whole_effect : array (sample, gate)
        With the gate clamped at every lag.
    mean_size : array (lag, gate)
        Mean absolute effect.
    whole_mean_size : array (gate,)
        Mean absolute effect of clamping it at every lag.
    gate_mean : array (gate, unit)
        What each gate was clamped to.
    forecast : array (sample,)
        As it is.
    """

    effect: Array = declared(
        "sample", "lag", "gate", long_name="change of the forecast of {target}", unit="{unit}"
    )
    whole_effect: Array = declared(
        "sample",
        "gate",
        long_name="change of the forecast of {target}, the gate clamped at every lag",
        unit="{unit}",
    )
    mean_size: Array = declared(
        "lag", "gate", long_name="mean absolute change of the forecast", unit="{unit}"
    )
    whole_mean_size: Array = declared(
        "gate", long_name="mean absolute change, the gate clamped at every lag", unit="{unit}"
    )
    gate_mean: Array = declared("gate", "unit", long_name="mean value of the gate")
    forecast: Array = declared("sample", long_name="forecast of {target}", unit="{unit}")


def gate_means(network: Network, inputs: Mapping[str, Array], place: LayerLocation) -> Array:
    """Give each gate's mean value over windows and real steps, unit by unit.

    Shapes: inputs mapping of str to (sample, ...) -> (gate, unit).
    """
    total, count = 0.0, 0
    for chunk in chunks(network, inputs, runs=2):
        sums, more = gate_sums(forward(network, inputs_of(inputs, chunk)), place)
        total, count = total + sums, count + more
    return np.asarray(total) / max(count, 1)


def effect_of(question: Question, interventions: Sequence[LayerIntervention]) -> InterventionEffect:
    """Give what interventions do to each forecast."""
    here, there = [], []
    for chunk in chunks(question.network, question.inputs, runs=3):
        clean = forward(question.network, question.part(chunk).inputs)
        own = _by_layer([one.of_samples(chunk) for one in interventions])
        here.append(question.target.pick(intervene(clean, dict.fromkeys(own, ())).outputs))
        there.append(question.target.pick(intervene(clean, own).outputs))
    forecast, changed = np.concatenate(here), np.concatenate(there)
    return InterventionEffect(forecast, changed, changed - forecast)


def _by_layer(interventions: Sequence[LayerIntervention]) -> dict[str, list[LayerIntervention]]:
    by_layer: dict[str, list[LayerIntervention]] = {}
    for intervention in interventions:
        by_layer.setdefault(intervention.location.name, []).append(intervention)
    return by_layer


def gate_effects(
    question: Question,
    place: LayerLocation,
    *,
    groups: Sequence[tuple[int, int]],
    means: Array,
    progress: Progress | None = None,
) -> GateEffect:
    """Clamp each gate of a layer to its mean, at each group of lags: means (gate, unit)."""
    pick, parts = question.target.pick, list(question.parts(runs=3))
    experiments = (len(groups) + 1) * len(means)
    rows = []
    for number, part in enumerate(parts):
        clean = forward(part.network, part.inputs)
        forecast = pick(intervene(clean, {place.name: ()}).outputs)
        effect = np.empty((len(forecast), experiments))
        for done, act in enumerate(_acts(clean, place, groups, means)):
            effect[:, done] = pick(intervene(clean, {place.name: [act]}).outputs) - forecast
            if progress is not None:
                progress(number * experiments + done + 1, len(parts) * experiments)
        rows.append((forecast, effect.reshape(len(forecast), -1, len(means))))
    forecast, effect = (np.concatenate(pieces) for pieces in zip(*rows, strict=True))
    size = np.abs(effect).mean(axis=0)
    return GateEffect(effect[:, :-1], effect[:, -1], size[:-1], size[-1], means, forecast)


def _acts(
    clean: Run, place: LayerLocation, groups: Sequence[tuple[int, int]], means: Array
) -> Iterator[Clamp]:
    """Give the experiments, group by group and gate by gate, the whole window last."""
    steps = clean.tapes[place.node.name].inputs[0].shape[1]
    lags = steps - np.arange(steps)
    units = np.ones(means.shape[1], dtype=bool)
    for first, last in [*groups, (1, steps)]:
        within = (lags >= first) & (lags <= last)
        for gate, mean in zip(place.layer.cell.gates, means, strict=True):
            yield Clamp(place, within, units, gate, mean)
