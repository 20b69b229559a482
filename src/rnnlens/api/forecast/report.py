"""One page that shows it all."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from rnnlens.api.shared.given.arguments import KINDS, checked
from rnnlens.api.shared.linear_algebra import one_blas_thread
from rnnlens.arguments import FUNCTION, either
from rnnlens.attribution.options import Target
from rnnlens.errors import InputError
from rnnlens.evidence.options import Shares

if TYPE_CHECKING:
    from os import PathLike

    import xarray as xr
    from numpy.typing import ArrayLike

    from rnnlens.api.shared.given.network_given import NetworkLike
    from rnnlens.engine.schedule.progress import Progress
    from rnnlens.series.joint.windows import WindowsByInput
    from rnnlens.series.windows import Windows
    from rnnlens.views.report.drawn import FiguresBegun
    from rnnlens.views.report.figures import Figures
    from rnnlens.views.report.parts import ReportParts
    from rnnlens.views.report.pictures import Pictures

__all__ = ["check_page", "check_shares", "report"]

#: What a report is written as, by the ending of its name.
ENDINGS = (".html", ".htm", ".pdf")
#: How long the parts of a report take beside one another, about.
WEIGHTS = {"explained": 4.0, "gathered": 1.0, "evidence": 0.0, "drawn": 4.0}
#: And evidence on each lag, where that is asked for meanwhile.
EVIDENCE = 8.0


@checked(
    evidence=either(
        KINDS["evidence"], FUNCTION, what="what rnnlens.lags gives, or a function that gives it"
    )
)
@one_blas_thread
def report(
    net: NetworkLike,
    data: Windows | WindowsByInput,
    path: str | PathLike[str],
    *,
    title: str | None = None,
    target: Target | str | int | None = None,
    held: Sequence[str] | None = None,
    background: Windows | WindowsByInput | ArrayLike | None = None,
    initial_state: Mapping[str, Sequence[ArrayLike]] | None = None,
    of: str | Sequence[str] | None = None,
    precision: str = "float64",
    shares: Shares = Shares(),
    fidelity: xr.Dataset | None = None,
    evidence: xr.Dataset | Callable[[Progress], xr.Dataset] | None = None,
    language: str | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Path:
    """Write one file about a network and its forecasts: an HTML page, or a PDF.

    It opens with answers in plain words, then shows what they rest on: the forecast against what
    happened, fidelity, the network, contributions by input and by lag, how long it remembers, one
    forecast, which the page runs again by itself as its reader changes it, what was checked, how
    the page was made, and the weights by gate. The same inputs give the same bytes.

    Parameters
    ----------
    net : Network, path or live model
        What `rnnlens.read` takes, or what it gave.
    data : Windows or array (sample, step, feature)
        The windows that are explained, in the order of time.
    path : path
        The file to write: ``.html`` for one self-contained page, ``.pdf`` for paper (which needs
        pypdf).
    title : str, optional
        Of the page.
    target, held, background, initial_state, of, progress
        As in `rnnlens.explain`.
    precision : {"float64", "float32"}
        What contributions are computed in; float32 takes about half the time.
    shares : Shares
        The baseline of the contributions, the seed of what is drawn, and the interval of each lag's
        share. The page needs contributions by lag and feature, so the method is ``secant``.
    fidelity : xarray.Dataset, optional
        A result of `rnnlens.fidelity`; without it the page says that fidelity was not checked.
    evidence : xarray.Dataset or callable, optional
        A result of `rnnlens.lags` on the same windows, or what gives one when it is called with a
        `progress`, which is done while the rest is drawn: its table, its picture and its sentences
        are added. Without it nothing is said of whether a lag matters. Of fewer than 10 windows
        shares have no intervals.
    language : str, optional
        In which the page is written: ``"en"``, ``"zh"``, or another that there is a catalogue of;
        by default that of the variable ``RNNLENS_LANGUAGE``, else English. Errors are
        English.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    InputError
        If an option or an array does not fit, or the file cannot be written.
    MissingLibrary
        If ``.pdf`` is to be written and pypdf is not installed.
    """
    from rnnlens.api.shared.given.network_given import as_network
    from rnnlens.api.shared.page.gather import (
        PageQuestion,
        explained_for,
        page_cases,
        page_parts,
        with_evidence,
    )
    from rnnlens.engine.schedule.progress import Parts
    from rnnlens.engine.schedule.threads import threads
    from rnnlens.results.place import placed
    from rnnlens.views.report.drawn import begin_figures
    from rnnlens.views.report.pictures import drawn_aside
    from rnnlens.views.words.language import check_language, spoken
    from rnnlens.views.words.language import language as within

    check_language(language or spoken())
    net = as_network(net, data)
    page = check_page(path)
    check_shares(shares)
    asked = PageQuestion(
        net=net, data=data, target=target, held=held, background=background,
        initial_state=initial_state, precision=precision, shares=shares, page=page,
        **page_cases(net, data, target, of),
    )  # fmt: skip
    aside = drawn_aside(wanted=threads() > 1)
    weights = WEIGHTS | ({"evidence": EVIDENCE} if callable(evidence) else {})
    with within(language), aside as pictures, Parts(progress, **weights) as parts:
        explained = explained_for(asked, parts.of("explained"))
        said = replace(page_parts(asked, explained), fidelity=fidelity)
        parts.done("gathered")
        figures = _figures_for(page, parts.of("drawn"), pictures)
        begun = begin_figures(said, figures)
        found = evidence(parts.of("evidence")) if callable(evidence) else evidence
        said = with_evidence(asked, said, found)
        with placed(page) as draft:
            titled = replace(said, title=title) if title else said
            draft.write_bytes(_rendered(titled, figures, begun))
        return page


def check_page(path: str | PathLike[str]) -> Path:
    """Refuse a file that cannot be written, before anything is computed.

    Parameters
    ----------
    path : path
        The file to write.

    Returns
    -------
    Path
        The same.

    Raises
    ------
    InputError
        If its ending is neither ``.html`` nor ``.pdf``, or it is a folder or in none.
    MissingLibrary
        If ``.pdf`` is to be written and pypdf is not installed.
    """
    from rnnlens.views.report.pdf import check_library

    page = Path(path)
    if page.suffix.lower() not in ENDINGS:
        raise InputError(
            f"a report is written as {' or '.join(ENDINGS)}, which its name says, not as "
            f"{page.name!r}: give a name such as report.html"
        )
    if page.is_dir():
        raise InputError(f"{page} is a folder; give the name of a file")
    if not page.parent.is_dir():
        raise InputError(f"there is no folder {page.parent} to write {page.name} in")
    if page.suffix.lower() == ".pdf":
        check_library()
    return page


def check_shares(shares: Shares) -> None:
    """Refuse contributions that no page can show.

    Parameters
    ----------
    shares : Shares
        As in `rnnlens.report`.

    Raises
    ------
    InputError
        If they are asked for by another method than ``secant``.
    """
    if shares.method not in {"auto", "secant"}:
        raise InputError(
            "the page needs contributions by lag and feature, which are made by 'secant', not "
            f"{shares.method!r}: leave the method out of shares"
        )


def _figures_for(page: Path, progress: Callable[[int, int], None], pictures: Pictures) -> Figures:
    """Give what draws the figures of a page, or of paper."""
    from rnnlens.views.report.figures import Figures
    from rnnlens.views.report.pdf import PaperFigures

    paper = page.suffix.lower() == ".pdf"
    return (PaperFigures if paper else Figures)(progress=progress, pictures=pictures)


def _rendered(parts: ReportParts, figures: Figures, begun: FiguresBegun) -> bytes:
    from rnnlens.views.report.pdf import PaperFigures, render_pdf
    from rnnlens.views.report.render import render_report

    if isinstance(figures, PaperFigures):
        return render_pdf(parts, figures, begun)
    return render_report(parts, figures, begun).encode("utf-8")
