"""The verbs about weights as numbers: of one network, and of two side by side."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from rnnlens.cli.inputs import asked_from, network_from, number_of
from rnnlens.cli.options.arguments import Model, OutputOptions
from rnnlens.cli.options.flatten import flattened
from rnnlens.cli.options.forecast import CheckOptions
from rnnlens.cli.options.reading import ReadingOptions
from rnnlens.cli.options.series import SeriesOptions
from rnnlens.cli.options.shown import ShownOptions
from rnnlens.cli.output import give, working
from rnnlens.names import told

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rnnlens.network.network import Network

__all__ = ["compare_weights", "summarize_weights"]

SomeData = Annotated[
    list[Path] | None,
    typer.Argument(
        help="The series, or windows, over which gates and units are looked at; the weights alone "
        "if left out.",
        show_default=False,
    ),
]


@flattened
def summarize_weights(
    model: Model,
    data: SomeData = None,
    *,
    reading: ReadingOptions,
    shown: ShownOptions,
    series: SeriesOptions,
    options: CheckOptions,
    output: OutputOptions,
) -> None:
    """Measure weights by gate, and what units do with data."""
    from rnnlens import api
    from rnnlens.views.tables.inside.summarized_weights import weights_summary, weights_view

    network = network_from(model, reading, shown)
    windows, asked = _over((model, network, data or ()), series, options)
    with working(told("measuring weights{windows}", windows=_of(windows))):
        tree = api.summarize_weights(network, windows, **asked)
    give(tree, output, view=weights_view, plain=weights_summary, indent=1)


@flattened
def compare_weights(
    model: Model,
    other: Annotated[
        Path, typer.Argument(help="The other network, or another epoch.", show_default=False)
    ],
    data: SomeData = None,
    *,
    reading: ReadingOptions,
    shown: ShownOptions,
    series: SeriesOptions,
    options: CheckOptions,
    output: OutputOptions,
) -> None:
    """Put the weights of two networks, or two epochs, side by side."""
    from rnnlens import api
    from rnnlens.views.tables.inside.compared_weights import comparison_summary, comparison_view

    network, second = network_from(model, reading, shown), network_from(other, reading)
    windows, asked = _over((model, network, data or ()), series, options)
    with working(told("comparing weights{windows}", windows=_of(windows))):
        tree = api.compare_weights(network, second, windows, **asked)
    give(tree, output, view=comparison_view, plain=comparison_summary, indent=1)


def _over(
    asked: tuple[Path, Network, Sequence[Path]], series: SeriesOptions, options: CheckOptions
) -> tuple[Any, dict[str, Any]]:
    """Give the windows with what is asked of them; None and nothing where there are no data."""
    if not asked[2]:
        return None, {}
    sidecar, windows, _ = asked_from(asked, series, tested=True)
    return windows, {"target": options.target_of(sidecar), "of": options.inputs}


def _of(windows: Any) -> str:
    return "" if windows is None else told(" over {count:,} windows", count=number_of(windows))
