"""Results as the library gives them, made up but of the right form and a likely size."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import xarray as xr

FEATURES = [
    "temp",
    "dewp",
    "humid",
    "wind_u",
    "wind_v",
    "pressure",
    "visib",
    "precip",
    "hour_sin",
    "hour_cos",
]
STEPS, UNITS, SAMPLES = 24, 32, 500

ATTRS: dict[str, Any] = {
    "target": "temp",
    "unit": "F",
    "method": "secant",
    "baseline": "mean of the training months",
    "held": "hour_sin, hour_cos",
    "network": "weather.keras",
    "sha256": "9f2c" * 16,
    "rnnlens_version": "0.1.0",
    "numpy_version": "2.0.0",
    "created": "2024-05-01T12:30:00Z",
    "max_residual": 3.2e-13,
    "step": "1h",
    "lead": "6 h",
}


def sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


@pytest.fixture(scope="session")
def explanation() -> xr.Dataset:
    """500 hours of forecasts of temp, 24 lags by 10 features, with a gap in the time."""
    random = np.random.default_rng(3)
    hours = np.arange(SAMPLES) + np.where(np.arange(SAMPLES) >= 300, 12, 0)
    slow = np.cumsum(random.normal(0, 0.5, SAMPLES)) + 9 * np.sin(2 * np.pi * (hours - 9) / 24)
    decay = np.exp(-np.arange(STEPS) / 4.0)
    weight = np.array([1.0, 0.35, -0.2, 0.1, -0.25, -0.15, 0.02, -0.05, 0.0, 0.0])
    shape = decay[:, None] * weight + 0.02 * random.normal(size=(STEPS, 10)) * (weight != 0)
    inputs = slow[:, None, None] * 0.3 + random.normal(0, 1.2, (SAMPLES, STEPS, 10))
    contribution = inputs * shape
    contribution[:, :, 8:] = 0.0
    baseline = 55.0 + 3.0 * np.sin(2 * np.pi * (hours - 15) / 24)
    residual = random.normal(0, 1e-13, SAMPLES)
    residual[17] = 3.2e-13
    forecast = baseline + contribution.sum((1, 2)) + residual
    return xr.Dataset(
        {
            "contribution": (("sample", "lag", "feature"), contribution, {"units": "F"}),
            "forecast": ("sample", forecast),
            "baseline_forecast": ("sample", baseline),
            "residual": ("sample", residual),
            "actual": ("sample", forecast + random.normal(0, 2.5, SAMPLES)),
        },
        coords={
            "lag": np.arange(1, STEPS + 1),
            "feature": FEATURES,
            "time": ("sample", np.datetime64("2013-11-03T00:00", "ns") + hours.astype("m8[h]")),
        },
        attrs=ATTRS,
    )


@pytest.fixture(scope="session")
def tree_explanation(explanation: xr.Dataset) -> xr.Dataset:
    """Contributions by lag alone: eight lags and one player for the sixteen older ones."""
    by_lag = explanation["contribution"].sum("feature").values
    grouped = np.column_stack([by_lag[:, :8], by_lag[:, 8:].sum(1)])
    rest = explanation.drop_vars("contribution").drop_dims(("lag", "feature"))
    return (
        rest
        .assign(contribution=(("sample", "lag"), grouped))
        .assign_coords(lag=np.arange(1, 10), lag_to=("lag", [*range(1, 9), STEPS]))
        .assign_attrs(method="tree")
    )


@pytest.fixture(scope="session")
def lags(explanation: xr.Dataset) -> xr.Dataset:
    """Shares of the lags, with intervals."""
    size = np.abs(explanation["contribution"].values).sum(2)
    share = size.sum(0) / size.sum()
    return lags_of(share, mean=explanation["contribution"].values.sum(2).mean(0))


def lags_of(
    share: Any,
    *,
    lag_to: Any = None,
    mean: Any = None,
    low: Any = None,
    high: Any = None,
    **attrs: Any,
) -> xr.Dataset:
    """Make a result of ``lags`` from shares."""
    share = np.asarray(share, dtype=float)
    lag = np.arange(1, len(share) + 1)
    variables = {
        "share": share,
        "share_low": 0.9 * share if low is None else low,
        "share_high": 1.1 * share if high is None else high,
        "mean_contribution": np.zeros(len(share)) if mean is None else mean,
    }
    return xr.Dataset(
        {name: ("lag", np.asarray(values)) for name, values in variables.items()},
        coords={"lag": lag, "lag_to": ("lag", lag if lag_to is None else lag_to)},
        attrs={**ATTRS, "samples": SAMPLES, "confidence": 0.95, "block_length": 48, **attrs},
    )


@pytest.fixture(scope="session")
def make_lags() -> Callable[..., xr.Dataset]:
    """Give the function that makes a result of ``lags`` from shares."""
    return lags_of


@pytest.fixture(scope="session")
def trace() -> xr.DataTree:
    """One window's gates and states of one LSTM."""
    random = np.random.default_rng(5)
    gates = ["input", "forget", "cell", "output"]
    drift = np.cumsum(random.normal(0, 0.4, (1, STEPS, 4, UNITS)), axis=1)
    pre = drift + random.normal(0, 1, (1, 1, 4, UNITS))
    value = sigmoid(pre)
    value[:, :, 2] = np.tanh(pre[:, :, 2])
    cell, state = np.zeros((1, STEPS, UNITS)), np.zeros(UNITS)
    for step in range(STEPS):
        i, f, g, _ = value[0, step]
        state = f * state + i * g
        cell[0, step] = state
    coords = {"step": np.arange(STEPS), "gate": gates, "unit": np.arange(UNITS)}
    node = xr.Dataset(
        {
            "preactivation": (("sample", "step", "gate", "unit"), pre),
            "gate_value": (("sample", "step", "gate", "unit"), value),
            "cell": (("sample", "step", "unit"), cell),
            "hidden": (("sample", "step", "unit"), value[:, :, 3] * np.tanh(cell)),
        },
        coords=coords,
        attrs={"layer": "lstm"},
    )
    return xr.DataTree.from_dict({"/": xr.Dataset(), "lstm": node})


