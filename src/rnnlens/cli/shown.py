"""Outputs that the model itself gave: the files that hold them, and what they show."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from rnnlens.errors import DataError, InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from rnnlens.network.network import Network

__all__ = ["Stored", "require_shown", "stored_outputs"]

#: Names of the outputs' array in a file of several.
OUTPUTS = "outputs"


@dataclass(frozen=True, eq=False)
class Stored:
    """Outputs in a file, each (sample, ...), and their windows where it has them."""

    outputs: list[NDArray[np.float64]]
    inputs: dict[str, NDArray[np.float64]] | None


def stored_outputs(path: Path, network: Network) -> Stored | None:
    """Read the outputs that a model gave; None for a file of another kind, such as a model."""
    from rnnlens.series.tables.npy import array_in
    from rnnlens.series.tables.read import read_arrays

    match path.suffix.lower():
        case ".npy":
            return Stored([_outputs(array_in(path), path)], None)
        case ".csv":
            return Stored([_of_table(path)], None)
        case ".npz":
            held = read_arrays(path)
        case _:
            return None
    names = [OUTPUTS] if OUTPUTS in held else [f"{OUTPUTS}_{k}" for k in range(len(held))]
    given = [_outputs(held[name], path) for name in names if name in held]
    if not given:
        raise DataError(
            f"{path.name} holds {', '.join(held) or 'no array'}: name the array of what the model "
            "gave outputs, or those of several outputs outputs_0, outputs_1"
        )
    inputs = {name: held[name] for name in network.inputs if name in held}
    if len(network.inputs) == 1 and not inputs and "X" in held:
        inputs = {next(iter(network.inputs)): held["X"]}
    return Stored(given, inputs if len(inputs) == len(network.inputs) else None)


def _outputs(array: NDArray[np.generic], path: Path) -> NDArray[np.float64]:
    if array.dtype.kind not in "biuf":
        raise DataError(f"outputs in {path.name} must be numbers, and are of type {array.dtype}")
    made = array.astype(np.float64)
    return made[:, None] if made.ndim == 1 else made


def _of_table(path: Path) -> NDArray[np.float64]:
    """Read a table of outputs, a column a target; columns of times are passed over."""
    from rnnlens.series.tables.kinds import kinds_of
    from rnnlens.series.tables.read import read_table

    names = list(kinds_of(path).numbers)
    if not names:
        raise DataError(f"{path.name} has no column of numbers: give a column for each target")
    return read_table(path, columns=names).to_numpy(np.float64)


def require_shown(network: Network, path: Path) -> None:
    """Hold a network against outputs of the model's own, so that nothing is assumed any more."""
    from rnnlens import api

    stored = stored_outputs(path, network)
    if stored is None or stored.inputs is None:
        raise InputError(
            f"--outputs takes an .npz file with the windows of each input by its name "
            f"({', '.join(network.inputs)}; X where there is one) and what the model gave for "
            f"them, named outputs, and {path.name} is none"
        )
    found = api.fidelity(network, stored.outputs, stored.inputs, against=path.name).attrs
    if not found["agrees"]:
        raise DataError(
            f"the network as read does not give the outputs in {path.name}: the largest difference "
            f"is {found['largest']:.3g}, and rounding explains {found['tolerance']:.2g}; state "
            "other layers, or give the outputs of this model"
        )
