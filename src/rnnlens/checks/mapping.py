"""Which block of which array belongs to which gate, found by running every order.

Given arrays without names and what the network gave for some inputs, every order of the gates,
either place of the reset gate, either orientation of the kernels, every layout of the biases and
three forms of the sigmoid are run through the equations. A match is accepted only where it is the
only one: an order that fits by chance, because weights are constant or symmetric, is no finding.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import permutations
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rnnlens.checks.arrangements import Arrangement, Block, arrangements, named
from rnnlens.engine.forward import predict
from rnnlens.errors import DataError, InputError
from rnnlens.names import GATE_LETTERS, array_name
from rnnlens.network.activations import Activation
from rnnlens.network.cells import GRU, LSTM, Cell, Gate, SimpleRNN
from rnnlens.network.check import check
from rnnlens.network.inventory import inventory
from rnnlens.network.layers import Dense, Input, Recurrent
from rnnlens.network.network import Network, Node, Origin, Source

__all__ = ["Identification", "identify"]

Array = NDArray[np.float64]

#: float32 keeps 6e-8 of a number and a recurrence adds up a few of them; a wrong order moves
#: outputs by 1e-2 and more.
TOLERANCE = 1e-5

#: Windows on which every order is tried; the nearest, and all that match, are run on every window.
SCREENED, NEAREST = 32, 8

SIGMOIDS = (
    Activation("sigmoid"),
    Activation("hard_sigmoid", {"slope": 0.2}),
    Activation("hard_sigmoid"),
)
PLAIN_FUNCTIONS = (Activation("tanh"), Activation("relu"))


@dataclass(frozen=True, eq=False, kw_only=True)
class Identification:
    """Which gate each block of some arrays belongs to, and how sure that is.

    Parameters
    ----------
    kind : {"LSTM", "GRU", "SimpleRNN"}
        The cell.
    order : tuple of str
        Gate names in the order in which the arrays hold them.
    convention : str
        The rest in words: activations, and for a GRU where its reset gate acts.
    reset_after : bool or None
        For a GRU, whether the reset gate acts after the recurrent product.
    error : float
        Largest difference from the outputs given, in their unit.
    tolerance : float
        What rounding explains: `TOLERANCE` times the size of the outputs.
    runner_up : str
        The next best candidate.
    runner_up_error : float
        Its largest difference; infinite where there was no other candidate.
    margin : float
        How many times larger that is than ``error``, which counts as no less than double
        precision's rounding.
    tried : int
        Candidates that were run.
    network : Network
        The network, its arrays named.
    """

    kind: str
    order: tuple[str, ...]
    convention: str
    reset_after: bool | None
    error: float
    tolerance: float
    runner_up: str
    runner_up_error: float
    margin: float
    tried: int
    network: Network

    @property
    def table(self) -> tuple[tuple[str, str, str], ...]:
        """Every block of every array: its place, the name of what it is, and what that means."""
        return tuple(
            (
                array.source.words,
                array.name,
                ", ".join(filter(None, [array.meaning, array.gate and f"{array.gate} gate"])),
            )
            for array in inventory(self.network)
        )

    def __str__(self) -> str:
        """Say what was found and how sure it is, and which block of which array is what."""
        others = f"; the next best, {self.runner_up}, is off by {self.runner_up_error:.3g}"
        found = (
            f"{self.kind}, gates in the order {', '.join(self.order)} ({self.convention}): the "
            f"only one of {self.tried} candidates that gives these outputs, largest difference "
            f"{self.error:.3g}{others if self.runner_up else ''}"
        )
        places = max(len(place) for place, _, _ in self.table)
        names = max(len(name) for _, name, _ in self.table)
        rows = [
            f"{place:{places}} = {name:{names}}  {meaning}".rstrip()
            for place, name, meaning in self.table
        ]
        return "\n".join([found, *rows])


@dataclass(frozen=True, eq=False)
class _Candidate:
    """One order with one convention."""

    arrangement: Arrangement
    order: tuple[str, ...]
    cell: Cell

    @property
    def convention(self) -> str:
        words = [str(function) for function in _functions(self.cell)]
        if isinstance(self.cell, GRU):
            words.append(f"reset {'after' if self.cell.reset_after else 'before'} the product")
        return ", ".join(words)

    @property
    def text(self) -> str:
        return f"{self.cell.kind} {' '.join(self.order)} ({self.convention})"

    @property
    def key(self) -> tuple[str | bytes, ...]:
        """Equal for candidates that are the same order of the same numbers."""
        arrays = [
            values.tobytes()
            for gate in self.cell.gates.values()
            for values in gate.arrays().values()
        ]
        head = [block.values.tobytes() for block in self.arrangement.head]
        return (self.text, *arrays, "head", *head)


def identify(
    arrays: Sequence[ArrayLike] | Mapping[str, ArrayLike],
    X: ArrayLike,
    Y: ArrayLike,
) -> Identification:
    """Find the gate order of unnamed arrays by running every order on known inputs and outputs.

    The only match below the tolerance is accepted. Cost: 24 orders of an LSTM's gates, 6 of a
    GRU's, times the conventions that the shapes leave open, each one forward run.

    Shapes: X (sample, step, feature), Y (sample, unit or target), or (sample, step, unit or
    target).
    """
    X, Y = _data(X, Y)
    blocks = named(arrays)
    _check_numbers(blocks)
    candidates = list(_distinct(blocks, X.shape[2], Y.shape[-1]))
    if not candidates:
        listed = ", ".join(f"{block.text} {block.values.shape}" for block in blocks)
        raise InputError(
            f"the arrays {listed} are those of no LSTM, GRU or SimpleRNN that takes "
            f"{X.shape[2]} features and gives {Y.shape[-1]} numbers: give the arrays of one "
            "recurrent layer, with its linear layer where Y came from that"
        )
    ranked = _ranked(candidates, X, Y)
    (error, best), *others = ranked
    tolerance = TOLERANCE * max(1.0, float(np.abs(Y).max()))
    if error > tolerance:
        raise InputError(_no_match(ranked, len(candidates), tolerance))
    fitting = [one for other, one in others if other <= tolerance]
    if fitting:
        listed = "; ".join(one.text for one in (best, *fitting)[:6])
        raise InputError(
            f"{1 + len(fitting)} candidates give these outputs within {tolerance:.2g}, so the "
            f"order is ambiguous: {listed}; give weights that are not constant or symmetric, more "
            "steps, or inputs that differ more"
        )
    runner = others[0] if others else None
    floor = float(np.finfo(np.float64).eps) * max(1.0, float(np.abs(Y).max()))
    second = np.inf if runner is None else runner[0]
    return Identification(
        kind=best.cell.kind,
        order=best.order,
        convention=best.convention,
        reset_after=best.cell.reset_after if isinstance(best.cell, GRU) else None,
        error=error,
        tolerance=tolerance,
        runner_up="none" if runner is None else runner[1].text,
        runner_up_error=second,
        margin=second / max(error, floor),
        tried=len(candidates),
        network=check(_network(best, X.shape[1], sequences=Y.ndim == 3, sources=True)),
    )


def _data(X: ArrayLike, Y: ArrayLike) -> tuple[Array, Array]:
    x, y = np.asarray(X, dtype=np.float64), np.asarray(Y, dtype=np.float64)
    if y.ndim == 1:
        y = y[:, None]
    if x.ndim != 3 or y.ndim not in {2, 3} or len(x) != len(y) or not x.size or not y.size:
        raise DataError(
            "X must be (sample, step, feature) and Y (sample, unit or target) or (sample, step, "
            f"unit or target) of as many samples, but they came with {x.shape} and {y.shape}"
        )
    if y.ndim == 3 and y.shape[1] != x.shape[1]:
        raise DataError(f"Y has {y.shape[1]} steps and X {x.shape[1]}: give the same windows")
    if not (np.isfinite(x).all() and np.isfinite(y).all()):
        raise DataError("X or Y holds NaN or infinity: leave those windows out")
    return x, y


def _check_numbers(blocks: Sequence[Block]) -> None:
    for block in blocks:
        values = block.values
        if values.dtype.kind != "f" or values.ndim not in {1, 2} or not values.size:
            raise InputError(
                f"{block.text} must be an array of floating-point numbers with one or two axes "
                f"(ONNX: three, the first of length one), but has type {values.dtype} and shape "
                f"{values.shape}"
            )
        if not np.isfinite(values).all():
            raise InputError(f"{block.text} holds NaN or infinity: give finite numbers")


def _distinct(blocks: Sequence[Block], features: int, targets: int) -> Iterator[_Candidate]:
    """Give every candidate once: layouts that come to the same numbers are one."""
    seen = set()
    for arrangement in arrangements(blocks, features, targets):
        for candidate in _candidates(arrangement):
            key = hash(candidate.key)
            if key not in seen:
                seen.add(key)
                yield candidate


def _candidates(arrangement: Arrangement) -> Iterator[_Candidate]:
    """Give every order of the gates with every convention."""
    for order in permutations(GATE_LETTERS[arrangement.kind]):
        gates = {
            gate: Gate(**{kind: block.values for kind, block in parts.items()})
            for gate, parts in _parts(arrangement, order).items()
        }
        for cell in _with_functions(arrangement.kind, gates):
            # Everywhere else the biases of the two sides are added, whichever is which.
            apart = isinstance(cell, GRU) and cell.reset_after
            if apart or not arrangement.swapped:
                yield _Candidate(arrangement, order, cell)


def _parts(arrangement: Arrangement, order: Sequence[str]) -> dict[str, dict[str, Block]]:
    """Give the blocks of each gate, by gate and kind, if the blocks come in an order."""
    return {
        gate: {
            kind: of[number]
            for kind in ("W", "U", "b", "b_r")
            if (of := getattr(arrangement, kind))
        }
        for number, gate in enumerate(order)
    }


def _with_functions(kind: str, gates: dict[str, Any]) -> Iterator[Cell]:
    if kind == "SimpleRNN":
        for phi in PLAIN_FUNCTIONS:
            yield SimpleRNN(**gates, activation=phi)
        return
    for sigma in SIGMOIDS:
        if kind == "LSTM":
            yield LSTM(**gates, recurrent_activation=sigma)
        else:
            for reset_after in (True, False):
                yield GRU(**gates, reset_after=reset_after, recurrent_activation=sigma)


def _functions(cell: Cell) -> list[Activation]:
    names = ("recurrent_activation", "activation")
    return [getattr(cell, name) for name in names if hasattr(cell, name)]


def _ranked(candidates: list[_Candidate], X: Array, Y: Array) -> list[tuple[float, _Candidate]]:
    """Rank candidates by their error: all on a few windows, the nearest on every window."""
    few = sorted((_error(one, X[:SCREENED], Y[:SCREENED]), n) for n, one in enumerate(candidates))
    if len(X) > SCREENED:
        near = TOLERANCE * max(1.0, float(np.abs(Y).max()))
        # What matches all windows matches the few, so it is among these.
        best = [n for place, (error, n) in enumerate(few) if place < NEAREST or error <= near]
        few = sorted((_error(candidates[n], X, Y), n) for n in best)
    return [(error, candidates[n]) for error, n in few]


def _error(candidate: _Candidate, X: Array, Y: Array) -> float:
    network = _network(candidate, X.shape[1], sequences=Y.ndim == 3, sources=False)
    with np.errstate(over="ignore", invalid="ignore"):  # a wrong order of relu gates may overflow
        ours = np.asarray(predict(network, X))
        worst = float(np.abs(ours - Y).max())
    return worst if np.isfinite(worst) else float("inf")


def _network(candidate: _Candidate, steps: int, *, sequences: bool, sources: bool) -> Network:
    arrangement, cell = candidate.arrangement, candidate.cell
    label = cell.kind.lower()
    places = {}
    if sources:
        letters = GATE_LETTERS[cell.kind]
        places = {
            array_name(kind, letters[gate]): Source(block.text)
            for gate, parts in _parts(arrangement, candidate.order).items()
            for kind, block in parts.items()
        }
        # Arrays of the network's own: what it makes read-only must not be the caller's.
        cell = _copied(cell)
    layer = Recurrent(cell, return_sequences=sequences)
    nodes = [
        Node("x", Input((steps, cell.features))),
        Node(label, layer, (("x", 0),), places),
    ]
    if arrangement.head:
        kernel, *bias = (block.values.copy() for block in arrangement.head)
        texts = {n: Source(block.text) for n, block in zip("Wb", arrangement.head, strict=False)}
        nodes.append(Node("dense", Dense(kernel, bias[0] if bias else None), ((label, 0),), texts))
    origin = Origin("unnamed arrays", notes=(f"identified as {candidate.text}",))
    return Network(tuple(nodes), ((nodes[-1].name, 0),), origin, label)


def _copied(cell: Cell) -> Cell:
    gates = {
        name: Gate(**{kind: values.copy() for kind, values in gate.arrays().items()})
        for name, gate in cell.gates.items()
    }
    return replace(cell, **gates)


def _no_match(ranked: Sequence[tuple[float, _Candidate]], tried: int, tolerance: float) -> str:
    best = " and ".join(f"{one.text} (off by {error:.3g})" for error, one in ranked[:2])
    return (
        f"none of {tried} candidates gives these outputs within {tolerance:.2g}; the nearest "
        f"are {best}: check that X is scaled as the network takes it, that Y comes from these very "
        "arrays, and that the layer's activations are the usual ones"
    )
