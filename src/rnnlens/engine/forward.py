"""Running a network forward: keeping what the way back and the trace need, or its outputs alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rnnlens.engine.kernels.ready import FORWARD
from rnnlens.engine.operations.registry import Array, Mask, Tape, infer, run, taken_by
from rnnlens.engine.schedule.fused import schedule
from rnnlens.engine.schedule.little import runs_of_windows
from rnnlens.engine.schedule.plan import gathered
from rnnlens.engine.schedule.threads import one_blas_thread
from rnnlens.errors import DataError
from rnnlens.network.layers import Bidirectional, Embedding, Input, Masking, Recurrent
from rnnlens.network.network import Network, Node, Ref

__all__ = [
    "Run",
    "States",
    "as_a_series",
    "entries",
    "fitting",
    "forward",
    "inputs_of",
    "outputs",
    "predict",
    "states_of",
]

#: Initial states by name of the recurrent layer: hidden (and cell), each (sample, unit).
States = Mapping[str, Sequence[ArrayLike]]

#: What a run may be computed in.
PRECISIONS = ("float64", "float32")


@dataclass(frozen=True, eq=False)
class Run:
    """One forward run.

    Parameters
    ----------
    network : Network
        What was run.
    tapes : dict of str to Tape
        What each node took and gave.
    """

    network: Network
    tapes: dict[str, Tape]

    def value(self, ref: Ref) -> Array:
        """Give one output of one node: (sample, ...)."""
        name, number = ref
        return self.tapes[name].outputs[number]

    @property
    def outputs(self) -> tuple[Array, ...]:
        """The network's outputs."""
        return tuple(self.value(ref) for ref in self.network.outputs)

    @property
    def masked(self) -> bool:
        """Whether anything of it is masked."""
        return any(mask is not None for tape in self.tapes.values() for mask in tape.masks)


def entries(
    network: Network, X: ArrayLike | Mapping[str, ArrayLike], precision: str = "float64"
) -> dict[str, Array]:
    """Check the arrays given to a network and name them.

    Shapes: X (sample, step, feature), or mapping of input name to array.
    """
    arrays = _shaped(network, X, precision)
    for name, array in arrays.items():
        _refuse_missing(name, array, array)
    return arrays


def fitting(network: Network, precision: str) -> Callable[[Sequence[ArrayLike]], tuple[Array, ...]]:
    """Make what checks the shapes of arrays, one an input in their order; missing values pass."""
    names = tuple(network.inputs)
    _refuse_other_precisions(precision)

    def fit(arrays: Sequence[ArrayLike]) -> tuple[Array, ...]:
        if len(arrays) != len(names):
            raise DataError(
                f"the network has {len(names)} {'input' if len(names) == 1 else 'inputs'} "
                f"({', '.join(names)}), but {len(arrays)} arrays came: give one an input, in this "
                "order"
            )
        shaped = _shaped(network, dict(zip(names, arrays, strict=True)), precision)
        return tuple(shaped.values())

    return fit


def inputs_of(inputs: Mapping[str, Array], samples: slice | NDArray[np.int64]) -> dict[str, Array]:
    """Take some samples of every input: inputs mapping of str to (sample, ...)."""
    return {name: array[samples] for name, array in inputs.items()}


def states_of(states: States, samples: slice | NDArray[np.int64]) -> dict[str, list[Array]]:
    """Take some samples of every initial state: states mapping of str to (sample, unit) each."""
    return {name: [np.asarray(state)[samples] for state in given] for name, given in states.items()}


def _refuse_other_precisions(precision: str) -> None:
    if precision not in PRECISIONS:
        raise DataError(f"precision must be one of {', '.join(PRECISIONS)}, but is {precision!r}")


def _shaped(
    network: Network, X: ArrayLike | Mapping[str, ArrayLike], precision: str
) -> dict[str, Array]:
    """Name the arrays given to a network and check their shapes."""
    _refuse_other_precisions(precision)
    wanted = network.inputs
    if not isinstance(X, Mapping):
        if len(wanted) != 1:
            raise DataError(
                f"the network has {len(wanted)} inputs ({', '.join(wanted)}): give a mapping from "
                "input name to array"
            )
        X = {next(iter(wanted)): X}
    if set(X) != set(wanted):
        raise DataError(
            f"the network's inputs are {', '.join(wanted)}, but arrays came for "
            f"{', '.join(sorted(X)) or 'none'}"
        )
    arrays = {name: _entry(network, name, X[name], precision) for name in wanted}
    counts = {len(array) for array in arrays.values()}
    if len(counts) > 1:
        raise DataError(f"the inputs hold different numbers of samples: {sorted(counts)}")
    return arrays


def _entry(network: Network, name: str, given: ArrayLike, precision: str) -> Array:
    entry = network.inputs[name]
    try:
        array = np.asarray(given, dtype=precision)
    except (TypeError, ValueError):
        raise DataError(
            f"input {name!r} must be an array of numbers, and a {type(given).__name__} came that "
            "is none: give one array an input"
        ) from None
    # One feature may come without its axis, (sample, step), and go in with it.
    if array.ndim == len(entry.shape) and entry.shape[-1:] == (1,):
        array = array[..., None]
    expected = ("sample", *("any" if size is None else size for size in entry.shape))
    fits = array.ndim == len(expected) and all(
        size is None or size == got for size, got in zip(entry.shape, array.shape[1:], strict=True)
    )
    if not fits:
        shape = ", ".join(str(size) for size in expected)
        raise DataError(
            f"input {name!r} must have shape ({shape}), but came with {array.shape}"
            f"{as_a_series(network, entry, array)}"
        )
    return array


