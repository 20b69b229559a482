"""Put the parts of a report together into one HTML page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rnnlens.views.report.context import context
from rnnlens.views.report.drawn import figures_of
from rnnlens.views.report.explorer import carried, data_text, module_text, policy
from rnnlens.views.report.figures import Figures
from rnnlens.views.report.names import names_said
from rnnlens.views.report.text import keeping, page_text

if TYPE_CHECKING:
    from rnnlens.views.report.drawn import FiguresBegun
    from rnnlens.views.report.parts import ReportParts

__all__ = ["render_report"]


def render_report(
    parts: ReportParts, figures: Figures | None = None, begun: FiguresBegun | None = None
) -> str:
    """Write the report as one HTML page; of some figures drawing may have begun before.

    The page loads nothing: style, figures and numbers are inside it, so that it opens offline.
    """
    import jinja2
    from markupsafe import Markup, escape

    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("rnnlens.views.report"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        # whatever is said, not what is code or markup already
        finalize=lambda one: page_text(one) if type(one) is str else one,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["verbatim"] = escape
    runs = not isinstance(parts.explorer, str)
    style = environment.get_template("report.css").render()
    script = module_text() if runs else ""
    with keeping(names_said(parts)):
        return environment.get_template("report.html.j2").render(
            **context(parts),
            figures=figures_of(parts, figures or Figures(), begun),
            style=Markup(style),
            script=Markup(script),
            data=Markup(data_text(parts) if runs else ""),
            why_not=parts.explorer if isinstance(parts.explorer, str) else "",
            carried=carried(parts.explorer),
            policy=policy(style, script),
        )
