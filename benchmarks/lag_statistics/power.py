"""How often a lag is found equivalent, and how often used, against how much it truly matters.

Run it from ``benchmarks``: ``python -m lag_statistics.power``. Takes some minutes, and draws the
curves to ``results/oracles/lag_test_power.png``.
"""

from __future__ import annotations

from lag_statistics.simulate import linear_network, losses_of, simulate, true_change

# isort: split

from pathlib import Path

import altair as alt
import numpy as np
import pandas as pd
from oracles.record import RESULTS, Oracle

from rnnlens.evidence.statistics.criterion import Criterion
from rnnlens.evidence.statistics.equivalence import equivalence
from rnnlens.evidence.statistics.parts import lag_parts
from rnnlens.views.charts import theme

SETS, ALPHA, MARGIN, R = 500, 0.05, 0.05, 0.3
WINDOWS = (250, 1000, 4000)
#: True change of the error, in margins.
PLACES = (0.0, 0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 2.0, 3.0)
PART = lag_parts((4, 1), lags=[2])


def main() -> None:
    """Simulate every place on the curves, and draw them."""
    oracle = Oracle(
        "lag_test_power",
        f"share of {SETS} simulated sets in which lag 2 is found equivalent, or used, at 5 %; "
        f"margin {MARGIN} of the error's variance of 1, errors autoregressive ({R}), 5 draws, "
        "seeds 0 to 499",
    )
    sets = 50 if oracle.quick else SETS
    rows = []
    for windows in WINDOWS[:2] if oracle.quick else WINDOWS:
        for place in PLACES:
            share = _shares(sets, windows, place)
            for verdict, value in share.items():
                rows.append({"windows": windows, "place": place, "share": value, "test": verdict})
                oracle.figure(
                    f"n={windows}, true change {place:g} margins: found {verdict}",
                    value,
                    most=0.08 if _wrong(verdict, place) else None,
                )
    oracle.save()
    path = RESULTS / ("quick" if oracle.quick else "") / "lag_test_power.png"
    draw(pd.DataFrame(rows), path)
    print(f"wrote {path}")


def _wrong(verdict: str, place: float) -> bool:
    return place >= 1 if verdict == "equivalent" else place == 0


def _shares(sets: int, windows: int, place: float) -> dict[str, float]:
    unit = np.array([0.4, 1.0, 0.0, 0.2])
    unit[1] = np.sqrt(place * MARGIN / true_change(unit, [2]))
    given = unit.copy()
    if not place:  # the network uses it all the same, as at a quarter of the margin: for nothing
        given[1] = np.sqrt(MARGIN / 4 / true_change(np.array([0.0, 1.0, 0.0, 0.0]), [2]))
    network = linear_network(given)
    found = np.zeros((sets, 2))
    for seed in range(sets):
        x, y = simulate(seed, windows, unit, R)
        one = equivalence(losses_of(network, x, y, seed), PART, Criterion(margin=MARGIN))
        found[seed] = one.p_equivalent[0] <= ALPHA, one.p_used[0] <= ALPHA
    equivalent, used = found.mean(axis=0)
    return {"equivalent": float(equivalent), "used": float(used)}


def draw(table: pd.DataFrame, path: Path) -> None:
    """Draw the curves.

    Parameters
    ----------
    table : DataFrame
        Columns windows, place, share, test.
    path : Path
        Where to.
    """
    colours = alt.Scale(
        domain=sorted(set(table["windows"])), range=[theme.CATEGORIES[k] for k in (4, 2, 0)]
    )
    curves = (
        alt
        .Chart(table)
        .mark_line(point=alt.OverlayMarkDef(size=36), strokeWidth=2)
        .encode(
            x=alt.X("place:Q", title="true change of the error, in margins"),
            y=alt.Y(
                "share:Q",
                title="share of sets",
                axis=alt.Axis(format="%", tickCount=6),
                scale=alt.Scale(domain=[0, 1]),
            ),
            color=alt.Color("windows:O", title="windows", scale=colours),
            strokeDash=alt.StrokeDash("test:N", legend=None),
        )
    )
    level = alt.Chart(pd.DataFrame({"share": [ALPHA], "place": [max(PLACES)], "text": ["5 %"]}))
    line = level.mark_rule(color=theme.ACCENT, strokeDash=[2, 3]).encode(y="share:Q")
    text = level.mark_text(color=theme.ACCENT, align="left", dx=6).encode(
        x="place:Q", y="share:Q", text="text:N"
    )
    title = alt.TitleParams(
        "Equivalent below the margin, used above zero",
        subtitle="solid: found equivalent; dashed: found used. Tests at 5 %, simulated sets",
    )
    chart = alt.layer(curves, line, text, title=title, width=theme.WIDTH, height=300)
    path.parent.mkdir(parents=True, exist_ok=True)
    theme.dress(chart, None).save(path, scale_factor=2)


if __name__ == "__main__":
    main()
