"""Layer-wise relevance propagation: the forecast itself handed back, layer by layer.

The relevance of the output is the forecast; every layer hands what it holds back to its inputs in
proportion to what they added (Bach et al. 2015), and in a product of a gate and a signal the signal
takes all (Arras, Montavon, Müller and Samek 2017, "Explaining recurrent neural network predictions
in sentiment analysis"; Arras et al. 2019, "Explaining and interpreting LSTMs"). The rules stand in
`rnnlens.attribution.methods.lrp.rules` and `rnnlens.attribution.methods.lrp.cells`. There is no
baseline. Cost: 3T cell evaluations.

Exact only where nothing is lost on the way: in networks without biases whose gates do not depend
on the input, such as a leaky integrator. Elsewhere biases and the stabiliser keep what they
added, unless the bias factor is 1, which shares it evenly and serves as a check of the rules:
then all is conserved, and the even shares mean nothing. Relevance that is not conserved is given
as the residual, and relevance is not a contribution.

Known failures: what reaches the forecast through gates is dropped, so that a network that decides
by its gates is explained by what passed them; near a sum of zero the rule divides by eps.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rnnlens.attribution.baselines.baseline import Array
from rnnlens.attribution.games.mixing import flat_steps
from rnnlens.attribution.methods.lrp import cells as lrp_cells  # noqa: F401  (it registers the recurrent layers)
from rnnlens.attribution.methods.lrp.rules import Rule, Taken, hand_back
from rnnlens.attribution.question import Question
from rnnlens.attribution.target import ResolvedTarget
from rnnlens.engine.forward import Run, forward
from rnnlens.engine.operations.registry import join
from rnnlens.errors import DataError
from rnnlens.names import declared
from rnnlens.network.layers import Input
from rnnlens.network.network import Ref

__all__ = ["Relevance", "lrp"]


@dataclass(frozen=True, eq=False)
class Relevance:
    """Relevance by lag and feature. It sums to the forecast only where the residual is zero.

    Parameters
    ----------
    relevance : array (sample, lag, feature)
        In the target's own unit; lag 1, the newest step, comes first.
    elsewhere : array (sample,)
        Relevance that ended at other inputs and at the states before the first step.
    forecast : array (sample,)
        For the window.
    output : array (sample,)
        What was handed back: the forecast without the offset of the target's scaler.
    residual : array (sample,)
        ``output - elsewhere - sum of relevance``: what biases and the stabiliser kept.
    """

    relevance: Array = declared("sample", "lag", "feature")
    elsewhere: Array = declared("sample")
    forecast: Array = declared("sample")
    output: Array = declared("sample")
    residual: Array = declared("sample")


def lrp(question: Question, *, eps: float = 0.001, bias_factor: float = 0.0) -> Relevance:
    """Hand each forecast back to lags and features by layer-wise relevance propagation."""
    if not eps > 0:
        raise DataError(f"eps must be above 0, but is {eps}")
    if not 0 <= bias_factor <= 1:
        raise DataError(f"the bias factor must be from 0 to 1, but is {bias_factor}")
    rule = Rule(eps, bias_factor)
    parts = []
    for part in question.parts(runs=2):
        run = forward(part.network, part.inputs)
        relevance, elsewhere, output = _part(run, part.target, part.of, rule)
        parts.append((relevance, elsewhere, part.target.pick(run.outputs), output))
    relevance, elsewhere, forecast, output = map(np.concatenate, zip(*parts, strict=True))
    residual = output - elsewhere - relevance.sum(axis=(1, 2))
    return Relevance(relevance[:, ::-1], elsewhere, forecast, output, residual)


def _part(run: Run, target: ResolvedTarget, of: str, rule: Rule) -> tuple[Array, Array, Array]:
    ref = target.ref(run.network)
    (weight,) = target.weight(run).values()
    start = weight * run.value(ref)
    samples = len(start)
    handed, elsewhere = _sweep(run, {ref: start}, rule)
    for name in run.network.inputs:
        part = handed.get((name, 0))
        if name != of and part is not None:
            elsewhere = elsewhere + part.reshape(samples, -1).sum(axis=1)
    own = handed.get((of, 0))
    relevance = flat_steps(np.zeros_like(run.value((of, 0))) if own is None else own)
    return relevance, elsewhere, start.reshape(samples, -1).sum(axis=1)


def _sweep(run: Run, start: dict[Ref, Array], rule: Rule) -> tuple[dict[Ref, Array], Array]:
    """Hand relevance back to the inputs; give what ended at states that no node feeds."""
    held = dict(start)
    lost = np.zeros(len(next(iter(start.values()))))
    for node in reversed(run.network.nodes):
        tape = run.tapes[node.name]
        outer = tuple(held.get((node.name, k)) for k in range(len(tape.outputs)))
        if isinstance(node.layer, Input) or all(part is None for part in outer):
            continue
        masks = tuple(run.tapes[name].masks[k] for name, k in node.inputs)
        handed = hand_back(node.layer, Taken(tape, masks), outer, rule)
        for ref, part in zip(node.inputs, handed, strict=False):
            total = join(held.get(ref), part)
            if total is not None:
                held[ref] = total
        for part in handed[len(node.inputs) :]:
            if part is not None:
                lost = lost + part.sum(axis=1)
    return held, lost
