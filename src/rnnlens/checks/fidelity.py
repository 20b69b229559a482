"""Whether the network, as read, gives what the source model gives.

Compared with the model itself, run by its own library, or with outputs that were stored when the
model was saved. The source computes in float32 as a rule, so the two differ by rounding; a gate
read into the wrong place differs by far more.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NoReturn

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rnnlens.arguments import numbers
from rnnlens.engine.forward import entries, forward, predict
from rnnlens.engine.interventions.rounded import moved_by_rounding
from rnnlens.engine.schedule.context import equations
from rnnlens.errors import DataError, InputError
from rnnlens.names import declared, told
from rnnlens.network.network import Network
from rnnlens.readers.run import source_outputs

__all__ = ["Fidelity", "farthest_apart", "fidelity"]

#: What a source gave, where its outputs were kept.
OUTPUTS = numbers("a model that can be run, or outputs as arrays of numbers", allowed="any")

Array = NDArray[np.float64]

#: float32 keeps 6e-8 of a number, and a recurrence of a hundred steps adds up a few of them; a
#: wrong gate order moves outputs by 1e-2 and more.
TOLERANCE = 1e-5

#: Root mean squares of coarser rounding that a difference may have, the largest of many outputs.
DEVIATIONS = 4.0
#: What a source may round to, in words.
ROUNDS = {
    "int8": told("the source rounds to 8 bits within its quantised layers"),
    "float16": told("the source computes in float16"),
    "bfloat16": told("the source computes in bfloat16"),
}


@dataclass(frozen=True, eq=False, kw_only=True)
class Fidelity:
    """How far the network as read is from its source.

    Parameters
    ----------
    largest_difference : array (target,)
        Largest absolute difference of each output, over samples (and horizons), in the network's
        own units.
    largest : float
        The largest of them.
    tolerance : float
        What rounding in the source's precision explains: `TOLERANCE` times the size of the
        outputs, and `DEVIATIONS` times what rounding to 8 bits or in half precision moves an
        output by, where the source does that.
    agrees : bool
        Whether ``largest <= tolerance``.
    samples : int
        Windows compared.
    against : str
        What ran.
    rounds : str
        What the source rounds to within its layers, in words; empty for single precision.
    """

    largest_difference: Array = declared(
        "target", long_name="largest difference from the source model", unit="network units"
    )
    largest: float
    tolerance: float
    agrees: bool
    samples: int
    against: str
    rounds: str = ""


def fidelity(
    network: Network,
    source: object,
    X: ArrayLike | Mapping[str, ArrayLike],
    *,
    against: str | None = None,
) -> Fidelity:
    """Compare a network with its source on the same windows.

    Shapes: source live model, path, or array or sequence of (sample, ...), X (sample, step,
    feature), or mapping of input name to array.
    """
    inputs = entries(network, X)
    ours = _many(predict(network, inputs))
    theirs, name = _theirs(network, source, inputs)
    if network.origin.calls > 1 and not _stored(source) and not _close(ours, theirs):
        _refuse_calls(network)
    if [a.shape for a in theirs] != [a.shape for a in ours]:
        raise DataError(
            f"the source gives outputs of shapes {[a.shape for a in theirs]}, but the network as "
            f"read gives {[a.shape for a in ours]}: compare it with the model that it was read from"
        )
    differences = [
        np.abs(mine - their).reshape(-1, mine.shape[-1])
        for mine, their in zip(ours, theirs, strict=True)
    ]
    coarse, rounds = _coarse(network, inputs)
    per_target = np.concatenate([d.max(axis=0, initial=0.0) for d in differences])
    size = max(1.0, *(float(np.abs(their).max(initial=0.0)) for their in theirs))
    largest = float(per_target.max(initial=0.0))
    if np.isnan(per_target).any():
        largest = float("inf")
    tolerance = TOLERANCE * size + coarse
    return Fidelity(
        largest_difference=per_target,
        largest=largest,
        tolerance=tolerance,
        agrees=largest <= tolerance,
        samples=len(ours[0]),
        against=against or name,
        rounds=rounds,
    )


def _coarse(network: Network, inputs: Mapping[str, Array]) -> tuple[float, str]:
    """Say how far rounding that is coarser than single precision may move an output, and which."""
    rounding = network.origin.rounds
    if not rounding:
        return 0.0, ""
    moved = moved_by_rounding(network, inputs, rounding)
    largest = max(float(one.max(initial=0.0)) for one in moved)
    return DEVIATIONS * largest, ROUNDS[rounding]


def farthest_apart(
    network: Network, inputs: Mapping[str, Array], theirs: Sequence[Array], allowed: float
) -> float:
    """Compare a network's equations with what its source gave; more than 1 is not allowed.

    ``allowed`` is by how much a number of about 1 may differ. Shapes: inputs mapping of str to
    (sample, ...), theirs list of (sample, ...).
    """
    with equations():
        ours = forward(network, inputs).outputs
    farthest = 0.0
    for mine, their in zip(ours, theirs, strict=True):
        if mine.shape != their.shape:
            return float("inf")
        known = np.isfinite(their)
        size = max(1.0, float(np.abs(their[known]).max(initial=0.0)))
        apart = np.abs(mine[known] - their[known])
        if not np.isfinite(apart).all():
            return float("inf")
        farthest = max(farthest, float(apart.max(initial=0.0)) / (size * allowed))
    return farthest


def _many(outputs: Array | Sequence[Array]) -> list[Array]:
    return list(outputs) if isinstance(outputs, tuple | list) else [np.asarray(outputs)]


def _stored(source: object) -> bool:
    """Say whether a source is what it gave: an array, or one of each output."""
    many = source if isinstance(source, tuple | list) else [source]
    return all(isinstance(array, np.ndarray) for array in many)


def _close(ours: Sequence[Array], theirs: Sequence[Array]) -> bool:
    """Say whether outputs are of one shape, and equal but for rounding."""
    if [a.shape for a in theirs] != [a.shape for a in ours]:
        return False
    size = max(1.0, *(float(np.abs(a).max(initial=0.0)) for a in theirs))
    pairs = zip(ours, theirs, strict=True)
    return all(np.allclose(a, b, rtol=0, atol=TOLERANCE * size) for a, b in pairs)


def _refuse_calls(network: Network) -> NoReturn:
    """Refuse a source that was not run call by call, which shows nothing where it differs."""
    raise InputError(
        f"a window of the network as read is {network.origin.calls} calls of the source, one after "
        "the other, and the source gives something else where it takes the window in one call: run "
        "it call by call, from the state that windows start from, and give what the last call gave "
        "as an array"
    )


def _theirs(
    network: Network, source: object, inputs: Mapping[str, Array]
) -> tuple[list[Array], str]:
    if isinstance(source, np.ndarray):
        source = [source]
    if isinstance(source, tuple | list) and _stored(source):
        outputs = [np.asarray(OUTPUTS.check("source", a), dtype=np.float64) for a in source]
        return outputs, told("stored outputs")
    try:
        ran = source_outputs(source, inputs)
    except (DataError, RuntimeError, TypeError, ValueError):
        if network.origin.calls > 1:
            _refuse_calls(network)
        raise
    if ran is not None:
        return ran
    raise InputError(
        "fidelity needs a live model of Keras or PyTorch, the file of a model that can be run, or "
        f"the outputs it gave, but came with an object of type {type(source).__name__}"
    )
