"""The Zarr group that holds a result: laid out once, then written chunk by chunk.

A block is one chunk of every array, so that no two processes ever write to the same file. Chunks
are plain numbers with a checksum (crc32c) behind them: the same numbers are the same bytes.
"""

from __future__ import annotations

import hashlib
import importlib.util
import shutil
import warnings
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import numpy as np

from rnnlens.bulk.blocks import Block, Grid
from rnnlens.bulk.upkeep.files import crc32c, flush_folder, put, stated
from rnnlens.bulk.upkeep.layout import axes_kept
from rnnlens.errors import InputError, MissingLibrary

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = [
    "Layout",
    "Variable",
    "chunk_of",
    "consolidate",
    "create",
    "sweep",
    "write_block",
    "zarr_here",
]


#: The first version of zarr that puts every file in its place whole.
OLDEST = (3, 1, 3)
#: How often a chunk is written whose draft was taken away.
TRIES = 3


@dataclass(frozen=True, eq=False)
class Variable:
    """An array of the group.

    Parameters
    ----------
    axes : tuple of str
        What its axes are called.
    dtype : str
        Of its numbers.
    attributes : dict
        What is said of it.
    values : array, optional
        Its values, where they are known before any block: a coordinate.
    """

    axes: tuple[str, ...]
    dtype: str
    attributes: Mapping[str, Any] = field(default_factory=dict)
    values: NDArray[Any] | None = None


@dataclass(frozen=True, eq=False)
class Layout:
    """The arrays of a result.

    Parameters
    ----------
    grid : Grid
        The blocks.
    stations : bool
        Whether there is an axis of stations.
    sizes : dict of str to int
        Of the axes besides stations and time.
    variables : dict of str to Variable
        By name.
    attributes : dict
        Of the group.
    """

    grid: Grid
    stations: bool
    sizes: Mapping[str, int]
    variables: Mapping[str, Variable]
    attributes: Mapping[str, Any]

    @property
    def before(self) -> tuple[str, ...]:
        """The axes that blocks cut."""
        return ("station", "time") if self.stations else ("time",)

    def shapes(self, axes: tuple[str, ...]) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """Give the shape of an array and of its chunks."""
        grid = self.grid
        cut = {
            "station": (grid.stations, grid.block_stations),
            "time": (grid.rows, grid.block_rows),
        }
        whole = {axis: (size, size) for axis, size in self.sizes.items()}
        pairs = [(cut | whole)[axis] for axis in axes]
        return tuple(size for size, _ in pairs), tuple(size for _, size in pairs)


def zarr_here() -> Any:
    """Give the library that writes results, of a version whose files appear whole."""
    advice = 'run pip install "rnnlens[bulk]"'
    if importlib.util.find_spec("zarr") is None:
        raise MissingLibrary(f"results of whole archives are Zarr, which needs zarr: {advice}")
    import zarr

    if tuple(int(part) for part in zarr.__version__.split(".")[:3]) < OLDEST:
        raise MissingLibrary(
            f"zarr {zarr.__version__} may leave half a file where it is killed, so at least "
            f"{'.'.join(map(str, OLDEST))} is needed: {advice}"
        )
    return zarr


@contextmanager
def _quiet() -> Generator[None]:
    """Let Zarr keep to itself that consolidated metadata and our folder are no part of it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def create(out: Path, layout: Layout, fill: Callable[[Path], None]) -> None:
    """Lay out a group beside its place, let it be filled in, and move it there whole.

    Where another process has done so meanwhile, its own stays.
    """
    draft = out.with_name(f"{_draft(out)}{uuid4().hex}.zarr")
    try:
        with _quiet():
            _lay_out(draft, layout)
        fill(draft)
        draft.rename(out)
        flush_folder(out.absolute().parent)
    except Exception as error:  # a draft that another process swept away makes Zarr raise any kind
        if out.exists():
            return
        if isinstance(error, OSError):
            raise InputError(f"{out} cannot be written: {error.strerror or error}") from error
        raise
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def sweep(out: Path) -> None:
    """Remove the drafts of a group that is in its place, left where a process was killed."""
    for draft in out.absolute().parent.glob(f"{_draft(out)}*.zarr"):
        shutil.rmtree(draft, ignore_errors=True)


def _draft(out: Path) -> str:
    """Give what the drafts of a group are called, which no other group's are."""
    return f".rnnlens-{hashlib.sha256(out.name.encode()).hexdigest()[:8]}-"


