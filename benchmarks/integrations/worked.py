"""One worked example of an adapter: held against the library, and its figures kept for the page."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

import rnnlens
from rnnlens.views.words.reach import reach_sentences

__all__ = ["TOLERANCE", "Worked", "worked"]

RESULTS = Path(__file__).parents[1] / "results" / "adapters"
#: How far forecasts, and sums of contributions, may be from the library's own, in sizes of the
#: largest of them.
TOLERANCE = 1e-6
#: What this run has held against the library so far.
_MADE: list[str] = []
#: Libraries whose version matters as much as that of the one that stands around them.
PEERS = {"scikeras": ("keras", "scikit-learn"), "sktime": ("neuralforecast",)}


@dataclass(frozen=True)
class Worked:
    """What an example made."""

    network: Any
    windows: Any
    explained: Any
    #: The table of lags; None where the example asks for none.
    lags: Any
    #: The library's own kind of table.
    native: Any


def blind(
    network: Any, newest_changed: Callable[[int], np.ndarray], of: str | None = None
) -> dict[str, Any]:
    """Say which newest lags cannot reach the first horizon, and ask the library itself.

    `newest_changed` changes that many of the newest observations, and gives what that did to the
    library's own forecast of the first horizon. `of` names the input of the observations, where
    others reach beyond now.
    """
    told = rnnlens.describe(network)["reach"]
    told = [one for one in told if of is None or one["input"] == of]
    first = next((one for one in told if not any(one["place"][1:])), None)
    newest = 1 if first is None else int(first["newest"])
    unseen = newest - 1
    if unseen and np.any(newest_changed(unseen)):
        raise SystemExit(f"what is said not to be seen, {unseen} steps, moves the forecast")
    if not np.any(newest_changed(newest)):
        raise SystemExit(f"lag {newest} is said to be seen, and does not move the forecast")
    return {"unseen": unseen, "newest_seen": newest}


def worked(
    library: str, name: str, made: Worked, own: np.ndarray, seen: dict[str, Any] | None = None
) -> None:
    """Hold an example against the library's own forecasts: own (sample,) of what is explained."""
    size = float(np.abs(own).max())
    forecast = np.asarray(made.explained["forecast"])
    beside = ", ".join(f"{one} {version(one)}" for one in PEERS.get(library, ()))
    told = version(library.replace("_", "-")) + (f" ({beside})" if beside else "")
    row: dict[str, Any] = {"name": name, "version": told}
    row["forecast_difference"] = float(np.abs(forecast - own).max()) / size
    total = summed(made.explained) + np.asarray(made.explained["baseline_forecast"])
    row["sum_difference"] = float(np.abs(total - own).max()) / size
    row["samples"], row["unit"] = len(own), made.explained.attrs.get("unit", "")
    row["target"] = str(made.explained.attrs.get("target", ""))
    row["method"] = str(made.explained.attrs.get("method", ""))
    row["native"], returned = _returned(made.native)
    row["native_difference"] = float(np.abs(returned - own).max()) / size
    row["inputs"] = {one: list(names) for one, names in _features(made.windows).items()}
    row["reach"] = reach_sentences(rnnlens.describe(made.network)["reach"])
    if made.lags is not None:
        row["lags"] = _lags(made.lags)
    if seen is not None:
        row["seen"] = seen
    _kept(library, row)
    parts = ("forecast", "sum", "native")
    worst = max(row[f"{part}_difference"] for part in parts)
    print(f"{library} {row['version']}, {name}: {worst:.1e} from the library's own", flush=True)
    if not worst <= TOLERANCE:
        raise SystemExit(f"{library}, {name}: {worst:.2e} from the library's own forecast")


def summed(explained: Any) -> np.ndarray:
    """Sum contributions over everything but the windows, and over all inputs."""
    parts = list(getattr(explained, "children", {}).values()) or [explained]
    total = 0.0
    for part in parts:
        array = part["contribution"]
        total = total + array.sum([one for one in array.dims if one != "sample"])
    return np.asarray(total)


def _returned(native: Any) -> tuple[str, np.ndarray]:
    """Say what a library's own table is, and sum it up: (sample,), the baseline's forecast too.

    What it holds of the forecast itself must be that sum.
    """
    if isinstance(native, list):
        totals, forecasts = np.array([_series_sum(one) for one in native]).T
        told = f"list of {_kind(native[0])}"
    else:
        rows = native.reset_index()
        parts = {"input", "feature", "lag", "lag_to", "ahead", "contribution"}
        once = ["forecast", "baseline_forecast"]
        whose = [name for name in rows if name not in {*parts, *once, "index"}]
        by = rows.groupby(whose, sort=False, dropna=False)
        totals = (by["contribution"].sum() + by["baseline_forecast"].first()).to_numpy()
        forecasts, told = by["forecast"].first().to_numpy(), _kind(native)
    if not np.allclose(totals, forecasts, rtol=TOLERANCE, atol=TOLERANCE * np.abs(totals).max()):
        raise SystemExit(f"{told} does not sum to its own forecast")
    return told, totals


def _series_sum(one: Any) -> tuple[float, float]:
    """Give the sum of a series of darts and what stands beside it, and the forecast it is of."""
    still = one.static_covariates.iloc[0]
    forecast = still["forecast"]
    return float(np.nansum(one.values()) + still.drop("forecast").sum()), float(forecast)


def _kind(native: Any) -> str:
    return f"{type(native).__module__.partition('.')[0]} {type(native).__name__}"


def _features(windows: Any) -> dict[str, tuple[str, ...]]:
    parts = dict(windows) if hasattr(windows, "parts") else {"": windows}
    return {name: one.features for name, one in parts.items()}


def _lags(table: Any) -> dict[str, list[list[str]]]:
    """Give the verdict of each lag, or feature, by input."""
    parts = dict(getattr(table, "children", {})) or {"": table}
    told = {}
    for name, part in parts.items():
        if "verdict" not in part:
            continue
        array = part["verdict"]
        axis = array.dims[0]
        ends = array.coords.get("lag_to")
        rows = []
        for k, place in enumerate(array[axis].values):
            last = place if ends is None else ends.values[k]
            rows.append([str(place) if last == place else f"{place}-{last}", str(array.values[k])])
        told[name] = rows
    return told


def _kept(library: str, row: dict[str, Any]) -> None:
    """Keep the figures of an example beside those of the others."""
    RESULTS.mkdir(parents=True, exist_ok=True)
    path = RESULTS / f"{library}.json"
    rows = json.loads(path.read_text(encoding="utf-8")) if path.exists() else []
    # what an earlier run of this version left is no figure of this one
    rows = [one for one in rows if one["version"] != row["version"] or one["name"] in _MADE]
    _MADE.append(row["name"])
    path.write_text(json.dumps([*rows, row], indent=1) + "\n", encoding="utf-8")
