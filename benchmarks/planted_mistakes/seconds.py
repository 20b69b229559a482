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
from rnnlens.series.windows import Windows

RESULTS = Path(__file__).resolve().parents[1] / "results" / "planted_mistakes_seconds.json"
#: Windows that are asked about, and before that, so that no kernel is compiled then.
WINDOWS, WARM = 100, 24


def seconds(ask: Callable[[Windows], object], windows: Windows) -> float:
    """Time a question about windows that was asked about a few of them before."""
    ask(windows.newest(WARM))
    begun = perf_counter()
    ask(windows)
    return round(perf_counter() - begun, 3)


def beside(one: DataSet, planted: Planted) -> dict[str, float]:
    """Time the check, and `explain` and `lags` with it in them."""
    windows = rnnlens.windows(planted.table, planted.sidecar)
    late = windows.between(one.split).newest(WINDOWS)
    asked = {"target": one.target, "background": windows.select(windows.times < one.split)}
    return {
        verb.__name__: seconds(lambda some, verb=verb: verb(one.network, some, **asked), late)
        for verb in (rnnlens.check, rnnlens.explain, rnnlens.lags)
    }


def main() -> None:
    """Time sound networks, and one whose scaling was forgotten, on three sets."""
    rows = []
    for maker in (energy, grid, weather):
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
