"""Contributions by lag and feature with 32 backgrounds: rnnlens beside what others offer for it.

shap's GradientExplainer (expected gradients) and captum's DeepLift answer the same question for the
same backgrounds; they are run on some of the windows and their time is given for as many as ours.
What is left out of the sum, the gap, is stated for each: it should be zero.
"""

from __future__ import annotations

import harness.threads  # noqa: F401  (first: libraries make their threads when loaded)

# isort: split

import warnings
from collections.abc import Callable

import numpy as np
import torch
from harness import ours
from harness.measure import interleave
from harness.networks import Floats, Forecaster, Size, forecaster, windows
from harness.record import OURS, Record

BACKGROUNDS = 32
#: Draws a window of GradientExplainer, its own default.
DRAWS = 200


def main() -> None:
    """Time rnnlens on all windows and the others on some of them, in turn."""
    record = Record("secant", __doc__ or "")
    size = Size(32, 10, 24)
    count, some = (64, 4) if record.quick else (10_000, 50)
    module, network = forecaster("LSTM", size)
    x, backgrounds = windows(count, size), windows(BACKGROUNDS, size, seed=1)
    peers = others(module, x[:some], backgrounds)
    sums = {OURS: ours.secant(network, x, backgrounds).contribution.sum(axis=(1, 2))}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # captum on the hooks that it sets, shap on PyTorch's
        sums |= {name: run().sum(axis=(1, 2)) for name, run in peers.items()}
        times = interleave(
            {OURS: lambda: ours.secant(network, x, backgrounds), **peers}, rounds=3, budget=60
        )
    times = {name: one if name == OURS else one.scaled(count / some) for name, one in times.items()}
    sizes = f"LSTM {size.text(count)}, {BACKGROUNDS} backgrounds"
    note = f"rnnlens in {ours.PRECISION}; the others measured on {some} windows and scaled up"
    record.times("contributions by lag and feature", sizes, times, note=note)
    change = change_of(module, x, backgrounds)
    gaps = {
        name: (float(np.abs(change[: len(each)] - each).mean() / np.abs(change).mean()), "")
        for name, each in sums.items()
    }
    record.values("what is left out of the sum, in mean changes of the forecast", sizes, gaps)
    record.claim("secant, time", times[OURS].median, "s", most=10, sizes=sizes)
    record.save()


def others(
    module: Forecaster, x: Floats, backgrounds: Floats
) -> dict[str, Callable[[], np.ndarray]]:
    """Give what shap and captum offer for the same windows and backgrounds."""
    import shap
    from captum.attr import DeepLift

    tensor, given = torch.from_numpy(x), torch.from_numpy(backgrounds)

    def expected_gradients() -> np.ndarray:
        explainer = shap.GradientExplainer(module, given)  # pyright: ignore[reportArgumentType]
        return np.asarray(explainer.shap_values(tensor, nsamples=DRAWS, rseed=0))[..., 0]

    def deep_lift() -> np.ndarray:
        method = DeepLift(module)
        total = torch.zeros_like(tensor)
        for one in given:
            total += method.attribute(tensor, one[None]).detach()
        return (total / len(given)).numpy()

    return {
        f"shap GradientExplainer, {DRAWS} draws": expected_gradients,
        "captum DeepLift": deep_lift,
    }


def change_of(module: Forecaster, x: Floats, backgrounds: Floats) -> np.ndarray:
    """Give what contributions should sum to: forecast less mean forecast of the backgrounds."""
    with torch.no_grad():
        forecast = module(torch.from_numpy(x))[:, 0].numpy()
        return forecast - module(torch.from_numpy(backgrounds)).mean().item()


if __name__ == "__main__":
    main()
