"""What unnamed arrays may be: every way in which their shapes let them be the arrays of a cell.

Blocks are cut, not yet named: which block is which gate is for `rnnlens.checks.mapping` to find.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import permutations, product

import numpy as np
from numpy.typing import ArrayLike

from rnnlens.network.cells import FloatArray

__all__ = ["Arrangement", "Block", "arrangements", "named"]

#: Gates by kind of cell.
COUNTS = {"LSTM": 4, "GRU": 3, "SimpleRNN": 1}


@dataclass(frozen=True, eq=False)
class Block:
    """The part of an array that belongs to one gate.

    Parameters
    ----------
    values : array
        As the equations want it: (feature, unit), (unit, unit) or (unit,).
    text : str
        Where it came from.
    """

    values: FloatArray
    text: str

    def turned(self) -> Block:
        """Give the block transposed."""
        return Block(self.values.T, f"{self.text} transposed")


@dataclass(frozen=True, eq=False)
class Arrangement:
    """One way to read the arrays, gate by gate in the order of the source.

    Parameters
    ----------
    kind : {"LSTM", "GRU", "SimpleRNN"}
        The cell.
    W, U : tuple of Block
        Kernels, one a gate.
    b, b_r : tuple of Block
        Biases of the input and the recurrent side; empty where there are none.
    head : tuple of Block
        Kernel (unit, target) and perhaps bias of a linear layer after the cell; empty for none.
    swapped : bool
        Whether the biases of the two sides are taken the other way round, which matters only where
        they are not added.
    """

    kind: str
    W: tuple[Block, ...]
    U: tuple[Block, ...]
    b: tuple[Block, ...] = ()
    b_r: tuple[Block, ...] = ()
    head: tuple[Block, ...] = ()
    swapped: bool = False


def named(arrays: Sequence[ArrayLike] | Mapping[str, ArrayLike]) -> list[Block]:
    """Name arrays, ``arrays[0]`` where they have no name, and drop ONNX's direction axis."""
    if isinstance(arrays, Mapping):
        pairs = [(str(name), values) for name, values in arrays.items()]
    else:
        pairs = [(f"arrays[{number}]", values) for number, values in enumerate(arrays)]
    blocks = [Block(np.asarray(values), name) for name, values in pairs]
    if any(block.values.ndim == 3 for block in blocks):
        blocks = [
            Block(block.values[0], f"{block.text}[0]")
            if block.values.ndim > 1 and len(block.values) == 1
            else block
            for block in blocks
        ]
    return blocks


def arrangements(blocks: Sequence[Block], features: int, targets: int) -> Iterator[Arrangement]:
    """Give every way in which arrays may be those of a cell, with a linear head or without."""
    for arrangement in _cells(list(blocks), features):
        if arrangement.W[0].values.shape[1] == targets:
            yield arrangement
    for head, rest in _heads(list(blocks), targets):
        for arrangement in _cells(rest, features):
            units = arrangement.W[0].values.shape[1]
            for kernel in _orientations(head[0], (units, targets)):
                whole = (kernel, *head[1:])
                yield replace(arrangement, head=whole)


def _heads(blocks: list[Block], targets: int) -> Iterator[tuple[tuple[Block, ...], list[Block]]]:
    """Take the arrays of a linear layer out, in every way."""
    for kernel in blocks:
        if kernel.values.ndim != 2 or targets not in kernel.values.shape:
            continue
        others = [block for block in blocks if block is not kernel]
        yield (kernel,), others
        for bias in others:
            if bias.values.shape == (targets,):
                yield (kernel, bias), [block for block in others if block is not bias]


def _orientations(block: Block, shape: tuple[int, int]) -> list[Block]:
    """Give a matrix as it is and transposed, where it has the shape so."""
    ways = [block] if block.values.shape == shape else []
    return [*ways, block.turned()] if block.values.shape == shape[::-1] else ways


def _cells(blocks: list[Block], features: int) -> Iterator[Arrangement]:
    yield from _packed(blocks, features)
    yield from _separate(blocks, features)


def _packed(blocks: list[Block], features: int) -> Iterator[Arrangement]:
    """All gates side by side: one input kernel, one recurrent kernel, biases."""
    matrices = [block for block in blocks if block.values.ndim == 2]
    for kernel, recurrent in permutations(matrices, 2):
        biases = [block for block in blocks if block not in (kernel, recurrent)]  # noqa: PLR6201
        for kind, count in COUNTS.items():
            units = _units(recurrent, count)
            if not units or len(biases) > 2:
                continue
            width = count * units
            halves = _halves(biases, width)
            if halves is None:
                continue
            for W, U in product(
                _orientations(kernel, (features, width)), _orientations(recurrent, (units, width))
            ):
                kernels = _by_gate(W, count), _by_gate(U, count)
                for b, b_r, swapped in _sides([_by_gate(half, count) for half in halves]):
                    yield Arrangement(kind, *kernels, b, b_r, swapped=swapped)


