"""``If``: which of its two graphs is the network, where fixed numbers or shapes decide."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from rnnlens.errors import UnreadableFile, UnsupportedModel
from rnnlens.readers.onnx.graph.values import FixedArray, OnnxValue
from rnnlens.readers.onnx.proto import Branch, OnnxOperator

__all__ = ["Undecided", "chosen"]

#: Comparisons, which give False for a length that is open, and what carries their answers on.
ASKING = frozenset({"Equal"})
CARRYING = frozenset({"And", "Cast", "Identity", "Not", "Or", "Reshape", "Squeeze", "Unsqueeze"})


class Undecided(set[str]):
    """Names of answers that hold for any number of samples or steps but the one asked for."""

    def follow(self, op: OnnxOperator, given: Sequence[OnnxValue | None]) -> None:
        """Note what a node gives, where it asks for a length that is open."""
        asks = op.kind in ASKING and any(
            isinstance(one, FixedArray) and one.values.dtype == object for one in given
        )
        if asks or (op.kind in CARRYING and self & set(op.inputs)):
            self.update(filter(None, op.outputs))


def chosen(
    op: OnnxOperator, given: Sequence[OnnxValue | None], values: Mapping[str, OnnxValue]
) -> tuple[Branch, dict[str, OnnxValue]]:
    """Give the graph that an ``If`` takes, and the values that it sees."""
    known = given[0] if len(given) == 1 else None
    if not isinstance(known, FixedArray) or known.batch is not None or known.values.dtype == object:
        raise UnsupportedModel(
            f"node {op.text} chooses between two graphs by what comes in, so that no one network "
            "says what the model computes: export each case as a model of its own"
        )
    if known.values.size != 1:
        raise UnreadableFile(
            f"node {op.text} chooses by {known.values.size} values where one decides: the file is "
            "damaged"
        )
    name = "then_branch" if bool(np.ravel(known.values)[0]) else "else_branch"
    branch = op.attributes.get(name)
    if not isinstance(branch, Branch) or len(branch.outputs) < len(op.outputs):
        raise UnreadableFile(
            f"node {op.text} has no graph {name} that fits it: the file is damaged"
        )
    fixed = {key: FixedArray(array, key) for key, array in branch.fixed.items()}
    return branch, {**values, **fixed}
