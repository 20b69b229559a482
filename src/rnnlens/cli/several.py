"""Networks of several inputs: their arrays out of one file, by name."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rnnlens.errors import ConfigError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from rnnlens.cli.options.series import SeriesOptions
    from rnnlens.network.network import Network

__all__ = ["inputs_from", "refuse_several"]


def inputs_from(
    network: Network, data: Sequence[Path], series: SeriesOptions
) -> dict[str, NDArray[np.generic]] | None:
    """Read an array of each input; None where the network takes one."""
    if len(network.inputs) < 2:
        return None
    from rnnlens.series.arrays import read_windows

    names = list(network.inputs)
    arrays = read_windows(data[0]) if len(data) == 1 and data[0].suffix == ".npz" else {}
    missing = [name for name in names if name not in arrays]
    if missing:
        held = f", and {data[0].name} lacks {', '.join(missing)}" if arrays else ""
        raise ConfigError(
            f"the network takes several inputs ({', '.join(names)}): give one .npz file that holds "
            f"an array of each by its name, such as numpy.savez makes{held}"
        )
    refused = [
        f"--{name}"
        for name in ("config", "features", "targets", "window", "lead")
        if getattr(series, name) is not None
    ]
    if series.start is not None or series.end is not None:
        refused.append("--from and --to")
    if refused:
        raise ConfigError(
            f"{', '.join(refused)} cuts a series into windows, but {data[0].name} holds windows of "
            "several inputs already: leave it out, and choose the newest with --last"
        )
    last = series.last or 1
    return {name: arrays[name][-last:] for name in names}


def refuse_several(network: Network) -> None:
    """Refuse a network of several inputs where one table is read."""
    if len(network.inputs) > 1:
        raise ConfigError(
            f"the network takes several inputs ({', '.join(network.inputs)}), which one table does "
            "not hold: rnnlens explain takes an .npz file with an array of each by its name; the "
            "other verbs take them in Python, as a mapping of input name to array"
        )
