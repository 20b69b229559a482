"""The verbs that test and prove: lags, certificates, contributions."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

from rnnlens.api.forecast.trust import WINDOWS
from rnnlens.cli.inputs import network_from, sidecar_for, unseen, windows_from
from rnnlens.cli.options.arguments import Data, Model, OutputOptions
from rnnlens.cli.options.evidence import CertifyOptions, LagsOptions
from rnnlens.cli.options.flatten import flattened
from rnnlens.cli.options.forecast import (
    ExplainOptions,
    TrustOptions,
)
from rnnlens.cli.options.reading import ReadingOptions
from rnnlens.cli.options.series import SeriesOptions
from rnnlens.cli.output import foretell, give, note, working
from rnnlens.errors import InputError, MissingLibrary

if TYPE_CHECKING:
    import xarray as xr

    from rnnlens.network.network import Network
    from rnnlens.series.windows import Windows

__all__ = ["certify", "lags", "trust"]


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
    target = options.target_of(sidecar)
    shares = api.Shares(
        method=options.method_of(sidecar) or api.Shares().method,
        baseline=options.baseline_of(sidecar),
        newest=options.newest,
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
    alone = cast("xr.Dataset", table)  # windows are of one sequence, which has no tree
    give(alone, output, view=evidence_view, plain=evidence_summary, indent=1)


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
    alone = cast("xr.Dataset", certified)  # windows are of one sequence, which has no tree
    give(alone, output, view=certificate_view, plain=certificate_summary, indent=1)


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
