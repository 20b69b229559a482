"""Beside auto_LiRPA's CROWN: the same network, window, lag and range, in the same run.

LSTMs with a linear head, random and trained; the oldest lag of windows of 4 to 24 steps; one
feature free. Ours is asked four times: one affine form over the whole range, without any branching;
`certify` with a budget of one box, which takes the four pieces that it begins with; `certify` as it
is by default, which stops where the change is proven to be within 1 % of the forecasts' standard
deviation; and `certify` with the peer's bound for a tolerance where that is smaller.

The peer has an LSTM unrolled by hand, and runs in a process of its own with its own interpreter,
turn by turn with ours; its time is that of the bounds alone, ours that of everything. Prints how
far the forecast may move by each, their times and the ratio. Takes a quarter of an hour; the peer
is asked about 24 steps over one range alone.

    python benchmarks/certificates/lirpa.py --peer .venv/lirpa/bin/python [--quick]
"""

from __future__ import annotations

import os

os.environ.update({"RNNLENS_THREADS": "1", "OMP_NUM_THREADS": "1"})  # first: libraries read them

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

sys.path.append(str(Path(__file__).parents[1]))

import numpy as np
from arx import series, trained, windows
from harness.machine import machine, versions

from rnnlens.attribution.question import Question
from rnnlens.attribution.target import ResolvedTarget
from rnnlens.engine.forward import predict
from rnnlens.evidence.proof.certificate import certify
from rnnlens.evidence.proof.limits import BUDGET, SearchLimits
from rnnlens.evidence.proof.ranges import Ranges
from rnnlens.evidence.proof.zonotope.bounds import Boxes, bounds, start
from rnnlens.network.cells import LSTM, Gate
from rnnlens.network.layers import Dense, Input, Recurrent
from rnnlens.network.network import Network, Node, Origin

RESULTS = Path(__file__).parents[1] / "results" / "certificates_lirpa.json"
GATES = ("input", "forget", "cell", "output")
#: By length of the windows: half the widths of the ranges.
REACHES = {4: (0.5, 2.0), 8: (0.5, 2.0), 12: (0.5, 2.0), 24: (0.5,)}
#: What is compared; the peer first.
NAMES = {
    "peer": "CROWN",
    "one_form": "one form",
    "budget_1": "budget 1",
    "certify": "certify",
    "as_close": "as close",
}
OURS = tuple(NAMES)[1:]
#: A peer's run that takes longer, in seconds, is not repeated.
LONG = 5.0
#: Runs of each, otherwise.
ROUNDS = 5


class Peer:
    """The other interpreter."""

    def __init__(self, python: str) -> None:
        command = [python, str(Path(__file__).with_name("lirpa_peer.py"))]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.versions = self._read()

    def ask(self, question: dict[str, Any]) -> dict[str, Any]:
        """Give what it answers."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(question) + "\n")
        self._process.stdin.flush()
        return self._read()

    def _read(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise SystemExit("the peer's process ended: see what it printed")
        return json.loads(line)

    def close(self) -> None:
        """Let it end."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()


def arrays(network: Network) -> dict[str, np.ndarray]:
    """Weights as the peer takes them: gates side by side, in the order of `GATES`."""
    cell: Any = network["lstm"].layer.cell
    head: Any = network["dense"].layer
    gates = [cell.gates[name] for name in GATES]
    parts = {
        "W": np.concatenate([gate.W for gate in gates], axis=1),
        "U": np.concatenate([gate.U for gate in gates], axis=1),
        "b": np.concatenate([gate.b for gate in gates]),
    }
    return {**parts, "w": head.W, "b0": head.b}


def random(rng: np.random.Generator, units: int) -> Network:
    """Make an LSTM with weights of the usual size and a forget gate that is open at first."""
    gates = []
    for name in GATES:
        W, U = rng.normal(size=(2, units)) / np.sqrt(2), rng.normal(size=(units, units))
        gates.append(Gate(W, U / np.sqrt(units), np.full(units, float(name == "forget"))))
    head = Dense(rng.normal(size=(units, 1)) / np.sqrt(units), np.array([0.1]))
    return _network(LSTM(*gates), head, f"random H={units}")


def _network(cell: LSTM, head: Dense, title: str) -> Network:
    nodes = (
        Node("x", Input((None, 2))),
        Node("lstm", Recurrent(cell), (("x", 0),)),
        Node("dense", head, (("lstm", 0),)),
    )
    return Network(nodes, (("dense", 0),), Origin("made by a benchmark"), title)


def networks(quick: bool) -> Iterator[tuple[str, Network, np.ndarray]]:
    """Name, network and the series that windows are taken from."""
    rng = np.random.default_rng(0)
    for units in (8,) if quick else (8, 16, 32):
        yield f"random H={units}", random(rng, units), rng.normal(size=(400, 2))
    for seed in () if quick else (0,):
        fitted = trained(seed)
        made = _network(fitted["lstm"].layer.cell, fitted["dense"].layer, f"trained {seed}")
        yield f"trained H=16, seed {seed}", made, series(400, seed)


def one_form(network: Network, x: np.ndarray, ends: tuple[float, float]) -> tuple[float, float]:
    """Bounds by one affine form over the whole range: no branching."""
    begun = start(network, {"x": x[None]}, ResolvedTarget((0,)), of="x")
    low, high = (np.array([[end]]) for end in ends)
    found = bounds(begun, Boxes(np.zeros(1, int), 0, np.zeros((1, 1), int), low, high))
    return float(found.low[0]), float(found.high[0])


