"""Writing a network in another format, with its proof."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from os import PathLike

    import numpy as np

    from rnnlens.network.network import Network
    from rnnlens.writers.written import Written

__all__ = ["Conversion", "convert"]

#: What is written, by the ending of the path.
FORMATS = {
    ".keras": "Keras 3 archive",
    ".safetensors": "PyTorch state dict (safetensors)",
    ".onnx": "ONNX",
    ".npz": "rnnlens archive of named arrays",
}


@dataclass(frozen=True, eq=False, kw_only=True)
class Conversion:
    """What was written, and the proof that it computes the same.

    Parameters
    ----------
    path : str
        The file.
    format : str
        What it is.
    bytes : int
        Its length.
    largest_difference : float
        Between the source and the file as read back, both run by rnnlens in float64 on the same
        random inputs; in the network's own units.
    tolerance : float
        What rounding explains; above it nothing is written.
    samples : int
        Random inputs compared.
    library : str
        Which library ran the file too; empty where none did.
    library_difference : float or None
        Largest difference between that library and the file as read back.
    notes : tuple of str
        What the file holds in another form than the source, and what could not be checked.
    code : str
        Python code of the class that takes a PyTorch state dict; empty for other formats.
    network : Network
        The file as read back.
    """

    path: str
    format: str
    bytes: int
    largest_difference: float
    tolerance: float
    samples: int
    library: str
    library_difference: float | None
    notes: tuple[str, ...]
    code: str
    network: Network


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
    import os
    from dataclasses import replace
    from tempfile import TemporaryDirectory

    from rnnlens.api.network.read import read
    from rnnlens.network.network import Network

    target = Path(os.fsdecode(path))
    _check_target(source, target)
    if not isinstance(source, Network):
        source = read(source)
    written = _written(source, target.suffix.lower())
    # Beside the target, so that the finished file takes its place in one move.
    with TemporaryDirectory(dir=target.parent, prefix=".rnnlens-") as folder:
        draft = Path(folder) / target.name
        draft.write_bytes(written.data)
        done = _proven(source, written, draft, check=check)
        os.replace(draft, target)
    origin = replace(done.network.origin, path=str(target))
    network = replace(done.network, origin=origin)
    return replace(done, path=str(target), network=network)


def _check_target(source: object, target: Path) -> None:
    from rnnlens.errors import InputError

    if target.suffix.lower() not in FORMATS:
        endings = ", ".join(FORMATS)
        raise InputError(f"{target} must end in one of {endings}, which says what to write")
    if not target.parent.is_dir():
        raise InputError(f"there is no folder {target.parent} to write {target.name} in")
    if target.is_dir():
        raise InputError(f"{target} is a folder; give the name of a file")
    if isinstance(source, str | Path) and target.exists() and target.samefile(source):
        raise InputError(f"{target} is the source itself; give another name")


def _written(network: Network, suffix: str) -> Written:
    if suffix == ".keras":
        from rnnlens.writers.keras.archive import write
    elif suffix == ".safetensors":
        from rnnlens.writers.torch.safetensors_file import write
    elif suffix == ".onnx":
        from rnnlens.writers.onnx.file import write
    else:
        from rnnlens.writers.native import write
    return write(network)


def _proven(network: Network, written: Written, draft: Path, *, check: bool) -> Conversion:
    """Read the draft back, run both, and refuse it if they differ."""
    from rnnlens.checks.fidelity import fidelity
    from rnnlens.checks.inputs import random_inputs
    from rnnlens.engine.forward import predict
    from rnnlens.errors import InputError

    back, notes = _read_back(network, draft)
    inputs = random_inputs(network)
    given = _matched(inputs, back)
    ours = predict(network, inputs)
    found = fidelity(back, list(ours) if isinstance(ours, tuple) else [ours], given)
    if not found.agrees:
        raise InputError(
            f"the network written as {draft.name} and read back differs from the source by "
            f"{found.largest:.3g}, more than rounding explains ({found.tolerance:.2g}), so the "
            "file is not kept; please report this with the model"
        )
    library, difference = "", None
    if check:
        library, difference, unchecked = _by_library(back, draft, given)
        notes += unchecked
    return Conversion(
        path=str(draft),
        format=FORMATS[draft.suffix.lower()],
        bytes=len(written.data),
        largest_difference=found.largest,
        tolerance=found.tolerance,
        samples=found.samples,
        library=library,
        library_difference=difference,
        notes=(*written.notes, *notes),
        code=written.code,
        network=back,
    )


def _matched(inputs: Mapping[str, np.ndarray], back: Network) -> dict[str, np.ndarray]:
    """Give the inputs by their names in the file: in their order, unless some were left out."""
    if len(back.inputs) == len(inputs):
        return dict(zip(back.inputs, inputs.values(), strict=True))
    return {name: inputs[name] for name in back.inputs}


def _read_back(network: Network, draft: Path) -> tuple[Network, list[str]]:
    from rnnlens.errors import UnsupportedModel
    from rnnlens.readers.open import read
    from rnnlens.readers.options import ReadOptions
    from rnnlens.writers.simplify import simplified

    if draft.suffix.lower() == ".onnx":
        try:
            return read(draft), []
        except UnsupportedModel:
            taken = {name for node in simplified(network).nodes for name, _ in node.inputs}
            axes = {name: 0 for name in network.inputs if name in taken}
            back = read(draft, ReadOptions(batch_axes=axes))
            return back, [f"the graph does not tell where the samples are: batch_axes={axes}"]
    if draft.suffix.lower() != ".safetensors":
        return read(draft), []
    from rnnlens.writers.torch.safetensors_file import head_of, restored

    told = head_of(network)
    if told is not None:
        words = ", ".join(f'{name}="{value}"' for name, value in told.items())
        return read(draft, ReadOptions(**told)), [f"read it back with {words}"] if words else []
    return restored(network, draft), [
        "the file was checked by putting its arrays, as read back, into the source's layers, for a "
        "state dict does not say how they are joined"
    ]


def _by_library(
    back: Network, draft: Path, inputs: Mapping[str, np.ndarray]
) -> tuple[str, float | None, list[str]]:
    """Let the library that the file is for run it, where one is installed."""
    from rnnlens.checks.fidelity import fidelity
    from rnnlens.errors import InputError, MissingLibrary, UnsupportedModel
    from rnnlens.readers.run import source_outputs

    if draft.suffix.lower() in {".npz", ".safetensors"}:
        return "", None, []
    try:
        ran = source_outputs(draft, inputs)
    except (MissingLibrary, UnsupportedModel) as reason:
        return "", None, [f"no other library ran the file: {reason}"]
    if ran is None:
        return "", None, ["no other library ran the file: none that does is known here"]
    outputs, library = ran
    found = fidelity(back, outputs, inputs)
    if not found.agrees:
        raise InputError(
            f"{library} gives outputs for {draft.name} that differ from ours by "
            f"{found.largest:.3g}, more than rounding explains ({found.tolerance:.2g}), so the "
            "file is not kept; please report this with the model"
        )
    return library, found.largest, []
