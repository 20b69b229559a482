"""Write the figures of ``docs/archives.md`` from what ``bulk.py`` measured, and their picture.

Run it from ``benchmarks``: ``python -m archives.page``.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from archives.making import FEATURES, STEPS, UNITS

RESULTS = Path(__file__).parents[1] / "results"
DOCS = Path(__file__).parents[2] / "docs"
BEGIN, END = "<!-- figures:", "<!-- end of figures -->"
PICTURE = "archive_growth.png"
#: Runs of a network that a secant against one baseline takes, the way back counted as three.
RUNS = 5
#: Prices of a device's hour, in hours of a core.
RATIOS = (10, 20, 50, 100, 200)
#: What `device.py` calls the question of the plan.
ARCHIVES = "an archive's question: secant against zeros"


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


def on_a_device(measured: dict[str, Any]) -> str:
    """Say what a GPU must do to cost less than cores, and what was measured of one."""
    *sizes, planned = measured["rows"]
    row, threads = sizes[-1], measured["machine"]["threads"]
    core = row["values"][1]["value"] / threads
    size = row["values"][5]["value"] * 1e6 / _windows(row)
    work, count = operations(), _windows(planned)
    lines = [
        "| price of the GPU's hour, in hours of a core | windows a second from which it costs less "
        "| operations a second | written a second |",
        "|---:|---:|---:|---:|",
    ]
    for ratio in RATIOS:
        rate = ratio * core
        lines.append(
            f"| {ratio} | {rate:,.0f} | {rate * work / 1e12:.2f}e12 | {rate * size / 1e6:,.0f} MB |"
        )
    return "\n".join([
        "### On a GPU",
        "",
        device_rate(count)
        or "No device was there to measure on, so no cost of a GPU is stated here. What can be "
        "said without one:",
        "",
        f"- `benchmarks/device.py` prints the rate `r` of a device for this very question, in "
        f"windows a second. {count:,} windows then take `{count:,} / r / 3600` hours of it, "
        "times the price of its hour.",
        f"- A core explains {core:,.0f} windows a second here. So a device costs less where its "
        f"hour costs less than `r / {core:,.0f}` hours of a core:",
        "",
        *lines,
        "",
        f"- A window takes {work:,.0f} multiplications and additions within cells, as the engine "
        f"counts them: {RUNS} runs of {STEPS} steps, one of the window and for its baseline one "
        "and the way back, which counts as three. The table's third column is what the device "
        "must sustain in single precision; its stated peak is of large products, and those of "
        f"{UNITS} units are small, so that only a measurement tells how much of it is reached.",
        f"- Each window brings {STEPS * FEATURES * 4:,} bytes to the device and as many back, and "
        f"{size:,.0f} bytes to the disk. The last column is what the disk must take: above it a "
        "faster device waits.",
        "",
        f"An LSTM of H units and F features takes {RUNS} times its steps times `8 H (F + H)` "
        "operations; with more units the products are larger, and a device comes closer to its "
        "peak.",
    ])


def operations() -> float:
    """Count what a window takes within cells, by the engine's own count of a run."""
    import numpy as np
    from harness.networks import Size, forecaster

    from rnnlens.engine.forward import entries
    from rnnlens.engine.schedule.cost import cost

    _, network = forecaster("LSTM", Size(UNITS, FEATURES, STEPS))
    return RUNS * cost(network, entries(network, np.zeros((1, STEPS, FEATURES)))).work


def device_rate(count: int) -> str:
    """Say what a device took, where `device.py` has measured one."""
    path = RESULTS / "device.json"
    if not path.is_file():
        return ""
    rows = json.loads(path.read_text(encoding="utf-8"))["rows"]
    found = [one for row in rows if row["work"] == ARCHIVES for one in row["values"]]
    return " ".join(
        f"{one['name']}: {one['value']:,.0f} windows a second, so {count:,} take "
        f"{count / one['value'] / 3600:,.2f} hours."
        for one in found
    )


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
    page.write_text(
        f"{text[:begin]}\n{section(measured)}\n\n{on_a_device(measured)}\n\n{text[end:]}",
        encoding="utf-8",
    )


if __name__ == "__main__":
    main()
