"""The verbs about a forecast: whether it is one, and what its numbers came from."""

from __future__ import annotations

from rnnlens.cli.archives import explain_whole, require_archive
from rnnlens.cli.inputs import asked_from, network_from, network_up_to_refusal, number_of
from rnnlens.cli.options.archives import ArchiveOptions, ArchiveOutput
from rnnlens.cli.options.arguments import Data, Model, OutputOptions
from rnnlens.cli.options.flatten import flattened
from rnnlens.cli.options.forecast import BudgetOptions, CheckOptions
from rnnlens.cli.options.reading import ReadingOptions
from rnnlens.cli.options.series import SeriesOptions
from rnnlens.cli.options.shown import ShownOptions
from rnnlens.cli.output import foretell, give, working
from rnnlens.names import told

__all__ = ["check", "explain", "trace"]


@flattened
def check(
    model: Model,
    data: Data,
    *,
    reading: ReadingOptions,
    shown: ShownOptions,
    series: SeriesOptions,
    options: CheckOptions,
    output: OutputOptions,
) -> None:
    """Ask whether it is a forecast at all."""
    from rnnlens import api
    from rnnlens.views.tables.forecast import check_summary, check_view

    network = network_from(model, reading, shown)
    sidecar, windows, seen = asked_from((model, network, data), series, tested=True)
    with working(told("checking {count:,} forecasts", count=number_of(windows))):
        page = api.check(
            network, windows, target=options.target_of(sidecar), of=options.inputs, background=seen
        )
    give(page, output, view=check_view, plain=check_summary, indent=1)


@flattened
def trace(
    model: Model,
    data: Data,
    *,
    reading: ReadingOptions,
    shown: ShownOptions,
    series: SeriesOptions,
    output: OutputOptions,
) -> None:
    """Show every gate and state at every step."""
    from rnnlens import api
    from rnnlens.results.store import as_dict
    from rnnlens.views.tables.explanation import trace_view

    network = network_up_to_refusal(model, reading, shown)
    _, windows, _ = asked_from((model, network, data), series, newest=1)
    with working(told("tracing {count:,} windows", count=number_of(windows))):
        traced = api.trace(network, windows)
    give(traced, output, view=trace_view, plain=as_dict)


@flattened
def explain(
    model: Model,
    data: Data,
    *,
    reading: ReadingOptions,
    shown: ShownOptions,
    series: SeriesOptions,
    options: BudgetOptions,
    archives: ArchiveOptions,
    output: ArchiveOutput,
) -> None:
    """Split a forecast by lag and feature."""
    from rnnlens import api
    from rnnlens.api.shared.planning import Limited, expected
    from rnnlens.results.store import as_dict
    from rnnlens.views.tables.explanation import explanation_view

    require_archive(data, archives, output)
    if output.of_archive:
        explain_whole((model, data), (reading, shown), series, options, archives, output)
        return
    network = network_from(model, reading, shown)
    sidecar, windows, seen = asked_from((model, network, data), series, newest=1)
    method = options.method_of(sidecar) or "auto"
    baseline = options.baseline_of(sidecar, method)
    foretell(
        expected(
            network,
            windows,
            target=options.target_of(sidecar),
            method=method,
            baseline=baseline,
            held=options.held_names,
            background=seen,
            within=Limited(options.newest, options.effort()),
        )
    )
    with working(told("explaining {count:,} windows", count=number_of(windows))) as progress:
        explained = api.explain(
            network,
            windows,
            target=options.target_of(sidecar),
            method=method,
            baseline=baseline,
            held=options.held_names,
            newest=options.newest,
            background=seen,
            of=options.inputs,
            effort=options.effort(),
            progress=progress,
        )
    give(explained, output, view=explanation_view, plain=as_dict)
