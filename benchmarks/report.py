"""Write ``docs/benchmarks.md`` and its picture from the figures that the benchmarks wrote.

Run it from the repository's root after the benchmarks; ``make bench`` does both::

    .venv/bench/bin/python benchmarks/report.py

No figure on the page is typed by hand. With ``--quick`` the page of the quick runs is made, beside
their results.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.record import QUIET as BUSY
from harness.record import RESULTS

if TYPE_CHECKING:
    import altair as alt

__all__ = ["ORDER", "growth_chart", "page"]

HERE = Path(__file__).parent
DOCS = HERE.parent / "docs"

#: Where the axes of the chart have their ticks.
DECADES = [10.0**k for k in range(-3, 6)]
#: Benchmarks in the order of the page, with their headings.
ORDER = {
    "questions_secant": "Whole questions: contributions by lag and feature",
    "questions_default": "Whole questions: the default",
    "questions_exact": "Whole questions: exact values of lags",
    "questions_lags": "Whole questions: the table of lags",
    "questions_trust": "Whole questions: trust",
    "questions_certify": "Whole questions: certificates",
    "certificates_pace": "Certificates of every lag",
    "questions_report": "Whole questions: the page",
    "questions_cold": "Whole questions: the first answer of a process",
    "questions_demo": "Whole questions: the demo, and every kernel",
    "diagnostics": "What is said of an answer",
    "neighbour": "With one core taken",
    "forward": "Forecasts",
    "precision": "Double precision",
    "step_profile": "Parts of a step",
    "gradient": "Input gradients",
    "integrated_gradients": "Integrated gradients",
    "lag_shapley": "Exact Shapley values of lags",
    "secant": "Contributions by lag and feature",
    "latency": "One window",
    "service": "One window in a service",
    "memory": "Memory",
    "scaling": "From one thread to two",
    "rest_of_graph": "The rest of the graph",
    "growth": "Growth",
    "bulk": "Whole archives",
    "startup": "Starting",
    "long_work": "Long work",
    "long_windows": "Long windows",
    "estimates": "Announced time and memory",
    "tables": "Tables from CSV",
}

TOP = """# How fast it is

Each ratio is from one interleaved run: the contenders take turns, round after round, on the same
data, in one process, with the same number of threads, after their results were compared. Times are
medians over the rounds; a ratio is a contender's median over that of rnnlens, so that 2 x says that
rnnlens is twice as fast. The smallest and the largest of each are in the files.

Written by `benchmarks/report.py` from `benchmarks/results`, which `make bench` makes anew;
[benchmarks/README.md](../benchmarks/README.md) says what each script does.
"""

CHART = """![Time of forecasts and gradients against windows, steps and features, on logarithmic
scales](images/growth.png)
"""


def page(results: Mapping[str, Mapping[str, Any]]) -> str:
    """Lay the page out.

    Parameters
    ----------
    results : mapping of str to mapping
        What each benchmark wrote, by its name.

    Returns
    -------
    str
        The page in Markdown.
    """
    parts = [TOP, "## Targets", "", *targets(results), ""]
    for name, heading in ORDER.items():
        if name in results:
            parts += [f"## {heading}", "", *section(results[name])]
    if "growth" in results:
        parts.append(CHART)
    return "\n".join(parts).rstrip() + "\n"


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> list[str]:
    """Lay out a table."""
    head = list(head)
    lines = [" | ".join(cells) for cells in (head, ["---"] * len(head), *rows)]
    return [f"| {line} |" for line in lines]


def targets(results: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Give the table of figures that have a target."""
    rows = []
    for name in ORDER:
        found = results.get(name, {"claims": (), "versions": {}})
        for claim in found["claims"]:
            least = claim["least"] is not None
            bound = f"at least {claim['least']:g}" if least else f"at most {claim['most']:g}"
            named = [
                f"{library} {number}"
                for library, number in found["versions"].items()
                if library == "rnnlens" or library in claim["work"]
            ]
            rows.append([
                claim["work"],
                f"{bound} {claim['unit']}".strip(),
                f"{number(claim['measured'])} {claim['unit']}".strip(),
                "yes" if claim["met"] else "no",
                claim["sizes"],
                ", ".join(named),
            ])
    return table(("work", "target", "measured", "met", "sizes", "versions"), rows)