def compare(peer: Peer, name: str, network: Network, x: np.ndarray, sd: float) -> Iterator[dict]:
    """Ask all about the oldest lag of a window, over each range."""
    units = len(arrays(network)["U"])
    own, zero = float(x[0, 0]), np.zeros(units)
    told = {**arrays(network), "x": x, "h": zero, "c": zero}
    lists = {key: np.asarray(value).tolist() for key, value in told.items()}
    built = peer.ask({**lists, "feature": 0, "own": own})
    forecast = predict(network, {"x": x[None]})
    assert isinstance(forecast, np.ndarray)
    y = float(forecast[0, 0])
    if abs(y - built["forecast"]) > 1e-9:
        raise SystemExit(f"not the same network: {y} and {built['forecast']}")
    for reach in REACHES[len(x)]:
        ends = own - reach, own + reach
        yield {
            "network": name, "units": units, "steps": len(x), "reach": reach,
            "peer_build_seconds": built["seconds"], **_asked(peer, network, x, ends, y, sd),
        }  # fmt: skip


def _asked(
    peer: Peer, network: Network, x: np.ndarray, ends: tuple[float, float], y: float, sd: float
) -> dict[str, Any]:
    question = {"low": ends[0], "high": ends[1], "method": "CROWN"}
    times: dict[str, list[float]] = {"peer": [], "one_form": [], "budget_1": [], "certify": []}
    times["as_close"] = []
    other, form, proofs = {}, (0.0, 0.0), {}
    for _ in range(ROUNDS):
        other = peer.ask(question)
        times["peer"].append(other["seconds"])
        begun = time.perf_counter()
        form = one_form(network, x, ends)
        times["one_form"].append(time.perf_counter() - begun)
        theirs = max(other["high"] - y, y - other["low"])
        usual = 0.01 * sd
        plans = {"budget_1": (1, usual), "certify": (BUDGET, usual)}
        plans["as_close"] = BUDGET, min(usual, theirs)
        for key, (budget, tolerance) in plans.items():
            begun = time.perf_counter()
            asked = Question(
                network=network, inputs={"x": x[None]}, of="x", target=ResolvedTarget((0,))
            )
            limits = SearchLimits(tolerance=tolerance, budget=budget)
            proofs[key] = certify(asked, Ranges([len(x)], [0], *ends), limits)
            times[key].append(time.perf_counter() - begun)
        if other["seconds"] > LONG:
            break
    proof = proofs["certify"]
    medians = {key: float(np.median(values)) for key, values in times.items()}
    return {
        "peer": max(other["high"] - y, y - other["low"]),
        "one_form": max(form[1] - y, y - form[0]),
        "budget_1": float(proofs["budget_1"].bound[0, 0]),
        "certify": float(proof.bound[0, 0]),
        "as_close": float(proofs["as_close"].bound[0, 0]),
        "attained": float(proof.attained[0, 0]),
        "verdict": str(proof.verdict[0, 0]),
        "boxes": int(proof.boxes[0, 0]),
        "peer_width": other["high"] - other["low"],
        "one_form_width": form[1] - form[0],
        "rounds": len(times["peer"]),
        "seconds": medians,
        "smallest": {key: min(values) for key, values in times.items()},
        "largest": {key: max(values) for key, values in times.items()},
    }


def show(row: dict[str, Any]) -> None:
    """Print a row."""
    seconds = row["seconds"]
    bound = "  ".join(f"{name} {row[key]:.4g}" for key, name in NAMES.items())
    spent = " ".join(f"{seconds[key]:.4f}" for key in NAMES)
    ratios = " ".join(f"{seconds['peer'] / seconds[key]:.0f}" for key in OURS)
    print(
        f"{row['network']:22s} T={row['steps']:2d} +-{row['reach']:3.1f}  bound: {bound}  attained "
        f"{row['attained']:.4g}  seconds: {spent}  times faster: {ratios}",
        flush=True,
    )


def main() -> None:
    """Ask about every network at every length, and write the record."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--peer", default=".venv/lirpa/bin/python", help="its interpreter")
    parser.add_argument("--quick", action="store_true", help="one network, short windows")
    options = parser.parse_args()
    peer, rows = Peer(options.peer), []
    print(f"peer: {peer.versions}; one thread each")
    about = {"machine": machine(), "versions": {**versions(), "peer": peer.versions}, "threads": 1}
    made = list(networks(options.quick))
    for _, network, data in made:  # kernels are compiled before the clock starts
        one_form(network, data[:4], (-9.0, 9.0))
    for steps in list(REACHES)[: 2 if options.quick else None]:
        for name, network, data in made:
            X, _ = windows(data, steps)
            found = predict(network, {"x": X})
            assert isinstance(found, np.ndarray)
            for row in compare(peer, name, network, X[7], float(found.std())):
                rows.append(row)
                show(row)
            if not options.quick:  # after each, for it takes long
                RESULTS.write_text(json.dumps({**about, "rows": rows}, indent=1) + "\n")
    peer.close()
    _judge(rows)


def _judge(rows: list[dict[str, Any]]) -> None:
    """Say where ours is wider, and the smallest ratio of times from 12 steps on."""
    for kind in OURS:
        wider = [row for row in rows if row[kind] > row["peer"] * (1 + 1e-9)]
        where = "; ".join(f"{row['network']} T={row['steps']} +-{row['reach']}" for row in wider)
        print(
            f"{NAMES[kind]}: wider than CROWN in {len(wider)} of {len(rows)}",
            where and f"({where})",
        )
        long = [row for row in rows if row["steps"] >= 12]
        if long:
            least = min(row["seconds"]["peer"] / row["seconds"][kind] for row in long)
            print(f"{NAMES[kind]}: at least {least:.0f} times faster from T=12 on")


if __name__ == "__main__":
    main()