@pytest.fixture(scope="session")
def weights() -> xr.DataTree:
    """The weights of one LSTM, by gate."""
    random = np.random.default_rng(6)
    variables: dict[str, Any] = {}
    for kind, meaning, rows in (("W", "input kernel", 10), ("U", "recurrent kernel", UNITS)):
        dimension = "feature" if kind == "W" else "from_unit"
        for letter, gate in zip("ifco", ("input", "forget", "cell", "output"), strict=True):
            values = random.normal(0, 0.25, (rows, UNITS))
            attrs = {"gate": gate, "meaning": meaning, "source": f"lstm/kernel {gate}"}
            variables[f"{kind}_{letter}"] = ((dimension, "unit"), values, attrs)
    for letter, gate in zip("ifco", ("input", "forget", "cell", "output"), strict=True):
        values = random.normal(1.0 if letter == "f" else 0.0, 0.1, UNITS)
        variables[f"b_{letter}"] = ("unit", values, {"gate": gate, "meaning": "bias"})
    node = xr.Dataset(variables, coords={"feature": FEATURES}, attrs={"layer": "lstm"})
    dense = xr.Dataset({"kernel": (("in", "out"), np.ones((UNITS, 10)))}, attrs={"layer": "dense"})
    return xr.DataTree.from_dict({"/": xr.Dataset(), "lstm": node, "dense": dense})


@pytest.fixture(scope="session")
def fidelity() -> xr.Dataset:
    """Our run against stored outputs."""
    return xr.Dataset(
        {"largest_difference": ("target", np.linspace(1e-7, 4.7e-7, 8))},
        coords={"target": FEATURES[:8]},
        attrs={
            "largest": 4.7e-7,
            "tolerance": 1e-6,
            "agrees": 1,
            "against": "outputs stored when the network was trained",
            "samples": 256,
        },
    )


@pytest.fixture(scope="session")
def description() -> dict[str, Any]:
    """What is known of the network."""
    arrays = [
        {
            "name": f"lstm.{kind}_{letter}",
            "gate": gate,
            "meaning": meaning,
            "shape": shape,
            "dtype": "float32",
            "source": f"lstm/{source}[:, {32 * place}:{32 * place + 32}]",
            "stored_at": "layers/lstm/cell/vars/0",
        }
        for kind, meaning, shape, source in (
            ("W", "input kernel", [10, 32], "kernel"),
            ("U", "recurrent kernel", [32, 32], "recurrent_kernel"),
            ("b", "bias", [32], "bias"),
        )
        for place, (letter, gate) in enumerate(
            zip("ifco", ("input", "forget", "cell", "output"), strict=True)
        )
    ]
    return {
        "format": "Keras 3 archive",
        "version": "3.4.1",
        "path": "weather.keras",
        "sha256": "9f2c" * 16,
        "parameters": 5834,
        "notes": ["The layer dropout acts only in training."],
        "time_steps": "The 24 steps are in no array: the same W, U and b serve every step.",
        "layers": [
            {
                "name": "lstm",
                "kind": "LSTM",
                "units": 32,
                "features": 10,
                "parameters": 5504,
                "formula": "4 x (10 + 32 + 1) x 32 = 5504",
                "options": {"activation": "tanh", "recurrent_activation": "sigmoid"},
                "output_shape": [32],
                "arrays": arrays,
            },
            {
                "name": "dense",
                "kind": "Dense",
                "units": 10,
                "features": 32,
                "parameters": 330,
                "formula": "(32 + 1) x 10 = 330",
                "options": {},
                "output_shape": [10],
                "arrays": [
                    {
                        "name": "dense.W",
                        "gate": "",
                        "meaning": "kernel",
                        "shape": [32, 10],
                        "dtype": "float32",
                        "source": "dense/kernel",
                        "stored_at": "layers/dense/vars/0",
                    }
                ],
            },
        ],
    }
