"""One model of a library: read, asked by every method, held against the library's own forecast."""

from __future__ import annotations

import json
import time
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch

import rnnlens
from rnnlens.attribution.registry import METHODS
from rnnlens.errors import RnnlensError
from rnnlens.views.words.reach import reach_sentences

__all__ = ["Case", "record", "seeded"]

RESULTS = Path(__file__).parents[1] / "results" / "integrations"
#: How far the sum may be from the library's own forecast, in sizes of the largest.
TOLERANCE = 1e-6
WINDOWS = 6


@dataclass(frozen=True, kw_only=True)
class Case:
    """A model that a library made.

    Parameters
    ----------
    name : str
        As the library calls it, with what was chosen.
    module : torch.nn.Module
        What is read.
    inputs : mapping of str to array (window, ...)
        What is explained, by the names that rnnlens gives the module's inputs.
    example : object
        What the module is called with, for `rnnlens.read`.
    forecast : callable
        The library's own forecast of such inputs: array (window, horizon).
    longer : callable, optional
        Makes a module and an example of 365 steps, whose reading is timed.
    answer : callable, optional
        Lays the library's forecast out as the network's output, where a scaler of the library's
        stands around it; the forecast itself where not given.
    """

    name: str
    module: torch.nn.Module
    inputs: Mapping[str, np.ndarray]
    example: object
    forecast: Callable[[Mapping[str, np.ndarray]], np.ndarray]
    longer: Callable[[], tuple[torch.nn.Module, object]] | None = None
    answer: Callable[[np.ndarray], np.ndarray] | None = None
    #: The library's unit in sizes of the network's, by window: (window, 1).
    unit: np.ndarray | None = None

    def theirs(self, inputs: Mapping[str, np.ndarray]) -> np.ndarray:
        """Give the library's forecast as the network gives it: (window, horizon)."""
        made = self.forecast(inputs)
        return made if self.answer is None else self.answer(made)


def seeded() -> np.random.Generator:
    """Fix what every script draws, in NumPy and in torch, and say so once."""
    torch.manual_seed(1)
    return np.random.default_rng(1)


def record(library: str, cases: list[Case], peers: tuple[str, ...], *, some: bool = False) -> None:
    """Check every case, print its figures, and write them for the table.

    Where these are but some of the library's models, the rows of the others stay.
    """
    names = (library, "torch", "rnnlens", "numpy", *peers)
    path = RESULTS / f"{library}.json"
    RESULTS.mkdir(parents=True, exist_ok=True)
    kept = json.loads(path.read_text(encoding="utf-8"))["rows"] if some and path.exists() else []
    whole: dict[str, Any] = {"versions": {name: version(name) for name in names}, "rows": kept}
    for case in cases:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of the libraries about themselves
            row = _checked(case)
        place = next((k for k, one in enumerate(kept) if one["name"] == case.name), len(kept))
        kept[place : place + 1] = [row]
        print(json.dumps(row, indent=1), flush=True)
        text = json.dumps(whole, indent=1) + "\n"
        path.write_text(text, encoding="utf-8")
    print(f"wrote {RESULTS.name}/{library}.json")


def _checked(case: Case) -> dict[str, Any]:
    began = time.process_time()
    net = rnnlens.read(case.module, example=case.example)
    row: dict[str, Any] = {"name": case.name, "read_seconds": time.process_time() - began}
    row["network"] = " > ".join(dict.fromkeys(type(node.layer).__name__ for node in net.nodes))
    theirs = case.theirs(case.inputs)
    ours = _horizons(net, case.inputs)
    raw = float(np.abs(case.forecast(case.inputs)).max())
    scale = raw / (np.ones((len(theirs), 1)) if case.unit is None else case.unit)
    row["forecast_difference"] = float((np.abs(ours - theirs) / scale).max())
    row["methods"], row["refused"] = _methods(net, case, theirs, scale)
    row["lags"] = _lags(net, case)
    row["reach"] = _reach(net, case)
    if case.longer is not None:
        module, example = case.longer()
        began = time.process_time()
        rnnlens.read(module, example=example)
        row["read_365_seconds"] = time.process_time() - began
    _required(row)
    return row


def _horizons(net: Any, inputs: Mapping[str, np.ndarray]) -> np.ndarray:
    """Give forecasts as (window, horizon)."""
    made = np.asarray(rnnlens.predict(net, _given(inputs)))
    return made.reshape(len(made), -1)


def _given(inputs: Mapping[str, np.ndarray]) -> Any:
    return dict(inputs) if len(inputs) > 1 else next(iter(inputs.values()))


