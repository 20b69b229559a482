"""Files that appear whole or not at all."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

from rnnlens.errors import InputError

__all__ = ["placed"]


@contextmanager
def placed(path: str | Path) -> Generator[Path]:
    """Write a file beside its place, and move it there when it is whole.

    Nothing is left behind, and what stood there stays, where writing ends early: by an error, or
    by Ctrl-C.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     with placed(f"{folder}/answer.txt") as draft:
    ...         _ = draft.write_text("42")
    ...     [file.name for file in Path(folder).iterdir()]
    ['answer.txt']
    """
    place = Path(path).resolve()  # a link stays, and what it leads to is replaced
    plain = place.is_file() or not place.exists()
    draft = place.with_name(f".rnnlens-{uuid4().hex}{place.suffix}") if plain else place
    try:
        yield draft
        if plain:
            draft.replace(place)
    except OSError as error:
        raise InputError(f"{path} cannot be written: {error.strerror or error}") from error
    finally:
        if plain:
            draft.unlink(missing_ok=True)
