"""The exact Shapley value of every lag: rnnlens against every coalition run by PyTorch.

PyTorch runs one masked window a coalition, in batches of the size that it is fastest with here. In
each round it runs a stated fraction of the coalitions, spread evenly, and its time is scaled up; it
runs all of them once, and the values of the lags are compared. Beside it stand two estimates from
samples of coalitions, with their time and their error against the exact values.
"""

from __future__ import annotations

import harness.threads  # noqa: F401  (first: libraries make their threads when loaded)

# isort: split

import time
import warnings

import numpy as np
import torch
from harness import ours
from harness.measure import agree, interleave
from harness.networks import Floats, Forecaster, Size, forecaster, windows
from harness.record import OURS, Record

from rnnlens.attribution.methods.shapley_tree import shapley_values
from rnnlens.network.network import Network

BATCHES = (512, 2048, 8192, 32768)
#: PyTorch runs one coalition in so many in each round.
FRACTION = 16
#: Rounding of float32 in 2^20 forecasts, relative to the largest contribution.
TOLERANCE = 1e-4
#: Evaluations of KernelExplainer, and permutations of ShapleyValueSampling.
EVALUATIONS, PERMUTATIONS = 2048, 100

BRUTE = "torch, all coalitions"


class BruteForce:
    """Every coalition of steps as a window of its own."""

    def __init__(self, module: Forecaster, x: Floats) -> None:
        self.module, self.x = module, torch.from_numpy(x)
        self.bits = torch.arange(x.shape[1])
        self.batch = min(BATCHES, key=self._seconds_each)

    def _seconds_each(self, batch: int) -> float:
        coalitions = torch.arange(min(batch, 1 << len(self.bits)))
        run = {"brute": lambda: self.values(coalitions, batch)}
        return interleave(run, rounds=5)["brute"].median / len(coalitions)

    def values(self, coalitions: torch.Tensor, batch: int | None = None) -> torch.Tensor:
        """Give the forecast of each coalition; the others' steps are zero."""
        parts = []
        with torch.no_grad():
            for some in coalitions.split(batch or self.batch):
                shown = (some[:, None] >> self.bits & 1).float()
                parts.append(self.module(shown[..., None] * self.x)[:, 0])
        return torch.cat(parts)


def main() -> None:
    """Compare the lags' values, then time them."""
    record = Record("lag_shapley", __doc__ or "")
    size = Size(32, 8, 10 if record.quick else 20)
    module, network = forecaster("LSTM", size)
    x = windows(1, size)
    sizes = f"LSTM {size.text(1)}, K={size.steps}"
    exact = against_brute_force(record, sizes, module, network, x)
    estimates(record, sizes, module, x, exact)
    record.save()


def against_brute_force(
    record: Record, sizes: str, module: Forecaster, network: Network, x: Floats
) -> np.ndarray:
    """Compare with PyTorch on every coalition; give the exact values, oldest step first."""
    steps, zeros = x.shape[1], np.zeros(x.shape[1:], np.float32)
    brute, every = BruteForce(module, x), torch.arange(1 << x.shape[1])
    start = time.perf_counter()
    exact = shapley_values(brute.values(every).double().numpy())
    whole = time.perf_counter() - start
    found = ours.tree(network, x, zeros, steps)
    difference = agree("all coalitions", found.contribution[0, ::-1], exact, TOLERANCE)
    # one of each run of neighbours, so that every step is shown in half of them
    some = every[::FRACTION] + torch.randint(FRACTION, (len(every) // FRACTION,))
    runs = {
        OURS: lambda: ours.tree(network, x, zeros, steps),
        BRUTE: lambda: brute.values(some),
    }
    times = interleave(runs, rounds=record.rounds, budget=60)
    times[BRUTE] = times[BRUTE].scaled(FRACTION)
    note = (
        f"rnnlens in {ours.PRECISION}, {found.cells:,} cell evaluations; torch in batches of "
        f"{brute.batch:,}, 1 in {FRACTION} coalitions a round, all of them once in {whole:.2f} s"
    )
    record.times("exact lag Shapley", sizes, times, difference=difference, note=note)
    ratio = times[BRUTE].over(times[OURS])[0]
    work = "exact lag Shapley, against batched torch brute force"
    record.claim(work, ratio, "x", least=30, sizes=sizes)
    record.claim("exact lag Shapley, time", times[OURS].median, "s", most=0.7, sizes=sizes)
    return exact


def estimates(record: Record, sizes: str, module: Forecaster, x: Floats, exact: np.ndarray) -> None:
    """Time what estimates the same values from samples, and state the error."""
    import shap
    from captum.attr import ShapleyValueSampling

    steps = x.shape[1]
    tensor, lags = torch.from_numpy(x), torch.arange(steps)[None, :, None]

    def masked(shown: np.ndarray) -> np.ndarray:
        with torch.no_grad():
            windows = torch.from_numpy(shown.astype(np.float32))[..., None] * tensor
            return module(windows)[:, 0].numpy()

    def kernel() -> np.ndarray:
        explainer = shap.KernelExplainer(masked, np.zeros((1, steps)), silent=True)
        return explainer.shap_values(np.ones(steps), nsamples=EVALUATIONS, silent=True)

    def sampling() -> np.ndarray:
        found = ShapleyValueSampling(module).attribute(
            tensor,
            0.0,
            target=0,
            feature_mask=lags,
            n_samples=PERMUTATIONS,
            perturbations_per_eval=64,
        )
        return found[0, :, 0].numpy()  # every feature of a step holds the step's own value

    runs = {
        f"shap KernelExplainer, {EVALUATIONS:,} evaluations": kernel,
        f"captum ShapleyValueSampling, {PERMUTATIONS * (steps + 1):,} evaluations": sampling,
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # remarks on arguments that do not matter here
        for name, run in runs.items():
            error = float(np.abs(run() - exact).max() / np.abs(exact).max())
            seconds = interleave({name: run}, rounds=3)[name].median
            values = {"time": (seconds, "s"), "error": (100 * error, "% of the largest lag")}
            record.values(name, sizes, values)


if __name__ == "__main__":
    main()
