"""The verbs of the command line, each a thin call of the verb of the same name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from rnnlens.cli.inputs import cut, moment_text, sidecar_for
from rnnlens.cli.options import (
    Answer,
    Certificate,
    Data,
    Evidence,
    Model,
    OnlyJson,
    Question,
    Series,
    Subject,
    Told,
    Trial,
    flattened,
)
from rnnlens.cli.output import as_json, foretell, give, note, show, working
from rnnlens.errors import InputError, MissingLibrary

if TYPE_CHECKING:
    import xarray as xr

    from rnnlens.api.network.convert import Conversion
    from rnnlens.engine.schedule.plan import Estimate
    from rnnlens.network.network import Network
    from rnnlens.series.windows import Windows

__all__ = ["VERBS"]

#: Windows on which the source model is run for a report's check of fidelity.
CHECKED = 64


@flattened
def inspect(
    model: Model,
    *,
    told: Told,
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

    found = read_or_name_arrays(model, ReadOptions(**told.given()))
    if isinstance(found, Arrays):
        description = describe_arrays(found, values=values)
    else:
        description = describe(found, values=values)
    typer.echo(
        as_json(description, indent=1) if json else render_inspection(description, values=values)
    )


@flattened
def trace(model: Model, data: Data, *, told: Told, series: Series, answer: Answer) -> None:
    """Show every gate and state at every step."""
    from rnnlens import api
    from rnnlens.results.store import as_dict
    from rnnlens.views.tables.explanation import trace_view

    network = api.read(model, **told.given())
    windows, _ = cut(data, sidecar_for(model, network, series), series, newest=1)
    with working(f"tracing {len(windows):,} windows"):
        traced = api.trace(network, windows)
    give(traced, answer, view=trace_view, plain=as_dict)


@flattened
def explain(
    model: Model, data: Data, *, told: Told, series: Series, question: Question, answer: Answer
) -> None:
    """Split a forecast by lag and feature."""
    from rnnlens import api
    from rnnlens.results.store import as_dict
    from rnnlens.views.tables.explanation import explanation_view

    network = api.read(model, **told.given())
    sidecar = sidecar_for(model, network, series)
    windows, seen = cut(data, sidecar, series, newest=1)
    asked = question.asked(sidecar)
    foretell(_expected(network, windows, seen, asked))
    with working(f"explaining {len(windows):,} windows") as progress:
        explained = api.explain(network, windows, background=seen, progress=progress, **asked)
    give(explained, answer, view=explanation_view, plain=as_dict)


@flattened
def lags(
    model: Model,
    data: Data,
    *,
    told: Told,
    series: Series,
    question: Question,
    evidence: Evidence,
    answer: Answer,
) -> None:
    """Say of each lag what is proven, and what hiding it does."""
    from rnnlens import api
    from rnnlens.views.tables.lags import evidence_summary, evidence_view

    network = api.read(model, **told.given())
    sidecar = sidecar_for(model, network, series)
    windows, seen = cut(data, sidecar, _unseen(series, sidecar))
    asked = question.asked(sidecar)
    foretell(_expected(network, windows, seen, asked))
    shares = api.Shares(**{
        name: asked.pop(name) for name in ("method", "baseline", "newest") if name in asked
    })
    target = api.Target(asked.pop("target", None), asked.pop("horizon", None))
    with working(f"weighing the lags of {len(windows):,} windows") as progress:
        found = api.lags(
            network,
            windows,
            target=target,
            background=seen,
            shares=shares,
            progress=progress,
            **asked,
            **evidence.asked(),
        )
    give(found, answer, view=evidence_view, plain=evidence_summary, indent=1)


@flattened
def certify(
    model: Model,
    data: Data,
    *,
    told: Told,
    series: Series,
    certificate: Certificate,
    answer: Answer,
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

    network = api.read(model, **told.given())
    sidecar = sidecar_for(model, network, series)
    windows, seen = cut(data, sidecar, series, newest=1)
    asked = certificate.asked(sidecar)
    with working(f"certifying {len(windows):,} windows") as progress:
        prove = partial(api.certify, network, windows, background=seen, progress=progress, **asked)
        asks = check and not certificate.deviation
        found, unchecked = _checked(prove, model) if asks else (prove(), "")
    if unchecked:
        note(f"no deviation of the source model is added, as it was not run: {unchecked}")
    give(found, answer, view=certificate_view, plain=certificate_summary, indent=1)


def _checked(prove: Callable[..., xr.Dataset], model: Path) -> tuple[xr.Dataset, str]:
    """Certify beside the source model; say why not, where it cannot be run."""
    try:
        return prove(source=model), ""
    except (InputError, MissingLibrary) as failure:
        return prove(), str(failure)  # what else is wrong is said again


@flattened
def trust(
    model: Model, data: Data, *, told: Told, series: Series, trial: Trial, answer: Answer
) -> None:
    """Put the contributions to the test."""
    from rnnlens import api
    from rnnlens.views.tables.trust import trust_summary, trust_view

    network = api.read(model, **told.given())
    sidecar = sidecar_for(model, network, series)
    windows, seen = cut(data, sidecar, _unseen(series, sidecar))
    asked = trial.asked(sidecar)
    with working(f"testing contributions on {len(windows):,} windows") as progress:
        found = api.trust(network, windows, background=seen.values, progress=progress, **asked)
    give(found, answer, view=trust_view, plain=trust_summary, indent=1)


@flattened
def report(
    model: Model,
    data: Data,
    *,
    told: Told,
    series: Series,
    subject: Subject,
    out: Annotated[Path, typer.Option(help="The file to write.", show_default=True)] = Path(
        "rnnlens-report.html"
    ),
    check: Annotated[
        bool,
        typer.Option(help="Run the source model too, where its library is installed, and compare."),
    ] = True,
) -> None:
    """Write one HTML file with everything."""
    from rnnlens import api

    network = api.read(model, **told.given())
    sidecar = sidecar_for(model, network, series)
    windows, seen = cut(data, sidecar, _unseen(series, sidecar))
    asked = subject.asked(sidecar)
    foretell(_expected(network, windows, seen, asked))
    with working(f"writing the report on {len(windows):,} windows") as progress:
        api.report(
            network,
            windows,
            out,
            fidelity=_fidelity(network, model, windows) if check else None,
            background=seen.values,
            title=sidecar.title or None,
            progress=progress,
            **asked,
        )
    typer.echo(f"wrote {out}")


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
    told: Told,
    check: Annotated[
        bool,
        typer.Option(help="Run the written file by its own library too, where it is installed."),
    ] = True,
    json: OnlyJson = False,
) -> None:
    """Write a network in another format."""
    from rnnlens import api

    network = api.read(model, **told.given())
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


def demo(
    *,
    out: Annotated[Path, typer.Option(help="The report to write.")] = Path("rnnlens-weather.html"),
) -> None:
    """Show all of it on a weather network."""
    from rnnlens.demo.run import run

    run(out, show=show, note=note)


def _expected(
    network: Network, windows: Windows, seen: Windows, asked: dict[str, Any]
) -> Estimate | None:
    """Say what the question will take."""
    from rnnlens.api.shared.planning import expected

    costly = {name: asked[name] for name in ("method", "baseline", "newest") if name in asked}
    return expected(network, windows, background=seen, **costly)


def _fidelity(network: Network, model: Path, windows: Windows) -> xr.Dataset | None:
    """Compare with the source model on the newest windows, where it can be run here."""
    from rnnlens import api

    try:
        return api.fidelity(network, model, windows.select(slice(-CHECKED, None)))
    except (MissingLibrary, InputError) as reason:
        note(f"fidelity is not checked: {reason}")
        return None


def _unseen(series: Series, sidecar: Any) -> Series:
    """Start where training ended, where that is known and no other limit was typed."""
    free = series.start is None and series.end is None
    if not free or sidecar.test_from is None:
        return series
    start = moment_text(sidecar.test_from)
    note(f"forecasts from {start} on, which training did not see; --from and --to choose others")
    return replace(series, start=start)


#: The verbs in the order in which the help lists them.
VERBS: tuple[Callable[..., None], ...] = (
    inspect,
    trace,
    explain,
    lags,
    certify,
    trust,
    report,
    convert,
    demo,
)
