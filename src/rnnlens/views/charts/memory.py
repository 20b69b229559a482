"""Chart: every measure of memory on one axis of lags."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from rnnlens.views.charts import theme
from rnnlens.views.tables.memory import measure_rows
from rnnlens.views.words.language import say

if TYPE_CHECKING:
    import altair as alt
    import pandas as pd
    import xarray as xr

__all__ = ["memory"]


#: Lags beyond this many windows are drawn at the edge, so that curves within a window are seen.
EDGE = 1.5


def memory(tree: xr.DataTree) -> alt.VConcatChart:
    """Draw the lags of every measure, and beneath them how what is long ago fades."""
    import altair as alt

    last = float(tree.dataset["lag"].values[-1]) if "lag" in tree.dataset.coords else None
    rows = measure_rows(tree)
    finite = [row[key] for row in rows for key in ("within_half", "within_most", "high")]
    most = max([v for v in finite if math.isfinite(v)] + ([last] if last else []) + [1.0])
    edge = math.ceil(min(most, EDGE * last) if last else most)
    scale = alt.Scale(domain=[0, edge], nice=False)
    chart = alt.vconcat(_measures(tree, scale, edge), _fading(tree, scale), spacing=18)
    return theme.dress(
        chart.resolve_legend(color="independent", strokeDash="independent"), tree.dataset
    )


def _measures(tree: xr.DataTree, scale: alt.Scale, edge: float) -> alt.LayerChart:
    import altair as alt
    import pandas as pd

    table = pd.DataFrame(measure_rows(tree)).replace([np.inf, -np.inf], np.nan)
    drawn = {f"{end}_at": table[end].clip(upper=edge) for end in
             ("within_half", "within_most", "low", "high")}  # fmt: skip
    table = table.assign(**drawn, beyond=table["within_most"] > edge)
    base = alt.Chart(table).encode(
        y=alt.Y("name:N", sort=None, title=None, axis=alt.Axis(labelLimit=260))
    )
    x = alt.X("within_half_at:Q", title=None, scale=scale)
    spans = base.mark_rule(color=theme.MAIN, strokeWidth=2).encode(x=x, x2="within_most_at:Q")
    ends = base.mark_rule(color=theme.QUIET, strokeWidth=6, opacity=0.35).encode(
        x=alt.X("low_at:Q", scale=scale), x2="high_at:Q"
    )
    tips = [
        alt.Tooltip("name:N", title=say("measure")),
        alt.Tooltip("within_half:Q", title=say("half within"), format=".3~g"),
        alt.Tooltip("within_most:Q", title=say("95 % within"), format=".3~g"),
    ]
    half = (
        base
        .transform_filter(f"datum.within_half <= {edge}")
        .mark_point(color=theme.MAIN, filled=False, size=50)
        .encode(x=x, tooltip=tips)
    )
    place = alt.X("within_most_at:Q", title=None, scale=scale)
    full = (
        base
        .transform_filter("!datum.beyond")
        .mark_point(color=theme.MAIN, filled=True, size=70)
        .encode(x=place, tooltip=tips)
    )
    far = base.transform_filter("datum.beyond")
    arrows = far.mark_point(
        color=theme.MAIN, filled=True, size=90, shape="triangle-right", opacity=1
    ).encode(x=place, tooltip=tips)
    texts = far.mark_text(align="right", dx=-8, dy=-8, color=theme.INK).encode(
        x=place, text=alt.Text("within_most:Q", format=",.3~r")
    )
    said = [say("ring: half lies within; dot: 95 % lies within; grey: interval of the dot")]
    if bool(table["beyond"].to_numpy().any()):
        said.append(say("arrow: 95 % lies within the number, far beyond the window"))
    title = alt.TitleParams(
        say(
            "How long the network remembers for {target}",
            target=tree.attrs.get("target") or say("the output"),
        ),
        subtitle=say("; ").join(said),
    )
    return alt.LayerChart(
        layer=[ends, spans, half, full, arrows, texts],
        title=title,
        width=theme.WIDTH,
        height=24 * len(table) + 10,
    )


def _fading(tree: xr.DataTree, scale: alt.Scale) -> alt.Chart:
    import altair as alt
    import pandas as pd

    data = tree.dataset
    parts = []
    if "cumulative_share" in data:
        lags = data["lag"].values
        parts.append(
            _curve(lags, 1 - data["cumulative_share"].values, say("derivative beyond the lag"))
        )
    names = {
        "cut_change": say("nothing before the kept steps"),
        "replaced_change": say("another history before them"),
        "bound": say("any history, new windows"),
    }
    for name, text in names.items():
        if name in data:
            values = data[name].values
            parts.append(_curve(data["kept"].values, values / _largest(values), text))
    legend = alt.Legend(orient="top", symbolType="stroke", symbolSize=260)
    table = pd.concat(parts).replace([np.inf, -np.inf], np.nan).dropna()
    return (
        alt
        .Chart(table)
        .mark_line(point=len(data["kept"]) < 40 if "kept" in data.coords else False)
        .encode(
            x=alt.X("lag:Q", title=theme.lag_axis_title(data), scale=scale),
            y=alt.Y("value:Q", title=say("share of its largest"), axis=alt.Axis(format="%")),
            color=alt.Color("what:N", sort=None, title=None, legend=legend),
            strokeDash=alt.StrokeDash(
                "what:N",
                sort=None,
                title=None,
                legend=legend,
                scale=alt.Scale(range=list(theme.DASHES)),
            ),
            tooltip=["what", "lag", alt.Tooltip("value:Q", format=".2%")],
        )
        .properties(width=theme.WIDTH, height=220)
    )


def _curve(lags: np.ndarray, values: np.ndarray, what: str) -> pd.DataFrame:
    import pandas as pd

    return pd.DataFrame({"lag": lags, "value": values, "what": what})


def _largest(values: np.ndarray) -> float:
    known = values[np.isfinite(values)]
    return float(known.max()) if len(known) and known.max() > 0 else 1.0
