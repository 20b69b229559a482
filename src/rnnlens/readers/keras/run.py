"""The source model itself, run by Keras where it is installed, for the check of fidelity."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Protocol, cast

import numpy as np

from rnnlens.errors import MissingLibrary, UnreadableFile
from rnnlens.names import told
from rnnlens.readers.keras import archive as keras_archive
from rnnlens.readers.keras import hdf5_file as keras_hdf5
from rnnlens.readers.keras.live import LiveModel
from rnnlens.readers.keras.live import match as is_live
from rnnlens.readers.refusals import first_line

__all__ = ["outputs"]


class LiveState(Protocol):
    """What is asked of a state of a layer."""

    shape: tuple[int, ...]

    def numpy(self) -> np.ndarray:
        """Give its values."""
        ...

    def assign(self, value: np.ndarray) -> object:
        """Set it."""
        ...


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
    many = _predict(source, given)
    name = told(
        "Keras {version} on {backend}",
        version=keras.__version__,
        backend=keras.backend.backend(),
    )
    return [np.asarray(array, dtype=np.float64) for array in many], name


def _predict(model: LiveModel, given: list[np.ndarray]) -> list[np.ndarray]:
    """Run a model on windows: every window from states of zero, as the network as read does."""
    fixed = [entry.shape[0] for entry in model.inputs if entry.shape[0] is not None]
    if not fixed:
        return _many(model.predict(given[0] if len(given) == 1 else given, verbose=0))
    size, count = int(fixed[0]), len(given[0])
    states = [state for layer in _layers(model) for state in _states(layer)]
    kept = [np.array(state.numpy()) for state in states]
    parts = []
    try:
        for begin in range(0, count, size):
            # the last batch is filled up with its last window
            rows = np.minimum(np.arange(begin, begin + size), count - 1)
            taken = [array[rows] for array in given]
            for state in states:
                state.assign(np.zeros(state.shape))
            inputs = taken[0] if len(taken) == 1 else taken
            given_back = _many(model.predict(inputs, batch_size=size, verbose=0))
            parts.append([array[: count - begin] for array in given_back])
    finally:
        # a live model goes on from where it was
        for state, values in zip(states, kept, strict=True):
            state.assign(values)
    return [np.concatenate(of) for of in zip(*parts, strict=True)]


def _many(given_back: object) -> list[np.ndarray]:
    return list(given_back) if isinstance(given_back, list | tuple) else [np.asarray(given_back)]


def _layers(layer: object) -> Iterator[object]:
    """Give a layer and all within it."""
    yield layer
    inner = [*getattr(layer, "layers", ())]
    for name in ("layer", "forward_layer", "backward_layer"):
        inner += [getattr(layer, name)] if hasattr(layer, name) else []
    for each in inner:
        yield from _layers(each)


def _states(layer: object) -> list[LiveState]:
    """Give the states that a stateful layer carries from one batch to the next."""
    carried = getattr(layer, "states", None) if getattr(layer, "stateful", False) else None
    flat = carried if isinstance(carried, list | tuple) else [carried]
    return [cast("LiveState", state) for state in flat if hasattr(state, "assign")]


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
