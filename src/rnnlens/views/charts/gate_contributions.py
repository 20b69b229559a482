"""Chart: which gate carried the change of a forecast, by lag."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from rnnlens.views.charts import theme
from rnnlens.views.charts.cells import panel_name
from rnnlens.views.words.language import say
from rnnlens.views.words.units import in_brackets

if TYPE_CHECKING:
    import altair as alt
    import xarray as xr

__all__ = ["gate_contributions"]


def gate_contributions(carried: xr.Dataset, *, sample: int | None = None) -> alt.LayerChart:
    """Draw contributions by lag, each bar built from its gates: of one window, or means over all.

    Units are summed.
    """
    import altair as alt
    import pandas as pd

    values = carried["contribution"].sum("unit")
    values = values.mean("sample") if sample is None else values.isel(sample=sample)
    array = values.transpose("lag", "gate").values
    lags = [int(lag) for lag in carried["lag"].values]
    gates = [panel_name(str(gate)) for gate in carried["gate"].values]
    table = pd.DataFrame({
        "lag": np.repeat(lags, len(gates)),
        "gate": gates * len(lags),
        "contribution": array.ravel(),
        "rank": list(range(len(gates))) * len(lags),
    })
    of = {"target": carried.attrs["target"], "unit": in_brackets(carried.attrs.get("unit"))}
    quantity = (
        say("mean contribution to {target}{unit}", **of)
        if sample is None
        else say("contribution to {target}{unit}", **of)
    )
    bars = (
        alt
        .Chart(table)
        .mark_bar(stroke=theme.OUTLINE, strokeWidth=0.4)
        .encode(
            x=alt.X(
                "lag:O",
                sort=lags[::-1],
                title=theme.lag_axis_title(carried),
                axis=alt.Axis(labelAngle=0, labelOverlap=True, domain=False),
            ),
            y=alt.Y("contribution:Q", title=quantity, stack="zero"),
            color=alt.Color("gate:N", title=say("gate"), sort=gates),
            order=alt.Order("rank:Q"),
            tooltip=[
                alt.Tooltip("lag:O", title=say("lag")),
                alt.Tooltip("gate:N", title=say("gate")),
                alt.Tooltip("contribution:Q", title=quantity, format="+.3~g"),
            ],
        )
    )
    zero = alt.Chart(table.head(1)).mark_rule(color=theme.QUIET).encode(y=alt.datum(0))
    title = say(
        "Which gate of {layer} carried the change of {target}",
        layer=carried.attrs["layer"],
        target=carried.attrs["target"],
    )
    return theme.dress(
        alt.LayerChart(layer=[bars, zero], title=title, width=theme.WIDTH - 110, height=260),
        carried,
    )
