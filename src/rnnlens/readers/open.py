"""Read a model, whatever it is: the reader that fits its content does it."""

from __future__ import annotations

import os
from pathlib import Path

from rnnlens.errors import UnreadableFile, UnsupportedModel
from rnnlens.network.network import Network
from rnnlens.readers import keras_archive, keras_hdf5, keras_live
from rnnlens.readers.contents import describe

__all__ = ["read"]

#: Readers of files, in the order in which they are asked.
FILES = (keras_archive, keras_hdf5)

#: Readers of live models.
LIVE = (keras_live,)


def read(source: object) -> Network:
    """Read a trained network from a file or a live model.

    Parameters
    ----------
    source : path or model
        A ``.keras`` archive, a whole model in HDF5, or a live Keras 3 model. The content of a file
        decides what it is, not its name.

    Returns
    -------
    Network
        The network: its layers, every array named by gate, and where each came from.

    Raises
    ------
    UnreadableFile
        If there is no such file, or it is damaged or not a model.
    UnsupportedModel
        If the model has a layer or an option that rnnlens does not implement.
    """
    if isinstance(source, (str, os.PathLike)):
        return _read_file(Path(os.fsdecode(source)))
    for reader in LIVE:
        if reader.match(source):
            return reader.read(source)
    kind = f"{type(source).__module__}.{type(source).__qualname__}"
    raise UnsupportedModel(
        f"cannot read an object of the type {kind}: give the path of a .keras or .h5 file, or a "
        "live Keras 3 model"
    )


def _read_file(path: Path) -> Network:
    if path.is_dir():
        saved = (path / "saved_model.pb").exists()
        what = "a TensorFlow SavedModel" if saved else "a directory"
        raise UnreadableFile(f"{path} is {what}; give a .keras or .h5 file of a whole model")
    if not path.exists():
        raise UnreadableFile(f"{path}: no such file")
    try:
        for reader in FILES:
            if reader.match(path):
                return reader.read(path)
        what = describe(path)
    except OSError as error:
        raise UnreadableFile(f"{path} cannot be read: {error.strerror or error}") from error
    raise UnreadableFile(f"{path} {what}; rnnlens reads .keras and .h5 files of whole Keras models")
