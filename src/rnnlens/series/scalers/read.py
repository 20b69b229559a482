"""Read a scaler from a file, whatever wrote it; nothing in the file is imported or run."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from os import PathLike

from rnnlens.errors import InputError, MissingLibrary, UnreadableFile
from rnnlens.pickles.machine import Machine
from rnnlens.series.scalers.archives import ZIP, read_archive, read_json
from rnnlens.series.scalers.arrays import plain
from rnnlens.series.scalers.estimators import REMEDY, Seen, columns_of, estimator_of
from rnnlens.series.scalers.inert import Refused, shown
from rnnlens.series.scalers.lines import Columns, entries_of, numbers_of
from rnnlens.series.scalers.machine import RULES
from rnnlens.series.scalers.plain_numbers import columns_of_numbers, is_scaling
from rnnlens.series.scalers.unpacking import content_of

__all__ = ["columns_of_object", "read_content", "read_scaler"]

#: How deep scalers may lie in lists and dicts, and how many entries are looked at.
DEEPEST, MOST_ENTRIES = 4, 2000
#: First bytes of files that people give instead.
OTHERS = {
    b"\x89HDF\r\n\x1a\n": "an HDF5 file",
    b"\x93NUMPY": "one array of NumPy, which does not say what its numbers are",
    b"version https://git-lfs": "a Git LFS pointer, which stands for a file not yet fetched",
    b"<": "a web page or XML",
}


def read_scaler(path: str | PathLike[str]) -> Columns:
    """Read a scaler's file.

    ``FILE:KEY`` takes one of several scalers that a file holds in a dict, a list or a tuple.

    Parameters
    ----------
    path : path
        A pickle or a dump of joblib, compressed or not, a file of skops, an ``.npz`` or JSON.

    Returns
    -------
    Columns
        What it does to each column.

    Raises
    ------
    UnreadableFile
        If it is no scaler, or one that is not understood.
    MissingLibrary
        If it is compressed with lz4 and that is not installed.
    """
    text = os.fspath(path)
    file, key = (text, None) if os.path.exists(text) else _with_key(text)
    try:
        return read_content(content_of(file), key)
    except MissingLibrary as error:
        raise MissingLibrary(f"{file}: {error}") from None
    except Refused as error:
        raise UnreadableFile(f"{file} cannot be read as a scaler: {error}") from None


def _with_key(text: str) -> tuple[str, str | None]:
    file, colon, key = text.rpartition(":")
    return (file, key) if colon and os.path.exists(file) else (text, None)


def read_content(data: bytes, key: str | None = None) -> Columns:
    """Read what a file holds, unpacked."""
    other = next((what for head, what in OTHERS.items() if data.startswith(head)), None)
    if other is not None:
        raise Refused(f"it is {other}; give the scaler itself, or {REMEDY}")
    return columns_of_object(_inert(data), key)


def _inert(data: bytes) -> object:
    if data.startswith(ZIP):
        return read_archive(data)
    if data.lstrip()[:1] in {b"{", b"["} or data.startswith(b"\xef\xbb\xbf"):
        return read_json(data)
    return Machine(io.BytesIO(data), RULES).run()


def columns_of_object(value: object, key: str | None = None) -> Columns:
    """Say what an inert or a live scaler does; of several the one with the key."""
    found = list(_scalers(value, "", 0, Seen(), [MOST_ENTRIES]))
    chosen = found if key is None else [one for one in found if one[0] == key]
    if len(chosen) == 1:
        return chosen[0][1]
    keys = ", ".join(shown(name) for name, _ in found[:10] if name)
    if not found:
        raise Refused(f"it holds no scaler; {REMEDY}")
    raise Refused(
        f"it holds {len(found)} scalers ({keys}): name one behind a colon, as FILE:{found[0][0]}"
    )


def _scalers(
    value: object, where: str, depth: int, seen: Seen, left: list[int]
) -> Iterator[tuple[str, Columns]]:
    """Find scalers in lists and dicts, each with the keys that lead to it."""
    left[0] -= 1
    if left[0] < 0:
        raise Refused(f"it has more than {MOST_ENTRIES} entries; give the file of the scaler alone")
    given = plain(value)
    estimator = estimator_of(given)
    if estimator is not None:
        columns = columns_of(estimator, None, seen)
        if columns.any_width:
            raise Refused(f"it does not say how many columns it scales; {REMEDY}")
        yield where, columns
        return
    fields = entries_of(given)
    if fields is not None and is_scaling(fields):
        yield where, columns_of_numbers({name: plain(item) for name, item in fields.items()})
        return
    by_column = None if fields is None else _by_column(fields)
    if by_column is not None:
        yield where, by_column
        return
    items = fields.items() if fields is not None else _numbered(given)
    if depth < DEEPEST:
        for name, item in items:
            path = f"{where}.{name}" if where else str(name)
            yield from _scalers(item, path, depth + 1, seen, left)


def _numbered(value: object) -> Iterator[tuple[str, object]]:
    if isinstance(value, list | tuple):
        yield from ((str(number), item) for number, item in enumerate(value))


def _by_column(fields: dict[str, object]) -> Columns | None:
    """Read ``{"temp": {"mean": 54.5, "std": 17.1}, ...}``: one scaling a column."""
    parts = {name: entries_of(plain(item)) for name, item in fields.items()}
    known = {name: part for name, part in parts.items() if part is not None and is_scaling(part)}
    if len(known) < len(parts) or not known:
        return None
    try:
        single = all(
            numbers_of(name, plain(number)).size == 1
            for part in known.values()
            for name, number in part.items()
            if name not in {"feature_range", "to"}
        )
    except InputError:
        return None
    if not single:
        return None
    made = [columns_of_numbers(part) for part in known.values()]
    lines = tuple(one.lines[0] for one in made)
    return Columns(lines, tuple(known))
