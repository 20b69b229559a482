"""What is said of the weights of one recurrent layer and direction, of one network or of two."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rnnlens.engine.operations.registry import Array
from rnnlens.names import declared

__all__ = ["ComparedWeights", "LayerWeights"]


@dataclass(frozen=True, eq=False, kw_only=True)
class LayerWeights:
    """The weights of a layer by gate, and what its units do with data where there are some.

    Parameters
    ----------
    input_frobenius, input_spectral, recurrent_frobenius, recurrent_spectral : array (gate,)
        Frobenius and spectral norms of the input kernel and of the recurrent one.
    spectral_radius : array (gate,)
        The largest absolute eigenvalue of the recurrent kernel, behind the projection where the
        cell has one.
    input_singular_value, recurrent_singular_value : array (gate, rank), (gate, recurrent_rank)
        Singular values of both, the largest first.
    bias_low, bias_mean, bias_high : array (gate,)
        Smallest, mean and largest bias, both sides added.
    copy_of, copy_sign : array of int (unit,)
        The first unit whose state a unit's is, or is the negative of, by their weights; -1 and 0
        where there is none.
    gate_mean, closed, open, saturated : array (gate, unit), optional
        Mean value over real steps; shares of them below 0.1, above 0.9, and either of these; for a
        candidate, which is no valve, the share of steps at which its size is above 0.9.
    hidden_spread : array (unit,), optional
        Standard deviation of the hidden state over windows, at the step where it is largest.
    constant : array of bool (unit,), optional
        Whether the hidden state is the same in all windows at each step.
    moves_with, correlation : array (unit,), optional
        The other unit whose hidden state goes with a unit's the most, and their correlation over
        windows and steps; -1 and NaN for a unit that is constant.
    influence, influence_rank : array (unit,), optional
        Size of what reaches the forecast through the unit's gates, to first order, and its place
        among the layer's units, 1 for the largest.
    dead : array of bool (unit,), optional
        Whether the unit never moves the forecast: it is constant, or nothing of it arrives.
    """

    input_frobenius: Array = declared("gate", long_name="Frobenius norm of the input kernel")
    input_spectral: Array = declared("gate", long_name="spectral norm of the input kernel")
    recurrent_frobenius: Array = declared(
        "gate", long_name="Frobenius norm of the recurrent kernel"
    )
    recurrent_spectral: Array = declared("gate", long_name="spectral norm of the recurrent kernel")
    spectral_radius: Array = declared("gate", long_name="spectral radius of the recurrent kernel")
    input_singular_value: Array = declared(
        "gate", "rank", long_name="singular value of the input kernel"
    )
    recurrent_singular_value: Array = declared(
        "gate", "recurrent_rank", long_name="singular value of the recurrent kernel"
    )
    bias_low: Array = declared("gate", long_name="smallest bias")
    bias_mean: Array = declared("gate", long_name="mean bias")
    bias_high: Array = declared("gate", long_name="largest bias")
    copy_of: np.ndarray = declared("unit", long_name="unit that this one is a copy of, by weights")
    copy_sign: np.ndarray = declared("unit", long_name="sign of the copy")
    gate_mean: Array | None = declared(
        "gate", "unit", optional=True, long_name="mean value of the gate"
    )
    closed: Array | None = declared(
        "gate", "unit", optional=True, long_name="share of steps at which the gate is below 0.1"
    )
    open: Array | None = declared(
        "gate", "unit", optional=True, long_name="share of steps at which the gate is above 0.9"
    )
    saturated: Array | None = declared(
        "gate", "unit", optional=True, long_name="share of steps at which the gate is saturated"
    )
    hidden_spread: Array | None = declared(
        "unit", optional=True, long_name="standard deviation of the hidden state over windows"
    )
    constant: np.ndarray | None = declared(
        "unit", optional=True, long_name="whether the hidden state is the same in all windows"
    )
    moves_with: np.ndarray | None = declared(
        "unit", optional=True, long_name="unit whose hidden state goes with this one's the most"
    )
    correlation: Array | None = declared(
        "unit", optional=True, long_name="correlation with that unit"
    )
    influence: Array | None = declared(
        "unit", optional=True, long_name="influence on {target}, to first order", unit="{unit}"
    )
    influence_rank: np.ndarray | None = declared(
        "unit", optional=True, long_name="place by influence, 1 for the largest"
    )
    dead: np.ndarray | None = declared(
        "unit", optional=True, long_name="whether the unit never moves the forecast"
    )


@dataclass(frozen=True, eq=False, kw_only=True)
class ComparedWeights:
    """The weights of one layer in two networks, side by side, units matched.

    Parameters
    ----------
    input_frobenius, ..., bias_high : array (network, gate)
        As in `LayerWeights`.
    input_difference, recurrent_difference, bias_difference : array (gate,), optional
        Frobenius norm of the difference once units are matched, in parts of the first network's
        norm.
    partner, sign : array of int (unit,), optional
        The unit of the other network that a unit of the first is matched with, and whether its
        state has the other sign.
    distance, distance_as_they_stand : array (unit,), optional
        Distance of a unit's incoming weights from its partner's, and from those of the unit of the
        same number, in parts of its own.
    state_correlation : array (unit,), optional
        Correlation of a unit's hidden state with its partner's, over windows and steps.
    gate_mean, saturated : array (network, gate), optional
        Means over units and real steps.
    influence : array (network, unit), optional
        Influence on the forecast of a unit, and of its partner.
    """

    input_frobenius: Array = declared(
        "network", "gate", long_name="Frobenius norm of the input kernel"
    )
    input_spectral: Array = declared(
        "network", "gate", long_name="spectral norm of the input kernel"
    )
    recurrent_frobenius: Array = declared(
        "network", "gate", long_name="Frobenius norm of the recurrent kernel"
    )
    recurrent_spectral: Array = declared(
        "network", "gate", long_name="spectral norm of the recurrent kernel"
    )
    spectral_radius: Array = declared(
        "network", "gate", long_name="spectral radius of the recurrent kernel"
    )
    bias_low: Array = declared("network", "gate", long_name="smallest bias")
    bias_mean: Array = declared("network", "gate", long_name="mean bias")
    bias_high: Array = declared("network", "gate", long_name="largest bias")
    input_difference: Array | None = declared(
        "gate", optional=True, long_name="relative difference of the input kernels"
    )
    recurrent_difference: Array | None = declared(
        "gate", optional=True, long_name="relative difference of the recurrent kernels"
    )
    bias_difference: Array | None = declared(
        "gate", optional=True, long_name="relative difference of the biases"
    )
    partner: np.ndarray | None = declared(
        "unit", optional=True, long_name="unit of the other network that is its partner"
    )
    sign: np.ndarray | None = declared(
        "unit", optional=True, long_name="sign of the partner's state"
    )
    distance: Array | None = declared(
        "unit", optional=True, long_name="relative distance of the incoming weights"
    )
    distance_as_they_stand: Array | None = declared(
        "unit",
        optional=True,
        long_name="relative distance from the unit of the same number",
    )
    state_correlation: Array | None = declared(
        "unit", optional=True, long_name="correlation of the hidden states of partners"
    )
    gate_mean: Array | None = declared(
        "network", "gate", optional=True, long_name="mean value of the gate"
    )
    saturated: Array | None = declared(
        "network", "gate", optional=True, long_name="share of steps at which gates are saturated"
    )
    influence: Array | None = declared(
        "network",
        "unit",
        optional=True,
        long_name="influence on {target}, to first order",
        unit="{unit}",
    )
