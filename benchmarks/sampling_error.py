"""How far sampled Shapley values are from the exact ones: rnnlens, shap and captum.

Players are the lags of trained networks, few enough for the exact tree to give the truth. Each
contender gets the same number of cell evaluations, one recurrent layer at one step of one window:
a forecast that a peer asks for is counted as it runs and costs as many as there are steps, and
ours are what the engine counts, which starts coalitions that begin alike from one state. A second
run gives each the same number of *forecasts*, whatever they cost: it compares the estimators alone.
The error is the root of the mean square over windows, lags and seeds, in percent of the same of
the exact values.
"""

from __future__ import annotations

from oracles.training import Net, read, sliding, train  # first: it holds the threads

# isort: split

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import shap
import torch
from captum.attr import ShapleyValueSampling
from harness.question import question
from harness.record import OURS, Record
from numpy.typing import NDArray
from oracles import arx

from rnnlens.attribution.baselines.baseline import make_baseline
from rnnlens.attribution.games.order_batches import Stop
from rnnlens.attribution.methods.permutation import permutation_of_lags
from rnnlens.attribution.methods.shapley_tree import shapley_tree
from rnnlens.attribution.question import Question
from rnnlens.attribution.target import ResolvedTarget
from rnnlens.engine.forward import entries
from rnnlens.network.network import Network

Array = NDArray[np.float64]

LAGS, UNITS, WINDOWS, SEEDS = 14, 16, 10, range(6)
#: Cells for one window; the exact tree takes 32,766.
CELLS = (1000, 4000, 16000)
SHAP, CAPTUM = "shap KernelExplainer", "captum ShapleyValueSampling"
TARGET = ResolvedTarget((0,))


@dataclass(frozen=True, eq=False)
class Case:
    """A trained network and the windows whose lags are estimated.

    Parameters
    ----------
    name : str
        What was trained on what.
    net : Net
        The network in PyTorch, for the peers.
    x, x0 : array (sample, step, feature), (step, feature)
        The windows and their baseline.
    """

    name: str
    net: Net
    x: Array
    x0: Array

    @cached_property
    def network(self) -> Network:
        """The network as rnnlens reads it."""
        return read(self.net, LAGS)

    @property
    def asked(self) -> Question:
        """What our methods are asked."""
        inputs, baseline = entries(self.network, self.x), make_baseline(self.x0, self.x)
        return question(self.network, inputs, TARGET, baseline, newest=LAGS)

    @cached_property
    def exact(self) -> Array:
        """The Shapley values (sample, lag), newest lag first."""
        return shapley_tree(self.asked).contribution

    def forecasts(self, k: int, shown: Array) -> Array:
        """Forecast with some steps of one window shown (coalition, step), oldest first."""
        x, x0 = torch.from_numpy(self.x[k]), torch.from_numpy(self.x0)
        with torch.no_grad():
            mixed = torch.where(torch.from_numpy(shown > 0)[..., None], x, x0)
            return self.net(mixed)[:, 0].numpy()


#: From a case, a number of forecasts (or of cells, for ours) and a seed to the estimates
#: (sample, lag), the cells and the forecasts that they took for one window.
Estimate = Callable[[Case, int, int], tuple[Array, float, float]]


def ours(case: Case, cells: int, seed: int) -> tuple[Array, float, float]:
    """Draw pairs of orders until the cells are spent."""
    return _ours(case, Stop(pairs=1 << 20, budget=cells * len(case.x)), seed)


