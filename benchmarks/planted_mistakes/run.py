"""How many planted mistakes are called by name, and whether sound models are left in peace.

Run it from ``benchmarks``: ``python -m planted_mistakes.run``. Trains small networks; takes some
minutes on one core. ``--group fresh`` takes the sets that no limit was set with, ``--set weather``
one data set alone; files that do not ship are looked for in ``data`` of the folder RNNLENS_SHARED.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from time import perf_counter

from planted_mistakes import fresh
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
#: Verdicts that tell of a mistake, whether or not a remedy is named.
ACCUSED = ("fits better", "leak", "constant", "misplaced")
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
    compared = page["rmse"].values if page.attrs["measure"] == "RMSE" else error
    return {
        "set": one.name,
        "mistake": name,
        "verdict": page.attrs["verdict"],
        "error": float(error[0]),
        "persistence": float(error[1]),
        "mean": float(error[2]),
        "linear": float(error[4]),
        "rmse": [float(one) for one in page["rmse"].values],
        "measure": page.attrs["measure"],
        "worse": bool(compared[0] > compared[1] and compared[0] > compared[2]),
        "place": right[0] if right else 0,
        "caution": page.attrs["caution"],
        "seconds": round(perf_counter() - begun, 2),
    }


def sound_row(one: DataSet, model: str, target: str) -> dict:
    """Ask of a model that is sound."""
    page = ask(one, Planted(one.table, one.sidecar, lambda fact: False), target)
    made = {
        "set": one.name,
        "model": model,
        "verdict": page.attrs["verdict"],
        "remedies": json.loads(page.attrs["remedies"] or "[]"),
        "check": page.attrs["forecast_check"],
        "caution": page.attrs["caution"],
        "seconds": page.attrs["seconds"],
    }
    print(made, flush=True)
    return made


def sound(made: dict[str, DataSet]) -> list[dict]:
    """Ask of the sound models that the limits were set with."""
    rows = []
    for name, how in SOUND:
        if name in made and how in {30, "temp"}:
            one = made[name]
        elif name == "weather":
            one = made.get("weather") or made.setdefault("weather", weather())
        else:
            one = {"river": river, "energy": energy, "noise": noise}[name](how)
        target = how if isinstance(how, str) else one.target
        model = target if isinstance(how, str) else f"{target}, {how} epochs"
        rows.append(sound_row(one, model, target))
    return rows


def sound_fresh(made: dict[str, DataSet]) -> list[dict]:
    """Ask of sound models of the sets that no limit was set with."""
    rows = []
    for maker, how in fresh.SOUND:
        one = made[maker.__name__] if not how and maker.__name__ in made else maker(**how)
        if one is not None:
            told = ", ".join(f"{key} {value}" for key, value in how.items() if key != "target")
            rows.append(sound_row(one, f"{one.target}{', ' if told else ''}{told}", one.target))
    return rows


def planted(makers: dict[str, Callable], only: str | None) -> tuple[list[dict], dict]:
    """Plant every mistake on every set of a group."""
    rows, made = [], {}
    for name, maker in makers.items():
        one = maker()
        if one is None:
            print(f"{name} is left out: its file is not in the folder data of {fresh.SHARED}")
            continue
        made[name] = one
        for mistake, plant in MISTAKES.items():
            if only and mistake != only:
                continue
            trained_with = one
            if mistake == "leak of the future" and name != "weather":
                trained_with = maker(leak=True)
            rows.append(row(trained_with, mistake, plant(trained_with)))
            print(rows[-1], flush=True)
    return rows, made


def counted(rows: list[dict], rest: list[dict]) -> None:
    """Print how many are right."""
    right = sum(bool(r["place"]) for r in rows)
    worse = [r for r in rows if r["worse"]]
    named = sum(bool(r["place"]) for r in worse)
    told = sum(bool(r["caution"]) for r in worse)
    print(f"{right} of {len(rows)} with the right remedy among the first two named")
    print(f"of {len(worse)} worse than knowing nothing {told} get a caution, {named} by its name")
    accused = sum(bool(r["remedies"]) or r["verdict"] in ACCUSED for r in rest)
    print(f"{accused} of {len(rest)} sound models are told of a mistake")
    poor = sum(r["verdict"] == "worse" for r in rest)
    print(f"{poor} of {len(rest)} sound models are called worse than knowing nothing")


def main() -> None:
    """Plant every mistake on every set of a group, then ask of the sound models."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--group", choices=["first", "fresh"], action="append")
    parser.add_argument("--set", choices=[*MAKERS, *fresh.FRESH], action="append")
    parser.add_argument("--only", help="one mistake alone")
    parser.add_argument("--no-sound", action="store_true")
    asked = parser.parse_args()
    results = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    groups = {"first": (MAKERS, sound), "fresh": (fresh.FRESH, sound_fresh)}
    for group in asked.group or groups:
        makers, of_sound = groups[group]
        taken = {name: m for name, m in makers.items() if not asked.set or name in asked.set}
        rows, made = planted(taken, asked.only)
        rest = [] if asked.no_sound else of_sound(made)
        counted(rows, rest)
        results[group] = {"planted": rows, "sound": rest}
        if not (asked.set or asked.only or asked.no_sound):
            RESULTS.write_text(json.dumps(results, indent=1) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
