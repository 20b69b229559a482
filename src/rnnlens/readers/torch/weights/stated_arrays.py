"""Layers with arrays that a statement names: linear layers, norms, embeddings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from rnnlens.errors import UnsupportedModel
from rnnlens.network.layers import (
    BatchNormalization,
    Dense,
    Embedding,
    Layer,
    LayerNormalization,
)
from rnnlens.network.network import Source
from rnnlens.readers.torch.weights.lazy import LazyArray
from rnnlens.readers.torch.weights.statement import Part, wrong

__all__ = ["Sources", "StatedArrays", "label_of"]

#: What PyTorch adds to a variance unless told otherwise.
EPSILON = 1e-5
#: What PyTorch calls the arrays of a norm.
ROLES = {"gamma": "weight", "beta": "bias"}
MOMENTS = {"mean": "running_mean", "variance": "running_var"}
#: Names of layers that a refusal lists.
SHOWN = 12

Sources = dict[str, Source]


@dataclass
class StatedArrays:
    """The arrays of a state dict, and which of them were used."""

    #: The statement.
    text: str
    arrays: Mapping[str, LazyArray]
    used: set[str] = field(default_factory=set)

    def linear(self, part: Part, width: int | None, *, named: bool) -> tuple[str, Dense, Sources]:
        """Make a linear layer that takes so many numbers; its label, and where its arrays lay."""
        name = self.name_of(part, named=named)
        weight, bias = self.array(name, "weight"), self.arrays.get(f"{name}.bias")
        if len(weight.shape) != 2:
            raise wrong(self.text, f"{name} has a weight of shape {weight.shape}, not two axes")
        if width not in {None, weight.shape[1]}:
            raise wrong(self.text, f"{name} takes {weight.shape[1]} numbers, but {width} come")
        if bias is not None and bias.shape != weight.shape[:1]:
            raise UnsupportedModel(
                f"{name}.bias has shape {bias.shape}, but its weight {weight.shape}: they are not "
                "of one layer"
            )
        W, b = weight.load(), None if bias is None else bias.load()
        sources = {"W": Source(f"{W.text} transposed", W.stored_at)}
        if b is not None:
            sources["b"] = Source(b.text, b.stored_at)
        self.used |= {f"{name}.weight", f"{name}.bias"}
        layer = Dense(W.values.T.copy(), None if b is None else b.values.copy())
        return label_of(name), layer, sources

    def norm(self, part: Part, width: int | None, word: str) -> tuple[str, Layer, Sources]:
        """Make a norm over so many numbers."""
        name = self.name_of(part, named=False)
        roles = ROLES | (MOMENTS if word == "batchnorm1d" else {})
        held = {ours: self.arrays.get(f"{name}.{theirs}") for ours, theirs in roles.items()}
        for ours in MOMENTS if word == "batchnorm1d" else ():
            held[ours] = self.array(name, roles[ours])
        wide = {array.shape for array in held.values() if array is not None}
        if wide != {(width,)}:
            raise wrong(
                self.text,
                f"{name} has arrays of {sorted(wide)}, and {width} numbers come to it",
            )
        loaded = {ours: array.load() for ours, array in held.items() if array is not None}
        values: dict[str, Any] = {ours: array.values.copy() for ours, array in loaded.items()}
        eps = self._epsilon(part)
        layer: Layer = (
            BatchNormalization(**values, epsilon=eps)
            if word == "batchnorm1d"
            else LayerNormalization(**values, epsilon=eps)
        )
        sources = {ours: Source(array.text, array.stored_at) for ours, array in loaded.items()}
        self.used |= {f"{name}.{theirs}" for theirs in roles.values()}
        return label_of(name), layer, sources

    def embedding(self, part: Part) -> tuple[str, Embedding, Sources]:
        """Make an embedding."""
        name = self.name_of(part, named=False)
        table = self.array(name, "weight")
        if len(table.shape) != 2:
            raise wrong(self.text, f"{name} has a weight of shape {table.shape}, not two axes")
        loaded = table.load()
        self.used.add(f"{name}.weight")
        sources = {"E": Source(loaded.text, loaded.stored_at)}
        return label_of(name), Embedding(loaded.values.copy()), sources

    def _epsilon(self, part: Part) -> float:
        given = dict(part.named)
        try:
            eps = float(given.pop("eps", str(EPSILON)))
        except ValueError:
            eps = 0.0
        if given or not 0 < eps < 1:
            raise wrong(self.text, f"{part.word} takes its name and eps, a small number")
        return eps

    def name_of(self, part: Part, *, named: bool) -> str:
        """Give the name of a layer's arrays, which stands in its brackets or is its word."""
        if named:
            if part.given or part.named:
                raise wrong(self.text, f"{part.word} takes nothing in brackets")
            return part.word
        if len(part.given) != 1:
            raise wrong(self.text, f"{part.word} must name its arrays, as {part.word}(fc) does")
        return part.given[0]

    def array(self, name: str, role: str) -> LazyArray:
        """Give an array that must be there."""
        array = self.arrays.get(f"{name}.{role}")
        if array is None:
            known = sorted(
                key.removesuffix(".weight") for key in self.arrays if key.endswith(".weight")
            )
            there = ", ".join(known[:SHOWN]) or "none"
            raise wrong(self.text, f"there is no array {name}.{role} (layers: {there})")
        return array


def label_of(name: str) -> str:
    """Give what a layer is called in the network."""
    return name.replace(".", "_")
