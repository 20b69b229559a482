"""Which numbers of the inputs can reach a number of the output, whatever the data.

From the target's entry back to the inputs, every layer says which entries of what it takes enter
the entries that are wanted (`rnnlens.evidence.reach.rules`, of recurrent cells
`rnnlens.evidence.reach.cells`), with the zeros among its weights or, for the wiring alone, as if
no weight were zero. A number that is not reached changes nothing, for any window: the strongest
statement there is. Where steps can be masked every number that tells the mask counts as reaching.
Entries that happen to cancel, or that saturated gates swallow, count as reaching too. Cost: as one
run of one window, and ``T units^2`` a recurrent layer.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from rnnlens.attribution.question import Question
from rnnlens.attribution.target import ResolvedTarget
from rnnlens.engine.forward import Run, forward
from rnnlens.engine.operations.registry import Array
from rnnlens.errors import DataError
from rnnlens.evidence.reach.rules import Counting, Wanted, wanted_by
from rnnlens.network.axes import Constant, Lengths
from rnnlens.network.layers import Conv1D, Dense, Embedding, Input, Masking, TimeDistributed
from rnnlens.network.network import Network, Ref

__all__ = ["Used", "follow", "reached"]

Used = NDArray[np.bool_]

#: Weights of zero lead nowhere, and states start at zero.
USUAL = Counting()


def reached(question: Question, *, zeros: bool = False) -> Used:
    """Tell which numbers of the windows asked about can reach the target, as one sample has them.

    With zeros, weights of zero lead on too, so that the wiring alone counts.
    """
    shapes = {name: array.shape[1:] for name, array in question.inputs.items()}
    counting = Counting(zeros=zeros, carried=bool(question.initial_state))
    return follow(question.network, shapes, question.target, counting)[question.of]


def follow(
    network: Network,
    shapes: Mapping[str, tuple[int, ...]],
    target: ResolvedTarget | None = None,
    counting: Counting = USUAL,
) -> dict[str, Used]:
    """Tell which numbers of every input can reach the target, or any output where none is named.

    Parameters
    ----------
    network : Network
        The network.
    shapes : mapping of str to tuple of int
        Of one sample, for inputs whose number of steps is not fixed; others may be left out where
        they have the network's own shape, or the same number of steps.
    target : ResolvedTarget, optional
        The entry of the output.
    counting : Counting
        Whether weights of zero are ways, and whether states are carried in.

    Returns
    -------
    dict of str to array of bool
        By input, of the shape of one sample.

    Raises
    ------
    DataError
        If a shape is that of no input.
    """
    for name in shapes:
        if name not in network.inputs:
            there = ", ".join(network.inputs)
            raise DataError(f"the network has no input {name!r}: it has {there}")
    with np.errstate(all="ignore"):  # a blank window may divide by zero
        run = forward(network, _blank(network, shapes))
    wanted: dict[Ref, Used] = {}
    for number, ref in enumerate(network.outputs):
        if target is None or number == target.output:
            entry = np.zeros(run.value(ref).shape, bool)
            entry[slice(None), *(target.index if target else ())] = True
            wanted[ref] = wanted.get(ref, False) | entry
    fixed = _fixed(network, counting)
    for node in reversed(network.nodes):
        if not isinstance(node.layer, Input):
            _pass_on(run, node.name, fixed, wanted, counting)
    return {
        name: wanted.get((name, 0), np.zeros(run.value((name, 0)).shape, bool))[0]
        for name in network.inputs
    }


def _pass_on(
    run: Run, name: str, fixed: set[str], wanted: dict[Ref, Used], counting: Counting
) -> None:
    """Hand what is wanted of one node on to the nodes that it takes from."""
    node, tape = run.network[name], run.tapes[name]
    asked: Wanted = tuple(wanted.get((name, number)) for number in range(len(tape.outputs)))
    if all(one is None for one in asked):
        return
    taken = tuple(run.value(ref) for ref in node.inputs)
    whole = tuple(
        np.zeros(value.shape, bool) if one is None else one
        for one, value in zip(asked, tape.outputs, strict=True)
    )
    if _masks(node.layer):
        into: Wanted = tuple(np.ones(one.shape, bool) for one in taken)
    else:
        pairs = zip(node.inputs, taken, strict=True)
        known = [one if name in fixed else None for (name, _), one in pairs]
        into = wanted_by(node.layer, tape, whole, known, counting)
    for ref, one in zip(node.inputs, into, strict=False):
        if one is not None and ref[0] not in fixed:
            wanted[ref] = wanted.get(ref, False) | one


def _masks(layer: object) -> bool:
    return isinstance(layer, Masking | Lengths) or (
        isinstance(layer, Embedding) and layer.mask_zero
    )


def _fixed(network: Network, counting: Counting) -> set[str]:
    """Name the nodes that give the same for every window."""
    fixed: set[str] = set()
    for node in network.nodes:
        if isinstance(node.layer, Input):
            continue
        alone = isinstance(node.layer, Constant) or _takes_nothing(node.layer, counting)
        if alone or all(name in fixed for name, _ in node.inputs):
            fixed.add(node.name)
    return fixed


def _takes_nothing(layer: object, counting: Counting) -> bool:
    """Tell whether every weight of a layer is zero, so that it gives its bias."""
    while isinstance(layer, TimeDistributed):
        layer = layer.layer
    return isinstance(layer, Dense | Conv1D) and not counting(layer.W).any()


def _blank(network: Network, shapes: Mapping[str, tuple[int, ...]]) -> dict[str, Array]:
    """Make one window of zeros, of the shapes that are given or follow from those given."""
    steps = next((shape[0] for shape in shapes.values() if shape), 1)

    def size(name: str, entry: Input) -> tuple[int, ...]:
        if name in shapes:
            return tuple(shapes[name])
        return tuple(steps if one is None else one for one in entry.shape)

    return {name: np.zeros((1, *size(name, entry))) for name, entry in network.inputs.items()}
