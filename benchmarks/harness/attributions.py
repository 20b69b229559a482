"""What a person would use instead, for contributions by lag and feature and by lag."""

from __future__ import annotations

import importlib.util
import warnings
from collections.abc import Callable

import numpy as np
import torch

from harness.networks import Floats, Forecaster

__all__ = ["DRAWS", "NODES", "by_lag", "by_lag_and_feature", "change_of", "missing"]

#: Draws a window of GradientExplainer, its own default; nodes of captum's integrated gradients.
DRAWS, NODES = 200, 50
#: Windows that torch is given at once by methods that take several.
BATCH = 4096

Asked = Callable[[], np.ndarray]


def by_lag_and_feature(module: Forecaster, x: Floats, backgrounds: Floats) -> dict[str, Asked]:
    """Give peers that split forecasts among lags and features.

    Parameters
    ----------
    module : Forecaster
        The network.
    x : array (sample, step, feature)
        Windows.
    backgrounds : array (background, step, feature)
        What they are compared with; integrated gradients compare with the mean of these.

    Returns
    -------
    dict of str to callable
        Each gives (sample, step, feature), oldest step first.
    """
    import shap
    from captum.attr import DeepLiftShap, IntegratedGradients

    tensor, given = torch.from_numpy(x), torch.from_numpy(backgrounds)
    mean = given.mean(dim=0, keepdim=True)

    def integrated_gradients() -> np.ndarray:
        method = IntegratedGradients(module)
        found = method.attribute(tensor, mean, n_steps=NODES, internal_batch_size=BATCH)
        return found.detach().numpy()

    def deep_lift_shap() -> np.ndarray:
        method = DeepLiftShap(module)
        # it lays out every window against every background
        parts = tensor.split(max(1, BATCH // len(given)))
        return torch.cat([method.attribute(part, given).detach() for part in parts]).numpy()

    def expected_gradients() -> np.ndarray:
        explainer = shap.GradientExplainer(module, given)  # pyright: ignore[reportArgumentType]
        return np.asarray(explainer.shap_values(tensor, nsamples=DRAWS, rseed=0))[..., 0]

    return {
        f"captum IntegratedGradients, {NODES} nodes": _quiet(integrated_gradients),
        "captum DeepLiftShap": _quiet(deep_lift_shap),
        f"shap GradientExplainer, {DRAWS} draws": _quiet(expected_gradients),
    }


def by_lag(module: Forecaster, x: Floats, baseline: Floats, evaluations: int) -> dict[str, Asked]:
    """Give peers that split a forecast among lags.

    Parameters
    ----------
    module : Forecaster
        The network.
    x : array (1, step, feature)
        One window.
    baseline : array (step, feature)
        What stands in for a hidden lag.
    evaluations : int
        Coalitions that are evaluated.

    Returns
    -------
    dict of str to callable
        Each gives (step,), oldest step first.
    """
    import shap

    steps = x.shape[1]

    def forecast(shown: np.ndarray) -> np.ndarray:
        mixed = np.where(shown[..., None] > 0, x, baseline).astype(np.float32)
        with torch.no_grad():
            return module(torch.from_numpy(mixed))[:, 0].numpy()

    def kernel() -> np.ndarray:
        explainer = shap.KernelExplainer(forecast, np.zeros((1, steps)))
        given = np.ones((1, steps))
        return explainer.shap_values(given, nsamples=evaluations, silent=True, l1_reg=False)[0]

    peers: dict[str, Asked] = {f"shap KernelExplainer, {evaluations:,}": _quiet(kernel)}
    if missing("timeshap") is None:
        peers["timeshap"] = _quiet(lambda: _timeshap(forecast, module, x, baseline, evaluations))
    return peers


def _timeshap(
    forecast: object, module: Forecaster, x: Floats, baseline: Floats, evaluations: int
) -> np.ndarray:
    from timeshap.explainer import local_event  # pyright: ignore[reportMissingImports]

    def score(windows: np.ndarray) -> np.ndarray:
        with torch.no_grad():
            return module(torch.from_numpy(windows.astype(np.float32))).numpy()

    asked = {"rs": 0, "nsamples": evaluations}
    found = local_event(score, x, asked, None, None, baseline.mean(axis=0, keepdims=True), 0)
    return found["Shapley Value"].to_numpy()[::-1]


def missing(peer: str) -> str | None:
    """Say why a peer is left out.

    Parameters
    ----------
    peer : str
        Its package.

    Returns
    -------
    str or None
        Why; None where it is there.
    """
    if importlib.util.find_spec(peer) is None:
        return f"{peer} is not installed here"
    try:
        importlib.import_module(peer)
    except Exception as error:  # whatever stops a peer from being loaded is the reason
        return f"{peer} cannot be imported: {type(error).__name__}"
    return None


def change_of(module: Forecaster, x: Floats, backgrounds: Floats) -> np.ndarray:
    """Give what contributions should sum to.

    Parameters
    ----------
    module : Forecaster
        The network.
    x, backgrounds : array (sample, step, feature)
        Windows, and what they are compared with.

    Returns
    -------
    array (sample,)
        Forecast less mean forecast of the backgrounds.
    """
    with torch.no_grad():
        forecast = module(torch.from_numpy(x))[:, 0].numpy()
        return forecast - module(torch.from_numpy(backgrounds)).mean().item()


def _quiet(ask: Asked) -> Asked:
    def asked() -> np.ndarray:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # captum on its hooks, shap on PyTorch's
            return ask()

    return asked