def section(found: Mapping[str, Any]) -> list[str]:
    """Give what one benchmark measured, and where."""
    machine = found["machine"]
    versions = ", ".join(f"{name} {number}" for name, number in found["versions"].items())
    vectors = ", ".join(machine.get("vectors", ())) or "no vectors"
    lines = [
        f"{machine['cpu']} ({vectors}), {machine['threads']} threads, {found['date']}: {versions}.",
        "",
    ]
    if found.get("unfinished", False):
        lines += ["This run was cut off: here is what it had measured by then.", ""]
    if (found["busy"] or 0.0) > BUSY:
        lines += [f"Others used {found['busy']:.0%} of the cores before or after this run.", ""]
    if len(found.get("pace", ())) == 2:
        before, after = found["pace"]
        lines += [
            f"Ten million additions in plain Python took {before:.2f} s of processor time before "
            f"this run, {after:.2f} s after it.",
            "",
        ]
    groups: dict[tuple[str, ...], list[Mapping[str, Any]]] = {}
    for row in found["rows"]:
        key = tuple(one["name"] for one in row.get("contenders", ()))
        groups.setdefault(key, []).append(row)
    for names, rows in groups.items():
        if names:
            cells = [[row["work"], row["sizes"], *map(measured, row["contenders"])] for row in rows]
            lines += [*table(("work", "sizes", *names), cells), ""]
        else:
            cells = [[row["work"], row["sizes"], figures(row["values"])] for row in rows]
            lines += [*table(("work", "sizes", "figures"), cells), ""]
    notes: dict[str, list[str]] = {}
    for row in found["rows"]:
        if row["note"]:
            notes.setdefault(row["note"], []).append(row["work"])
    if len(notes) == 1:
        return [*lines, f"Note: {next(iter(notes))}.", ""]
    listed = [f"- {'; '.join(dict.fromkeys(works))}: {note}." for note, works in notes.items()]
    return [*lines, *listed, ""] if listed else lines


def number(value: float) -> str:
    """Give a figure with three digits."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def measured(contender: Mapping[str, Any]) -> str:
    """Give a median, with its ratio to the first contender."""
    seconds, ratio = contender["median"], contender["ratio"][0]
    shown = f"{number(seconds)} s" if seconds >= 1 else f"{number(seconds * 1e3)} ms"
    return shown if ratio == 1 else f"{shown} ({number(ratio)} x)"


def figures(values: Iterable[Mapping[str, Any]]) -> str:
    """Give figures with their names and units."""
    return "; ".join(
        f"{each['name']}: {number(each['value'])} {each['unit']}".strip() for each in values
    )


def growth_chart(found: Mapping[str, Any]) -> alt.ConcatChart:
    """Draw time against size, one panel an axis, on logarithmic scales.

    Parameters
    ----------
    found : mapping
        What the benchmark ``growth`` wrote.

    Returns
    -------
    altair.ConcatChart
        Points joined by lines; a grey line is linear growth.
    """
    import altair as alt

    from rnnlens.views.charts.theme import CATEGORIES, QUIET, dress

    panels: dict[str, list[dict[str, Any]]] = {}
    for row in found["rows"]:
        axis, work = row["work"].removeprefix("growth with ").split(", ")
        panels.setdefault(axis, []).extend(
            {"size": int(each["name"]), "time": each["value"], "work": work}
            for each in row["values"]
        )
    charts = []
    for axis, points in panels.items():
        largest = max(points, key=lambda point: (point["size"], point["time"]))
        smallest = min(point["size"] for point in points)
        linear = [
            {"size": size, "time": 2 * largest["time"] * size / largest["size"]}
            for size in (smallest, largest["size"])
        ]
        log = alt.Scale(type="log")
        sizes, times = alt.Axis(values=DECADES, format="~s"), alt.Axis(values=DECADES)
        x = alt.X("size:Q", title=axis, scale=log, axis=sizes)
        y = alt.Y("time:Q", title=None if charts else "time (ms)", scale=log, axis=times)
        colour = alt.Color(
            "work:N", title=None, scale=alt.Scale(range=[CATEGORIES[0], CATEGORIES[1]])
        )
        joined = alt.Chart(alt.Data(values=points)).mark_line(point=True).encode(x, y, colour)
        slope = alt.Chart(alt.Data(values=linear)).mark_line(color=QUIET, strokeDash=[4, 4])
        charts.append((slope.encode(x, y) + joined).properties(width=190, height=240))
    title = alt.Title("Time against size", subtitle="dashed: linear growth")
    return dress(alt.concat(*charts, columns=len(charts)).properties(title=title), None)


def main() -> None:
    """Write the page and the picture."""
    quick = "--quick" in sys.argv[1:]
    folder, to = (RESULTS / "quick", RESULTS / "quick") if quick else (RESULTS, DOCS)
    paths = {name: folder / f"{name}.json" for name in ORDER}
    results = {
        name: json.loads(path.read_text(encoding="utf-8"))
        for name, path in paths.items()
        if path.exists()
    }
    if not results:
        sys.exit(f"there are no figures in {folder}: run the benchmarks first")
    (to / "benchmarks.md").write_text(page(results), encoding="utf-8")
    print(f"wrote {to / 'benchmarks.md'} from {len(results)} of {len(ORDER)} benchmarks")
    if "growth" in results:
        path = to / "images" / "growth.png"
        path.parent.mkdir(exist_ok=True)
        growth_chart(results["growth"]).save(path, scale_factor=2)
        print(f"wrote {path}")


if __name__ == "__main__":
    main()