def _units(recurrent: Block, count: int) -> int:
    """Give the number of units if a matrix is a recurrent kernel of so many gates, else zero."""
    small, large = sorted(recurrent.values.shape)
    return small if large == count * small else 0


def _halves(biases: list[Block], width: int) -> list[Block] | None:
    """Give one bias vector or two of the width, whatever they come in; None if they do not fit."""
    halves: list[Block] = []
    for bias in biases:
        shape = bias.values.shape
        if shape == (width,):
            halves.append(bias)
        elif shape == (2, width):
            halves += [Block(bias.values[row], f"{bias.text}[{row}]") for row in (0, 1)]
        elif shape == (2 * width,):
            halves.append(Block(bias.values[:width], f"{bias.text}[:{width}]"))
            halves.append(Block(bias.values[width:], f"{bias.text}[{width}:]"))
        else:
            return None
    return halves if len(halves) <= 2 else None


def _by_gate(block: Block, count: int) -> tuple[Block, ...]:
    """Cut the last axis into the blocks of the gates."""
    units = block.values.shape[-1] // count
    colon = ":, " if block.values.ndim == 2 else ""
    return tuple(
        Block(
            block.values[..., k * units : (k + 1) * units],
            f"{block.text}[{colon}{k * units}:{(k + 1) * units}]" if count > 1 else block.text,
        )
        for k in range(count)
    )


def _sides(
    halves: Sequence[tuple[Block, ...]],
) -> Iterator[tuple[tuple[Block, ...], tuple[Block, ...], bool]]:
    """Give biases as input side and recurrent side, and the other way round where there are two."""
    if len(halves) < 2:
        yield (halves[0] if halves else ()), (), False
        return
    yield halves[0], halves[1], False
    yield halves[1], halves[0], True


def _separate(blocks: list[Block], features: int) -> Iterator[Arrangement]:
    """One array a gate and kind, as Keras 1 keeps them."""
    matrices = [block for block in blocks if block.values.ndim == 2]
    vectors = [block for block in blocks if block.values.ndim == 1]
    for kind, count in COUNTS.items():
        fits = count > 1 and len(matrices) == 2 * count and len(vectors) in {0, count, 2 * count}
        if not fits or len(blocks) != len(matrices) + len(vectors):
            continue
        for kernels, recurrents in _split(matrices, count):
            units = recurrents[0].values.shape[0]
            if any(block.values.shape != (units,) for block in vectors):
                continue
            ways_W = _all_turned(kernels, (features, units))
            ways_U = _all_turned(recurrents, (units, units))
            for W, U, halves in product(ways_W, ways_U, _vector_halves(vectors, count)):
                for b, b_r, swapped in _sides(halves):
                    yield Arrangement(kind, W, U, b, b_r, swapped=swapped)


def _split(matrices: list[Block], count: int) -> Iterator[tuple[list[Block], list[Block]]]:
    """Part matrices into kernels and recurrent kernels: by turns, or one kind after the other."""
    for first, second in (
        (matrices[::2], matrices[1::2]),
        (matrices[:count], matrices[count:]),
    ):
        for kernels, recurrents in ((first, second), (second, first)):
            square = {block.values.shape for block in recurrents}
            if len(square) == 1 and len(set(*square)) == 1:
                yield kernels, recurrents


def _all_turned(blocks: list[Block], shape: tuple[int, int]) -> list[tuple[Block, ...]]:
    """Give blocks as they are and all transposed, where every one has the shape so."""
    plain = tuple(blocks) if all(block.values.shape == shape for block in blocks) else ()
    turned = all(block.values.shape == shape[::-1] for block in blocks)
    ways = [plain, tuple(block.turned() for block in blocks) if turned else ()]
    return [way for way in ways if way]


def _vector_halves(vectors: list[Block], count: int) -> list[list[tuple[Block, ...]]]:
    if len(vectors) < 2 * count:
        return [[tuple(vectors)]] if vectors else [[]]
    return [
        [tuple(vectors[::2]), tuple(vectors[1::2])],
        [tuple(vectors[:count]), tuple(vectors[count:])],
    ]
