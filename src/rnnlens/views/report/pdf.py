"""The report on paper: the same sentences, tables and figures as the page, as a PDF."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING, Any

from rnnlens.errors import MissingLibrary
from rnnlens.views.report.context import context
from rnnlens.views.report.figures import Figure, Figures, inline
from rnnlens.views.report.paper import FAINT, Paper
from rnnlens.views.report.render import figures_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    import altair as alt

    from rnnlens.views.report.parts import ReportParts
    from rnnlens.views.tables.plain import Row

__all__ = ["check_library", "render_pdf"]


class _PaperFigures(Figures):
    """Figures as pictures of their own, as large as they are: paper has no budget of bytes."""

    def _drawn(self, name: str, chart: alt.TopLevelMixin, alt_text: str, caption: str) -> Figure:
        import vl_convert

        spec: dict[str, Any] = chart.to_dict()
        return Figure(
            name, inline(vl_convert.vegalite_to_svg(json.dumps(spec)), name, alt_text), caption
        )


def check_library() -> None:
    """Refuse before anything is computed where what joins pages is not installed."""
    try:
        import pypdf  # noqa: F401
    except ImportError:
        raise MissingLibrary(
            "a report as PDF needs pypdf, which joins its pages and is not installed: "
            "pip install 'rnnlens[pdf]', or write .html and print it to PDF from a browser"
        ) from None


def render_pdf(parts: ReportParts, progress: Callable[[int, int], None] | None = None) -> bytes:
    """Write the report as a PDF of A4 pages, text as text and figures as vectors."""
    import vl_convert
    from pypdf import PdfReader, PdfWriter

    writer = PdfWriter()
    for page in _written(parts, progress).finished():
        single = PdfReader(io.BytesIO(vl_convert.svg_to_pdf(page)))
        writer.add_page(single.pages[0])
    writer.add_metadata({"/Title": parts.title, "/Producer": "rnnlens"})
    made = io.BytesIO()
    writer.write(made)
    return made.getvalue()


def _written(parts: ReportParts, progress: Callable[[int, int], None] | None) -> Paper:
    about, figures = context(parts), figures_of(parts, _PaperFigures(progress=progress))
    paper, network = Paper(), about["network"]
    paper.heading(about["title"], 17.0)
    paper.paragraph(", ".join(filter(None, [network["file"], network["format"]])), colour=FAINT)
    paper.heading("What was found")
    for sentence in [*about["sentences"], *about["notes"]]:
        paper.paragraph(sentence, 10.5)
    _forecast(paper, about, figures["forecast"])
    _contributions(paper, about, figures)
    _network(paper, network)
    _show(paper, figures["weights"])
    paper.heading("One window's gates over its steps")
    _window(paper, about["window"])
    _show(paper, figures["gates"])
    paper.heading("Can I trust that?")
    paper.table(["check", "result"], about["trust"])
    paper.heading("What was not checked", 11.0)
    for sentence in about["not_checked"]:
        paper.paragraph(sentence)
    paper.heading("Provenance")
    paper.table(["what", "value"], about["provenance"])
    return paper


def _show(paper: Paper, figures: Iterable[Figure]) -> None:
    for figure in figures:
        paper.picture(figure.markup, figure.caption)


def _forecast(paper: Paper, about: Row, figures: Iterable[Figure]) -> None:
    forecast = about["forecast"]
    error = (
        f"its error (RMSE) against what happened is {forecast['rmse']}"
        if forecast["rmse"]
        else "what happened is not known"
    )
    paper.heading("The forecast against what happened")
    paper.paragraph(
        f"{forecast['samples']} windows were explained. The mean forecast of {about['target']} is "
        f"{forecast['mean']}; {error}. From the baseline the network forecasts "
        f"{forecast['mean_baseline']} in the mean."
    )
    _show(paper, figures)


def _contributions(paper: Paper, about: Row, figures: Mapping[str, Iterable[Figure]]) -> None:
    paper.heading("Contributions by lag")
    paper.paragraph(
        "A contribution is a signed part of the forecast minus the baseline's forecast, in the "
        f"unit of {about['target']}. The contributions of a window sum to that difference."
    )
    _show(paper, figures["contributions"])
    paper.heading("Table of lags", 11.0)
    rows = [[row[key] for key in ("lag", "share", "interval", "mean")] for row in about["lag_rows"]]
    paper.table(["lag", "share", "interval", "mean contribution"], rows)
    if about["evidence"]:
        paper.heading("Evidence on each lag", 11.0)
        paper.table(about["evidence"]["headings"], about["evidence"]["rows"])
        for line in about["evidence"]["how"]:
            paper.paragraph(line, 8.0, FAINT)
        _show(paper, figures["evidence"])


def _network(paper: Paper, network: Row) -> None:
    paper.heading("The network")
    keys = ("name", "kind", "features", "units", "output_shape", "parameters", "formula")
    paper.table(
        ["layer", "kind", "features in", "units", "output shape", "parameters", "their count"],
        [
            ["" if layer.get(key) is None else str(layer[key]) for key in keys]
            for layer in network["layers"]
        ],
    )
    paper.paragraph(network["time_steps"])
    for note in network["notes"]:
        paper.paragraph(note, 8.0, FAINT)
    paper.heading("The weights by gate", 11.0)
    paper.table(
        ["array", "gate", "what it is", "shape", "in the source"],
        [
            [
                one["name"],
                one["gate"],
                one["meaning"],
                " × ".join(map(str, one["shape"])),
                one["source"],
            ]
            for one in network["arrays"]
        ],
    )


def _window(paper: Paper, window: Row) -> None:
    actual = f"; what happened: {window['actual']}" if window["actual"] else ""
    paper.paragraph(
        f"Shown is {window['reason']}: {window['when']}. Its forecast is {window['forecast']}, its "
        f"baseline forecast {window['baseline_forecast']}{actual}."
    )
