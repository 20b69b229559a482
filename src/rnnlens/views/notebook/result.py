"""A result as a notebook shows it: what the command line prints of it, and a chart."""

from __future__ import annotations

import base64
import importlib
import json
from collections.abc import Callable
from functools import partial
from html import escape
from typing import TYPE_CHECKING, Any

from rnnlens.views.notebook.piece import markup_of, paragraph, piece
from rnnlens.views.tables.each_input import each_input_view
from rnnlens.views.words.language import say

if TYPE_CHECKING:
    import altair as alt
    import xarray as xr
    from rich.console import RenderableType

    Result = xr.Dataset | xr.DataTree

__all__ = ["VIEWS", "result_markup"]

#: Where the view of each verb's result stands, and its name.
VIEWS = {
    "bifurcations": ("bifurcations", "bifurcations_view"),
    "certify": ("certificates", "certificate_view"),
    "check": ("forecast", "check_view"),
    "compare_weights": ("inside.compared_weights", "comparison_view"),
    "explain": ("explanation", "explanation_view"),
    "fixed_points": ("fixed_points", "fixed_points_view"),
    "gate_contributions": ("inside.gate_contributions", "gate_contributions_view"),
    "lags": ("lags", "evidence_view"),
    "memory": ("memory", "memory_view"),
    "probe": ("inside.probe", "probe_view"),
    "summarize_weights": ("inside.summarized_weights", "weights_view"),
    "trace": ("explanation", "trace_view"),
    "trust": ("trust", "trust_view"),
}
#: Verbs whose results of several inputs are shown each apart.
EACH = {"certify", "lags"}


def result_markup(
    result: Result, verb: str | None, chart: Callable[[], alt.TopLevelMixin | None]
) -> str:
    """Show a result: its table and sentences, its chart, and xarray's own view one click away."""
    parts = list(markup_of(_view(verb)(result))) if verb in VIEWS else []
    if not parts:
        named = f"rnnlens.{verb}" if verb else "rnnlens"
        parts = [paragraph(say("A result of {verb}", verb=named), "first")]
    drawn = chart()
    if drawn is not None:
        parts.append(_picture(drawn, say("Chart of this result; its numbers are in the table.")))
    # xarray escapes what it shows, and brings its own style
    own = result._repr_html_()
    folded = say("The same as xarray shows it")
    parts.append(f"<details><summary>{escape(folded)}</summary>{own}</details>")
    return piece(parts)


def _view(verb: str | None) -> Callable[[Any], RenderableType]:
    assert verb is not None
    module, name = VIEWS[verb]
    view = getattr(importlib.import_module(f"rnnlens.views.tables.{module}"), name)
    return partial(each_input_view, view=view) if verb in EACH else view


def _picture(chart: alt.TopLevelMixin, said: str) -> str:
    """Draw a chart as a picture, in which no text can be a script."""
    import vl_convert

    svg = vl_convert.vegalite_to_svg(json.dumps(chart.to_dict()))
    text = base64.b64encode(svg.encode("utf-8")).decode("ascii")
    return f'<img alt="{escape(said)}" src="data:image/svg+xml;base64,{text}">'
