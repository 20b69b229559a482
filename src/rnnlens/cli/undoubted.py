"""What data say by themselves where there is no sidecar: names and counts that leave no doubt."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rnnlens.cli.output import note
from rnnlens.errors import ConfigError, DataError
from rnnlens.names import counted, told

if TYPE_CHECKING:
    from rnnlens.cli.options.series import SeriesOptions
    from rnnlens.network.network import Network
    from rnnlens.series.sidecar import Sidecar

__all__ = ["outputs_of", "plain_sidecar", "steps_of_windows", "undoubted_sidecar"]


@dataclass(frozen=True)
class _Sizes:
    """Features that a network takes, and numbers that it gives, where they are known."""

    features: int | None
    outputs: int | None


def undoubted_sidecar(
    model: Path, network: Network, series: SeriesOptions, data: Sequence[Path]
) -> Sidecar:
    """Take windows of the network's shape, or a table of its width, as they are, and say so."""
    sizes = _sizes(network)
    arrays = [path for path in data if _is_of_windows(path)]
    if len(data) == 1 and arrays:
        steps, count = _shape_of_windows(data[0])
        note(
            told(
                "no sidecar: the windows of {file} go into the network as they are, features are "
                "numbered in its order, and nothing has a unit",
                file=data[0].name,
            )
        )
        names = [f"feature {k}" for k in range(count)]
        return plain_sidecar(network, series, names, None, steps=steps)
    columns, time = _columns_of(data)
    if sizes.features is None or len(columns) != sizes.features:
        takes = "any number of" if sizes.features is None else str(sizes.features)
        raise ConfigError(
            f"nothing says which columns the network takes: it takes {takes} features, and "
            f"{' and '.join(path.name for path in data)} has {len(columns)} columns of numbers "
            f"({', '.join(columns)}); name them in the network's order with --features a,b,c, or "
            f"write a sidecar with: rnnlens init {model} {' '.join(map(str, data))} > "
            f"{model.with_suffix('.toml').name}"
        )
    said = counted(
        len(columns),
        "no sidecar: the one column of numbers ({columns}) goes into the network as it stands, "
        "without units",
        "no sidecar: the {count} columns of numbers ({columns}) go into the network as they stand, "
        "in that order and without units",
        columns=", ".join(columns),
    )
    if time is not None:
        said = told("{said}, times are those of {time}", said=said, time=time)
    note(said)
    return plain_sidecar(network, series, columns, time)


def plain_sidecar(
    network: Network,
    series: SeriesOptions,
    features: list[str],
    time: str | None = None,
    *,
    steps: int | None = None,
) -> Sidecar:
    """Describe a network of plain values; steps: those of windows that were cut already."""
    from rnnlens.series.sidecar import Sidecar

    outputs = _sizes(network).outputs
    targets = series.target_names
    if targets is None and outputs is not None and (steps is not None or outputs != len(features)):
        targets = [f"output {k}" for k in range(outputs)]
        note(
            told("its outputs are numbered 0 to {last}: --targets a,b names them", last=outputs - 1)
            if outputs > 1
            else told("its output has no name: --targets a names it")
        )
    elif targets is None:
        note(
            told(
                "its outputs are taken to be its features, one by one: --targets a,b says otherwise"
            )
        )
    lead = 1 if series.lead is None else series.lead
    return Sidecar.plain(
        features, _window_of(network, series, steps), lead, targets=targets or (), time=time
    )


def _window_of(network: Network, series: SeriesOptions, steps: int | None) -> int:
    """Give the steps that the network takes, as typed, as its file or its windows say."""
    shape = next(iter(network.inputs.values())).shape
    if series.window is not None:
        return series.window
    if steps is not None:
        # where they are others than the network's own, it says itself how they may be given
        return steps
    if not shape or shape[0] is None:
        raise ConfigError(
            "the network takes windows of any length, so say with --window how many steps to give"
        )
    return shape[0]


def outputs_of(network: Network) -> int:
    """Give the numbers along the last axis of a network's output, 1 where that is not known."""
    return _sizes(network).outputs or 1


def _sizes(network: Network) -> _Sizes:
    from rnnlens.network.shapes import output_shapes

    shape = next(iter(network.inputs.values())).shape
    name, number = network.outputs[0]
    given = output_shapes(network)[name][number]
    return _Sizes(shape[-1] if len(shape) > 1 else None, given[-1] if given else 1)


def _is_of_windows(path: Path) -> bool:
    from rnnlens.series.arrays import holds_windows
    from rnnlens.series.tables.read import start_of

    return holds_windows(path, start_of(path))


def steps_of_windows(data: Sequence[Path]) -> int | None:
    """Give the steps of windows that were cut already; None where the data are tables."""
    return _shape_of_windows(data[0])[0] if len(data) == 1 and _is_of_windows(data[0]) else None


def _shape_of_windows(path: Path) -> tuple[int, int]:
    from rnnlens.series.arrays import read_windows

    shape = read_windows(path)["X"].shape
    if len(shape) != 3:
        raise DataError(
            f"{path} must hold windows (sample, step, feature) and has the shape {shape}"
        )
    return shape[1], shape[2]


def _columns_of(data: Sequence[Path]) -> tuple[list[str], str | None]:
    """Give the columns of numbers of all tables, and the one of times where there is just one."""
    from rnnlens.series.tables.kinds import kinds_of

    columns: list[str] = []
    times: set[str] = set()
    for path in data:
        kinds = kinds_of(path)
        columns += [name for name in kinds.numbers if name not in columns]
        times |= set(kinds.times)
    return columns, next(iter(times)) if len(times) == 1 else None
