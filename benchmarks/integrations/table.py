"""Print the table of integrations and write it into docs/integrations.md, with the page's code."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
RESULTS = HERE.parent / "results" / "integrations"
PAGE = HERE.parents[1] / "docs" / "integrations.md"
LIBRARIES = ("neuralhydrology", "neuralforecast", "darts")

TOP = """# With the libraries that people train with

Each model below was built and trained for a few steps by the library itself, on generated data.
Its module was then read live, asked by every method of `explain`, and put through `lags` and
`describe`; what sums was held against the forecast that the library itself gives. `make
integrations` makes an environment for each library, runs all of it, and writes this page.

- *read*: processor time of reading it, and a model of the same kind that takes 365 steps.
- *forecast*, *sum*: the largest difference to the library's own forecast, of the forecast as
  rnnlens gives it and of contributions and the baseline's forecast together, the worst of all
  methods that sum; in sizes of the largest forecast.
- *methods*: how many of the methods of `explain` ran on the module, at their defaults, for the
  last horizon.
- neuralforecast scales each window by its own median and spread (`scaler_type`) before its module
  sees it, and the forecast back after it. Both numbers are held here: contributions are those of
  the scaled window to the scaled forecast, in sizes of the spread, and the lines below multiply
  by it. That a step moves the median and the spread of its window too is not in them.
- *cannot see*: pairs of horizon and input step that `describe` says cannot matter, and how many
  of them did move the library's forecast when they were changed there. The newest step that it
  says can be seen moves it for every horizon.
"""


def table(results: dict[str, Any]) -> list[str]:
    """Lay out the rows of all libraries."""
    lines = [
        "| library | model | read | read, 365 steps | forecast | sum | methods | lags "
        "| cannot see |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for library, whole in results.items():
        for row in whole["rows"]:
            sums = [one.get("sum_difference", 0.0) for one in row["methods"].values()]
            methods = len(row["methods"]) + len(row["refused"])
            reach = row["reach"]
            seen = f"{reach['cannot']}, {reach['false_cannot']} moved" if reach["cannot"] else "-"
            long = row.get("read_365_seconds")
            cells = [
                f"{library} {whole['versions'][library]}",
                f"`{row['name']}`",
                f"{row['read_seconds']:.1f} s",
                "-" if long is None else f"{long:.1f} s",
                f"{row['forecast_difference']:.0e}",
                f"{max(sums):.0e}",
                f"{len(row['methods'])} of {methods}",
                row["lags"],
                seen,
            ]
            lines.append("| " + " | ".join(cells) + " |")
    return lines


def told(results: dict[str, Any]) -> list[str]:
    """Give what is said of the newest steps, a line each."""
    lines = ["", "## What direct forecasters cannot see", ""]
    for library, whole in results.items():
        for row in whole["rows"]:
            for one in row["reach"]["sentences"]:
                lines.append(f"- {library}, `{row['name']}`: {one}")
    if any("CAUTION" in one for one in lines):
        lines += [
            "",
            "These heads read one hidden state a horizon, the last 12 of them: horizon 1 is "
            "forecast from a state of eleven steps ago. More data or units do not mend that: a "
            "model of one horizon, or a recurrent one (`RNNModel`, `recurrent=True`), sees the "
            "newest steps.",
        ]
    return lines


def refusals(results: dict[str, Any]) -> list[str]:
    """Give the methods that did not run, with the sentence."""
    lines = [
        f"- {library}, `{row['name']}`, `{name}`: `{sentence}`"
        for library, whole in results.items()
        for row in whole["rows"]
        for name, sentence in row["refused"].items()
    ]
    return ["", "## What was refused", "", *lines] if lines else []


def ways() -> list[str]:
    """Give a user's way with each library, as the scripts run it."""
    lines = ["", "## A user's way", ""]
    lines += ["These are the lines that the scripts run.", ""]
    for library in LIBRARIES:
        source = (HERE / f"with_{library}.py").read_text(encoding="utf-8")
        code = re.search(r"# -- on the page.*?--\n(.*?)\n*# -- end --", source, re.DOTALL)
        assert code is not None
        lines += [f"{library}:", "", "```python", code.group(1).strip(), "```", ""]
    return lines


def main() -> None:
    """Print the table and write the page."""
    found = [name for name in LIBRARIES if (RESULTS / f"{name}.json").exists()]
    results = {
        name: json.loads((RESULTS / f"{name}.json").read_text(encoding="utf-8")) for name in found
    }
    rows = table(results)
    print("\n".join(rows))
    versions = [
        ", ".join(f"{name} {number}" for name, number in whole["versions"].items())
        for whole in results.values()
    ]
    parts = [TOP, *rows, *told(results), *refusals(results), *ways(), "## Versions", ""]
    PAGE.write_text("\n".join([*parts, *(f"- {one}" for one in versions), ""]), encoding="utf-8")
    print(f"wrote {PAGE.name}")


if __name__ == "__main__":
    main()
