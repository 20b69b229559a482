"""Long windows of many features: what each verb takes of time and memory, in a process of its own.

The network is one LSTM under a
linear head, its weights random; two dozen windows of 597 steps and 208 features (24 MB in double
precision) are cut from one series, and what happened is the forecast with noise. Each verb runs in
a fresh process that has asked the same of shorter windows before, so that what is loaded and
compiled once is not counted. Beside what it took stands what was announced.

A part of it::

    python benchmarks/long_windows.py --only occlusion trust
"""

from __future__ import annotations

import harness.threads  # noqa: F401  (first: libraries make their threads when loaded)

# isort: split

import json
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
from harness.record import Record
from harness.usage import MEGABYTE, once
from numpy.typing import NDArray

import rnnlens
from rnnlens.api.shared.planning import expected, expected_lags, expected_report
from rnnlens.engine.schedule.plan import Estimate
from rnnlens.errors import RnnlensError
from rnnlens.network.cells import LSTM, Gate
from rnnlens.network.layers import Dense, Input, Recurrent
from rnnlens.network.network import Network, Node, Origin

Array = NDArray[np.float64]

#: Windows, steps, features and units.
COUNT, STEPS, FEATURES, UNITS = 24, 597, 208, 64
#: Steps and features of the windows that are asked about first: long enough for the same ways.
SHORT, FEW = 130, 5
QUICK = (12, 140, 6)
#: Seconds of all threads that a verb may take at the most.
MOST_SECONDS = {"occlusion": 10.0, "trust": 10.0, "lags": 10.0}


def network(steps: int, features: int) -> Network:
    """Make the network for windows of some size."""
    rng = np.random.default_rng(1)
    gates = (
        Gate(
            W=rng.normal(size=(features, UNITS)) / np.sqrt(features),
            U=rng.normal(size=(UNITS, UNITS)) / np.sqrt(UNITS),
            b=rng.normal(size=UNITS) * 0.3,
        )
        for _ in range(4)
    )
    lstm = LSTM(*gates)
    nodes = (
        Node("x", Input((steps, features))),
        Node("lstm", Recurrent(lstm), (("x", 0),)),
        Node("dense", Dense(rng.normal(size=(UNITS, 1)) / np.sqrt(UNITS)), (("lstm", 0),)),
    )
    return Network(nodes, (("dense", 0),), Origin("made for a benchmark"))


def windows(count: int, steps: int, features: int) -> Array:
    """Cut windows from a series whose numbers remember some steps."""
    rng = np.random.default_rng(2)
    series = np.zeros((count + steps - 1, features))
    series[0] = rng.normal(size=features)
    for t in range(1, len(series)):
        series[t] = 0.9 * series[t - 1] + np.sqrt(1 - 0.9**2) * rng.normal(size=features)
    return np.stack([series[t : t + steps] for t in range(count)])


def asked(name: str, count: int, steps: int, features: int) -> Callable[[], object]:
    """Give a verb's work on windows of some size."""
    net, x = network(steps, features), windows(count, steps, features)
    own = rnnlens.predict(net, x)[:, 0]
    noise = np.random.default_rng(3).standard_normal(count)
    y = own + 0.3 * own.std() * noise
    if name == "occlusion":
        return lambda: rnnlens.explain(net, x, method="occlusion")
    if name == "trust":
        return lambda: rnnlens.trust(net, x, y)
    if name == "trust of occlusion":
        return lambda: rnnlens.trust(net, x, y, method="occlusion")
    if name == "lags":
        return lambda: rnnlens.lags(net, x, y)
    if name == "lags without certificates":
        return lambda: rnnlens.lags(net, x, y, certificates=None)
    if name == "default":
        return lambda: rnnlens.explain(net, x)
    if name == "report":
        folder = Path(tempfile.mkdtemp())
        return lambda: rnnlens.report(net, x, folder / "page.html")
    assert name == "permutation"
    return lambda: rnnlens.explain(net, x, method="permutation")


def announced(name: str, count: int, steps: int, features: int) -> Estimate | None:
    """Say what is announced before a verb's work, where anything is."""
    net, x = network(steps, features), windows(count, steps, features)
    if name == "default":
        return expected(net, x)
    if name == "lags":
        return expected_lags(net, x)
    return expected_report(net, x) if name == "report" else None


VERBS = (
    "occlusion",
    "trust",
    "trust of occlusion",
    "lags without certificates",
    "lags",
    "default",
    "permutation",
    "report",
)


def work(name: str, *sizes: str) -> None:
    """Ask a verb and print what it took."""
    count, steps, features = (int(size) for size in sizes)

    def tried(run: Callable[[], object]) -> str:
        try:
            run()
        except RnnlensError as refused:
            return str(refused)
        return ""

    tried(asked(name, min(count, 12), min(steps, SHORT), min(features, FEW)))
    said = announced(name, count, steps, features)
    run, refusal = asked(name, count, steps, features), []
    wall, cpu, peak = once(lambda: refusal.append(tried(run)))
    figures = {"wall": wall, "cpu": cpu, "peak": peak, "refused": refusal[0]}
    if said is not None:
        figures |= {"announced": said.seconds, "announced peak": said.bytes}
    print(json.dumps(figures))


def main() -> None:
    """Measure every verb."""
    record = Record("long_windows", __doc__ or "", VERBS)
    count, steps, features = QUICK if record.quick else (COUNT, STEPS, FEATURES)
    sizes = f"LSTM H={UNITS} F={features} T={steps}, {count} windows"
    for name in record.only:
        command = [sys.executable, __file__, "worker", name, str(count), str(steps), str(features)]
        figures = json.loads(subprocess.check_output(command, text=True).splitlines()[-1])
        values = {
            "by the clock": (figures["wall"], "s"),
            "processor time": (figures["cpu"], "s"),
            "peak memory above what was held": (figures["peak"] / MEGABYTE, "MB"),
        }
        if "announced" in figures:
            values["announced"] = (figures["announced"], "s")
            values["announced, all that is held"] = (figures["announced peak"] / MEGABYTE, "MB")
        record.values(name, sizes, values, note=figures["refused"])
        if name in MOST_SECONDS:
            record.claim(
                f"{name}, processor time",
                figures["cpu"],
                "s",
                most=2 * MOST_SECONDS[name],
                sizes=sizes,
            )
    record.save()


if __name__ == "__main__":
    if sys.argv[1:2] == ["worker"]:
        work(*sys.argv[2:])
    else:
        main()
