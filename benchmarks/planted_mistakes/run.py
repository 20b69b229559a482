"""How many planted mistakes are called by name, and whether sound models are left in peace.

Run it from ``benchmarks``: ``python -m planted_mistakes.run``. Trains small networks; takes some
minutes on one core. ``--set weather`` takes one data set alone.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import replace
from pathlib import Path
from time import perf_counter

from planted_mistakes.mistakes import MISTAKES, Planted
from planted_mistakes.sets import DataSet, energy, noise, river, weather

# isort: split

import xarray as xr

import rnnlens

MAKERS = {"weather": weather, "river": river, "energy": energy}
#: Networks that are sound, of differing skill: targets of the weather, or epochs of training.
SOUND = [
    *(("weather", target) for target in ("temp", "humid", "wind_u", "pressure", "visib", "precip")),
    ("river", 30), ("river", 1), ("energy", 30), ("energy", 1), ("noise", 10),
]  # fmt: skip
RESULTS = Path(__file__).resolve().parents[1] / "results" / "planted_mistakes.json"


def ask(one: DataSet, planted: Planted, target: str) -> xr.Dataset:
    """Check the forecasts that training did not see, with what it saw as the background."""
    windows = rnnlens.windows(planted.table, planted.sidecar)
    if planted.flipped:
        windows = replace(windows, values=windows.values[:, ::-1].copy())
    late = windows.between(one.split)
    seen = windows.select(windows.times < one.split)
    return rnnlens.check(one.network, late, target=target, background=seen)


def row(one: DataSet, name: str, planted: Planted) -> dict:
    """Ask of one planted mistake, and say whether it was called by its name."""
    begun = perf_counter()
    page = ask(one, planted, one.target)
    named = json.loads(page.attrs["remedies"] or "[]")
    right = [k + 1 for k, fact in enumerate(named) if planted.right(fact)]
    if planted.leak and page.attrs["leak"] == planted.leak:
        right = [1]
    error = page["error"].values
    return {
        "set": one.name,
        "mistake": name,
        "verdict": page.attrs["verdict"],
        "error": float(error[0]),
        "persistence": float(error[1]),
        "mean": float(error[2]),
        "linear": float(error[4]),
        "place": right[0] if right else 0,
        "caution": page.attrs["caution"],
        "seconds": round(perf_counter() - begun, 2),
    }


def sound(made: dict[str, DataSet]) -> list[dict]:
    """Ask of models that are sound."""
    rows = []
    for name, how in SOUND:
        if name in made and how in {30, "temp"}:
            one = made[name]
        elif name == "weather":
            one = made.get("weather") or made.setdefault("weather", weather())
        else:
            one = {"river": river, "energy": energy, "noise": noise}[name](how)
        target = how if isinstance(how, str) else one.target
        page = ask(one, Planted(one.table, one.sidecar, lambda fact: False), target)
        rows.append({
            "set": name,
            "model": f"{target}" if isinstance(how, str) else f"{target}, {how} epochs",
            "verdict": page.attrs["verdict"],
            "check": page.attrs["forecast_check"],
            "caution": page.attrs["caution"],
            "seconds": page.attrs["seconds"],
        })
        print(rows[-1], flush=True)
    return rows


def main() -> None:
    """Plant every mistake on every set, then ask of the sound models."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--set", choices=list(MAKERS), action="append")
    parser.add_argument("--only", help="one mistake alone")
    parser.add_argument("--no-sound", action="store_true")
    asked = parser.parse_args()
    rows, made = [], {}
    for name in asked.set or list(MAKERS):
        made[name] = MAKERS[name]()
        for mistake, plant in MISTAKES.items():
            if asked.only and mistake != asked.only:
                continue
            one = made[name]
            if mistake == "leak of the future" and name != "weather":
                one = MAKERS[name](leak=True)
            rows.append(row(one, mistake, plant(one)))
            print(rows[-1], flush=True)
    right, worse = sum(bool(r["place"]) for r in rows), [r for r in rows if r["verdict"] == "worse"]
    print(f"{right} of {len(rows)} with the right remedy among the first two named")
    print(f"{sum(bool(r['place']) for r in worse)} of {len(worse)} worse than knowing nothing")
    rest = [] if asked.no_sound else sound(made)
    print(f"{sum(bool(r['caution']) for r in rest)} of {len(rest)} sound models cautioned")
    if not (asked.set or asked.only or asked.no_sound):
        RESULTS.write_text(json.dumps({"planted": rows, "sound": rest}, indent=1) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
