"""Write the figures of ``docs/archives.md`` from what ``bulk.py`` measured, and their picture.

Run it from ``benchmarks``: ``python -m archives.page``.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parents[1] / "results"
DOCS = Path(__file__).parents[2] / "docs"
BEGIN, END = "<!-- figures:", "<!-- end of figures -->"
PICTURE = "archive_growth.png"


def section(measured: dict[str, Any]) -> str:
    """Give the section that stands between the marks."""
    rows, claims = measured["rows"], measured["claims"]
    *sizes, planned = rows
    lines = [
        "| windows | seconds | windows a second | share of the rate in memory "
        "| peak memory | disk |",
        "|---:|---:|---:|---:|---:|---:|",
    ]
    for row in sizes:
        count = _windows(row)
        seconds, rate, _, share, peak, disk = (one["value"] for one in row["values"])
        lines.append(
            f"| {count:,} | {seconds:.3g} | {rate:,.0f} | {share:.0%} | {peak:,.0f} MB "
            f"| {disk:,.0f} MB |"
        )
    slope = next(one for one in claims if one["work"].startswith("growth"))
    version = measured["versions"]["rnnlens"]
    plan = [f"- {one['name']}: {one['value']:,.4g} {one['unit']}" for one in planned["values"]]
    return "\n".join([
        f"Measured by `benchmarks/bulk.py` ({measured['date']}, rnnlens {version}, "
        f"{measured['machine']['cpu']}, {measured['machine']['threads']} threads; LSTM of 32 "
        "units, 24 steps, 10 features, secant against zeros, archive and result in Zarr):",
        "",
        *lines,
        "",
        f"![Seconds against windows](images/{PICTURE})",
        "",
        f"Time grows with the power {slope['measured']:.2f} of the windows over the upper half. So "
        f"{_windows(planned):,} windows of this network take, {planned['note']}:",
        "",
        *plan,
        "",
        "Another network takes as much more as `--dry-run` says of its rate, and its result four "
        "bytes for each lag and feature of a window, and 24 more.",
    ])


def _windows(row: dict[str, Any]) -> int:
    return int(row["sizes"].split(", ", 1)[1].split(" windows")[0].replace(",", ""))


def draw(measured: dict[str, Any]) -> None:
    """Draw seconds against windows, both by their logarithms."""
    import altair as alt

    rows = [
        {"windows": _windows(row), "seconds": row["values"][0]["value"]}
        for row in measured["rows"][:-1]
    ]
    chart = alt.Chart(alt.Data(values=rows), width=420, height=260).mark_line(point=True)
    chart = chart.encode(
        x=alt.X("windows:Q").scale(type="log").title("windows, logarithmic"),
        y=alt.Y("seconds:Q").scale(type="log").title("seconds, logarithmic"),
    )
    chart.save(DOCS / "images" / PICTURE, ppi=144)


def main() -> None:
    """Put the section into the page."""
    measured = json.loads((RESULTS / "bulk.json").read_text(encoding="utf-8"))
    draw(measured)
    page = DOCS / "archives.md"
    text = page.read_text(encoding="utf-8")
    begin, end = text.index("\n", text.index(BEGIN)) + 1, text.index(END)
    page.write_text(f"{text[:begin]}\n{section(measured)}\n\n{text[end:]}", encoding="utf-8")


if __name__ == "__main__":
    main()