def _lay_out(path: Path, layout: Layout) -> None:
    from zarr.codecs import Crc32cCodec

    zarr = zarr_here()
    group = zarr.create_group(path, zarr_format=3, attributes=dict(layout.attributes))
    for name, variable in layout.variables.items():
        if variable.values is not None:
            shape = chunks = variable.values.shape
        else:
            shape, chunks = layout.shapes(variable.axes)
        numbers = variable.dtype != "text"
        missing = {"fill_value": np.nan} if variable.dtype.startswith("f") else {}
        array = group.create_array(
            name,
            shape=shape,
            chunks=chunks,
            dtype=variable.dtype if numbers else str,
            dimension_names=variable.axes,
            filters=None if numbers else "auto",
            compressors=(Crc32cCodec(),),
            attributes=dict(variable.attributes),
            **missing,
        )
        if variable.values is not None:
            array[...] = variable.values if numbers else variable.values.astype(object)
    zarr.consolidate_metadata(path)


def consolidate(out: Path) -> None:
    """Gather the metadata of all arrays in one file, which is put in place whole."""
    with _quiet():
        zarr_here().consolidate_metadata(out)


def write_block(
    out: Path, grid: Grid, block: Block, arrays: Mapping[str, NDArray[Any]]
) -> dict[str, str]:
    """Write the arrays of a block, (station, row, ...) each, into its chunks; give their checksums.

    The bytes are those that Zarr would write, whose own way there copies them twice more.
    """
    return {
        name: _write_chunk(chunk_of(out, name, grid, block.number), _whole(grid, values))
        for name, values in arrays.items()
    }


def _whole(grid: Grid, values: NDArray[Any]) -> memoryview:
    """Give the bytes of a chunk, which has the size of all, filled up with what is missing."""
    shape = (grid.block_stations, grid.block_rows, *values.shape[2:])
    stored = values.dtype.newbyteorder("<")
    if values.shape == shape:
        chunk = np.ascontiguousarray(values, stored)
    else:
        chunk = np.full(shape, np.nan, stored)
        chunk[: values.shape[0], : values.shape[1]] = values
    return chunk.reshape(-1).view(np.uint8).data


def _write_chunk(place: Path, content: memoryview) -> str:
    """Write a chunk with its checksum behind it, and give what a record says of it."""
    checksum = crc32c(content)
    end = checksum.to_bytes(4, "little")
    for tries in range(TRIES, 0, -1):
        place.parent.mkdir(parents=True, exist_ok=True)
        try:
            put(place, content, end, lasting=False)  # a record tells what did not outlast
            break
        except FileNotFoundError:
            # another that does the same block took the draft for one that was left behind
            if tries == 1:
                raise
    return stated(checksum, end, content.nbytes + len(end))


def chunk_of(out: Path, name: str, grid: Grid, number: int) -> Path:
    """Give the file of a block's chunk of an array."""
    axes = axes_kept(out, name) or _axes_of(out / name)
    down, along = grid.place(number)
    place = (down, along) if axes[0] == "station" else (along,)
    keys = (*place, *(0 for _ in axes[len(place) :]))
    return out.joinpath(name, "c", *map(str, keys))


def _axes_of(path: Path) -> tuple[str, ...]:
    array = zarr_here().open_array(path, mode="r", use_consolidated=False)
    return array.metadata.dimension_names
