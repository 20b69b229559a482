"""A network's file: written, read back, and compared with what it was written from."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from rnnlens.api.network.conversion import FORMATS, Conversion
from rnnlens.checks.fidelity import fidelity
from rnnlens.checks.inputs import random_inputs
from rnnlens.engine.forward import predict
from rnnlens.errors import InputError, MissingLibrary, UnsupportedModel
from rnnlens.names import told
from rnnlens.network.network import Network
from rnnlens.readers import run as readers_run
from rnnlens.readers.onnx.run import outputs_as_written
from rnnlens.readers.open import read
from rnnlens.readers.options import ReadOptions
from rnnlens.readers.torch.written import class_outputs
from rnnlens.writers import native
from rnnlens.writers.keras import archive
from rnnlens.writers.onnx import file as onnx_file
from rnnlens.writers.simplify import simplified
from rnnlens.writers.torch import safetensors_file
from rnnlens.writers.torch.safetensors_file import arrays_of, head_of, restored
from rnnlens.writers.written import Written

__all__ = ["proven", "write_in_memory"]

#: The module that writes a file, by the ending of its path.
WRITERS = {
    ".keras": archive,
    ".safetensors": safetensors_file,
    ".onnx": onnx_file,
    ".npz": native,
}


def write_in_memory(network: Network, suffix: str) -> Written:
    """Give the bytes of a network's file, by the ending of its path."""
    return WRITERS[suffix].write(network)


def proven(network: Network, written: Written, draft: Path, *, check: bool) -> Conversion:
    """Read the draft back, run both, and refuse it if they differ."""
    back, notes = _read_back(network, draft, written)
    inputs = random_inputs(network)
    given = _matched(inputs, back)
    ours = predict(network, inputs)
    compared = fidelity(back, list(ours) if isinstance(ours, tuple) else [ours], given)
    if not compared.agrees:
        raise InputError(
            f"the network written as {draft.name} and read back differs from the source by "
            f"{compared.largest:.3g}, more than rounding explains ({compared.tolerance:.2g}), so "
            "the file is not kept; please report this with the model"
        )
    library, difference = "", None
    if check or not written.reads_back:
        library, difference, unchecked = _by_library(back, draft, given, written)
        notes += unchecked
    if not (library or written.reads_back):
        raise MissingLibrary(
            f"{draft.name} holds masked steps, which rnnlens does not read back from ONNX, so that "
            "onnxruntime must run it for a proof, and it is not installed: pip install "
            '"rnnlens[onnx]", or write .keras or .npz'
        )
    return Conversion(
        path=str(draft),
        format=FORMATS[draft.suffix.lower()],
        bytes=len(written.data),
        largest_difference=compared.largest if written.reads_back else difference or 0.0,
        tolerance=compared.tolerance,
        samples=compared.samples,
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


def _read_back(network: Network, draft: Path, written: Written) -> tuple[Network, list[str]]:
    if not written.reads_back:
        return simplified(network), [
            told(
                "rnnlens does not read masked steps back from ONNX: the file was checked by "
                "running it beside the source"
            )
        ]
    if draft.suffix.lower() == ".onnx":
        try:
            return read(draft), []
        except UnsupportedModel:
            taken = {name for node in simplified(network).nodes for name, _ in node.inputs}
            axes = {name: 0 for name in network.inputs if name in taken}
            back = read(draft, ReadOptions(batch_axes=axes))
            return back, [
                told(
                    "the graph does not tell where the samples are: batch_axes={axes}",
                    axes=str(axes),
                )
            ]
    if draft.suffix.lower() != ".safetensors":
        return read(draft), []

    options = head_of(network)
    if options is not None:
        words = ", ".join(f'{name}="{value}"' for name, value in options.items())
        return read(draft, ReadOptions(**options)), [
            told("read it back with {options}", options=words)
        ] if words else []
    return restored(network, draft), [
        told(
            "the file was checked by putting its arrays, as read back, into the source's layers, "
            "for a state dict does not say how they are joined"
        )
    ]


def _by_library(
    back: Network, draft: Path, inputs: Mapping[str, np.ndarray], written: Written
) -> tuple[str, float | None, list[str]]:
    """Let the library that the file is for run it, where one is installed."""
    if draft.suffix.lower() == ".npz":
        return "", None, []
    try:
        ran = _ran(draft, inputs, written)
    except (MissingLibrary, UnsupportedModel) as reason:
        return "", None, [told("no other library ran the file: {why}", why=str(reason))]
    if ran is None:
        return "", None, [told("no other library ran the file: none that does is known here")]
    outputs, library = ran
    compared = fidelity(back, outputs, inputs)
    if not compared.agrees:
        raise InputError(
            f"{library} gives outputs for {draft.name} that differ from ours by "
            f"{compared.largest:.3g}, more than rounding explains ({compared.tolerance:.2g}), so "
            "the file is not kept; please report this with the model"
        )
    return library, compared.largest, []


def _ran(
    draft: Path, inputs: Mapping[str, np.ndarray], written: Written
) -> tuple[list[np.ndarray], str] | None:
    """Run what was written: a class of PyTorch, or the file itself."""
    if draft.suffix.lower() == ".safetensors":
        return class_outputs(written.code, arrays_of(draft), inputs)
    if draft.suffix.lower() == ".onnx":
        return outputs_as_written(draft, inputs)
    return readers_run.source_outputs(draft, inputs)