def _target(horizons: int, horizon: int) -> Any:
    return rnnlens.Target(0, horizon=horizon) if horizons > 1 else None


def _methods(net: Any, case: Case, theirs: np.ndarray, scale: np.ndarray) -> tuple[dict, dict]:
    """Run every method on the last horizon; sum what sums and compare with the library."""
    horizons = theirs.shape[1]
    series = max(case.inputs, key=lambda name: case.inputs[name].ndim)
    ran: dict[str, Any] = {}
    refused: dict[str, str] = {}
    for name, method in METHODS.items():
        options: dict[str, Any] = {"method": name, "target": _target(horizons, horizons)}
        if not method.joint and len(case.inputs) > 1:
            options["of"] = series
        began = time.process_time()
        try:
            made = rnnlens.explain(net, _given(case.inputs), **options)
        except RnnlensError as error:
            refused[name] = f"{type(error).__name__}: {error}"
            continue
        entry: dict[str, Any] = {"seconds": time.process_time() - began}
        if method.kind == "contribution":
            total = _summed(made) + np.asarray(made["baseline_forecast"])
            entry["sum_difference"] = float((np.abs(total - theirs[:, -1]) / scale[:, 0]).max())
        ran[name] = entry
    return ran, refused


def _summed(made: Any) -> np.ndarray:
    """Sum contributions over everything but the windows, and over all inputs."""
    parts = [made] if not getattr(made, "children", {}) else list(made.children.values())
    total = 0.0
    for part in parts:
        array = part["contribution"]
        total = total + array.sum([one for one in array.dims if one != "sample"])
    return np.asarray(total)


def _lags(net: Any, case: Case) -> str:
    """Run the table of lags on the first horizon, and say which verdicts it gave."""
    horizons = case.theirs(case.inputs).shape[1]
    # thirty windows or so are the fewest that its tests take; theirs are drawn around the inputs
    rng = np.random.default_rng(2)
    many = {
        name: np.concatenate([array] * 8)
        + 0.1 * rng.normal(size=(8 * len(array), *array.shape[1:]))
        for name, array in case.inputs.items()
    }
    certificates = rnnlens.Certificates(windows=1)
    table = rnnlens.lags(net, _given(many), target=_target(horizons, 1), certificates=certificates)
    parts = [table] if not getattr(table, "children", {}) else list(table.children.values())
    verdicts = [str(one) for part in parts if "verdict" in part for one in part["verdict"].values]
    return ", ".join(f"{verdicts.count(one)} {one}" for one in dict.fromkeys(verdicts))


def _reach(net: Any, case: Case) -> dict[str, Any]:
    """Compare what `describe` says cannot be seen with changing it in the library itself."""
    told = rnnlens.describe(net)["reach"]
    base = case.theirs(case.inputs)
    blind, wrong, edges, moved = 0, 0, 0, 0
    cut = {(one["input"], _horizon(one)): one for one in told}
    for name, array in case.inputs.items():
        if array.ndim < 3:
            continue
        for lag in range(1, array.shape[1] + 1):
            change = {**case.inputs, name: array.copy()}
            change[name][:, -lag] += 3.0
            differs = (case.theirs(change) != base).any(axis=0)
            for horizon, does in enumerate(differs):
                one = cut.get((name, horizon))
                newest = 1 if one is None else one["newest"]
                if newest is None or lag < newest:
                    blind += 1
                    wrong += int(does)
                elif lag == newest:
                    edges += 1
                    moved += int(does)
    return {
        "sentences": reach_sentences(told),
        "cannot": blind,
        "false_cannot": wrong,
        "newest_seen": edges,
        "newest_seen_that_move": moved,
    }


def _horizon(one: Mapping[str, Any]) -> int:
    return one["place"][1] if len(one["place"]) > 2 else 0


def _required(row: Mapping[str, Any]) -> None:
    """Stop where a figure is not what the table claims."""
    name = row["name"]
    worst = max(one.get("sum_difference", 0.0) for one in row["methods"].values())
    if max(worst, row["forecast_difference"]) > TOLERANCE:
        raise SystemExit(f"{name}: the sum is {worst:.2e} from the library's own forecast")
    if row["reach"]["false_cannot"]:
        raise SystemExit(f"{name}: what is said not to be seen moves the library's forecast")
    if row["reach"]["newest_seen"] != row["reach"]["newest_seen_that_move"]:
        raise SystemExit(f"{name}: the newest step that is seen does not move the forecast")
