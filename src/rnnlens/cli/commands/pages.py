"""The verbs that write a whole page: the report, and the demo."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from rnnlens.cli.inputs import asked_from, network_from, number_of
from rnnlens.cli.options.arguments import Data, Language, Model
from rnnlens.cli.options.flatten import flattened
from rnnlens.cli.options.forecast import (
    ForecastOptions,
)
from rnnlens.cli.options.pages import PageOptions
from rnnlens.cli.options.reading import ReadingOptions
from rnnlens.cli.options.series import SeriesOptions
from rnnlens.cli.options.shown import ShownOptions
from rnnlens.cli.output import foretell, note, note_typeface, show, working, wrote
from rnnlens.cli.typed import words_typed
from rnnlens.errors import InputError, MissingLibrary
from rnnlens.names import told

if TYPE_CHECKING:
    from collections.abc import Callable

    import xarray as xr

    from rnnlens.cli.several import AnyWindows
    from rnnlens.engine.schedule.progress import Progress
    from rnnlens.network.network import Network

__all__ = ["demo", "report"]

#: Windows on which the source model is run for a report's check of fidelity.
CHECKED = 64


@flattened
def report(
    model: Model,
    data: Data,
    *,
    reading: ReadingOptions,
    shown: ShownOptions,
    series: SeriesOptions,
    options: ForecastOptions,
    page: PageOptions,
) -> None:
    """Write one file with everything: an HTML page, or a PDF."""
    from rnnlens import api
    from rnnlens.api.forecast.report import check_page
    from rnnlens.api.shared.forecast.explained_once import explaining_once
    from rnnlens.api.shared.page.browser import show_page
    from rnnlens.api.shared.planning import expected_report
    from rnnlens.views.words.origin import fact_text
    from rnnlens.views.words.page.typed import typed

    check_page(page.out)  # before anything is computed
    page.check_lags()
    network = network_from(model, reading, shown)
    sidecar, windows, seen = asked_from((model, network, data), series, tested=True)
    target, shares = options.target_of(sidecar), api.Shares(baseline=options.baseline_of(sidecar))
    about: dict[str, Any] = {
        "target": target,
        "held": options.held_names,
        "background": seen,
        "shares": shares,
    }
    foretell(expected_report(network, windows, **about))
    evidence = _evidence(network, windows, page, about, options.inputs) if page.lags else None
    with explaining_once():
        heading = told("writing the report on {count:,} windows", count=number_of(windows))
        with working(heading) as progress, typed(words_typed()):
            api.report(
                network,
                windows,
                page.out,
                title=sidecar.title or None,
                fidelity=_fidelity(network, model, windows) if page.check else None,
                evidence=evidence,
                of=options.inputs,
                language=page.language,
                progress=progress,
                **about,
            )
    typer.echo(fact_text(wrote(page.out)))
    note_typeface(page.out, page.language or "")
    if page.open and not show_page(page.out):
        note(
            told(
                "no browser could be opened here: the page is {path}", path=str(page.out.resolve())
            )
        )


def _evidence(
    network: Network,
    windows: AnyWindows,
    page: PageOptions,
    about: dict[str, Any],
    of: list[str] | None,
) -> Callable[[Progress | None], Any]:
    """Refuse what does not fit, and give what tests and certifies the lags, as the verb does."""
    from rnnlens.api.forecast.lags import ToWeigh, weighing
    from rnnlens.api.shared.planning import USUAL, expected_lags

    options = replace(USUAL, certificates=page.certificates(), margin=page.margin)
    given = ToWeigh(network, windows, None, of=of, by="lag", options=options, **about)
    asked = weighing(given)
    foretell(expected_lags(network, windows, options, **about))
    return asked


def _fidelity(network: Network, model: Path, windows: AnyWindows) -> xr.Dataset | None:
    """Compare with the source model on the newest windows, where it can be run here."""
    from rnnlens import api

    try:
        return api.fidelity(network, model, windows.select(slice(-CHECKED, None)))
    except (MissingLibrary, InputError) as reason:
        note(told("fidelity is not checked: {why}", why=str(reason)))
        return None


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
    language: Language = None,
) -> None:
    """Show all of it on a weather network."""
    from rnnlens.demo.run import run
    from rnnlens.views.words.page.typed import typed

    if files is not None:
        from rnnlens.demo.weather import leave_files
        from rnnlens.views.words.origin import fact_text

        network, sidecar, series = leave_files(files)
        typer.echo(
            fact_text(told("wrote {files}", files=[str(network), str(sidecar), str(series)]))
        )
        note(told("try: {command}", command=f"rnnlens explain {network} {series}"))
        return
    with typed(words_typed()):
        run(out, show=show, note=note, language=language)
