"""Write ``docs/lag_tests.md`` from the records of this folder's scripts, and its picture.

Run it from ``benchmarks``: ``python -m lag_statistics.page``.
"""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parents[1] / "results" / "oracles"
DOCS = Path(__file__).parents[2] / "docs"
PICTURE = "lag_test_power.png"

#: What each column of the size table counts, by the words of the record.
COLUMNS = {
    "equivalent at the margin": "equivalent, at the margin",
    "used, without effect on the error": "used, without effect",
    "horizon too short": "horizon too short",
    "90 % interval holds the truth": "interval holds the truth",
}

TOP = """# What the tests of lags claim, and how often they are wrong

`rnnlens lags` says of each lag whether this model uses it on this data. Two tests stand behind
that, both about one number: by how much the mean loss of the forecasts rises when the lag's values
are replaced by draws from what they might have been, given all other inputs of the window.

- **equivalent**: the change lies within the margin, on both sides (two one-sided tests). It is a
  positive claim: a test that failed to show a change never makes it.
- **used**: the change lies above zero (Diebold and Mariano, one-sided); without actuals, where no
  change can be negative, above the margin.

A lag that is both, changed for certain and by less than the margin, is called equivalent;
*undecided* is where neither was shown. The **horizon** tests all lags older than one together, from
the oldest on, each at the full level, and stops at the first that is not equivalent: "everything
older changes nothing beyond the margin" is wrong in at most one of twenty data sets, however many
lags there are.

The tests keep the model as it is: they are about this one, not about what another could have
learned from the lag. Neighbouring windows overlap, and the error of a mean allows for that. Where
several lags are asked at once, p-values are corrected for their number. A lag that the weights cut
off is *structural*: it changes nothing, exactly, and has no p-value. Where the draws do not fit the
data the answer is about something else; each sampler says whether it fits.

## Where few windows carry the change

Where an input is zero but in a few windows, such as rain or an alarm, a small sample of them has a
small mean change and a small error of it at once, and t tests call large changes small. The same
holds where calm times and wild times last long. So:

- t is corrected for the skewness of the mean (Hall 1992), and the larger p-value counts;
- the error is estimated from fewer and slower cosine coefficients where the sizes of the forecast's
  moves depend on each other for long;
- the result says **on how many windows the change rests** (`resting_on`): the square of the sum of
  the sizes of the changes by the sum of their squares, of the loss or of how far forecasts moved,
  whichever is less, divided by the windows over which moves depend on each other.
  From fewer than 30, nothing is called equivalent, unless no single window changed by as much as
  the margin; *used* then needs a p-value five times as small. The note of the row says so, and the
  sentence about the horizon says why it stops.
- where forecasts move far more unevenly than normal inputs make them move, the largest moves are
  missing from most samples: the error of the mean is multiplied by how much more uneven they are,
  less so where more than 100 windows carry it, and up to 100 windows are asked for instead of 30.
"""


def main() -> None:
    """Write the page."""
    parts = [TOP, _size(_record("lag_test_size")), _inputs(_record("lag_test_size_by_input"))]
    parts += [_power(_record("lag_test_power")), _shares(_record("lag_share_coverage"))]
    parts.append(_known(_record("lag_known_process")))
    (DOCS / "images").mkdir(exist_ok=True)
    shutil.copyfile(RESULTS / PICTURE, DOCS / "images" / PICTURE)
    (DOCS / "lag_tests.md").write_text("\n".join(parts))
    print(f"wrote {DOCS / 'lag_tests.md'}")


def _record(name: str) -> dict[str, Any]:
    return json.loads((RESULTS / f"{name}.json").read_text())


#: What each column of the table by input counts, by the words of the record.
INPUT_COLUMNS = {
    "plain t tests: equivalent at the margin": "plain t tests: equivalent",
    "equivalent at the margin": "equivalent",
    "rests on too few windows": "refused: too few windows",
    "horizon too short": "horizon too short",
    "used, without effect on the error": "used, without effect",
}


def _inputs(record: dict[str, Any]) -> str:
    """Lay out how often each test is wrong by input, a row a setting."""
    rows = _rows(record)
    bounded = [figure for figure in record["figures"] if figure["most"] is not None]
    met = sum(figure["met"] for figure in bounded)
    beyond = [
        f"{figure['what']} ({100 * figure['ours']:.1f} %)"
        for figure in bounded
        if not figure["met"]
    ]
    lines = [
        "## Size on inputs as people have them",
        "",
        f"{_sentence(record['about'])} At the margin for the first four columns. *Plain t tests* "
        "are two one-sided t tests with the same error of the mean, without what is said above. "
        "Sets that are refused count as right.",
        "",
        "| input, windows, error | " + " | ".join(INPUT_COLUMNS.values()) + " |",
        "|---" + "|---:" * len(INPUT_COLUMNS) + "|",
    ]
    for where, found in rows.items():
        shares = " | ".join(
            f"{100 * found[what]:.1f} %" if what in found else "" for what in INPUT_COLUMNS
        )
        lines.append(f"| {where} | {shares} |")
    lines += [
        "",
        f"{met} of {len(bounded)} shares of wrong claims lie within "
        f"{100 * bounded[0]['most']:.1f} %: 5 % and three standard errors of the simulation. "
        f"Beyond it: {'; '.join(beyond) or 'none'}. Bilinear inputs have the heaviest tails here, "
        "and were simulated once more, with further seeds.",
        "",
    ]
    return "\n".join(lines)


