"""Whole questions through the public verbs, from a loaded module to the answer, beside peers.

Each question is asked of a network as a user has it, and takes all that the verb does: checks,
baselines, diagnostics, labels. Wall time, processor time of all threads and peak memory come from
one interleaved run. Peers that take too long are run on some of the windows, and their time is
given for as many as ours; that is said beside the figures.

A part of it::

    python benchmarks/questions.py --only secant default
    python benchmarks/questions.py --only lags --quick
"""

from __future__ import annotations

import harness.threads  # noqa: F401  (first: libraries make their threads when loaded)

# isort: split

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
from harness import ours
from harness.attributions import by_lag, by_lag_and_feature, change_of, missing
from harness.measure import agree
from harness.networks import Size, forecaster, windows
from harness.record import OURS, Record
from harness.usage import Usage, once, used

import rnnlens
from rnnlens import Certificates, Effort
from rnnlens.evidence.options import WINDOWS

SMALL, MIDDLE, LARGE = Size(32, 10, 24), Size(64, 8, 168), Size(256, 32, 365)
#: Networks by name: kind, size, layers, whether both ways.
NETWORKS = {
    "LSTM": ("LSTM", SMALL, 1, False),
    "GRU": ("GRU", SMALL, 1, False),
    "LSTM, bidirectional": ("LSTM", SMALL, 1, True),
    "LSTM, two layers": ("LSTM", MIDDLE, 2, False),
    "LSTM, large": ("LSTM", LARGE, 1, False),
}
BACKGROUNDS = 32
#: Numbers of windows beyond which a question is left out: 4 GB in double precision.
MOST_NUMBERS = 1 << 27
#: Windows that peers are run on, where there are more.
SOME = 50
#: Lags of the exact values, all of whose coalitions the peer evaluates: both are exact.
LAGS = 12
#: Rounding of float32 beside double precision, relative to the largest.
TOLERANCE = 1e-4

#: The command where the demo is all that was installed: without Keras, and what peers bring.
INSTALLED = str(Path(sys.prefix, "demo", "bin", "rnnlens"))

SINGLE = Effort(precision="float32")


class Asked:
    """A network, its windows, and the sizes in words."""

    def __init__(self, name: str, count: int) -> None:
        kind, self.size, layers, both = NETWORKS[name]
        self.name, self.count = name, count
        self.module, self.net = forecaster(kind, self.size, layers=layers, bidirectional=both)
        self.x = windows(count, self.size)
        self.sizes = f"{name} {self.size.text(count)}"

    @property
    def actual(self) -> np.ndarray:
        """What happened: the forecasts, and noise of a tenth of their spread."""
        forecast = ours.predict(self.net, self.x)[:, 0].astype(np.float64)
        noise = np.random.default_rng(3).standard_normal(len(forecast))
        return forecast + 0.1 * forecast.std() * noise


def told(
    record: Record, work: str, sizes: str, usages: Mapping[str, Usage], note: str = ""
) -> None:
    """Record times by the clock, processor times and peaks."""
    record.times(work, sizes, {name: one.wall for name, one in usages.items()}, note=note)
    for what, unit, figure in (
        ("processor time", "s", lambda one: one.cpu.median),
        ("peak memory above what was held", "MB", lambda one: one.peak),
    ):
        figures = {name: (figure(one), unit) for name, one in usages.items()}
        record.values(f"{work}: {what}", sizes, figures)


def secant(record: Record) -> None:
    """Split forecasts by lag and feature, with 32 backgrounds, beside captum and shap."""
    for name in NETWORKS:
        for count in (1, 8, 16) if record.quick else (1, 500, 10_000):
            size = NETWORKS[name][1]
            if count * size.steps * size.features > MOST_NUMBERS or (
                record.quick and size.steps > SMALL.steps
            ):
                continue
            _secant(record, Asked(name, count))


