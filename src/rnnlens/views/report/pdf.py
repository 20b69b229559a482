"""The report on paper: the same sentences, tables and figures as the page, as a PDF."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from rnnlens.errors import MissingLibrary
from rnnlens.views.report.context import context
from rnnlens.views.report.drawn import figures_of
from rnnlens.views.report.figures import Figure, Figures, inline
from rnnlens.views.report.names import names_said
from rnnlens.views.report.paper import FAINT, Paper
from rnnlens.views.report.text import keeping
from rnnlens.views.words.language import paragraph, say

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import altair as alt

    from rnnlens.views.report.drawn import FiguresBegun
    from rnnlens.views.report.figures import Begun
    from rnnlens.views.report.parts import ReportParts
    from rnnlens.views.report.rows import Split
    from rnnlens.views.tables.plain import Row

__all__ = ["PaperFigures", "check_library", "render_pdf"]


class PaperFigures(Figures):
    """Figures as pictures of their own, as large as they are: paper has no budget of bytes."""

    def _begun(self, name: str, chart: alt.TopLevelMixin, alt_text: str, caption: str) -> Begun:
        svg = self._pictures(chart.to_dict())
        return lambda: Figure(name, inline(svg(), name, alt_text), caption)


def check_library() -> None:
    """Refuse before anything is computed where what joins pages is not installed."""
    try:
        import pypdf  # noqa: F401
    except ImportError:
        raise MissingLibrary(
            "a report as PDF needs pypdf, which joins its pages and is not installed: "
            "pip install 'rnnlens[pdf]', or write .html and print it to PDF from a browser"
        ) from None


def render_pdf(
    parts: ReportParts, figures: PaperFigures, begun: FiguresBegun | None = None
) -> bytes:
    """Write the report as a PDF of A4 pages, text as text and figures as vectors."""
    import vl_convert
    from pypdf import PdfReader, PdfWriter

    writer = PdfWriter()
    with keeping(names_said(parts)):
        pages = _written(parts, figures_of(parts, figures, begun)).finished()
    for page in pages:
        single = PdfReader(io.BytesIO(vl_convert.svg_to_pdf(page)))
        writer.add_page(single.pages[0])
    writer.add_metadata({"/Title": parts.title, "/Producer": "rnnlens"})
    made = io.BytesIO()
    writer.write(made)
    return made.getvalue()


def _written(parts: ReportParts, figures: Mapping[str, list[Figure]]) -> Paper:
    about = context(parts)
    paper, words = Paper(), about["words"]
    paper.heading(about["title"], 17.0)
    paper.paragraph(about["about"], colour=FAINT)
    for answer in about["answers"]:
        paper.heading(answer.question, 11.0)
        paper.paragraph(paragraph([answer.short, answer.text]), 10.5)
    for note in about["notes"]:
        paper.paragraph(note)
    paper.heading(words["behind"], 11.0)
    for sentence in about["sentences"]:
        paper.paragraph(sentence)
    paper.heading(words["forecast"])
    paper.paragraph(about["forecast"])
    if about["errors"]:
        _table(paper, about["errors"])
    _show(paper, figures["forecast"])
    paper.heading(words["same"])
    paper.paragraph(about["fidelity"])
    _network(paper, about)
    _inputs_and_lags(paper, about, figures)
    paper.heading(words["explore"])
    paper.paragraph(about["window"]["said"])
    _show(paper, (*figures["window"], *figures["gates"]))
    paper.heading(words["trust"])
    for sentence in about["warnings"]:
        paper.paragraph(sentence)
    paper.table([say("check"), say("result")], about["trust"])
    paper.heading(words["not_checked"], 11.0)
    for sentence in about["not_checked"]:
        paper.paragraph(sentence)
    _made(paper, about)
    paper.heading(words["weights"])
    paper.paragraph(words["weights_why"])
    _show(paper, figures["weights"])
    return paper


def _made(paper: Paper, about: Row) -> None:
    words = about["words"]
    paper.heading(words["made"])
    for line in about["again"].splitlines():
        paper.paragraph(line, 8.0)
    paper.table([say("what"), say("value")], about["provenance"])
    for cited in about["citations"]:
        paper.paragraph(cited, 8.0, FAINT)


def _table(paper: Paper, table: Split) -> None:
    paper.table(table.headings, [*table.rows, *table.others])


def _show(paper: Paper, figures: Iterable[Figure]) -> None:
    for figure in figures:
        paper.picture(figure.markup, figure.caption)


def _inputs_and_lags(paper: Paper, about: Row, figures: Mapping[str, Iterable[Figure]]) -> None:
    words = about["words"]
    paper.heading(words["uses"])
    paper.paragraph(words["sums"])
    if about["features"]:
        _table(paper, about["features"])
    _show(paper, figures["uses"])
    paper.heading(words["memory"])
    _show(paper, figures["lags"])
    if about["evidence"]:
        paper.heading(words["evidence"], 11.0)
        _table(paper, about["evidence"])
        for line in about["made_how"]:
            paper.paragraph(line, 8.0, FAINT)
        _show(paper, figures["evidence"])
    else:
        paper.heading(words["lag_table"], 11.0)
        _table(paper, about["lags"])
    _show(paper, figures["memory"])
    for sentence in about["memory"]:
        paper.paragraph(sentence)


def _network(paper: Paper, about: Row) -> None:
    paper.heading(about["words"]["network"])
    paper.table(about["layer_headings"], about["layer_rows"])
    paper.paragraph(about["network"]["time_steps"])
    for note in about["network"]["notes"]:
        paper.paragraph(note, 8.0, FAINT)
    paper.heading(about["words"]["counted"], 11.0)
    paper.table(about["option_headings"], about["option_rows"])
    paper.heading(about["words"]["arrays"], 11.0)
    paper.table(about["array_headings"], about["array_rows"])
