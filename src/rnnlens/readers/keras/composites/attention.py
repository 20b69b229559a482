"""``Attention`` and ``AdditiveAttention``: scores of steps against steps, a softmax, a mean."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from rnnlens.errors import UnsupportedModel
from rnnlens.network.activations import Activation
from rnnlens.network.axes import ExpandDims, Squeeze
from rnnlens.network.layers import (
    Activate,
    Add,
    Dense,
    Einsum,
    Multiply,
    Reduction,
    Rescaling,
)
from rnnlens.network.network import Ref, Source
from rnnlens.readers.keras.graph.builder import CallInputs, KerasGraphBuilder, KerasValue
from rnnlens.readers.keras.graph.nodes import Nodes
from rnnlens.readers.keras.layers.spec import LayerSpec

__all__ = ["AttentionCall", "additive_attention", "attention", "causal"]

#: What is taken off the scores of steps that may not be seen.
FAR = 1e9

SOFTMAX = Activate(Activation("softmax", {"axis": -1.0}))
TANH = Activate(Activation("tanh"))


def causal(nodes: Nodes, scores: Ref, where: str) -> Ref:
    """Hide from each step those that come after it: scores (sample, ..., query, key)."""
    queries, keys = nodes.shape(scores)[-2:]
    if queries is None or keys is None:
        raise UnsupportedModel(
            f"{where} hides later steps from earlier ones in windows of open length; build the "
            "model on windows of a fixed length"
        )
    hidden = np.where(np.tri(queries, keys) > 0, 0.0, -FAR)
    return nodes.add(Rescaling(np.array(1.0), hidden), scores)


@dataclass(frozen=True)
class AttentionCall:
    """What a call of an attention layer is given."""

    where: str
    refs: list[Ref]
    return_scores: bool
    causal: bool

    @classmethod
    def of(cls, builder: KerasGraphBuilder, where: str, taken: CallInputs) -> AttentionCall:
        """Read the call: inputs as a list, options by name."""
        known = {"return_attention_scores", "use_causal_mask", "mask", "training", "inputs"}
        unknown = [key for key, value in taken.keywords.items() if key not in known and value]
        if unknown:
            raise UnsupportedModel(
                f"{where} is called with {unknown[0]}, which rnnlens does not implement"
            )
        given = taken.arguments[0] if taken.arguments else taken.keywords.get("inputs")
        if not isinstance(given, list) or len(given) not in {2, 3} or len(taken.arguments) > 1:
            raise UnsupportedModel(
                f"{where} is not called on a list of query, value and, it may be, key alone; call "
                "it so"
            )
        refs = [builder.tensor(value, where) for value in given]
        masks = taken.keywords.get("mask")
        builder.check_masks(where, CallInputs(refs, (), masks if isinstance(masks, list) else ()))
        query, value, *key = refs
        return cls(
            where,
            [query, value, *(key or [value])],
            bool(taken.keywords.get("return_attention_scores")),
            bool(taken.keywords.get("use_causal_mask")),
        )


@dataclass(frozen=True)
class Attention:
    """Scores by a product, by a tanh of sums, or by a learned direction of that tanh."""

    score: Literal["dot", "concat", "additive"]
    scale: np.ndarray | None = None
    #: The learned factor of the scores of ``concat``.
    factor: np.ndarray | None = None
    always_causal: bool = False
    sources: Mapping[str, Source] = field(default_factory=dict)

    def call(self, builder: KerasGraphBuilder, node: str, taken: CallInputs) -> list[KerasValue]:
        """Add scores, weights and the mean of the values."""
        where = f"layer {node!r} ({'Additive' * (self.score == 'additive')}Attention)"
        call, nodes = AttentionCall.of(builder, where, taken), Nodes(builder, node)
        query, value, key = call.refs
        if any(nodes.rank(ref) != 3 for ref in call.refs):
            raise UnsupportedModel(
                f"{where} takes values that are no sequences (sample, step, feature); make them so "
                "with Reshape or ExpandDims"
            )
        scores = self._scores(nodes, query, key)
        if builder.masks[value] is not None:
            there = builder.mask_values(f"{node}.value_mask", value)
            hidden = nodes.add(Rescaling(np.array(FAR), np.array(-FAR)), there)
            scores = nodes.add(Add(), scores, nodes.add(ExpandDims(1), hidden))
        if call.causal or self.always_causal:
            scores = causal(nodes, scores, where)
        weights = nodes.add(SOFTMAX, scores, named="weights")
        output = nodes.add(Einsum("aqk,akd->aqd"), weights, value, named="mean")
        if builder.masks[query] is not None:
            there = builder.mask_values(f"{node}.query_mask", query)
            output = nodes.add(Multiply(), output, nodes.add(ExpandDims(-1), there))
            builder.carry_unseen(output, builder.masks[query])
        return [output, weights] if call.return_scores else [output]

    def _scores(self, nodes: Nodes, query: Ref, key: Ref) -> Ref:
        if self.score == "dot":
            scores = nodes.add(Einsum("aqd,akd->aqk"), query, key)
            return scores if self.scale is None else self._scaled(nodes, scores, "scale")
        wide = nodes.add(ExpandDims(2), query), nodes.add(ExpandDims(1), key)
        sums = nodes.add(Add(), *wide)
        if self.score == "additive":
            bent = nodes.add(TANH, sums)
            if self.scale is None:
                return nodes.add(Reduction("sum", (3,)), bent)
            direction = Dense(self.scale[:, None])
            given = {"W": self.sources["scale"]}
            return nodes.add(Squeeze(3), nodes.add(direction, bent, sources=given))
        if self.scale is not None:
            sums = self._scaled(nodes, sums, "scale")
        scores = nodes.add(Reduction("sum", (3,)), nodes.add(TANH, sums))
        return self._scaled(nodes, scores, "factor")

    def _scaled(self, nodes: Nodes, ref: Ref, name: str) -> Ref:
        layer = Rescaling(np.asarray(getattr(self, name), np.float64), np.array(0.0))
        return nodes.add(layer, ref, sources={"scale": self.sources[name]})


def attention(spec: LayerSpec) -> Attention:
    """Build an Attention layer."""
    options = spec.options
    mode = options.choice("score_mode", ["dot", "concat"], "dot")
    names = {"scale": "scale"} if options.flag("use_scale") else {}
    if mode == "concat":
        names["concat_score_weight"] = "factor"
    return _made(spec, mode, names, ())


def additive_attention(spec: LayerSpec) -> Attention:
    """Build an AdditiveAttention layer."""
    names = {"scale": "scale"} if spec.options.flag("use_scale", True) else {}
    return _made(spec, "additive", names, (None,))


def _made(
    spec: LayerSpec,
    score: Literal["dot", "concat", "additive"],
    names: Mapping[str, str],
    shape: tuple[None, ...],
) -> Attention:
    # Before tf.keras 2.10 the constructor said whether later steps are hidden.
    always = spec.options.flag("causal")
    stored = spec.variables(dict.fromkeys(names, shape))
    spec.options.finish(("dropout",))
    return Attention(
        score,
        always_causal=always,
        sources={names[role]: item.source for role, item in stored.items()},
        **{names[role]: item.values for role, item in stored.items()},
    )