def as_a_series(network: Network, entry: Input, array: Array) -> str:
    """Say how windows of several calls are taken, where layers carry their state on."""
    steps = entry.shape[0] if entry.shape else None
    whole = array.ndim == len(entry.shape) + 1 and array.shape[2:] == entry.shape[1:]
    if not steps or not whole or array.shape[1] % steps or array.shape[1] <= steps:
        return ""
    if not any(layer.stateful for _, layer in network.recurrent()):
        return ""
    series = array.shape[1]
    return (
        ": its layers carry their state from call to call, so read it with "
        f"unroll={series} (--unroll {series}) for windows of so many steps"
    )


def _refuse_missing(name: str, part: Array, whole: Array) -> None:
    """Refuse a part of an input that holds NaN or infinity, naming the first place in the whole."""
    with np.errstate(over="ignore", invalid="ignore"):
        total = part.sum()  # of finite numbers, unless one is not or they are very large
    if not np.isfinite(total) and not np.isfinite(part).all():
        where = tuple(int(k) for k in np.argwhere(~np.isfinite(whole))[0])
        raise DataError(
            f"input {name!r} holds {whole[where]} at index {where}: fill or drop missing values "
            "before windows are made"
        )


@one_blas_thread()
def forward(
    network: Network,
    inputs: Mapping[str, Array],
    *,
    initial_state: States | None = None,
    masks_of: Run | None = None,
) -> Run:
    """Run a network and keep everything it computed.

    Shapes: initial_state mapping of str to sequence of (sample, unit).
    """
    given, tapes = _begun(network, inputs, initial_state)
    for node in network.nodes:
        if not isinstance(node.layer, Input):
            taken, masks = _taken(node, tapes, given)
            tapes[node.name] = run(node.layer, taken, masks, _forced(node, masks_of))
    return Run(network, tapes)


@one_blas_thread()
def outputs(
    network: Network,
    inputs: Mapping[str, Array],
    *,
    initial_state: States | None = None,
    masks_of: Run | None = None,
) -> tuple[Array, ...]:
    """Run a network for its outputs alone: what nothing takes any more is let go.

    The next layer then gets memory that is still in the cache.

    Shapes: gives tuple of (sample, ...).
    """
    given, tapes = _begun(network, inputs, initial_state)
    for stage in schedule(network):
        node, fused = stage.node, stage.fused
        taken, masks = _taken(stage.first, tapes, given)
        if fused is None:
            tape = infer(node.layer, taken, masks, _forced(node, masks_of))
        else:
            tape = fused.infer(*taken)
        tapes[node.name] = Tape((), tape.outputs, tape.masks)
        del taken, tape
        for name in stage.released:
            del tapes[name]
    return tuple(tapes[name].outputs[number] for name, number in network.outputs)


def _taken(
    node: Node, tapes: Mapping[str, Tape], given: States
) -> tuple[tuple[Array, ...], tuple[Mask, ...]]:
    """Give what a node takes, and the masks of that."""
    taken, masks = taken_by(node, tapes)
    if node.name in given:
        taken = (taken[0], *_states(node, given[node.name], taken[0]))
    return taken, masks


def _begun(
    network: Network, inputs: Mapping[str, Array], initial_state: States | None
) -> tuple[States, dict[str, Tape]]:
    """Give the states to start from, and the tapes of the inputs."""
    given = dict(initial_state or {})
    if given:
        _refuse_unknown(network, given)
    return given, {name: Tape((), (inputs[name],), (None,)) for name in network.inputs}


def _refuse_unknown(network: Network, given: States) -> None:
    """Refuse initial states of layers that take none."""
    takes = {n.name for n in network.nodes if isinstance(n.layer, Recurrent | Bidirectional)}
    unknown = sorted(set(given) - takes)
    if unknown:
        raise DataError(
            f"{unknown[0]!r} is not a recurrent layer that takes an initial state: "
            f"{', '.join(sorted(takes)) or 'there is none'}"
        )


def _forced(node: Node, masks_of: Run | None) -> Mask:
    if masks_of is None or not isinstance(node.layer, Masking | Embedding):
        return None
    return masks_of.tapes[node.name].masks[0]


def _states(node: Node, given: Sequence[ArrayLike], x: Array) -> list[Array]:
    layer = node.layer
    layers = (layer.forward, layer.backward) if isinstance(layer, Bidirectional) else (layer,)
    cells = [one.cell for one in layers if isinstance(one, Recurrent)]
    wanted = [(len(x), size) for cell in cells for size in cell.state_sizes]
    states = [np.asarray(state, dtype=x.dtype) for state in given]
    if [state.shape for state in states] != wanted:
        raise DataError(
            f"the initial state of {node.name!r} must be arrays of shapes {wanted}, but came with "
            f"{[state.shape for state in states]}"
        )
    return states


def predict(
    network: Network,
    X: ArrayLike | Mapping[str, ArrayLike],
    *,
    initial_state: States | None = None,
    precision: str = "float64",
    alone: bool = False,
) -> Array | tuple[Array, ...]:
    """Run a network on windows.

    Where nobody compares it with another run to the last bit (alone) it may be that the equations
    compute what is little work (`rnnlens.engine.schedule.little`).

    Shapes: X (sample, step, feature), or mapping of input name to array, initial_state mapping of
    str to sequence of (sample, unit) -> array or tuple of (sample, ...).
    """
    inputs = _shaped(network, X, precision)

    def part(chunk: slice) -> tuple[Array, ...]:
        states, given = states_of(initial_state or {}, chunk), inputs_of(inputs, chunk)
        # checked when it is read anyway: all at once would go through memory once more
        for name, array in given.items():
            _refuse_missing(name, array, inputs[name])
        return outputs(network, given, initial_state=states)

    with runs_of_windows(network, inputs, FORWARD) if alone else nullcontext():
        values = gathered(part, network, inputs)
    return values[0] if len(values) == 1 else values
