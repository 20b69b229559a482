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

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from rnnlens.attribution.baselines.baseline import Array, Baseline
from rnnlens.attribution.baselines.masks import real_steps
from rnnlens.attribution.games.mixing import inputs_of
from rnnlens.attribution.target import ResolvedTarget
from rnnlens.engine.backward import multipliers
from rnnlens.engine.forward import Run, forward
from rnnlens.engine.operations.recurrent import pull_cell, run_cell, unmerged
from rnnlens.engine.operations.registry import Multipliers
from rnnlens.engine.recurrent_layers import LayerLocation, locate_layer
from rnnlens.engine.schedule.plan import chunks
from rnnlens.names import declared
from rnnlens.network.layers import Bidirectional
from rnnlens.network.network import Network

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

    contribution: Array = declared("sample", "lag", "feature", "gate")
    forecast: Array = declared("sample")
    baseline_forecast: Array = declared("sample")
    elsewhere: Array = declared("sample")


def paths(
    network: Network,
    inputs: Mapping[str, Array],
    target: ResolvedTarget,
    baseline: Baseline,
    *,
    of: str,
    layer: str | None = None,
) -> PathContribution:
    """Split the secant contributions that pass through one layer by lag, feature and gate.

    Shapes: inputs mapping of str to (sample, ...).
    """
    place = locate_layer(network, layer)
    parts = [
        _part(network, inputs_of(inputs, chunk), target, baseline.part(chunk), of, place)
        for chunk in chunks(network, inputs, runs=4)
    ]
    found, forecast, value = (np.concatenate(pieces) for pieces in zip(*parts, strict=True))
    elsewhere = forecast - value - found.sum(axis=(1, 2, 3))
    return PathContribution(found[:, ::-1], forecast, value, elsewhere)


def _part(
    network: Network,
    inputs: Mapping[str, Array],
    target: ResolvedTarget,
    baseline: Baseline,
    of: str,
    place: LayerLocation,
) -> tuple[Array, Array, Array]:
    run = forward(network, inputs)
    x = inputs[of].reshape(*inputs[of].shape[:2], -1)
    real = real_steps(run, of)
    total, value = 0.0, np.zeros(len(x))
    for number in range(len(baseline.windows)):
        x0 = baseline.stand_in(x, real, number).reshape(inputs[of].shape)
        run0 = forward(network, {**inputs, of: x0}, masks_of=run)
        total = total + _between(run, run0, target, place)
        value += target.pick(run0.outputs)
    count = len(baseline.windows)
    return np.asarray(total) / count, target.pick(run.outputs), value / count


def _between(run: Run, run0: Run, target: ResolvedTarget, place: LayerLocation) -> Array:
    """Give the contributions (sample, step, feature, gate) between two runs."""
    found = multipliers(run, run0, target.weight(run))
    node = place.node
    tapes = [run.tapes[node.name], run0.tapes[node.name]]
    m: Multipliers = tuple(found.get((node.name, k)) for k in range(len(tapes[0].outputs)))
    if place.side is not None and any(part is not None for part in m):
        assert isinstance(node.layer, Bidirectional)
        m = unmerged(node.layer, tapes[0], tapes[1], m)[place.side]
    if place.side is not None:
        tapes = [tape.saved[0][place.side] for tape in tapes]
    change = tapes[0].inputs[0] - tapes[1].inputs[0]
    gates = place.layer.cell.gates.values()
    if all(part is None for part in m):
        return np.zeros((*change.shape, len(gates)))
    source, number = node.inputs[0]
    mask = run.tapes[source].masks[number]
    way, way0 = (run_cell(place.layer, tape.inputs, mask)[0] for tape in tapes)
    into, _ = pull_cell(place.layer, way, way0, m)
    apart = into.reshape(*into.shape[:2], len(gates), -1)
    kernels = np.stack([np.asarray(gate.W, dtype=np.float64) for gate in gates])
    return np.einsum("ntgu,gfu->ntfg", apart, kernels, optimize=True) * change[..., None]
