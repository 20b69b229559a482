"""Recurrent layers on a device of PyTorch: rnnlens beside its own kernels, autograd and captum.

python benchmarks/device.py              # on cuda, or a sentence where there is none
RNNLENS_DEVICE=mps python benchmarks/device.py
"""

from __future__ import annotations

import harness.threads  # noqa: F401  (first: libraries make their threads when loaded)

# isort: split

import os
import warnings

import numpy as np
import torch
from archives.page import ARCHIVES
from harness import ours
from harness.measure import agree, interleave
from harness.networks import Floats, Forecaster, Size, forecaster, windows
from harness.record import OURS, Record

import rnnlens
from rnnlens.errors import RnnlensError
from rnnlens.network.network import Network

SIZES = (Size(32, 10, 24), Size(256, 32, 365))
#: Windows of forecasts, and of what goes back; baselines.
FORECASTS, BACK, BACKGROUNDS = 65_536, 2_048, 32
#: Rounding of float32 over all steps, on two kinds of machines.
TOLERANCE = 1e-3


def main() -> None:
    """Measure forecasts and secants of both sizes."""
    record = Record("device", __doc__ or "")
    device = os.environ.pop("RNNLENS_DEVICE", "cuda")
    try:
        with rnnlens.on_device(device):
            pass
    except RnnlensError as error:
        print(f"nothing is measured: {error}")
        return
    for size in SIZES[:1] if record.quick else SIZES:
        fewer = max(1, size.units * size.steps // (32 * 24) // 8)
        module, network = forecaster("LSTM", size)
        forecasts(record, device, module, network, windows(FORECASTS // fewer, size), size)
        secants(record, device, module, network, windows(BACK // fewer, size), size)
    archives(record, device)
    record.save()


def archives(record: Record, device: str) -> None:
    """Say how many windows a second the question of docs/archives.md takes on the device."""
    size = SIZES[0]
    _, network = forecaster("LSTM", size)
    x = windows(FORECASTS if not record.quick else BACK, size)
    zeros = np.zeros_like(x[:1])

    def on_device() -> np.ndarray:
        with rnnlens.on_device(device):
            return ours.secant(network, x, zeros).contribution

    name = f"rnnlens, {device}"
    taken = interleave({name: on_device}, rounds=5, budget=60)[name]
    record.values(
        ARCHIVES,
        f"LSTM {size.text(len(x))}",
        {name: (len(x) / taken.median, "/s")},
        note="windows in memory; reading and writing an archive go on beside it",
    )


def forecasts(
    record: Record, device: str, module: Forecaster, network: Network, x: Floats, size: Size
) -> None:
    """Forecast on the kernels, on the device, and by PyTorch there."""
    there = module.to(device)
    tensor = torch.from_numpy(x)

    def by_torch() -> np.ndarray:
        with torch.no_grad():
            return there(tensor.to(device)).cpu().numpy()

    def on_device() -> np.ndarray:
        with rnnlens.on_device(device):
            return ours.predict(network, x)

    contenders = {
        OURS: lambda: ours.predict(network, x),
        f"rnnlens, {device}": on_device,
        f"torch, {device}": by_torch,
    }
    sizes = f"LSTM {size.text(len(x))}"
    agree(sizes, contenders[OURS](), on_device(), TOLERANCE)
    record.times("forecasts in float32", sizes, interleave(contenders, rounds=5, budget=60))
    module.to("cpu")


def secants(
    record: Record, device: str, module: Forecaster, network: Network, x: Floats, size: Size
) -> None:
    """Contributions with 32 backgrounds on the kernels, on the device, and by captum there."""
    from captum.attr import DeepLiftShap

    backgrounds = windows(BACKGROUNDS, size, seed=1)
    there = module.to(device)
    some = x[: max(1, len(x) // 16)]

    def on_device() -> np.ndarray:
        with rnnlens.on_device(device):
            return ours.secant(network, x, backgrounds).contribution

    def by_captum() -> np.ndarray:
        method = DeepLiftShap(there)
        given = torch.from_numpy(backgrounds).to(device)
        parts = torch.from_numpy(some).split(64)
        return torch.cat([method.attribute(one.to(device), given).detach().cpu() for one in parts])

    contenders = {
        OURS: lambda: ours.secant(network, x, backgrounds).contribution,
        f"rnnlens, {device}": on_device,
        f"captum DeepLiftShap, {device}": by_captum,
    }
    sizes = f"LSTM {size.text(len(x))}, {BACKGROUNDS} backgrounds"
    agree(sizes, contenders[OURS](), on_device(), TOLERANCE)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # captum on the hooks that it sets
        times = interleave(contenders, rounds=3, budget=60)
    captum = f"captum DeepLiftShap, {device}"
    times[captum] = times[captum].scaled(len(x) / len(some))
    note = f"captum measured on {len(some)} windows and scaled up"
    record.times("contributions by lag and feature", sizes, times, note=note)
    module.to("cpu")


if __name__ == "__main__":
    main()
