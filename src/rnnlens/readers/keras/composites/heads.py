"""``MultiHeadAttention``: several attentions side by side, each on its own projection."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from rnnlens.errors import UnsupportedModel
from rnnlens.network.layers import Dense, Einsum, Permute, Rescaling, Reshape
from rnnlens.network.network import Ref, Source
from rnnlens.readers.keras.composites.attention import SOFTMAX, causal
from rnnlens.readers.keras.graph.builder import CallInputs, KerasGraphBuilder, KerasValue
from rnnlens.readers.keras.graph.nodes import Nodes
from rnnlens.readers.keras.layers.spec import LayerSpec
from rnnlens.readers.variables import load

__all__ = ["multi_head_attention"]


class Projection(NamedTuple):
    """A kernel with its heads side by side, and where it came from."""

    layer: Dense
    sources: Mapping[str, Source]


@dataclass(frozen=True)
class Heads:
    """The projections of queries, keys and values, and of what the heads give."""

    heads: int
    key_dim: int
    query: Projection
    key: Projection
    value: Projection
    output: Projection

    def call(self, builder: KerasGraphBuilder, node: str, taken: CallInputs) -> list[KerasValue]:
        """Add projections, scores, weights and the mean of the values."""
        where, nodes = f"layer {node!r} (MultiHeadAttention)", Nodes(builder, node)
        query, value, key = self._given(builder, where, taken)
        for ref in (query, value, key):
            if nodes.rank(ref) != 3 or builder.masks[ref] is not None:
                raise UnsupportedModel(
                    f"{where} takes values that are masked, or no sequences (sample, step, "
                    "feature), which rnnlens does not implement; mask nothing before it"
                )
        apart = {
            name: self._apart(nodes, ref, name)
            for name, ref in (("query", query), ("key", key), ("value", value))
        }
        scores = nodes.add(Einsum("ahqd,ahkd->ahqk"), apart["query"], apart["key"])
        shrunk = Rescaling(np.array(1 / math.sqrt(self.key_dim)), np.array(0.0))
        scores = nodes.add(shrunk, scores)
        if taken.keywords.get("use_causal_mask"):
            scores = causal(nodes, scores, where)
        weights = nodes.add(SOFTMAX, scores, named="weights")
        means = nodes.add(Einsum("ahqk,ahkd->ahqd"), weights, apart["value"], named="mean")
        width = len(self.output.layer.W)
        joined = nodes.add(Reshape((-1, width)), nodes.add(Permute((2, 1, 3)), means))
        output = nodes.add(
            self.output.layer, joined, named="attention_output", sources=self.output.sources
        )
        scored = taken.keywords.get("return_attention_scores")
        return [output, weights] if scored else [output]

    def _apart(self, nodes: Nodes, ref: Ref, name: str) -> Ref:
        """Project a sequence and give each head its own: (sample, head, step, unit)."""
        made: Projection = getattr(self, name)
        wide = nodes.add(made.layer, ref, named=name, sources=made.sources)
        width = made.layer.W.shape[1] // self.heads
        return nodes.add(Permute((2, 1, 3)), nodes.add(Reshape((-1, self.heads, width)), wide))

    @staticmethod
    def _given(builder: KerasGraphBuilder, where: str, taken: CallInputs) -> list[Ref]:
        names = ("query", "value", "key")
        # tf.keras writes the first input as a list of one.
        plain = [one[0] if isinstance(one, list) and one else one for one in taken.arguments]
        given: dict[str, Any] = dict(zip(names, plain, strict=False))
        given |= {name: taken.keywords[name] for name in names if taken.keywords.get(name)}
        given.setdefault("key", given.get("value"))
        known = {*names, "return_attention_scores", "use_causal_mask", "training"}
        unknown = [key for key, value in taken.keywords.items() if key not in known and value]
        if unknown or len(taken.arguments) > len(names) or given.get("value") is None:
            raise UnsupportedModel(
                f"{where} is called with {unknown[0] if unknown else 'other than its inputs'}, "
                "which rnnlens does not implement; call it on query, value and key alone"
            )
        return [builder.tensor(given[name], where) for name in names]


def multi_head_attention(spec: LayerSpec) -> Heads:
    """Build a MultiHeadAttention layer."""
    options = spec.options
    heads, key_dim = options.size("num_heads"), options.size("key_dim")
    value_dim = options.size("value_dim", key_dim) if options.values.get("value_dim") else key_dim
    biased = options.flag("use_bias", True)
    shape = options.take("output_shape", None)
    if isinstance(shape, list) and len(shape) > 1:
        raise spec.refuse(f"output_shape = {shape} has several axes; rnnlens reads one")
    if options.take("attention_axes", None) not in (None, [1]):
        raise spec.refuse("it attends along other axes than the steps; leave attention_axes out")
    options.finish(("dropout", "value_dim", "query_shape", "key_shape", "value_shape"))
    parts = {
        name: _projection(spec, name, (None, heads, size), (heads, size) if biased else None)
        for name, size in (("query", key_dim), ("key", key_dim), ("value", value_dim))
    }
    out = _projection(spec, "output", (heads, value_dim, None), (None,) if biased else None)
    return Heads(heads, key_dim, output=out, **parts)


def _projection(
    spec: LayerSpec,
    name: str,
    kernel: tuple[int | None, ...],
    bias: tuple[int | None, ...] | None,
) -> Projection:
    """Read an ``EinsumDense`` and lay its heads side by side."""
    shapes = {"kernel": kernel, **({} if bias is None else {"bias": bias})}
    # The layer within is called by its attribute in archives and by its name in HDF5.
    part = spec.store.part(f"{name}_dense", "attention_output" if name == "output" else name)
    stored = {item.role: item for item in part.variables(list(shapes))}
    loaded = {role: load(stored[role], shapes[role], spec.name) for role in shapes}
    W = loaded["kernel"]
    W = W.reshape(-1, W.shape[-1]) if name == "output" else W.reshape(len(W), -1)
    b = loaded["bias"].reshape(-1) if "bias" in loaded else None
    sources = {
        letter: Source(f"{spec.path}/{name}/{role}, heads side by side", stored[role].stored_at)
        for letter, role in (("W", "kernel"), ("b", "bias"))
        if role in stored
    }
    return Projection(Dense(np.ascontiguousarray(W), b), sources)
