"""Writing a network in another format, with its proof."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from rnnlens.api.network.conversion import FORMATS, Conversion
from rnnlens.api.shared.given.arguments import checked
from rnnlens.errors import InputError
from rnnlens.names import told

if TYPE_CHECKING:
    from os import PathLike

    from rnnlens.network.network import Network

__all__ = ["Conversion", "convert"]


@checked()
def convert(
    source: Network | str | PathLike[str] | object,
    path: str | PathLike[str],
    *,
    check: bool = True,
) -> Conversion:
    """Write a trained network in another format, and prove that it computes the same.

    The file is read back, and both run on the same random inputs; a file that differs by more than
    rounding is not left behind.

    Parameters
    ----------
    source : Network, path or live model
        What `read` takes, or what it gave: for a source that needs options, read it first.
    path : path
        The file to write: ``.keras`` (Keras 3), ``.safetensors`` (PyTorch state dict), ``.onnx``
        or ``.npz`` (arrays by canonical names, nothing lost). A file that is there is replaced.
    check : bool
        Whether the library that the file is for runs it too, where it is installed.

    Returns
    -------
    Conversion
        What was written, the largest differences, notes.

    Raises
    ------
    InputError
        If the path has another ending or no folder, or the file written differs from the source.
    MissingLibrary
        If ``.onnx`` is to be written and onnx is not installed.
    UnreadableFile
        If the source cannot be read, or the library does not open the file written.
    UnsupportedModel
        If the format cannot hold the network: peepholes in Keras, say.

    Examples
    --------
    >>> import tempfile
    >>> import rnnlens
    >>> from rnnlens.demo.weather import demo_files
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     done = rnnlens.convert(demo_files().network, f"{folder}/weather.npz")
    >>> done.format, done.largest_difference
    ('rnnlens archive of named arrays', 0.0)
    """
    from dataclasses import replace
    from tempfile import TemporaryDirectory

    from rnnlens.api.network.read import read
    from rnnlens.api.shared.conversion import proven, write_in_memory
    from rnnlens.network.network import Network, still_assumed

    target = Path(os.fsdecode(path))
    _check_target(source, target)
    if not isinstance(source, Network):
        source = read(source)
    written = write_in_memory(source, target.suffix.lower())
    # Beside the target, so that the finished file takes its place in one move.
    with TemporaryDirectory(dir=target.parent, prefix=".rnnlens-") as folder:
        draft = Path(folder) / target.name
        draft.write_bytes(written.data)
        done = proven(source, written, draft, check=check)
        os.replace(draft, target)
    # the file does not say it, but what was not known of the source is not known of its copy
    unsure = {"assumed": still_assumed(source.origin), "left_out": source.origin.left_out}
    origin = replace(done.network.origin, path=str(target), **unsure)
    network = replace(done.network, origin=origin)
    notes = (
        *done.notes,
        *(told("assumed of the source, and not shown: {fact}", fact=one) for one in origin.assumed),
    )
    return replace(done, path=str(target), network=network, notes=notes)


def _check_target(source: object, target: Path) -> None:
    if target.suffix.lower() not in FORMATS:
        endings = ", ".join(FORMATS)
        raise InputError(f"{target} must end in one of {endings}, which says what to write")
    if not target.parent.is_dir():
        raise InputError(f"there is no folder {target.parent} to write {target.name} in")
    if target.is_dir():
        raise InputError(f"{target} is a folder; give the name of a file")
    if isinstance(source, str | os.PathLike) and _same_file(target, source):
        raise InputError(f"{target} is the source itself; give another name")


def _same_file(target: Path, source: str | os.PathLike[str]) -> bool:
    return target.exists() and os.path.exists(source) and target.samefile(source)
