"""``Dot``: the product of two layers' outputs, summed over an axis of each."""

from __future__ import annotations

from dataclasses import dataclass
from string import ascii_lowercase

import numpy as np

from rnnlens.errors import UnsupportedModel
from rnnlens.network.axes import ExpandDims
from rnnlens.network.layers import Einsum
from rnnlens.readers.keras.graph.builder import CallInputs, KerasGraphBuilder, KerasValue
from rnnlens.readers.keras.graph.nodes import Nodes
from rnnlens.readers.keras.graph.norms import normalized
from rnnlens.readers.keras.layers.spec import LayerSpec

__all__ = ["Dot", "dot"]


@dataclass(frozen=True)
class Dot:
    """A product that leaves the other axes of the first input, then those of the second."""

    axes: tuple[int, int]
    normalize: bool
    #: The smallest sum of squares that is divided by.
    smallest: float

    def call(self, builder: KerasGraphBuilder, node: str, taken: CallInputs) -> list[KerasValue]:
        """Add the product."""
        where = f"layer {node!r} (Dot)"
        refs = [builder.tensor(value, where) for value in taken.inputs]
        if len(refs) != 2:
            raise UnsupportedModel(f"{where} is called on {len(refs)} inputs, not two")
        nodes = Nodes(builder, node)
        terms = []
        free = iter(ascii_lowercase[2:])
        for number, (ref, axis) in enumerate(zip(refs, self.axes, strict=True)):
            rank = nodes.rank(ref)
            if not -rank <= axis < rank or axis % rank == 0:
                raise UnsupportedModel(
                    f"{where} sums over axis {axis} of an input with {rank} axes, that of the "
                    "samples first; give it an axis from 1 on"
                )
            letters = ["a", *(next(free) for _ in range(rank - 1))]
            letters[axis % rank] = "b"
            terms.append("".join(letters))
            if self.normalize:
                refs[number] = normalized(nodes, ref, (axis % rank,), self.smallest)
        out = "".join(letter for letter in "".join(terms) if letter not in "ab")
        made = nodes.add(Einsum(f"{terms[0]},{terms[1]}->a{out}"), *refs)
        # Keras gives a number a sample as a vector of one.
        return [made if out else nodes.add(ExpandDims(1), made)]


def dot(spec: LayerSpec) -> Dot:
    """Build a Dot layer."""
    axes = spec.options.integers("axes")
    if len(axes) not in {1, 2}:
        raise spec.refuse(f"axes = {list(axes)}; rnnlens sums over one axis of each input")
    normalize = spec.options.flag("normalize")
    spec.options.finish()
    # keras/src/ops/nn.py, normalize, with the usual epsilon; tf.keras: tf.math.l2_normalize.
    keras_3 = spec.keras_version.generation == "Keras 3"
    return Dot((axes[0], axes[-1]), normalize, np.square(1e-7) if keras_3 else 1e-12)