def ours_by_forecasts(case: Case, forecasts: int, seed: int) -> tuple[Array, float, float]:
    """Draw as many pairs of orders as the forecasts allow, whatever they cost."""
    return _ours(case, Stop(pairs=(forecasts - 2) // (2 * (LAGS - 1))), seed)


def _ours(case: Case, stop: Stop, seed: int) -> tuple[Array, float, float]:
    found = permutation_of_lags(case.asked, stop=stop, seed=seed)
    forecasts = 2 + int(found.permutations[0]) * (LAGS - 1)
    return found.contribution, found.cells / len(case.x), forecasts


def with_shap(case: Case, forecasts: int, seed: int) -> tuple[Array, float, float]:
    """Run KernelExplainer on the game of each window, all lags kept (no selection by lasso)."""
    np.random.seed(seed)  # noqa: NPY002  (it draws from the generator that numpy shares)
    found, asked = [], 0
    for k in range(len(case.x)):

        def game(shown: Array, k: int = k) -> Array:
            nonlocal asked
            asked += len(shown)
            return case.forecasts(k, shown)

        explainer = shap.KernelExplainer(game, np.zeros((1, LAGS)), silent=True)
        # it runs the window and the baseline on top of its samples
        size = {"nsamples": forecasts - 2, "l1_reg": 0, "silent": True}
        found.append(explainer.shap_values(np.ones(LAGS), **size)[::-1])
    asked /= len(case.x)
    return np.array(found), asked * LAGS, asked


def with_captum(case: Case, forecasts: int, seed: int) -> tuple[Array, float, float]:
    """Run ShapleyValueSampling, the features of a lag masked together."""
    torch.manual_seed(seed)
    x, x0 = torch.from_numpy(case.x), torch.from_numpy(case.x0)
    asked = 0

    def counted(windows: torch.Tensor) -> torch.Tensor:
        nonlocal asked
        asked += len(windows)
        return case.net(windows)

    found = ShapleyValueSampling(counted).attribute(
        x,
        x0[None].expand_as(x),
        target=0,
        feature_mask=torch.arange(LAGS)[None, :, None],
        n_samples=max(1, (forecasts - 1) // LAGS),
    )
    asked /= len(case.x)
    return found[..., 0].numpy()[:, ::-1], asked * LAGS, asked


def cases(quick: bool) -> list[Case]:
    """Train the networks: on the next value, and on a product of two lags."""
    data, test = arx.series(4000, 0), arx.series(400, 1)
    X, x = sliding(data, LAGS), sliding(test, LAGS)[:: 380 // WINDOWS][:WINDOWS]
    x0 = np.broadcast_to(test.mean(axis=0), (LAGS, 2)).copy()
    targets = {"autoregression": data[LAGS:, :1], "product": X[:, -2, :1] * X[:, -5, 1:]}
    made = []
    for kind in ("LSTM", "GRU"):
        for seed, (what, y) in enumerate(targets.items()):
            net = train(
                lambda kind=kind: Net(kind, 2, UNITS), X, y, epochs=2 if quick else 40, seed=seed
            )
            made.append(Case(f"{kind}, {what}", net, x, x0))
    return made


def compare(record: Record, case: Case, cells: int, runs: dict[str, Estimate], by: str) -> Array:
    """Record the error of every contender under one budget; give ours over each peer's."""
    scale = np.sqrt(np.mean(case.exact**2))
    values, errors = {}, {}
    for name, run in runs.items():
        size = cells if by == "cells" and name == OURS else cells // LAGS
        found = [run(case, size, seed) for seed in (SEEDS[:2] if record.quick else SEEDS)]
        miss = [np.mean((phi - case.exact) ** 2) for phi, _, _ in found]
        errors[name] = np.sqrt(np.mean(miss)) / scale
        spent, asked = np.mean([row[1:] for row in found], axis=0)
        title = f"{name}: {spent:,.0f} cells, {asked:,.0f} forecasts"
        values[title] = (100 * errors[name], "%")
    budget = f"{cells:,} cells" if by == "cells" else f"{cells // LAGS:,} forecasts"
    record.values(f"error at {budget}", case.name, values)
    return np.array([errors[OURS] / errors[peer] for peer in (SHAP, CAPTUM)])


def main() -> None:
    """Train, estimate and compare."""
    record = Record("sampling_error", __doc__ or "")
    sizes = f"{LAGS} lags, H={UNITS}, {WINDOWS} windows, {len(SEEDS)} seeds"
    peers: dict[str, Estimate] = {SHAP: with_shap, CAPTUM: with_captum}
    rules: dict[str, Estimate] = {"cells": ours, "forecasts": ours_by_forecasts}
    ratios: dict[str, list[Array]] = {by: [] for by in rules}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # remarks on arguments that do not matter here
        for case in cases(record.quick):
            for cells in CELLS[:1] if record.quick else CELLS:
                for by, run in rules.items():
                    ratios[by].append(compare(record, case, cells, {OURS: run, **peers}, by))
    for k, peer in enumerate((SHAP, CAPTUM)):
        worst = {by: float(np.max(found, axis=0)[k]) for by, found in ratios.items()}
        mean = {by: float(np.exp(np.log(found).mean(axis=0)[k])) for by, found in ratios.items()}
        what = f"error over that of {peer}"
        record.claim(f"{what}, equal cells, worst", worst["cells"], "", most=1.0, sizes=sizes)
        values = {f"equal {by}, geometric mean": (mean[by], "") for by in rules}
        values["equal forecasts, worst"] = (worst["forecasts"], "")
        record.values(what, sizes, values)
    record.save()


if __name__ == "__main__":
    main()
