"""The source model itself, run by onnxruntime where it is installed, for the check of fidelity."""

from __future__ import annotations

import os
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

import numpy as np

from rnnlens.errors import MissingLibrary, UnreadableFile
from rnnlens.readers.onnx import file as onnx_file
from rnnlens.readers.onnx.graph.read import OnnxReading, TensorLayout, read_graph
from rnnlens.readers.refusals import first_line

if TYPE_CHECKING:
    import onnxruntime

__all__ = ["outputs", "outputs_as_written"]


def outputs(
    source: object, inputs: Mapping[str, np.ndarray]
) -> tuple[list[np.ndarray], str] | None:
    """Run the source model on windows: inputs mapping of str to (sample, ...)."""
    if not isinstance(source, str | os.PathLike):
        return None
    path = Path(os.fsdecode(source))
    if not path.is_file() or not onnx_file.match(path):
        return None
    with _runtime(path) as onnxruntime:
        read = read_graph(path)
        session = _session(path, onnxruntime)
        parts = [
            _batch(session, read, {name: array[chunk] for name, array in inputs.items()}, size)
            for chunk, size in _chunks(read, len(next(iter(inputs.values()))))
        ]
    whole = [np.concatenate(pieces) for pieces in zip(*parts, strict=True)]
    return whole, f"onnxruntime {onnxruntime.__version__}"


def outputs_as_written(
    path: Path, inputs: Mapping[str, np.ndarray]
) -> tuple[list[np.ndarray], str]:
    """Run a file that rnnlens wrote, on its inputs in order: mapping of str to (sample, ...)."""
    with _runtime(path) as onnxruntime:
        session = _session(path, onnxruntime)
        feed = {
            entry.name: values.astype(np.int64 if "int64" in entry.type else np.float32)
            for entry, values in zip(session.get_inputs(), inputs.values(), strict=True)
        }
        computed = session.run(None, feed)
    name = f"onnxruntime {onnxruntime.__version__}"
    return [np.asarray(array, dtype=np.float64) for array in computed], name


@contextmanager
def _runtime(path: Path) -> Generator[ModuleType]:
    """Give onnxruntime, and say what it does not run."""
    try:
        import onnxruntime

        state = import_module("onnxruntime.capi.onnxruntime_pybind11_state")
    except ImportError as error:
        raise MissingLibrary(
            "onnxruntime is not installed, so the source model cannot be run: pip install "
            '"rnnlens[onnx]"'
        ) from error
    refusals = (state.Fail, state.InvalidArgument, state.InvalidGraph, state.NotImplemented)
    try:
        yield onnxruntime
    except (*refusals, RuntimeError) as error:
        reason = first_line(error)
        raise UnreadableFile(
            f"onnxruntime {onnxruntime.__version__} does not run {path.name} ({reason}), so "
            "fidelity cannot be checked against it; give the outputs that the source gave instead"
        ) from error


def _session(path: Path, onnxruntime: ModuleType) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def _chunks(read: OnnxReading, samples: int) -> list[tuple[slice, int]]:
    """Cut the samples as the file wants them: as many at once as it is made for."""
    sizes = [entry.samples for entry in read.inputs if entry.samples is not None]
    size = sizes[0] if sizes else max(samples, 1)
    return [(slice(start, start + size), size) for start in range(0, max(samples, 1), size)]


def _batch(
    session: onnxruntime.InferenceSession,
    read: OnnxReading,
    given: dict[str, np.ndarray],
    size: int,
) -> list[np.ndarray]:
    """Run one batch, filled up with its last sample to the size that the file wants."""
    samples = len(next(iter(given.values())))
    feed = {entry.name: _laid_out(entry, given[entry.name], size) for entry in read.inputs}
    for entry in session.get_inputs():
        if entry.name not in feed:  # no output needs it
            feed[entry.name] = np.zeros(
                [n if isinstance(n, int) else size for n in entry.shape],
                np.int64 if "int" in entry.type else np.float32,
            )
    computed = session.run([entry.name for entry in read.outputs], feed)
    return [
        np.moveaxis(np.asarray(array, dtype=np.float64), entry.batch, 0)[:samples]
        for array, entry in zip(computed, read.outputs, strict=True)
    ]


def _laid_out(entry: TensorLayout, array: np.ndarray, size: int) -> np.ndarray:
    full = array
    if 0 < len(array) < size:
        full = np.concatenate([array, np.repeat(array[-1:], size - len(array), axis=0)])
    return np.ascontiguousarray(np.moveaxis(full, 0, entry.batch).astype(entry.dtype))
