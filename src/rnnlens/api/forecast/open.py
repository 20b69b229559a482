"""The page at once: in a notebook below the cell, else in the browser."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rnnlens.api.forecast.report import check_shares, report
from rnnlens.api.shared.given.arguments import checked
from rnnlens.api.shared.linear_algebra import one_blas_thread
from rnnlens.attribution.options import Target
from rnnlens.evidence.options import Shares

if TYPE_CHECKING:
    import xarray as xr
    from numpy.typing import ArrayLike

    from rnnlens.api.shared.given.network_given import NetworkLike
    from rnnlens.series.joint.windows import WindowsByInput
    from rnnlens.series.windows import Windows
    from rnnlens.views.notebook.explorer import Framed, Widget

__all__ = ["open"]


@checked()
@one_blas_thread
def open(
    net: NetworkLike,
    data: Windows | WindowsByInput,
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
    evidence: xr.Dataset | None = None,
    language: str | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Path | Framed | Widget:
    """Open the network and its forecasts, to look at them and to change them.

    In a notebook the explorer is shown below the cell: as a widget where anywidget is installed
    (``pip install "rnnlens[notebook]"``), else the whole page in a frame, in which its program can
    reach nothing. Elsewhere the page is written to a temporary file, and opened in the browser.

    Parameters
    ----------
    net : Network, path or live model
        What `rnnlens.read` takes, or what it gave.
    data : Windows or array (sample, step, feature)
        The windows that are explained, in the order of time.
    title, fidelity
        Of the page, as in `rnnlens.report`; the widget is the explorer alone.
    target, held, background, initial_state, of, precision, shares, evidence, language, progress
        As in `rnnlens.report`.

    Returns
    -------
    Path, or what a notebook shows
        Outside of a notebook the written page, whether or not a browser was there to open it in.

    Raises
    ------
    InputError
        If an option or an array does not fit.
    """
    from rnnlens.api.shared.given.network_given import as_network
    from rnnlens.api.shared.page.browser import show_page
    from rnnlens.api.shared.page.gather import PageQuestion, explorer_text, page_cases
    from rnnlens.views.notebook.explorer import Framed, has_widgets, in_notebook, widget_of
    from rnnlens.views.words.language import check_language, spoken
    from rnnlens.views.words.language import language as within

    net, notebook = as_network(net, data), in_notebook()
    if notebook and has_widgets():
        check_shares(shares)
        asked = PageQuestion(
            net=net, data=data, target=target, held=held, background=background,
            initial_state=initial_state, precision=precision, shares=shares,
            page=Path("report.html"), **page_cases(net, data, target, of),
        )  # fmt: skip
        check_language(language or spoken())
        with within(language):
            told = explorer_text(asked, evidence, progress)
        if told is not None:
            return widget_of(told)
    page = report(
        net, data, Path(tempfile.mkdtemp(prefix="rnnlens-")) / "report.html", title=title,
        target=target, held=held, background=background, initial_state=initial_state, of=of,
        precision=precision, shares=shares, fidelity=fidelity, evidence=evidence, language=language,
        progress=progress,
    )  # fmt: skip
    if notebook:
        return Framed(page)
    show_page(page)
    return page
