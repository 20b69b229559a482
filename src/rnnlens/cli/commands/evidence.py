"""The verbs that test and prove: lags, certificates, contributions."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rnnlens.api.forecast.trust import WINDOWS
from rnnlens.cli.drawn import asked_or_drawn
from rnnlens.cli.inputs import asked_from, network_from, number_of
from rnnlens.cli.options.arguments import Data, Model, OutputOptions
from rnnlens.cli.options.evidence import CertifyOptions, LagsOptions
from rnnlens.cli.options.flatten import flattened
from rnnlens.cli.options.forecast import (
    ExplainOptions,
    TrustOptions,
)
from rnnlens.cli.options.reading import ReadingOptions
from rnnlens.cli.options.series import SeriesOptions
from rnnlens.cli.options.shown import ShownOptions
from rnnlens.cli.output import end_as_asked, foretell, give, note, working
from rnnlens.errors import InputError, MissingLibrary
from rnnlens.names import told

if TYPE_CHECKING:
    from rnnlens.cli.several import AnyWindows
    from rnnlens.network.network import Network

__all__ = ["certify", "lags", "trust"]


@flattened
def lags(
    model: Model,
    data: Data,
    *,
    reading: ReadingOptions,
    shown: ShownOptions,
    series: SeriesOptions,
    options: ExplainOptions,
    asked: LagsOptions,
    output: OutputOptions,
) -> None:
    """Say of each lag what is proven, and what hiding it does."""
    from rnnlens import api
    from rnnlens.api.shared.planning import USUAL, expected_lags
    from rnnlens.views.tables.each_input import each_input_summary, each_input_view
    from rnnlens.views.tables.lags import evidence_summary, evidence_view

    network = network_from(model, reading, shown)
    sidecar, windows, seen, drawn = asked_or_drawn((model, network, data), series, asked)
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
    with working(
        told("weighing the lags of {count:,} windows", count=number_of(windows))
    ) as progress:
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
            of=options.inputs,
            progress=progress,
        )
    table.attrs.update(drawn)
    give(
        table,
        output,
        view=partial(each_input_view, view=evidence_view),
        plain=partial(each_input_summary, summary=evidence_summary),
        indent=1,
    )
    end_as_asked(table, "certificates_ended")


@flattened
def certify(
    model: Model,
    data: Data,
    *,
    reading: ReadingOptions,
    shown: ShownOptions,
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
    from rnnlens.api.shared.planning import expected_certificates
    from rnnlens.views.tables.certificates import certificate_summary, certificate_view
    from rnnlens.views.tables.each_input import each_input_summary, each_input_view

    network = network_from(model, reading, shown)
    sidecar, windows, seen = asked_from((model, network, data), series, newest=1)
    measured = check and not options.deviation
    unchecked = _why_not_run(network, model, windows) if measured else ""
    certificates, target = options.certificates(), options.target_of(sidecar)
    foretell(
        expected_certificates(
            network,
            windows,
            lags=options.lags,
            features=options.feature_names,
            target=target,
            background=seen,
            certificates=certificates,
        )
    )
    with working(told("certifying {count:,} windows", count=number_of(windows))) as progress:
        certified = api.certify(
            network,
            windows,
            lag=options.lags,
            features=options.feature_names,
            target=target,
            background=seen,
            certificates=certificates,
            source=model if measured and not unchecked else None,
            of=options.inputs,
            progress=progress,
        )
    if unchecked:
        note(
            told(
                "no deviation of the source model is added, as it was not run: {why}",
                why=str(unchecked),
            )
        )
    give(
        certified,
        output,
        view=partial(each_input_view, view=certificate_view),
        plain=partial(each_input_summary, summary=certificate_summary),
        indent=1,
    )
    end_as_asked(certified, "ended")


def _why_not_run(network: Network, model: Path, windows: AnyWindows) -> str:
    """Run the source model on one window, and say why not where it cannot be run here."""
    from rnnlens.api import fidelity
    from rnnlens.api.shared.certificate_deviation import run_source
    from rnnlens.api.shared.given.joint.by_input import arrays_for
    from rnnlens.engine.forward import entries
    from rnnlens.series.joint.windows import WindowsByInput

    last = windows.select(slice(-1, None))
    given = arrays_for(network, last) if isinstance(last, WindowsByInput) else last.values
    try:
        if network.origin.calls > 1:  # run in one call, which may give something else
            fidelity(network, model, last)
        run_source(model, entries(network, given))
    except (InputError, MissingLibrary) as reason:
        return str(reason)
    return ""


@flattened
def trust(
    model: Model,
    data: Data,
    *,
    reading: ReadingOptions,
    shown: ShownOptions,
    series: SeriesOptions,
    options: TrustOptions,
    output: OutputOptions,
) -> None:
    """Put the contributions to the test."""
    from rnnlens import api
    from rnnlens.views.tables.trust import trust_summary, trust_view

    network = network_from(model, reading, shown)
    sidecar, windows, seen = asked_from((model, network, data), series, tested=True)
    with working(
        told("testing contributions on {count:,} windows", count=number_of(windows))
    ) as progress:
        page = api.trust(
            network,
            windows,
            target=options.target_of(sidecar),
            method=options.method or "secant",
            baseline=options.baseline_of(sidecar),
            held=options.held_names,
            background=seen,
            of=options.inputs,
            windows=options.windows or WINDOWS,
            progress=progress,
        )
    give(page, output, view=trust_view, plain=trust_summary, indent=1)
