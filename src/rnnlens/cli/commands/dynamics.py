"""The verbs about what goes on inside: which gate carried what, what is kept, where it settles."""

from __future__ import annotations

from rnnlens.cli.concept import concept_typed
from rnnlens.cli.drawn import asked_or_drawn
from rnnlens.cli.inputs import asked_from, network_from, number_of
from rnnlens.cli.options.arguments import Data, Model, OutputOptions
from rnnlens.cli.options.dynamics import (
    BifurcationOptions,
    FixedPointOptions,
    MemoryOptions,
    ProbeOptions,
)
from rnnlens.cli.options.flatten import flattened
from rnnlens.cli.options.forecast import GateOptions
from rnnlens.cli.options.reading import ReadingOptions
from rnnlens.cli.options.series import SeriesOptions
from rnnlens.cli.options.shown import ShownOptions
from rnnlens.cli.output import give, working
from rnnlens.names import told

__all__ = ["bifurcations", "fixed_points", "gate_contributions", "memory", "probe"]


@flattened
def memory(
    model: Model,
    data: Data,
    *,
    reading: ReadingOptions,
    shown: ShownOptions,
    series: SeriesOptions,
    options: MemoryOptions,
    output: OutputOptions,
) -> None:
    """Say how long the network remembers."""
    from rnnlens import api
    from rnnlens.views.tables.memory import memory_summary, memory_view

    network = network_from(model, reading, shown)
    sidecar, windows, _, drawn = asked_or_drawn((model, network, data), series, options)
    with working(
        told("measuring memory over {count:,} windows", count=number_of(windows))
    ) as progress:
        page = api.memory(
            network,
            windows,
            target=options.target_of(sidecar),
            of=options.inputs,
            histories=options.histories,
            tolerance=options.tolerance,
            alpha=options.alpha,
            block=options.block,
            progress=progress,
        )
    page.attrs.update(drawn)
    give(page, output, view=memory_view, plain=memory_summary, indent=1)


@flattened
def gate_contributions(
    model: Model,
    data: Data,
    *,
    reading: ReadingOptions,
    shown: ShownOptions,
    series: SeriesOptions,
    options: GateOptions,
    output: OutputOptions,
) -> None:
    """Split a forecast's change by the gate that carried it."""
    from rnnlens import api
    from rnnlens.views.tables.inside.gate_contributions import (
        gate_contributions_summary,
        gate_contributions_view,
    )

    network = network_from(model, reading, shown)
    sidecar, windows, seen = asked_from((model, network, data), series, newest=1)
    with working(
        told("splitting {count:,} forecasts by gate", count=number_of(windows))
    ) as progress:
        carried = api.gate_contributions(
            network,
            windows,
            layer=options.layer,
            target=options.target_of(sidecar),
            baseline=options.baseline_of(sidecar),
            held=options.held_names,
            background=seen,
            of=options.input,
            progress=progress,
        )
    give(carried, output, view=gate_contributions_view, plain=gate_contributions_summary, indent=1)


@flattened
def fixed_points(
    model: Model,
    data: Data,
    *,
    reading: ReadingOptions,
    shown: ShownOptions,
    series: SeriesOptions,
    options: FixedPointOptions,
    output: OutputOptions,
) -> None:
    """Find and prove where the network settles while its input is held."""
    from rnnlens import api
    from rnnlens.views.tables.fixed_points import fixed_points_summary, fixed_points_view

    network = network_from(model, reading, shown)
    sidecar, windows, _ = asked_from((model, network, data), series, tested=True)
    with working(told("looking for where it settles")) as progress:
        found = api.fixed_points(
            network,
            windows,
            **options.asked(sidecar),
            progress=progress,
        )
    give(found, output, view=fixed_points_view, plain=fixed_points_summary, indent=1)


@flattened
def bifurcations(
    model: Model,
    data: Data,
    *,
    reading: ReadingOptions,
    shown: ShownOptions,
    series: SeriesOptions,
    options: BifurcationOptions,
    output: OutputOptions,
) -> None:
    """Say where points of rest appear, vanish or change while one input is moved."""
    from rnnlens import api
    from rnnlens.views.tables.bifurcations import bifurcations_summary, bifurcations_view

    network = network_from(model, reading, shown)
    sidecar, windows, _ = asked_from((model, network, data), series, tested=True)
    feature, values = options.moved
    with working(told("moving {feature}", feature=str(feature))) as progress:
        moved = api.bifurcations(
            network,
            windows,
            feature,
            values,
            **options.asked(sidecar),
            progress=progress,
        )
    give(moved, output, view=bifurcations_view, plain=bifurcations_summary, indent=1)


@flattened
def probe(
    model: Model,
    data: Data,
    *,
    reading: ReadingOptions,
    shown: ShownOptions,
    series: SeriesOptions,
    options: ProbeOptions,
    output: OutputOptions,
) -> None:
    """Say how much of a concept the cells hold, beside controls, and whether it is used."""
    from rnnlens import api
    from rnnlens.views.tables.inside.probe import probe_summary, probe_view

    network = network_from(model, reading, shown)
    sidecar, windows, _ = asked_from((model, network, data), series, tested=True)
    windows, concept = concept_typed(
        options.concept, data, sidecar, windows, every_step=options.every_step
    )
    with working(
        told(
            "reading {concept} off {count:,} windows",
            concept=options.concept,
            count=number_of(windows),
        )
    ) as progress:
        found = api.probe(network, windows, concept, **options.asked(sidecar), progress=progress)
    give(found, output, view=probe_view, plain=probe_summary, indent=1)
