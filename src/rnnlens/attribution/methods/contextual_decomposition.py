"""Contextual decomposition: each state split into what some steps made and all the rest.

The states of an LSTM are carried as ``h = beta + gamma`` and ``c = beta_c + gamma_c``, where the
first parts come from the steps asked about alone (Murdoch, Liu and Yu 2018, "Beyond word
importance: contextual decomposition to extract interactions from LSTMs"):

- an activation of a relevant, an irrelevant and a bias part is shared out as the mean over the
  orders in which the first two can be added, the bias always being there first:
  ``rel = 1/2 [phi(r+b) - phi(b) + phi(r+q+b) - phi(q+b)]``, ``q`` alike, ``phi(b)`` the bias;
- a product belongs to beta where no factor is irrelevant and at least one is relevant. The
  product of two biases belongs to beta at every step asked about. Public codes differ at the last
  of these steps: the authors' first one leaves its biases out, so that a single step never has
  any; later ones take them in, as its input is, and so does this one;
- the output gate is not taken apart: ``beta = o L(beta_c)``, where ``L`` shares ``phi`` out
  without a bias.

Exact: relevant and irrelevant scores and the constant sum to the forecast, for each segment; with
every step asked about nothing is irrelevant. Not exact: the relevant scores of segments that
cover the window do not sum to anything, so they are scores of relevance, not contributions. Cost:
5T cell evaluations a segment and window. Known failures: products of inputs leak to steps that
have no part in them, and differences of inputs come out wrong where gates carry the information.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from rnnlens.attribution.baselines.baseline import Array
from rnnlens.attribution.inside.readout import Direction, Readout, keeps_steps_apart, readout
from rnnlens.attribution.question import Question
from rnnlens.attribution.target import ResolvedTarget
from rnnlens.engine.activations import value
from rnnlens.engine.cells import Ready, ready
from rnnlens.engine.forward import Run, forward
from rnnlens.engine.operations.registry import Mask
from rnnlens.errors import DataError, UnsupportedModel
from rnnlens.names import declared
from rnnlens.network.activations import Activation
from rnnlens.network.cells import LSTM
from rnnlens.network.layers import Input
from rnnlens.network.network import a_layer_kind

__all__ = ["Decomposition", "contextual_decomposition"]

#: The states of an LSTM, each in two parts: beta, gamma, beta_c, gamma_c.
_States = tuple[Array, Array, Array, Array]


@dataclass(frozen=True, eq=False, kw_only=True)
class Decomposition:
    """Relevance scores of segments of the window. They do not sum over segments.

    Parameters
    ----------
    relevant : array (sample, lag)
        Score of each segment, in the target's own unit.
    irrelevant : array (sample, lag)
        Score of all that is not the segment's own.
    lag_from, lag_to : array (lag,) of int
        First and last lag of each segment.
    constant : array (sample,)
        The head's own part.
    forecast : array (sample,)
        For the window.
    residual : array (sample, lag)
        ``forecast - constant - relevant - irrelevant``: rounding.
    """

    relevant: Array = declared("sample", "lag")
    irrelevant: Array = declared("sample", "lag")
    lag_from: NDArray[np.int64]
    lag_to: NDArray[np.int64]
    constant: Array = declared("sample")
    forecast: Array = declared("sample")
    residual: Array = declared("sample", "lag")


def contextual_decomposition(
    question: Question, *, segments: Sequence[tuple[int, int]] | None = None
) -> Decomposition:
    """Score segments of the window by contextual decomposition."""
    length = question.steps
    lags = [(k, k) for k in range(1, length + 1)] if segments is None else list(segments)
    outside = [s for s in lags if not 1 <= s[0] <= s[1] <= length]
    if outside or not lags:
        raise DataError(
            f"segments must run from a first to a last lag within 1 to {length}, but came as "
            f"{outside[0] if outside else 'none'}"
        )
    parts = []
    for part in question.parts(runs=2):
        run = forward(part.network, part.inputs)
        head = _readable(run, part.target, part.of)
        scores = [_score(head, length - last, length - first) for first, last in lags]
        relevant, irrelevant = (np.stack(each, axis=1) for each in zip(*scores, strict=True))
        parts.append((relevant, irrelevant, head.constant, part.target.pick(run.outputs)))
    relevant, irrelevant, constant, forecast = map(np.concatenate, zip(*parts, strict=True))
    lag_from, lag_to = np.array(lags).T
    return Decomposition(
        relevant=relevant,
        irrelevant=irrelevant,
        lag_from=lag_from,
        lag_to=lag_to,
        constant=constant,
        forecast=forecast,
        residual=(forecast - constant)[:, None] - relevant - irrelevant,
    )


def _readable(run: Run, target: ResolvedTarget, of: str) -> Readout:
    """Find the LSTM and its head, or say why the network has no such decomposition."""
    head = readout(run, target, "contextual decomposition")
    node, directions = head.node, list(head.directions)
    (name, _), *given = node.inputs
    cell, reason = directions[0].layer.cell, None
    if len(directions) > 1:
        reason = "two directions"
    elif not isinstance(cell, LSTM):
        reason = f"a {cell.kind}"
    elif any(gate.V is not None for gate in cell.gates.values()):
        reason = "an LSTM with peepholes"
    elif cell.projection is not None:
        reason = "an LSTM that projects its hidden state"
    elif given:
        reason = "an LSTM that starts from given states"
    if reason:
        raise UnsupportedModel(
            f"contextual decomposition is defined for one plain LSTM, but {node.name!r} is "
            f"{reason}: use method 'secant'"
        )
    below = run.network[name]
    while not isinstance(below.layer, Input):
        if not keeps_steps_apart(below.layer):
            raise UnsupportedModel(
                f"contextual decomposition is defined for one LSTM that reads the window, but "
                f"{below.name!r}, {a_layer_kind(below.layer)}, stands before it: use method "
                "'secant'"
            )
        below = run.network[below.inputs[0][0]]
    if below.name != of:
        raise UnsupportedModel(
            f"contextual decomposition follows the steps of input {below.name!r}, which "
            f"{node.name!r} reads, but {of!r} was asked for: ask for {below.name!r}"
        )
    return head


def _score(head: Readout, first: int, last: int) -> tuple[Array, Array]:
    """Give the scores of the steps from first to last, and of all the rest, (sample,) each."""
    (one,) = head.directions
    beta, gamma = _decompose(one, head.mask, first, last)
    return (one.weight * beta).sum(axis=1), (one.weight * gamma).sum(axis=1)


def _decompose(one: Direction, mask: Mask, first: int, last: int) -> tuple[Array, Array]:
    x = one.inputs[0]
    cell, zero = ready(one.layer.cell), np.zeros((len(x), one.layer.cell.units))
    order = range(x.shape[1])
    states: _States = (zero, zero, zero, zero)
    for t in list(reversed(order) if one.layer.go_backwards else order)[: one.steps]:
        after = _step(cell, x[:, t], states, inside=first <= t <= last)
        if mask is not None:
            keep = np.broadcast_to(mask, x.shape[:2])[:, t, None]
            pairs = zip(after, states, strict=True)
            b, g, bc, gc = (np.where(keep, new, old) for new, old in pairs)
            after = b, g, bc, gc
        states = after
    return states[0], states[1]


def _step(cell: Ready, x: Array, states: _States, *, inside: bool) -> _States:
    """Take one step with both parts of every state; the letters are the paper's."""
    assert isinstance(cell.cell, LSTM)
    sigma, phi = cell.cell.recurrent_activation, cell.cell.activation
    beta, gamma, beta_c, gamma_c = states
    own = x @ cell.W
    rel = cell.split(beta @ cell.U + (own if inside else 0.0))
    irrel = cell.split(gamma @ cell.U + (0.0 if inside else own))
    b = cell.split(cell.b)
    gates = [_three(*each) for each in zip((sigma, sigma, phi), rel, irrel, b, strict=False)]
    beta_c, gamma_c = _memory(gates, beta_c, gamma_c, inside=inside)
    both, alone, rest = (value(phi, c) for c in (beta_c + gamma_c, beta_c, gamma_c))
    o = value(sigma, rel[3] + irrel[3] + b[3])
    return o * (alone + both - rest) / 2, o * (rest + both - alone) / 2, beta_c, gamma_c


class _Shared(NamedTuple):
    rel: Array
    irrel: Array
    bias: Array


def _memory(
    gates: list[_Shared], beta_c: Array, gamma_c: Array, *, inside: bool
) -> tuple[Array, Array]:
    """Take ``f c + i g`` apart: any irrelevant factor makes a product irrelevant."""
    i, f, g = gates
    relevant = (f.rel + f.bias) * beta_c + i.rel * (g.rel + g.bias) + i.bias * g.rel
    irrelevant = (f.rel + f.irrel + f.bias) * gamma_c + f.irrel * beta_c
    irrelevant += i.irrel * (g.rel + g.irrel + g.bias) + (i.rel + i.bias) * g.irrel
    if inside:
        return relevant + i.bias * g.bias, irrelevant
    return relevant, irrelevant + i.bias * g.bias


def _three(phi: Activation, r: Array, q: Array, b: Array) -> _Shared:
    """Share an activation out among a relevant part, an irrelevant part and the bias."""
    bias, with_r, with_q, full = (value(phi, a) for a in (b, r + b, q + b, r + q + b))
    rel = (with_r - bias + full - with_q) / 2
    irrel = (with_q - bias + full - with_r) / 2
    return _Shared(rel, irrel, bias)
