"""Layers that pad, cut or repeat steps: ``ZeroPadding1D``, ``Cropping1D``, ``UpSampling1D``."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rnnlens.errors import UnsupportedModel
from rnnlens.network.axes import ExpandDims, Repeat, Slice
from rnnlens.network.layers import Concatenate, Reshape
from rnnlens.network.network import Ref
from rnnlens.readers.keras.graph.builder import CallInputs, KerasGraphBuilder, KerasValue
from rnnlens.readers.keras.graph.nodes import Nodes
from rnnlens.readers.keras.layers.spec import LayerSpec

__all__ = ["Cropped", "Padded", "Repeated", "cropping", "up_sampling", "zero_padding"]


@dataclass(frozen=True)
class Padded:
    """Steps of zeros before the first step and after the last."""

    before: int
    after: int

    def call(self, builder: KerasGraphBuilder, node: str, taken: CallInputs) -> list[KerasValue]:
        """Add the zeros."""
        nodes, ref, features = _sequence(builder, node, taken)
        parts = [ref]
        if self.before:
            parts.insert(0, nodes.constant(np.zeros((self.before, features)), ref))
        if self.after:
            parts.append(nodes.constant(np.zeros((self.after, features)), ref))
        return [nodes.add(Concatenate(1), *parts) if len(parts) > 1 else ref]


@dataclass(frozen=True)
class Cropped:
    """The steps without the first and the last ones."""

    before: int
    after: int

    def call(self, builder: KerasGraphBuilder, node: str, taken: CallInputs) -> list[KerasValue]:
        """Add the slice."""
        nodes, ref, _ = _sequence(builder, node, taken)
        return [nodes.add(Slice(self.before, -self.after or None, 1, 1), ref)]


@dataclass(frozen=True)
class Repeated:
    """Every step so many times over."""

    times: int

    def call(self, builder: KerasGraphBuilder, node: str, taken: CallInputs) -> list[KerasValue]:
        """Add the repetition beside each step, and lay it out as steps."""
        nodes, ref, features = _sequence(builder, node, taken)
        beside = nodes.add(Repeat(2, self.times), nodes.add(ExpandDims(2), ref))
        return [nodes.add(Reshape((-1, features)), beside)]


def _sequence(builder: KerasGraphBuilder, node: str, taken: CallInputs) -> tuple[Nodes, Ref, int]:
    """Give the one sequence (sample, step, feature) that a call takes, and its features."""
    refs = [builder.tensor(value, f"layer {node!r}") for value in taken.inputs]
    nodes = Nodes(builder, node)
    shape = nodes.shape(refs[0])
    if len(refs) != 1 or len(shape) != 2 or shape[1] is None:
        raise UnsupportedModel(
            f"layer {node!r} is called on something else than one sequence (sample, step, feature)"
        )
    return nodes, refs[0], shape[1]


def zero_padding(spec: LayerSpec) -> Padded:
    """Build a ZeroPadding1D layer."""
    return Padded(*_both_ends(spec, "padding"))


def cropping(spec: LayerSpec) -> Cropped:
    """Build a Cropping1D layer."""
    return Cropped(*_both_ends(spec, "cropping"))


def up_sampling(spec: LayerSpec) -> Repeated:
    """Build an UpSampling1D layer."""
    times = spec.options.size("size", 2)
    spec.options.finish()
    return Repeated(times)


def _both_ends(spec: LayerSpec, option: str) -> tuple[int, int]:
    counts = spec.options.integers(option)
    spec.options.choice("data_format", ["channels_last", None], None)
    spec.options.finish()
    if len(counts) not in {1, 2} or min(counts) < 0:
        raise spec.refuse(f"{option} = {list(counts)} is not a number of steps for each end")
    return counts[0], counts[-1]
