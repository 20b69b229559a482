"""The explorer in a notebook: as a widget where anywidget is, else the whole page in a frame."""

from __future__ import annotations

import importlib.util
import sys
from dataclasses import dataclass
from functools import cache
from html import escape
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rnnlens.views.notebook.piece import paragraph
from rnnlens.views.report.explorer import module_text
from rnnlens.views.words.language import say

if TYPE_CHECKING:
    import anywidget

__all__ = ["Framed", "Widget", "has_widgets", "in_notebook", "widget_of"]

#: What is put before the page's style: the page's body is the widget's own tree here.
HOST = (
    ":host{display:block;padding:.6rem 1rem 1rem;background:var(--paper);color:var(--ink);"
    'font:1rem/1.55 system-ui,-apple-system,"Segoe UI",Roboto,Helvetica,Arial,sans-serif}'
)


def in_notebook() -> bool:
    """Say whether what a cell gives last is shown as HTML: a kernel runs this."""
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    return getattr(shell, "kernel", None) is not None


def has_widgets() -> bool:
    """Say whether anywidget is installed."""
    return importlib.util.find_spec("anywidget") is not None


@dataclass(frozen=True, eq=False)
class Widget:
    """The explorer as a widget, which a notebook shows.

    Parameters
    ----------
    widget : anywidget.AnyWidget
        Its model holds the network and the windows, as the page does.
    """

    widget: anywidget.AnyWidget

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        """Give the widget's own view, and a sentence where no widget is shown."""
        given = self.widget._repr_mimebundle_(**kwargs)
        data, metadata = given if isinstance(given, tuple) else (given, {})
        said = say("The explorer is shown where the notebook runs: run this cell again.")
        return {**(data or {}), "text/html": paragraph(said)}, metadata


@dataclass(frozen=True)
class Framed:
    """A page in a frame of a notebook, in which its program runs and can reach nothing else.

    Parameters
    ----------
    path : Path
        The page, as it was written.
    """

    path: Path

    def __fspath__(self) -> str:
        return str(self.path)

    def _repr_html_(self) -> str:
        """Give the frame, with the page inside it."""
        page = self.path.read_text(encoding="utf-8")
        # Addresses within the page are its own, and not those of the notebook around it.
        page = page.replace("; base-uri 'none'", "", 1)
        page = page.replace("<head>", '<head><base href="about:srcdoc">', 1)
        named = escape(say("Report of a network and its forecasts"))
        return (
            f'<iframe title="{named}" sandbox="allow-scripts" srcdoc="{escape(page)}" '
            'style="width:100%;height:46rem;border:1px solid rgba(128,128,128,.5)"></iframe>'
        )


def widget_of(told: str) -> Widget:
    """Make the widget of what the page's module is told."""
    style = resources.files("rnnlens.views.report") / "templates" / "report.css"
    text = style.read_text(encoding="utf-8").replace(":root", ":host")
    return Widget(_kind()(told=told, style=HOST + text))


@cache
def _kind() -> type[Any]:
    """Make the kind of widget once, with anywidget loaded."""
    import anywidget
    import traitlets

    frame = resources.files("rnnlens.views.notebook") / "widget.mjs"
    whole = frame.read_text(encoding="utf-8").replace("// the module", module_text())

    class Explorer(anywidget.AnyWidget):
        """The page's explorer; its state is what the page tells its module."""

        _esm = whole
        told = traitlets.Unicode("{}").tag(sync=True)
        style = traitlets.Unicode("").tag(sync=True)

    return Explorer
