"""Networks of several inputs: a sidecar that describes each, or arrays by name in one file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from rnnlens.cli.output import note
from rnnlens.cli.undoubted import outputs_of
from rnnlens.errors import ConfigError
from rnnlens.names import counted, told

if TYPE_CHECKING:
    from rnnlens.cli.options.series import SeriesOptions
    from rnnlens.network.network import Network
    from rnnlens.series.joint.windows import WindowsByInput
    from rnnlens.series.sidecar import Sidecar
    from rnnlens.series.windows import Windows

    AnyWindows = Windows | WindowsByInput

__all__ = ["archive_of", "raise_undescribed", "require_inputs", "told_left_out"]


def archive_of(
    model: Path, network: Network, data: Sequence[Path], series: SeriesOptions
) -> tuple[Sidecar, WindowsByInput] | None:
    """Take arrays of each input by its name as they stand, where no sidecar describes them."""
    if len(network.inputs) < 2 or series.config is not None:
        return None
    if model.with_suffix(".toml").is_file():
        return None
    from rnnlens.api.shared.given.joint.kinds import has_steps
    from rnnlens.api.shared.given.steps import steps_first
    from rnnlens.engine.forward import entries
    from rnnlens.series.arrays import read_windows
    from rnnlens.series.joint.arrays import plain_by_input
    from rnnlens.series.sidecar import Sidecar

    names = list(network.inputs)
    arrays = read_windows(data[0]) if len(data) == 1 and data[0].suffix == ".npz" else {}
    if not arrays:
        return None
    missing = [name for name in names if name not in arrays]
    if missing:
        raise ConfigError(
            f"the network takes several inputs ({', '.join(names)}): give one .npz file that holds "
            f"an array of each by its name, such as numpy.savez makes, and {data[0].name} lacks "
            f"{', '.join(missing)}"
        )
    _refuse_cutting(series, data[0].name)
    turned = steps_first(network)
    inputs = turned.windows(entries(network, {name: arrays[name] for name in names}))
    note(
        told(
            "no sidecar: the arrays of {file} go into the network as they are, features are "
            "numbered in its order, and nothing has a unit",
            file=data[0].name,
        )
    )
    outputs = series.target_names or [f"output {k}" for k in range(outputs_of(network))]
    made = plain_by_input(
        inputs,
        [name for name in names if has_steps(turned.network, name)],
        outputs,
        arrays.get("y"),
        arrays.get("times"),
    )
    return Sidecar.plain(["-"], 1, targets=outputs), made


def _refuse_cutting(series: SeriesOptions, file: str) -> None:
    """Refuse what cuts a series where windows are cut already."""
    refused = [
        f"--{name}" for name in ("features", "window", "lead") if getattr(series, name) is not None
    ]
    if refused:
        raise ConfigError(
            f"{', '.join(refused)} cuts a series into windows, but {file} holds windows of "
            "several inputs already: leave it out, and choose the newest with --last"
        )


def require_inputs(network: Network, sidecar: Sidecar, series: SeriesOptions) -> None:
    """Refuse a sidecar of one input for a network of several, and names for one of several."""
    names = list(network.inputs)
    if not sidecar.inputs:
        if len(names) < 2:
            return
        raise ConfigError(
            f"the network takes several inputs ({', '.join(names)}), and the sidecar describes "
            f"one: give each its own table, such as [inputs.{names[0]}.features], in the place of "
            "[features]"
        )
    if series.features is not None:
        raise ConfigError(
            "--features names the columns of one input, and the sidecar describes "
            f"{', '.join(one.name for one in sidecar.inputs)}: change the lines of the sidecar"
        )


def raise_undescribed(model: Path, network: Network, data: Sequence[Path]) -> NoReturn:
    """Refuse tables for a network of several inputs of which nothing is said."""
    raise ConfigError(
        f"the network takes several inputs ({', '.join(network.inputs)}), and nothing says which "
        "columns go into each: write a sidecar that does, which "
        f"rnnlens init {model} {' '.join(map(str, data))} > {model.with_suffix('.toml').name} "
        "begins, or give one .npz file that holds an array of each by its name"
    )


def told_left_out(taken: AnyWindows, seen: AnyWindows) -> tuple[AnyWindows, AnyWindows]:
    """Say how many windows were left out because an input lacks them."""
    for name, count in getattr(taken, "left_out", {}).items():
        note(
            counted(
                count,
                "{count} window is left out, for input {name} lacks values there",
                "{count:,} windows are left out, for input {name} lacks values there",
                name=repr(name),
            )
        )
    return taken, seen
