"""Make the gallery of charts: a picture of each, and the page that shows it with its one call.

Run it from the repository's root (``make gallery`` does that)::

    .venv/bin/python docs/make_gallery.py

What the page shows is what is run here. Names of charts draw those alone.
"""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
PICTURES, PAGE = HERE / "images" / "gallery", HERE / "gallery.md"
#: Pixels of a picture by those of the figure.
SCALE = 1.0

#: What every call below has at hand.
BEFORE = """\
import rnnlens
from rnnlens.demo.weather import demo_files, weather_windows

net = rnnlens.read(demo_files().network)
windows = weather_windows().newest(300)
seen = weather_windows(start="2013-01-01").between(None, "2013-09-01")
asked = {"target": "temp", "background": seen}

explained = rnnlens.explain(net, windows, method="secant", **asked)
"""


@dataclass(frozen=True)
class Entry:
    """A chart: its name, what it answers, and the code that draws it."""

    name: str
    answers: str
    code: str


ENTRIES = (
    Entry(
        "anatomy",
        "What is this network made of?",
        "chart = rnnlens.plot.anatomy(rnnlens.describe(net))",
    ),
    Entry(
        "forecast",
        "Is the forecast any good?",
        "chart = rnnlens.plot.forecast(explained)",
    ),
    Entry(
        "lag_shares",
        "How much of what moves the forecast comes from each lag? With an interval.",
        "table = rnnlens.lags(net, windows, certificates=None, test=None, **asked)\n"
        "chart = rnnlens.plot.lag_shares(table)",
    ),
    Entry(
        "lag_feature",
        "Which feature, at which lag?",
        "chart = rnnlens.plot.lag_feature(explained)",
    ),
    Entry(
        "lag_contributions",
        "Which way did each lag move the forecast?",
        "chart = rnnlens.plot.lag_contributions(explained, sample=120)",
    ),
    Entry(
        "waterfall",
        "How is this one forecast made?",
        "chart = rnnlens.plot.waterfall(explained, sample=120)",
    ),
    Entry(
        "beeswarm",
        "Do large values of a feature raise the forecast? A point is a window.",
        "chart = rnnlens.plot.beeswarm(explained, windows)",
    ),
    Entry(
        "calendar",
        "When did which feature matter?",
        "chart = rnnlens.plot.calendar(explained)",
    ),
    Entry(
        "certificates",
        "How far can the error of a sensor, here of 1 F at one lag, move a forecast? Proven.",
        'sensor = rnnlens.Certificates(range=1.0, tolerance=0.1, budget="20 s")\n'
        "certified = rnnlens.certify(\n"
        '    net, windows.newest(1), lag=range(1, 25), features="temp", certificates=sensor, '
        "**asked\n"
        ")\n"
        "chart = rnnlens.plot.certificates(certified)",
    ),
    Entry(
        "interactions",
        "What do lags do alone, and what in pairs?",
        "readings = rnnlens.interactions(net, windows.newest(20), newest=8, **asked)\n"
        "chart = rnnlens.plot.interactions(readings)",
    ),
    Entry(
        "methods",
        "Do other methods say the same?",
        "few = windows.newest(20)\n"
        "chart = rnnlens.plot.methods({\n"
        "    name: rnnlens.explain(net, few, method=name, **asked)\n"
        '    for name in ("secant", "tree", "occlusion")\n'
        "})",
    ),
    Entry(
        "baselines",
        "What if the question were asked against another baseline?",
        "compared = rnnlens.compare_baselines(net, windows, **asked)\n"
        "chart = rnnlens.plot.baselines(compared)",
    ),
    Entry(
        "memory",
        "How far back does the network remember, by every measure on one axis?",
        'measured = rnnlens.memory(net, windows, target="temp")\n'
        "chart = rnnlens.plot.memory(measured)",
    ),
    Entry(
        "weights",
        "What are the weights, gate by gate? Units ordered by what they carry.",
        "carried = rnnlens.gate_contributions(net, windows.newest(50), **asked)\n"
        "chart = rnnlens.plot.weights(rnnlens.weights(net), carried=carried)",
    ),
    Entry(
        "summarized_weights",
        "How large are the recurrent kernels, and how open the gates?",
        'summary = rnnlens.summarize_weights(net, windows, target="temp")\n'
        "chart = rnnlens.plot.summarized_weights(summary)",
    ),
    Entry(
        "compared_weights",
        "How does another network of the same shape differ?",
        "chart = rnnlens.plot.compared_weights(rnnlens.compare_weights(net, net))",
    ),
    Entry(
        "gates",
        "What happened inside, at every step of one window?",
        "chart = rnnlens.plot.gates(rnnlens.trace(net, windows.newest(1)))",
    ),
    Entry(
        "gate_contributions",
        "Which gate carried what moved the forecast?",
        "carried = rnnlens.gate_contributions(net, windows.newest(50), **asked)\n"
        "chart = rnnlens.plot.gate_contributions(carried)",
    ),
    Entry(
        "fixed_points",
        "Where does the network come to rest, and how do windows move about it?",
        "few = windows.newest(20)\n"
        "found = rnnlens.fixed_points(net, few)\n"
        "chart = rnnlens.plot.fixed_points(found, rnnlens.trace(net, few))",
    ),
    Entry(
        "eigenvalues",
        "How fast does it come back to rest?",
        "found = rnnlens.fixed_points(net, windows.newest(20))\n"
        "chart = rnnlens.plot.eigenvalues(found)",
    ),
    Entry(
        "bifurcations",
        "Does the place of rest jump as an input is moved?",
        "held = [20.0, 30.0, 40.0, 50.0, 60.0, 70.0, 80.0]\n"
        'moved = rnnlens.bifurcations(net, windows.newest(1), "temp", held, target="temp")\n'
        "chart = rnnlens.plot.bifurcations(moved)",
    ),
    Entry(
        "probe",
        "Is a concept written in the states, beyond what needs no training?",
        'dew_point = windows.original[:, -1, windows.features.index("dewp")]\n'
        'probed = rnnlens.probe(net, windows, dew_point, target="temp", draws=1, shifts=2)\n'
        "chart = rnnlens.plot.probe(probed)",
    ),
    Entry(
        "record",
        "What became of the gates while the network was trained?",
        "import pandas as pd\n\n"
        "# what rnnlens.record wrote beside the training, here made up\n"
        "epochs = range(0, 500, 50)\n"
        'table = pd.DataFrame({"step": epochs, "k50": [2 + e / 150 for e in epochs]})\n'
        'table["lstm/forget/mean"] = [0.5 + e / 1500 for e in epochs]\n'
        "chart = rnnlens.plot.record(table)",
    ),
)


