"""Which gate each lag entered through: secant contributions split inside a recurrent layer.

A recurrent layer meets its input in one place alone, the products ``x W`` of its gates. The secant
multipliers of `rnnlens.attribution.methods.secant` reach each of those products apart, and with
``m_{t,g,u}`` the multiplier of gate g's pre-activation in unit u at step t

    contribution_{t,g,j} = (x_{t,j} - b_{t,j}) sum over u of W_g[j, u] m_{t,g,u}

Summed over the gates this is the secant contribution of ``x_{t,j}`` as it passes through the
layer, exactly and at any weights; where all of the forecast passes through the layer, summed over
everything it is the change of the forecast.

A path here is the gate by which an input *enters* the layer, at the step at which it is read. It is
not the whole way to the forecast: what entered by the candidate at lag 5 is kept by later forget
gates, and may move any gate of later steps through the recurrent kernel; all of that is counted
under the gate of entry. Nor does a path say what happens without the gate, which is the question of
an intervention (`rnnlens.engine.interventions.intervention`): a gate that only holds still has no
share in any change and may yet be indispensable. Where two gates multiply, each is credited with
the mean of the two orders in which they could have changed.

For a layer that reads another layer's sequence, lags and features are those of that sequence.
Cost: as `secant`, and the layer's own steps twice more by the equations.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rnnlens.attribution.baselines.baseline import Array
from rnnlens.attribution.inside.at_layer import at_layer, over_stand_ins
from rnnlens.attribution.question import Question
from rnnlens.attribution.target import ResolvedTarget
from rnnlens.engine.forward import Run
from rnnlens.engine.operations.recurrent import pull_cell, run_cell
from rnnlens.engine.recurrent_layers import LayerLocation, locate_layer
from rnnlens.names import declared

__all__ = ["PathContribution", "paths"]


@dataclass(frozen=True, eq=False)
class PathContribution:
    """Contributions by the lag, the gate and the feature by which they entered a layer.

    Parameters
    ----------
    contribution : array (sample, lag, feature, gate)
        In the target's own unit; lag 1, the newest step of the layer's input, comes first, gates
        stand in the order of the cell.
    forecast, baseline_forecast : array (sample,)
        For the window, and for the baseline (the mean over backgrounds).
    elsewhere : array (sample,)
        ``forecast - baseline_forecast - sum of contributions``: what does not enter through this
        layer, such as the other direction's part, or rounding where everything does.
    """

    contribution: Array = declared(
        "sample", "lag", "feature", "gate", long_name="contribution to {target}", unit="{unit}"
    )
    forecast: Array = declared("sample", long_name="forecast of {target}", unit="{unit}")
    baseline_forecast: Array = declared(
        "sample", long_name="forecast of {target} for the baseline", unit="{unit}"
    )
    elsewhere: Array = declared(
        "sample", long_name="what does not enter through this layer", unit="{unit}"
    )


def paths(question: Question, *, layer: str | None = None) -> PathContribution:
    """Split the secant contributions that pass through one layer by lag, feature and gate."""
    place = locate_layer(question.network, layer)
    split, *rest = over_stand_ins(question, place, _between, "paths", runs=4)
    return PathContribution(split[:, ::-1], *rest)


def _between(run: Run, run0: Run, target: ResolvedTarget, place: LayerLocation) -> Array:
    """Give the contributions (sample, step, feature, gate) between two runs."""
    tapes, m = at_layer(run, run0, target, place)
    change = tapes[0].inputs[0] - tapes[1].inputs[0]
    gates = place.layer.cell.gates.values()
    if all(part is None for part in m):
        return np.zeros((*change.shape, len(gates)))
    source, number = place.node.inputs[0]
    mask = run.tapes[source].masks[number]
    record, record0 = (run_cell(place.layer, tape.inputs, mask)[0] for tape in tapes)
    into, _ = pull_cell(place.layer, record, record0, m)
    apart = into.reshape(*into.shape[:2], len(gates), -1)
    kernels = np.stack([np.asarray(gate.W, dtype=np.float64) for gate in gates])
    return np.einsum("ntgu,gfu->ntfg", apart, kernels, optimize=True) * change[..., None]
