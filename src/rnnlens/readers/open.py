"""Read a model, whatever it is: the reader that fits its content does it."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from rnnlens.arguments import numbers
from rnnlens.errors import InputError, UnreadableFile, UnsupportedModel
from rnnlens.network.arrays import Arrays
from rnnlens.network.network import Network, Origin
from rnnlens.readers.ending import ending_with
from rnnlens.readers.hardening.contents import describe, describe_folder
from rnnlens.readers.keras import archive as keras_archive
from rnnlens.readers.keras import hdf5_file as keras_hdf5
from rnnlens.readers.keras import live as keras_live
from rnnlens.readers.keras import sharded
from rnnlens.readers.keras.tensorflow import checkpoint, saved_model
from rnnlens.readers.layouts import CellArray
from rnnlens.readers.native import npz as npz_file
from rnnlens.readers.onnx import file as onnx_file
from rnnlens.readers.options import ReadOptions, refuse_others
from rnnlens.readers.rerolled.left import with_loops_noted
from rnnlens.readers.tflite import file as tflite_file
from rnnlens.readers.torch import file as torch_file
from rnnlens.readers.torch import json_file, safetensors_file, state_files
from rnnlens.readers.torch import live as torch_live
from rnnlens.readers.torch import state_dict as torch_dict
from rnnlens.readers.torch.named import named as named_state_dict
from rnnlens.readers.torch.program import read as torch_program
from rnnlens.readers.torch.weights.lazy import LazyArray
from rnnlens.readers.unnamed import name_arrays
from rnnlens.readers.unrolled.unroll import unrolled

__all__ = ["Format", "options_of", "read", "read_or_name_arrays", "read_up_to_refusal"]


@dataclass(frozen=True)
class Format:
    """One format that is read."""

    #: What it is called in an error, with its article.
    what: str
    #: Tells whether a source is of this format, by its content.
    match: Callable[[Any], bool]
    #: Reads it, given the options.
    read: Callable[[Any, ReadOptions], Network]
    #: The options that it takes; the others are refused.
    takes: frozenset[str] = frozenset()


#: Formats of files, in the order in which they are asked.
FILES = (
    Format("a Keras archive", keras_archive.match, keras_archive.read, keras_archive.TAKES),
    Format("the index of weights of Keras", sharded.match, sharded.read, sharded.TAKES),
    Format("an HDF5 file of Keras", keras_hdf5.match, keras_hdf5.read, keras_hdf5.TAKES),
    Format("an archive of rnnlens", npz_file.match, lambda path, _: npz_file.read(path)),
    Format("a program of torch.export", torch_program.match, torch_program.read),
    Format("a PyTorch file", torch_file.match, state_files.read, state_files.TAKES),
    Format("an ONNX file", onnx_file.match, onnx_file.read, onnx_file.TAKES),
    Format("a safetensors file", safetensors_file.match, state_files.read, state_files.TAKES),
    Format("a TensorFlow Lite file", tflite_file.match, tflite_file.read),
    Format("JSON with PyTorch's names", json_file.match, state_files.read, state_files.TAKES),
)

_NUMBERS = numbers("an array of numbers", allowed="any")

#: Formats that are several files: a folder, or what stands before the endings of their names.
FOLDERS = (
    Format("a TensorFlow SavedModel", saved_model.match, saved_model.read, saved_model.TAKES),
    Format("a Keras folder", keras_archive.match_folder, keras_archive.read, keras_archive.TAKES),
    Format("a TensorFlow checkpoint", checkpoint.match, checkpoint.read, checkpoint.TAKES),
)

#: Files of weights alone, whose arrays have names even where they make no network.
WEIGHTS = (saved_model, checkpoint, sharded, keras_hdf5, state_files)

#: Files of whole models, whose arrays have names even where a layer is not read.
WHOLE = (saved_model, keras_archive, keras_hdf5, tflite_file)

#: Live models.
LIVE = (
    Format("a live Keras model", keras_live.match, keras_live.read, keras_live.TAKES),
    Format("a program of torch.export", torch_program.match_live, torch_program.read),
    Format("a live PyTorch module", torch_live.match, torch_live.read, torch_live.TAKES),
    Format("a state dict of PyTorch", torch_dict.match, torch_dict.read, torch_dict.TAKES),
)


def read(source: object, options: ReadOptions | None = None) -> Network:
    """Read a trained network from a file or a live model."""
    options = options or ReadOptions()
    if options.unroll is not None:
        return unrolled(read(source, replace(options, unroll=None)), options.unroll)
    if options.output is not None:
        return ending_with(read(source, replace(options, output=None)), options.output)
    if isinstance(source, (str, os.PathLike)):
        return _read_file(Path(os.fsdecode(source)), options)
    for form in LIVE:
        if form.match(source):
            return _read_as(form, source, options, form.what)
    kind = f"{type(source).__module__}.{type(source).__qualname__}"
    raise UnsupportedModel(
        f"cannot read an object of the type {kind}: give the path of a model file, or a live "
        "Keras 3 model or PyTorch module"
    )


def options_of(source: object) -> frozenset[str]:
    """Say which options a live model takes; none for what is no live model."""
    return next((form.takes for form in LIVE if form.match(source)), frozenset())


def read_or_name_arrays(source: object, options: ReadOptions | None = None) -> Network | Arrays:
    """Read a network, or name arrays: of a file that holds weights alone, or in memory."""
    if isinstance(source, Mapping | list | tuple):
        return torch_dict.arrays(source) or _named(source)
    try:
        return read(source, options)
    except InputError as error:
        stated = options is not None and options.given
        if isinstance(error, UnsupportedModel) and not stated:
            partial = _partial(source, error)
            if partial is not None:
                return partial
        options_given = options is not None and set(options.given) - {"part"}
        if options_given or not isinstance(source, (str, os.PathLike)):
            raise
        path = Path(os.fsdecode(source))
        for reader in WEIGHTS:
            several = reader in {saved_model, checkpoint}
            part = None if options is None else options.part
            parted = part is not None and reader is not state_files
            if parted or not (several or path.is_file()) or not reader.match(path):
                continue
            arrays = reader.arrays(path) if part is None else reader.arrays(path, part)
            if arrays is not None:
                return arrays
        raise


def read_up_to_refusal(source: object) -> Network:
    """Read a network, or of a model with a layer that is not read the part before it."""
    try:
        return read(source)
    except UnsupportedModel as error:
        arrays = _partial(source, error)
        if arrays is None or not arrays.until:
            raise
        network = read(source, ReadOptions(until=arrays.until))
        clauses = (*network.origin.left_out, str(error))
        return replace(network, origin=replace(network.origin, left_out=clauses))


def _partial(source: object, refusal: UnsupportedModel) -> Arrays | None:
    """Name the arrays of a file of a model that has a layer which is not read."""
    if not isinstance(source, (str, os.PathLike)):
        return None
    path = Path(os.fsdecode(source))
    for reader in WHOLE:
        if (path.is_file() or reader is saved_model) and reader.match(path):
            return reader.partial(path, refusal)
    if keras_archive.match_folder(path):
        return keras_archive.partial(path, refusal)
    return None


def _named(arrays: Mapping[str, object] | Sequence[object]) -> Arrays:
    """Name arrays by what a state dict calls them, or by their shapes and their order."""
    if isinstance(arrays, Mapping):
        pairs = [(str(name), values) for name, values in arrays.items()]
    else:
        pairs = [(f"arrays[{number}]", values) for number, values in enumerate(arrays)]
    labelled = [(name, np.asarray(_NUMBERS.check(name, values))) for name, values in pairs]
    if not labelled:
        raise InputError("there are no arrays: give what model.get_weights() gives")
    if isinstance(arrays, Mapping):
        lazy = {
            name: LazyArray(values.shape, lambda n=name, v=values: CellArray(v, n))
            for name, values in labelled
            if values.dtype.kind == "f"  # the batches that a norm has seen are no weights
        }
        named = named_state_dict(lazy, Origin("state dict in memory"))
        if named is not None:
            return named
    return name_arrays(labelled)


def _read_as(form: Format, source: object, options: ReadOptions, named: str) -> Network:
    refuse_others(options, form.takes, named)
    return with_loops_noted(form.read(source, options))


def _read_file(path: Path, options: ReadOptions) -> Network:
    for form in FOLDERS:
        if form.match(path):
            return _read_as(form, path, options, f"{path} is {form.what}, which")
    if path.is_dir():
        raise UnreadableFile(f"{path} {describe_folder(path)}")
    if not path.exists():
        raise UnreadableFile(f"{path}: no such file")
    try:
        for form in FILES:
            if form.match(path):
                return _read_as(form, path, options, f"{path} is {form.what}, which")
        what = describe(path)
    except OSError as error:
        raise UnreadableFile(f"{path} cannot be read: {error.strerror or error}") from error
    raise UnreadableFile(f"{path} {what}")
