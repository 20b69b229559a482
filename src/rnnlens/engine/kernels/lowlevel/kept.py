"""Where compiled kernels are kept: once for a machine, whatever environment they are installed in.

Beside the source they would be lost with every new environment. In the user's cache folder each
state of the kernels has a folder of its own, so that versions do not overwrite each other. A
checkout that is worked on keeps them beside the source, where the next state takes their place.
"""

from __future__ import annotations

import os
import pickle
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

import numba
import numpy as np

__all__ = ["caches", "compiled_for", "folder_for", "is_kept", "keep_in"]

#: Folders that packages are installed into.
_INSTALLED = frozenset({"site-packages", "dist-packages"})


def folder_for(source: Path, stamp: str) -> Path | None:
    """Give the folder for what is compiled from a folder of source in a state.

    None where Numba's own choice stands: in a checkout, where ``NUMBA_CACHE_DIR`` names a folder,
    and where the user's cache folder may not be written.
    """
    if numba.config.CACHE_DIR or not _INSTALLED & set(source.parts):  # type: ignore[attr-defined]
        return None
    folder = caches() / f"kernels-{stamp[:16]}-numba-{numba.__version__}" / source.name
    return folder if _may_be_written(folder) else None


def _may_be_written(folder: Path) -> bool:
    """Make a folder, and say whether files may be made in it."""
    with suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True)
        TemporaryFile(dir=folder).close()  # that it is there does not say that it may be written
        return True
    return False


def is_kept(dispatcher: Any) -> bool:
    """Say whether other processes find what is compiled here."""
    folder = getattr(getattr(dispatcher, "_cache", None), "cache_path", None)
    return folder is not None and _may_be_written(Path(folder))


def caches() -> Path:
    """Give the folder that the user's system keeps for what rnnlens can make again."""
    from numba.misc.appdirs import AppDirs

    return Path(AppDirs(appname="rnnlens", appauthor=False).user_cache_dir)


def keep_in(cache: Any, folder: Path) -> None:
    """Have a dispatcher's cache keep what is compiled in a folder."""
    index = cache._cache_file
    if not {"_cache_path", "_index_path", "_index_name"} <= set(vars(index)):
        return  # another Numba: its own choice stands
    cache._cache_path = index._cache_path = str(folder)
    index._index_path = os.path.join(folder, index._index_name)


def compiled_for(dispatcher: Any, weights: type, dtype: np.dtype[Any]) -> bool:
    """Say whether a kernel is compiled for a kind of weights, in this process or on disk.

    Its first argument tells: the others follow from that. Where Numba's cache is another than is
    known here, or cannot be read, all counts as compiled.
    """
    if any(_takes(signature, weights, dtype) for signature in dispatcher.signatures):
        return True
    try:
        kept = dispatcher._cache._cache_file._load_index()
        target = dispatcher.targetctx.codegen().magic_tuple()
    except (AttributeError, OSError, ValueError, EOFError, pickle.UnpicklingError):
        return True
    return any(on == target and _takes(signature, weights, dtype) for signature, on, _ in kept)


def _takes(signature: tuple[Any, ...], weights: type, dtype: np.dtype[Any]) -> bool:
    """Say whether the first of some types is weights of a kind, or their place, in a precision."""
    first = signature[0].dtype if isinstance(signature[0], numba.types.CPointer) else signature[0]
    if getattr(first, "instance_class", None) is not weights:
        return False
    arrays = [one for one in first.types if isinstance(one, numba.types.Array)]
    numbers = [one.dtype for one in arrays if isinstance(one.dtype, numba.types.Float)]
    return bool(numbers) and all(one == numba.from_dtype(dtype) for one in numbers)
