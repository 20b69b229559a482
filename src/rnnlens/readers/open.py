"""Read a model, whatever it is: the reader that fits its content does it."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from rnnlens.arguments import numbers
from rnnlens.errors import InputError, UnreadableFile, UnsupportedModel
from rnnlens.network.arrays import Arrays
from rnnlens.network.network import Network, Origin
from rnnlens.readers.hardening.contents import describe, describe_folder
from rnnlens.readers.keras import archive as keras_archive
from rnnlens.readers.keras import hdf5_file as keras_hdf5
from rnnlens.readers.keras import live as keras_live
from rnnlens.readers.keras.tensorflow import checkpoint, saved_model
from rnnlens.readers.layouts import CellArray
from rnnlens.readers.native import npz as npz_file
from rnnlens.readers.onnx import file as onnx_file
from rnnlens.readers.options import ReadOptions, refuse_others
from rnnlens.readers.torch import file as torch_file
from rnnlens.readers.torch import json_file, safetensors_file, state_files
from rnnlens.readers.torch import live as torch_live
from rnnlens.readers.torch import state_dict as torch_dict
from rnnlens.readers.torch.named import named as named_state_dict
from rnnlens.readers.torch.program import read as torch_program
from rnnlens.readers.torch.weights.lazy import LazyArray
from rnnlens.readers.unnamed import name_arrays

__all__ = ["Format", "options_of", "read", "read_or_name_arrays"]


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
    Format("an HDF5 file of Keras", keras_hdf5.match, keras_hdf5.read, keras_hdf5.TAKES),
    Format("an archive of rnnlens", npz_file.match, lambda path, _: npz_file.read(path)),
    Format("a program of torch.export", torch_program.match, torch_program.read),
    Format("a PyTorch file", torch_file.match, state_files.read, state_files.TAKES),
    Format("an ONNX file", onnx_file.match, onnx_file.read, onnx_file.TAKES),
    Format("a safetensors file", safetensors_file.match, state_files.read, state_files.TAKES),
    Format("JSON with PyTorch's names", json_file.match, state_files.read, state_files.TAKES),
)

_NUMBERS = numbers("an array of numbers", allowed="any")

#: Formats that are several files: a folder, or what stands before the endings of their names.
FOLDERS = (
    Format("a TensorFlow SavedModel", saved_model.match, saved_model.read, saved_model.TAKES),
    Format("a TensorFlow checkpoint", checkpoint.match, checkpoint.read, checkpoint.TAKES),
)

#: Files of weights alone, whose arrays have names even where they make no network.
WEIGHTS = (saved_model, checkpoint, keras_hdf5, state_files)

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
        return _named(source)
    try:
        return read(source, options)
    except InputError:
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
    return form.read(source, options)


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