def _secant(record: Record, asked: Asked) -> None:
    backgrounds = windows(BACKGROUNDS, asked.size, seed=1)
    some = min(asked.count, 4 if record.quick else max(1, SOME * SMALL.steps // asked.size.steps))

    def explained(effort: Effort) -> np.ndarray:
        found = rnnlens.explain(
            asked.net, asked.x, method="secant", baseline=backgrounds, effort=effort
        )
        return found.contribution.values

    contenders: dict[str, Callable[[], np.ndarray]] = {
        OURS: lambda: explained(Effort()),
        "rnnlens, float32": lambda: explained(SINGLE),
        "the method alone, float32": lambda: (
            ours.secant(asked.net, asked.x, backgrounds).contribution
        ),
    }
    peers = by_lag_and_feature(asked.module, asked.x[:some], backgrounds)
    agree(asked.sizes, contenders["rnnlens, float32"](), contenders[OURS](), TOLERANCE)
    usages = used(contenders | peers, rounds=3)
    usages = {
        name: one.scaled(asked.count / some) if name in peers else one
        for name, one in usages.items()
    }
    note = "" if some == asked.count else f"peers measured on {some} windows and scaled up"
    told(record, "contributions by lag and feature", asked.sizes, usages, note)
    change = change_of(asked.module, asked.x[:some], backgrounds)
    from_mean = change_of(asked.module, asked.x[:some], backgrounds.mean(0, keepdims=True))
    gaps = {OURS: contenders[OURS]()[:some]} | {name: run() for name, run in peers.items()}
    record.values(
        "what is left out of the sum, in mean changes of the forecast",
        asked.sizes,
        {
            name: (_gap(one, from_mean if "Integrated" in name else change), "")
            for name, one in gaps.items()
        },
    )
    if asked.name == "LSTM" and asked.count == 10_000:
        mine = usages["rnnlens, float32"]
        for peer, least in (("captum DeepLiftShap", 5.0), ("shap GradientExplainer", 40.0)):
            theirs = next(one for name, one in usages.items() if name.startswith(peer))
            # peers compute in single precision
            for precision, own in (("float32, as the peer", mine), ("float64", usages[OURS])):
                ratio = theirs.wall.median / own.wall.median
                work = f"secant in {precision}, against {peer}"
                record.claim(work, ratio, "x", least=least, sizes=asked.sizes)
        alone = usages["the method alone, float32"].cpu.median
        record.claim(
            "secant, the question over the method alone, processor time",
            mine.cpu.median / alone,
            "x",
            most=1.4,
            sizes=asked.sizes,
        )


def _gap(contribution: np.ndarray, change: np.ndarray) -> float:
    """Say what of a change contributions leave out."""
    return float(np.abs(change - contribution.sum((1, 2))).mean() / np.abs(change).mean())


def default(record: Record) -> None:
    """Explain one window and several by default."""
    most = {"LSTM": 0.3, "LSTM, two layers": 1.5, "LSTM, large": 4.0}
    # one window of each network first: claims rest on it
    for count in (1, 8) if record.quick else (1, 500, 10_000):
        for name, network in NETWORKS.items():
            size = network[1]
            felt = count * size.steps * size.units > 1 << 26  # minutes, and no claim rests on it
            if felt or (record.quick and size.steps > SMALL.steps):
                continue
            asked = Asked(name, count)
            usages = used({OURS: lambda a=asked: rnnlens.explain(a.net, a.x)}, rounds=3)
            told(record, "default explain", asked.sizes, usages)
            if count == 1 and name in most:
                record.claim(
                    "default explain, one window",
                    usages[OURS].wall.median,
                    "s",
                    most=most[name],
                    sizes=asked.sizes,
                )


def exact(record: Record) -> None:
    """Give exact values of lags, beside shap's KernelExplainer with all coalitions."""
    size = Size(SMALL.units, SMALL.features, LAGS)
    kind = NETWORKS["LSTM"][0]
    module, net = forecaster(kind, size)
    x, baseline = windows(1, size), windows(1, size, seed=1)[0]
    coalitions = 2**LAGS
    peers = by_lag(module, x, baseline, coalitions)

    def tree() -> np.ndarray:
        found = rnnlens.explain(net, x, method="tree", baseline=baseline, newest=LAGS)
        return found.contribution.values[0, ::-1]

    note = f"{coalitions:,} evaluations: all coalitions, so that both are exact"
    if "timeshap" not in peers:
        note += f"; {missing('timeshap')}"
    sizes = f"LSTM {size.text(1)}, {LAGS} lags"
    first = next(iter(peers))
    # KernelExplainer solves a system of equations in what are single forecasts
    agree(sizes, peers[first](), tree(), 100 * TOLERANCE)
    told(record, "exact values of lags", sizes, used({OURS: tree, **peers}, rounds=5), note)


def lags(record: Record) -> None:
    """Make the table of lags: no peer answers that, so seconds are given."""
    counts = {"LSTM": (2_000, 6.0), "LSTM, two layers": (5_000, 45.0), "LSTM, large": (500, 240.0)}
    for name, (count, most) in counts.items():
        if record.quick and name != "LSTM":
            continue
        asked = Asked(name, 100 if record.quick else count)
        actual = asked.actual
        usage = {OURS: lambda a=asked, y=actual: rnnlens.lags(a.net, a.x, y)}
        usages = used(usage, rounds=1, budget=10)
        told(record, "table of lags", asked.sizes, usages)
        if not record.quick:
            seconds = usages[OURS].wall.median
            record.claim("table of lags", seconds, "s", most=most, sizes=asked.sizes)


def trust(record: Record) -> None:
    """Check contributions."""
    for name in ("LSTM",) if record.quick else ("LSTM", "LSTM, two layers"):
        asked = Asked(name, 60 if record.quick else 500)
        told(record, "trust", asked.sizes, used({OURS: lambda a=asked: rnnlens.trust(a.net, a.x)}))


def certify(record: Record) -> None:
    """Certify lag 1 in a few windows."""
    for name in ("LSTM",) if record.quick else ("LSTM", "LSTM, two layers"):
        asked = Asked(name, 2 if record.quick else 10)
        few = {"lag": 1, "certificates": Certificates(budget=20)}
        usage = {OURS: lambda a=asked, few=few: rnnlens.certify(a.net, a.x, **few)}
        note = "20 parts of a range at most"
        told(record, "certify lag 1", asked.sizes, used(usage, rounds=3), note)


def report(record: Record) -> None:
    """Make the page of a network."""
    asked = Asked("LSTM", 60 if record.quick else 500)
    with tempfile.TemporaryDirectory() as folder:
        page = Path(folder) / "page.html"
        usage = {OURS: lambda: rnnlens.report(asked.net, asked.x, page, target=0)}
        told(record, "report", asked.sizes, used(usage, rounds=1, budget=10))


def cold(record: Record) -> None:
    """Ask one question in a fresh process, with nothing compiled and with everything compiled."""
    for verb in ("predict", "explain"):
        with tempfile.TemporaryDirectory() as folder:
            rows = {}
            for state in ("nothing compiled", "compiled before"):
                done = subprocess.run(
                    [sys.executable, __file__, "child", verb],
                    env={**os.environ, "NUMBA_CACHE_DIR": folder},
                    stdout=subprocess.PIPE,
                    text=True,
                    check=True,
                )
                wall, cpu, _ = json.loads(done.stdout.splitlines()[-1])
                rows[f"{state}, by the clock"] = (wall, "s")
                rows[f"{state}, processor time"] = (cpu, "s")
        record.values(f"first answer of a process: {verb}", f"LSTM {SMALL.text(1)}", rows)


def demo(record: Record) -> None:
    """Run the demo from the command line, set-up aside, with nothing compiled and everything."""
    if not Path(INSTALLED).is_file():
        sys.exit("the demo runs where it alone is installed: make .venv/bench/demo/.made")
    sizes = f"the demo's network, 2,734 windows, {WINDOWS} of them certified; the demo's libraries"
    with tempfile.TemporaryDirectory() as folder:
        run = [INSTALLED, "demo", "--out", f"{folder}/page.html"]
        took = {"nothing compiled": _ran(run, folder), "compiled before": _ran(run, folder)}
    rows = {f"{state}, by the clock": (wall, "s") for state, (wall, _) in took.items()}
    rows |= {f"{state}, processor time": (cpu, "s") for state, (_, cpu) in took.items()}
    record.values("the demo", sizes, rows)
    for (state, (wall, _)), most in zip(took.items(), (30.0, 12.0), strict=True):
        record.claim(f"the demo, {state}", wall, "s", most=most, sizes=sizes)
    if record.quick:
        return
    with tempfile.TemporaryDirectory() as folder:
        wall, cpu = _ran([INSTALLED, "compile"], folder)
    rows = {"by the clock": (wall, "s"), "processor time": (cpu, "s")}
    record.values("every kernel compiled", "all cells, both precisions", rows)
    record.claim("every kernel compiled, processor time", cpu, "s", most=20.0, sizes="all cells")


def _ran(command: list[str], kernels: str) -> tuple[float, float]:
    """Give seconds by the clock, and of processors, that a process and its children took."""
    before, begun = os.times(), time.perf_counter()
    subprocess.run(
        command,
        env={**os.environ, "NUMBA_CACHE_DIR": kernels},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        check=True,
    )
    wall, after = time.perf_counter() - begun, os.times()
    spent = [times.children_user + times.children_system for times in (before, after)]
    return wall, spent[1] - spent[0]


def child(verb: str) -> None:
    """Ask one question in this process, and print what it took from the loaded module on."""
    asked = Asked("LSTM", 1)
    print(json.dumps(once(lambda: getattr(rnnlens, verb)(asked.net, asked.x))))


PARTS: dict[str, Callable[[Record], None]] = {
    "secant": secant,
    "default": default,
    "exact": exact,
    "lags": lags,
    "trust": trust,
    "certify": certify,
    "report": report,
    "cold": cold,
    "demo": demo,
}


def main() -> None:
    """Run the parts that are asked for, each with a file of its own."""
    for part in Record("questions", __doc__ or "", tuple(PARTS)).only:
        record = Record(f"questions_{part}", __doc__ or "", tuple(PARTS))
        PARTS[part](record)
        record.save()


if __name__ == "__main__":
    if sys.argv[1:2] == ["child"]:
        child(*sys.argv[2:])
    else:
        main()