def page() -> str:
    """Write the page: each chart with its question, its call and its picture."""
    parts = [
        "# Gallery",
        "Every chart of `rnnlens.plot`, drawn from the network that ships with rnnlens. Made by\n"
        "`make gallery`, which runs what is shown here.",
        f"```python\n{BEFORE}```",
        "Each gives an [Altair](https://altair-viz.github.io) chart, which shows itself in a "
        'notebook;\n`rnnlens.plot.save(chart, "figure.pdf")` writes it as `.pdf`, `.svg`, `.png`, '
        "`.html` or `.json`.\nFor a paper, `width=84` makes it 84 mm wide from edge to edge, with "
        'type of 7 to 9 points, and\n`font="Times New Roman"` sets its typeface. Colours stay '
        "apart for colour-blind readers; series differ\nin lightness, marks or dashes too, so that "
        "a grey print tells them apart. On the command line:",
        "```console\nrnnlens plot waterfall weather.keras weather.csv --target temp --width 84 "
        "--out figure.pdf\n```",
    ]
    for entry in ENTRIES:
        parts += [
            f"## {entry.name}",
            entry.answers,
            f"```python\n{entry.code}\n```",
            f"![The chart {entry.name}](images/gallery/{entry.name}.png)",
        ]
    return "\n\n".join(parts) + "\n"


def main() -> None:
    """Draw what is named, or all, and write the page."""
    named = sys.argv[1:]
    PICTURES.mkdir(parents=True, exist_ok=True)
    at_hand: dict[str, object] = {}
    exec(BEFORE, at_hand)
    for entry in ENTRIES:
        if named and entry.name not in named:
            continue
        began = time.perf_counter()
        own = dict(at_hand)
        exec(entry.code, own)
        own["chart"].save(PICTURES / f"{entry.name}.png", scale_factor=SCALE)  # type: ignore[attr-defined]
        print(f"{entry.name}: {time.perf_counter() - began:.1f} s", flush=True)
    PAGE.write_text(page(), encoding="utf-8")
    print(f"wrote {PAGE}")


if __name__ == "__main__":
    main()
