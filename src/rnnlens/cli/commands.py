"""The verbs of the command line, each a thin call of the verb of the same name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rnnlens.api.forecast.trust import WINDOWS
from rnnlens.cli.init import init
from rnnlens.cli.inputs import network_from, sidecar_for, unseen, windows_from
from rnnlens.cli.options.arguments import Data, Model, OnlyJson, OutputOptions
from rnnlens.cli.options.evidence import CertifyOptions, LagsOptions
from rnnlens.cli.options.flatten import flattened
from rnnlens.cli.options.forecast import (
    CheckOptions,
    ExplainOptions,
    ForecastOptions,
    TrustOptions,
)
from rnnlens.cli.options.reading import ReadingOptions
from rnnlens.cli.options.series import SeriesOptions
from rnnlens.cli.output import as_json, foretell, give, note, show, working
from rnnlens.errors import InputError, MissingLibrary

if TYPE_CHECKING:
    import xarray as xr

    from rnnlens.api.network.conversion import Conversion
    from rnnlens.network.network import Network
    from rnnlens.series.windows import Windows

__all__ = ["VERBS"]

#: Windows on which the source model is run for a report's check of fidelity.
CHECKED = 64


@flattened
def inspect(
    model: Model,
    *,
    reading: ReadingOptions,
    values: Annotated[
        bool, typer.Option("--values", help="Print every array's numbers as well.")
    ] = False,
    json: OnlyJson = False,
) -> None:
    """Name every array by its gate."""
    from rnnlens.network.arrays import Arrays, describe_arrays
    from rnnlens.network.describe import describe
    from rnnlens.readers.open import read_or_name_arrays
    from rnnlens.readers.options import ReadOptions
    from rnnlens.views.tables.inspection import render_inspection

    options = ReadOptions(
        architecture=reading.architecture,
        layers=reading.layers,
        head=reading.head,
        nonlinearity=reading.nonlinearity,
    )
    held = read_or_name_arrays(model, options)
    if isinstance(held, Arrays):
        description = describe_arrays(held, values=values)
    else:
        description = describe(held, values=values)
    typer.echo(
        as_json(description, indent=1) if json else render_inspection(description, values=values)
    )


@flattened
def trace(
    model: Model,
    data: Data,
    *,
    reading: ReadingOptions,
    series: SeriesOptions,
    output: OutputOptions,
) -> None:
    """Show every gate and state at every step."""
    from rnnlens import api
    from rnnlens.results.store import as_dict
    from rnnlens.views.tables.explanation import trace_view

    network = network_from(model, reading)
    windows, _ = windows_from(data, sidecar_for(model, network, series, data), series, newest=1)
    with working(f"tracing {len(windows):,} windows"):
        traced = api.trace(network, windows)
    give(traced, output, view=trace_view, plain=as_dict)


@flattened
def explain(
    model: Model,
    data: Data,
    *,
    reading: ReadingOptions,
    series: SeriesOptions,
    options: ExplainOptions,
    output: OutputOptions,
) -> None:
    """Split a forecast by lag and feature."""
    from rnnlens import api
    from rnnlens.api.shared.planning import expected
    from rnnlens.results.store import as_dict
    from rnnlens.views.tables.explanation import explanation_view

    network = network_from(model, reading)
    sidecar = sidecar_for(model, network, series, data)
    windows, seen = windows_from(data, sidecar, series, newest=1)
    foretell(
        expected(
            network,
            windows,
            target=options.target_of(sidecar),
            method=options.method_of(sidecar) or "auto",
            baseline=options.baseline_of(sidecar),
            held=options.held_names,
            newest=options.newest,
            background=seen,
        )
    )
    with working(f"explaining {len(windows):,} windows") as progress:
        explained = api.explain(
            network,
            windows,
            target=options.target_of(sidecar),
            method=options.method_of(sidecar) or "auto",
            baseline=options.baseline_of(sidecar),
            held=options.held_names,
            newest=options.newest,
            background=seen,
            progress=progress,
        )
    give(explained, output, view=explanation_view, plain=as_dict)


@flattened
def lags(
    model: Model,
    data: Data,
    *,
    reading: ReadingOptions,
    series: SeriesOptions,
    options: ExplainOptions,
    asked: LagsOptions,
    output: OutputOptions,
) -> None:
    """Say of each lag what is proven, and what hiding it does."""
    from rnnlens import api
    from rnnlens.api.shared.planning import USUAL, expected_lags
    from rnnlens.views.tables.lags import evidence_summary, evidence_view

    network = network_from(model, reading)
    sidecar = sidecar_for(model, network, series, data)
    windows, seen = windows_from(data, sidecar, unseen(series, sidecar))
    target, shares = (
        options.target_of(sidecar),
        api.Shares(
            method=options.method_of(sidecar) or "secant",
            baseline=options.baseline_of(sidecar),
            newest=options.newest,
        ),
    )
    certificates, test = asked.certificates(), asked.tests()
    foretell(
        expected_lags(
            network,
            windows,
            replace(USUAL, certificates=certificates, test=test),
            target=target,
            held=options.held_names,
            background=seen,
            by=asked.by,
            shares=shares,
        )
    )
    with working(f"weighing the lags of {len(windows):,} windows") as progress:
        table = api.lags(
            network,
            windows,
            target=target,
            held=options.held_names,
            background=seen,
            by=asked.by,
            margin=asked.margin,
            alpha=asked.alpha,
            certificates=certificates,
            test=test,
            shares=shares,
            progress=progress,
        )
    give(table, output, view=evidence_view, plain=evidence_summary, indent=1)


@flattened
def certify(
    model: Model,
    data: Data,
    *,
    reading: ReadingOptions,
    series: SeriesOptions,
    options: CertifyOptions,
    output: OutputOptions,
    check: Annotated[
        bool,
        typer.Option(
            help="Run the source model too, where its library is installed, and add what it "
            "differs by to every bound."
        ),
    ] = True,
) -> None:
    """Prove how far one lag can move a forecast."""
    from rnnlens import api
    from rnnlens.views.tables.certificates import certificate_summary, certificate_view

    network = network_from(model, reading)
    sidecar = sidecar_for(model, network, series, data)
    windows, seen = windows_from(data, sidecar, series, newest=1)
    measured = check and not options.deviation
    unchecked = _why_not_run(network, model, windows) if measured else ""
    with working(f"certifying {len(windows):,} windows") as progress:
        certified = api.certify(
            network,
            windows,
            lag=options.lags,
            features=options.feature_names,
            target=options.target_of(sidecar),
            background=seen,
            certificates=options.certificates(),
            source=model if measured and not unchecked else None,
            progress=progress,
        )
    if unchecked:
        note(f"no deviation of the source model is added, as it was not run: {unchecked}")
    give(certified, output, view=certificate_view, plain=certificate_summary, indent=1)


def _why_not_run(network: Network, model: Path, windows: Windows) -> str:
    """Run the source model on one window, and say why not where it cannot be run here."""
    from rnnlens.api.shared.certificate_deviation import run_source
    from rnnlens.engine.forward import entries

    try:
        run_source(model, entries(network, windows.values[-1:]))
    except (InputError, MissingLibrary) as reason:
        return str(reason)
    return ""


@flattened
def trust(
    model: Model,
    data: Data,
    *,
    reading: ReadingOptions,
    series: SeriesOptions,
    options: TrustOptions,
    output: OutputOptions,
) -> None:
    """Put the contributions to the test."""
    from rnnlens import api
    from rnnlens.views.tables.trust import trust_summary, trust_view

    network = network_from(model, reading)
    sidecar = sidecar_for(model, network, series, data)
    windows, seen = windows_from(data, sidecar, unseen(series, sidecar))
    with working(f"testing contributions on {len(windows):,} windows") as progress:
        page = api.trust(
            network,
            windows,
            target=options.target_of(sidecar),
            method=options.method or "secant",
            baseline=options.baseline_of(sidecar),
            held=options.held_names,
            background=seen,
            windows=options.windows or WINDOWS,
            progress=progress,
        )
    give(page, output, view=trust_view, plain=trust_summary, indent=1)


@flattened
def report(
    model: Model,
    data: Data,
    *,
    reading: ReadingOptions,
    series: SeriesOptions,
    options: ForecastOptions,
    out: Annotated[
        Path, typer.Option(help="The file to write: .html, or .pdf for paper.", show_default=True)
    ] = Path("rnnlens-report.html"),
    check: Annotated[
        bool,
        typer.Option(help="Run the source model too, where its library is installed, and compare."),
    ] = True,
) -> None:
    """Write one file with everything: an HTML page, or a PDF."""
    from rnnlens import api
    from rnnlens.api.forecast.report import check_page
    from rnnlens.api.shared.planning import expected_report

    check_page(out)  # before anything is computed
    network = network_from(model, reading)
    sidecar = sidecar_for(model, network, series, data)
    windows, seen = windows_from(data, sidecar, unseen(series, sidecar))
    target, shares = options.target_of(sidecar), api.Shares(baseline=options.baseline_of(sidecar))
    foretell(
        expected_report(
            network,
            windows,
            target=target,
            held=options.held_names,
            background=seen,
            shares=shares,
        )
    )
    with working(f"writing the report on {len(windows):,} windows") as progress:
        api.report(
            network,
            windows,
            out,
            title=sidecar.title or None,
            target=target,
            held=options.held_names,
            background=seen,
            shares=shares,
            fidelity=_fidelity(network, model, windows) if check else None,
            progress=progress,
        )
    typer.echo(f"wrote {out}")


@flattened
def check(
    model: Model,
    data: Data,
    *,
    reading: ReadingOptions,
    series: SeriesOptions,
    options: CheckOptions,
    output: OutputOptions,
) -> None:
    """Ask whether it is a forecast at all."""
    from rnnlens import api
    from rnnlens.views.tables.forecast import check_summary, check_view

    network = network_from(model, reading)
    sidecar = sidecar_for(model, network, series, data)
    windows, seen = windows_from(data, sidecar, unseen(series, sidecar))
    with working(f"checking {len(windows):,} forecasts"):
        page = api.check(network, windows, target=options.target_of(sidecar), background=seen)
    give(page, output, view=check_view, plain=check_summary, indent=1)


@flattened
def convert(
    model: Model,
    out: Annotated[
        Path,
        typer.Argument(
            help="The file to write: .keras (Keras 3), .safetensors (PyTorch state dict), .onnx, "
            "or .npz with named arrays.",
            show_default=False,
        ),
    ],
    *,
    reading: ReadingOptions,
    check: Annotated[
        bool,
        typer.Option(help="Run the written file by its own library too, where it is installed."),
    ] = True,
    json: OnlyJson = False,
) -> None:
    """Write a network in another format."""
    from rnnlens import api

    network = network_from(model, reading)
    if out.exists() and out.samefile(model):
        raise InputError(f"{out} is the source itself; give another name")
    with working(f"writing {out.name}"):
        done = api.convert(network, out, check=check)
    facts = {spec.name: getattr(done, spec.name) for spec in fields(done) if spec.name != "network"}
    typer.echo(as_json(facts, indent=1) if json else "\n".join(_said(done)))


def _said(done: Conversion) -> list[str]:
    """Say what was written, one line a fact; the code of a class last."""
    lines = [
        f"wrote {done.path} ({done.format}, {done.bytes:,} bytes)",
        f"largest difference {done.largest_difference:.3g} on {done.samples} random inputs, source "
        f"and file both run by rnnlens (tolerance {done.tolerance:.2g})",
    ]
    if done.library_difference is not None:
        lines.append(
            f"largest difference {done.library_difference:.3g} when {done.library} runs it"
        )
    lines += [f"note: {each}" for each in done.notes]
    return [*lines, "", done.code] if done.code else lines


def compile() -> None:
    """Compile the kernels for this machine, ahead of the first question."""
    from time import perf_counter

    from rnnlens.api.shared.kernels import KINDS, compile_kernels

    begun = perf_counter()
    with working(f"compiling the kernels of {len(KINDS)} kinds of cells") as progress:
        compile_kernels(progress=progress)
    took = perf_counter() - begun
    typer.echo(f"the kernels of {', '.join(KINDS)} cells are compiled ({took:.0f} s)")


def demo(
    *,
    out: Annotated[Path, typer.Option(help="The report to write.")] = Path("rnnlens-weather.html"),
    files: Annotated[
        Path | None,
        typer.Option(
            help="Only leave the network, its sidecar and its series in this folder, to try the "
            "other commands on.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Show all of it on a weather network."""
    from rnnlens.demo.run import run

    if files is not None:
        from rnnlens.demo.weather import leave_files

        network, sidecar, series = leave_files(files)
        typer.echo(f"wrote {network}, {sidecar} and {series}")
        note(f"try: rnnlens explain {network} {series}")
        return
    run(out, show=show, note=note)


def _fidelity(network: Network, model: Path, windows: Windows) -> xr.Dataset | None:
    """Compare with the source model on the newest windows, where it can be run here."""
    from rnnlens import api

    try:
        return api.fidelity(network, model, windows.select(slice(-CHECKED, None)))
    except (MissingLibrary, InputError) as reason:
        note(f"fidelity is not checked: {reason}")
        return None


#: The verbs in the order in which the help lists them.
VERBS: tuple[Callable[..., None], ...] = (
    inspect,
    init,
    check,
    trace,
    explain,
    lags,
    certify,
    trust,
    report,
    convert,
    compile,
    demo,
)
