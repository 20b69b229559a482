"""What a check costs beside what it comes before, on the same windows.

Run it from ``benchmarks``: ``python -m planted_mistakes.seconds``.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from time import perf_counter

from planted_mistakes.fresh import grid
from planted_mistakes.mistakes import MISTAKES, Planted
from planted_mistakes.sets import DataSet, energy, weather

# isort: split

import rnnlens

RESULTS = Path(__file__).resolve().parents[1] / "results" / "planted_mistakes_seconds.json"
#: Windows that are asked about.
WINDOWS = 500


def seconds(ask: Callable[[], object]) -> float:
    """Time the second of two calls, so that no kernel is compiled in it."""
    ask()
    begun = perf_counter()
    ask()
    return round(perf_counter() - begun, 3)


def beside(one: DataSet, planted: Planted) -> dict[str, float]:
    """Time the check, and `explain` and `lags` with it in them."""
    windows = rnnlens.windows(planted.table, planted.sidecar)
    late = windows.between(one.split).newest(WINDOWS)
    asked = {"target": one.target, "background": windows.select(windows.times < one.split)}
    return {
        "check": seconds(lambda: rnnlens.check(one.network, late, **asked)),
        "explain": seconds(lambda: rnnlens.explain(one.network, late, **asked)),
        "lags": seconds(lambda: rnnlens.lags(one.network, late, **asked)),
    }


def main() -> None:
    """Time sound networks, and one whose scaling was forgotten, on three sets."""
    rows = []
    for maker in (weather, energy, grid):
        one = maker()
        sound = Planted(one.table, one.sidecar, lambda fact: False)
        for name, planted in (
            ("sound", sound),
            ("scaling forgotten", MISTAKES["scaling forgotten"](one)),
        ):
            rows.append({"set": one.name, "case": name, **beside(one, planted)})
            print(rows[-1], flush=True)
    RESULTS.write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    main()
