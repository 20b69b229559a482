"""Integrated gradients: rnnlens against captum, with the same nodes and weights.

Both integrate the derivatives along the straight way from a baseline of zeros by Gauss-Legendre
quadrature. captum is measured with all points in one batch, as it does unless told otherwise, and
with smaller batches; the ratio is to the faster of the two.
"""

from __future__ import annotations

import harness.threads  # noqa: F401  (first: libraries make their threads when loaded)

# isort: split

from collections.abc import Callable

import numpy as np
import torch
from harness import ours
from harness.measure import agree, interleave
from harness.networks import SIZES, Floats, Forecaster, forecaster, windows
from harness.record import OURS, Record

from rnnlens.network.network import Network

#: Points that captum takes at once where it is told to.
BATCH = 4096
#: Rounding of float32, relative to the largest contribution.
TOLERANCE = 1e-4


def main() -> None:
    """Compare the contributions, then time them."""
    record = Record("integrated_gradients", __doc__ or "")
    count, steps = (16, 8) if record.quick else (512, 50)
    module, network = forecaster("LSTM", SIZES[0])
    x = windows(count, SIZES[0])
    runs = contenders(module, network, x, steps)
    found = {name: np.asarray(run()) for name, run in runs.items()}
    others = [name for name in runs if name != OURS]
    difference = max(agree(name, found[OURS], found[name], TOLERANCE) for name in others)
    times = interleave(runs, rounds=record.rounds, budget=60)
    sizes = f"LSTM {SIZES[0].text(count)}, {steps} nodes"
    note = f"rnnlens in {ours.PRECISION}"
    record.times("integrated gradients", sizes, times, difference=difference, note=note)
    ratio = min(times[name].over(times[OURS])[0] for name in others)
    record.claim("integrated gradients, against captum", ratio, "x", least=8, sizes=sizes)
    record.save()


def contenders(
    module: Forecaster, network: Network, x: Floats, steps: int
) -> dict[str, Callable[[], object]]:
    """Give the contenders, with the same nodes and weights."""
    from captum.attr import IntegratedGradients

    tensor, baseline = torch.from_numpy(x), np.zeros(x.shape[1:], np.float32)
    method = IntegratedGradients(module)

    def captum(batch: int | None) -> torch.Tensor:
        return method.attribute(
            tensor, 0.0, n_steps=steps, method="gausslegendre", internal_batch_size=batch
        ).detach()

    return {
        OURS: lambda: ours.integrated_gradients(network, x, baseline, steps),
        "captum, one batch": lambda: captum(None),
        f"captum, batches of {BATCH}": lambda: captum(BATCH),
    }


if __name__ == "__main__":
    main()
