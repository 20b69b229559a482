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
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import numpy as np

from rnnlens.bulk.blocks import Block, Grid
from rnnlens.bulk.upkeep.files import flush_folder
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


@lru_cache(maxsize=64)
def _opened_as(path: str, _: tuple[int, int]) -> Any:
    zarr = zarr_here()
    # zero is an answer too: a chunk of nothing but the fill value must be there
    with zarr.config.set({"array.write_empty_chunks": True}):
        return zarr.open_array(path, mode="r+", use_consolidated=False)


def _opened(path: Path) -> Any:
    """Open an array once, and anew where another result was laid out in its place meanwhile."""
    laid_out = (path / "zarr.json").stat()
    return _opened_as(str(path), (laid_out.st_ino, laid_out.st_mtime_ns))


def write_block(out: Path, block: Block, arrays: Mapping[str, NDArray[Any]]) -> None:
    """Write the arrays of a block, (station, row, ...) each, into its chunks."""
    where = slice(*block.stations), slice(*block.rows)
    for name, values in arrays.items():
        array = _opened(out / name)
        for tries in range(TRIES, 0, -1):
            try:
                if _by_station(array):
                    array[where] = values
                else:
                    array[where[1]] = values[0]
                break
            except FileNotFoundError:
                # another that does the same block took the draft for one that was left behind
                if tries == 1:
                    raise


def chunk_of(out: Path, name: str, grid: Grid, number: int) -> Path:
    """Give the file of a block's chunk of an array."""
    axes = axes_kept(out, name) or _opened(out / name).metadata.dimension_names
    down, along = grid.place(number)
    place = (down, along) if axes[0] == "station" else (along,)
    keys = (*place, *(0 for _ in axes[len(place) :]))
    return out.joinpath(name, "c", *map(str, keys))


def _by_station(array: Any) -> bool:
    return array.metadata.dimension_names[0] == "station"
