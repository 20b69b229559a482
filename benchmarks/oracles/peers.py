"""What the peers' own code makes of the same data: captum, and tint where it is installed.

tint 0.3.0 (time_interpret) comes with `requirements.txt` here; its Dynamask trains a mask for 1,000
epochs on every series, most of an hour here, and is left to the published row. WinIT's code
(layer6ai-labs/WinIT) is no package that pip can install: its published row stands alone.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version

import numpy as np
import torch
from numpy.typing import NDArray

__all__ = ["NO_WINIT", "name_of", "rises_with_captum", "tint_is_missing", "white_box_with_peers"]

Array = NDArray[np.float64]

NO_WINIT = "WinIT's own code is not a package that pip can install: its published rows stand alone"
NODES = 20


def name_of(package: str, what: str) -> str:
    """Name a peer's method with its version, as in ``captum 0.9.0 IntegratedGradients``."""
    return f"{package.replace('time_interpret', 'tint')} {version(package)} {what}"


def tint_is_missing() -> str:
    """Say that tint is not installed; nothing where it is."""
    try:
        version("time_interpret")
    except PackageNotFoundError:
        return "tint is not installed: pip install -r oracles/requirements.txt adds its own figures"
    return ""


def white_box_with_peers(
    x: Array, salient: NDArray[np.bool_]
) -> dict[str, tuple[float, float, float, float]]:
    """Explain the sum of squares of the salient cells as tint's experiments do.

    Parameters
    ----------
    x : array (sample, step, feature)
        The series.
    salient : array (sample, step, feature) of bool
        Their salient cells.

    Returns
    -------
    dict of str to tuple of float
        By method: AUP and AUR as tint computes them, AUROC, and the largest error of a contribution
        against x^2 where the baseline is zero, NaN where the method takes another.
    """
    from captum.attr import IntegratedGradients
    from tint.attr import Occlusion
    from tint.metrics.white_box import aup, aur

    from oracles.scores import auroc

    series, chosen = torch.from_numpy(x), torch.from_numpy(salient.astype(float))

    def box(shown: torch.Tensor, cells: torch.Tensor) -> torch.Tensor:
        return (shown * cells).square().sum(dim=-1)

    def integrated(one: torch.Tensor, cells: torch.Tensor) -> torch.Tensor:
        way = {"baselines": torch.zeros_like(one), "additional_forward_args": (cells,)}
        return IntegratedGradients(box).attribute(one, **way)

    def occluded(one: torch.Tensor, cells: torch.Tensor) -> torch.Tensor:
        way = {"baselines": one.mean(0, keepdim=True), "additional_forward_args": (cells,)}
        return Occlusion(box).attribute(one, sliding_window_shapes=(1,), **way)

    found = {}
    for name, method, from_zero in (
        (name_of("captum", "IntegratedGradients"), integrated, True),
        (name_of("time_interpret", "Occlusion"), occluded, False),
    ):
        score = torch.stack([method(*pair) for pair in zip(series, chosen, strict=True)])
        truth = np.where(salient, x**2, 0.0)
        error = float(np.abs(score.numpy() - truth).max()) if from_zero else float("nan")
        ours = auroc(salient, np.abs(score.numpy()))
        found[name] = (float(aup(score, chosen)), float(aur(score, chosen)), ours, error)
    return found


def rises_with_captum(
    net: Callable[[torch.Tensor], torch.Tensor], x: Array, data: Array
) -> dict[str, Array]:
    """Explain each largest rise of the probability with captum, against the mean series.

    Parameters
    ----------
    net : callable
        From windows (sample, step, feature) to probabilities (sample, step, 1), as PyTorch runs it.
    x, data : array (sample, step, feature)
        What is explained, and what the mean is taken of.

    Returns
    -------
    dict of str to array (sample, step, feature)
        Scores by method.
    """
    from captum.attr import DeepLift, FeatureAblation, IntegratedGradients

    rise = _Rise(net)
    series = torch.from_numpy(x.astype(np.float32))
    mean = torch.from_numpy(data.mean(axis=0, keepdims=True).astype(np.float32))
    with torch.no_grad():
        step = 1 + net(series)[..., 0].diff(dim=1).argmax(dim=1)
    way = {"baselines": mean.expand_as(series), "additional_forward_args": (step,)}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # remarks on gradients and hooks that it sets by itself
        found = {
            "IntegratedGradients": IntegratedGradients(rise).attribute(
                series, n_steps=NODES, internal_batch_size=500, **way
            ),
            "DeepLift": DeepLift(rise).attribute(series, **way),
            "FeatureAblation": FeatureAblation(rise).attribute(series, **way),
        }
    return {
        name_of("captum", name): score.detach().double().numpy() for name, score in found.items()
    }


class _Rise(torch.nn.Module):
    """The change of the probability from one step to the next."""

    def __init__(self, net: Callable[[torch.Tensor], torch.Tensor]) -> None:
        super().__init__()
        self.net = net

    def forward(self, x: torch.Tensor, step: torch.Tensor) -> torch.Tensor:
        """Give the change at each row's own step."""
        probability, rows = self.net(x)[..., 0], torch.arange(len(x))
        return probability[rows, step] - probability[rows, step - 1]
