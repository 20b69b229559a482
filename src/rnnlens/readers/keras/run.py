"""The source model itself, run by Keras where it is installed, for the check of fidelity."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from rnnlens.errors import MissingLibrary, UnreadableFile
from rnnlens.readers.keras import archive as keras_archive
from rnnlens.readers.keras import hdf5_file as keras_hdf5
from rnnlens.readers.keras.live import match as is_live
from rnnlens.readers.refusals import first_line

__all__ = ["outputs"]


def outputs(
    source: object, inputs: Mapping[str, np.ndarray]
) -> tuple[list[np.ndarray], str] | None:
    """Run the source model on windows: inputs mapping of str to (sample, ...)."""
    if isinstance(source, str | Path):
        path = Path(source)
        if path.is_file() and not any(reader.match(path) for reader in (keras_archive, keras_hdf5)):
            return None
        source = _load(path)
    if not is_live(source):
        return None
    import keras

    given = [array.astype(np.float32) for array in inputs.values()]
    given_back = source.predict(given[0] if len(given) == 1 else given, verbose=0)
    many = list(given_back) if isinstance(given_back, list | tuple) else [given_back]
    name = f"Keras {keras.__version__} on {keras.backend.backend()}"
    return [np.asarray(array, dtype=np.float64) for array in many], name


def _load(path: Path) -> object:
    if not path.is_file():
        raise UnreadableFile(f"there is no file {path}")
    if find_spec("keras") is None:
        raise MissingLibrary(
            "Keras is not installed, so the source model cannot be run: "
            'pip install "rnnlens[keras]" and a backend such as torch'
        )
    _choose_backend()
    try:
        import keras
    except ImportError as error:
        raise MissingLibrary(
            f"Keras is installed but its backend is not ({error}): install torch, jax or "
            "tensorflow, or name the one that is there in the environment variable KERAS_BACKEND"
        ) from error
    try:
        return keras.saving.load_model(path, compile=False, safe_mode=True)
    except (ValueError, TypeError, OSError, KeyError, AttributeError) as error:
        reason = first_line(error)
        raise UnreadableFile(
            f"Keras {keras.__version__} does not open {path.name} ({reason}), so fidelity cannot "
            "be checked against it; give the outputs that the source gave instead"
        ) from error


def _choose_backend() -> None:
    """Let Keras find a backend that is there, where nobody chose one and it is not loaded yet."""
    if "keras" in sys.modules or "KERAS_BACKEND" in os.environ:
        return
    present = [name for name in ("tensorflow", "torch", "jax") if find_spec(name) is not None]
    if present:
        os.environ["KERAS_BACKEND"] = present[0]