def _shares(record: dict[str, Any]) -> str:
    """Lay out how often the interval of a share holds the true one."""
    lines = [
        "## The intervals of shares",
        "",
        f"{_sentence(record['about'])} The stationary bootstrap alone follows slow dependence too "
        "little; its interval is widened to what the slowest cosine coefficients of the share ask "
        "for. Where the dependence is too long for the number of windows, the table says so.",
        "",
        "| contributions, windows | bootstrap alone | widened | sets of which it is said |",
        "|---|---:|---:|---:|",
    ]
    for where, found in _rows(record).items():
        texts = [f"{100 * share:.0f} %" for share in found.values()]
        lines.append(f"| {where} | {' | '.join(texts)} |")
    return "\n".join([*lines, ""])


def _rows(record: dict[str, Any]) -> dict[str, dict[str, float]]:
    """Give the figures of each setting by what was counted."""
    rows: dict[str, dict[str, float]] = {}
    for figure in record["figures"]:
        where, what = figure["what"].split(": ", 1)
        rows.setdefault(where, {})[what] = figure["ours"]
    return rows


def _size(record: dict[str, Any]) -> str:
    """Lay out how often each test is wrong, a row a setting."""
    rows: dict[str, dict[str, float]] = {}
    for figure in record["figures"]:
        where, what = figure["what"].rsplit(": ", 1)
        rows.setdefault(where, {})[what] = figure["ours"]
    most = max(figure["most"] for figure in record["figures"] if figure["most"] is not None)
    bounded = [figure for figure in record["figures"] if figure["most"] is not None]
    met = sum(figure["met"] for figure in bounded)
    lines = [
        "## Size: the share of simulated sets in which a 5 % test is wrong",
        "",
        f"{_sentence(record['about'])} What is claimed is false in every set, and as near to the "
        "truth as it can be. The last column should be 90 %.",
        "",
        "| windows, error | " + " | ".join(COLUMNS.values()) + " |",
        "|---" + "|---:" * len(COLUMNS) + "|",
    ]
    for where, found in rows.items():
        shares = " | ".join(f"{100 * found[what]:.1f} %" for what in COLUMNS)
        lines.append(f"| {where} | {shares} |")
    lines += [
        "",
        f"{met} of {len(bounded)} shares with the default errors lie within {100 * most:.1f} %: "
        "5 % and three standard errors of the simulation.",
        "",
    ]
    return "\n".join(lines)


def _power(record: dict[str, Any]) -> str:
    """Show the picture, and say how small a change is found equivalent."""
    pattern = re.compile(r"n=(\d+), true change ([\d.]+) margins: found (\w+)")
    found = {}
    for figure in record["figures"]:
        matched = pattern.fullmatch(figure["what"])
        assert matched, figure["what"]
        found[int(matched[1]), float(matched[2]), matched[3]] = figure["ours"]
    sentences = []
    for windows in sorted({key[0] for key in found}):
        half, none = found[windows, 0.5, "equivalent"], found[windows, 0.0, "equivalent"]
        sentences.append(
            f"{windows:,} windows find a lag without effect equivalent in {100 * none:.0f} % of "
            f"sets, and one of half the margin in {100 * half:.0f} %."
        )
    about = _sentence(record["about"])
    return "\n".join([
        "## Power: what they find",
        "",
        f"![Share of sets found equivalent and used against the true change](images/{PICTURE})",
        "",
        about + " " + " ".join(sentences),
        "",
    ])


def _known(record: dict[str, Any]) -> str:
    """Count what is found on the known process, over the seeds."""
    lines = ["## A known process", "", _sentence(record["about"]), ""]
    lines += [
        "| values replaced by | true lags found used | other lags called used |",
        "|---|---:|---:|",
    ]
    samplers = {"Gaussian": "Gaussian draws, given the rest", "neighbours": "neighbours' residuals"}
    samplers["from any window"] = "values from any window"
    for name, title in samplers.items():
        counts = {}
        for kind in ("true", "other"):
            rows = [f for f in record["figures"] if f", {name}: {kind} lags found" in f["what"]]
            of = int(rows[0]["what"].rsplit("of ", 1)[1])
            counts[kind] = f"{sum(int(f['ours']) for f in rows)} of {of * len(rows)}"
        lines.append(f"| {title} | {counts['true']} | {counts['other']} |")
    far = [int(f["ours"]) for f in record["figures"] if "looks back" in f["what"]]
    lines += [
        "",
        "Values from any window break what the inputs have in common, and lags that the process "
        f"does not have are then called used. The horizon is {', '.join(map(str, far))} under the "
        f"{len(far)} seeds; the truth is 5.",
        "",
        "Every figure on this page was printed by `benchmarks/lag_statistics`, with "
        + ", ".join(f"{name} {version}" for name, version in record["versions"].items())
        + f" ({record['date']}); `python -m lag_statistics.page` writes the page.",
        "",
    ]
    return "\n".join(lines)


def _sentence(text: str) -> str:
    """Begin a text with a capital, unless it is a formula, and end it with a stop."""
    begun = text if text.startswith("y_t") else text[0].upper() + text[1:]
    return begun.rstrip(".") + "."


if __name__ == "__main__":
    main()
